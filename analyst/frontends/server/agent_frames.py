"""The tables in an agent's kernel: listed, and brought to where a notebook can read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from analyst.frontends.export_data import write_frame
from analyst.frontends.server.conversation import Conversation
from analyst.frontends.server.errors import BusyError, NotThereError, RefusedError
from analyst.session import Session

MOST_COLUMNS = 200
_LISTING = """\
[{"name": name, "kind": "pandas", "shape": [int(size) for size in frame.shape],
  "columns": [[str(label)[:200], str(kind)[:200]]
              for label, kind in zip(frame.columns[:most], frame.dtypes.iloc[:most])],
  "bytes": int(frame.memory_usage(index=True, deep=False).sum())}
 for name, frame in helper.frames.frames_of(namespace).items()]
"""


async def list_frames(conversation: Conversation) -> list[dict[str, Any]]:
    """Describe the frames of the kernel; none where none was started. In the agents' thread."""
    session = conversation.session
    if session is None or session.status().kernel in {"not started", "ended"}:
        return []
    _refuse_if_busy(conversation)
    kernel = await session.kernel_task(session.settings)
    found = await kernel.call(" ".join(_LISTING.split("\n")), most=MOST_COLUMNS)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


async def fetch_frame(conversation: Conversation, name: str) -> Any:
    """Return a frame of the kernel; raises :class:`RefusedError`. In the agents' thread."""
    if not name.isidentifier():
        raise RefusedError("The name of a table is the name of a variable.")
    session: Session | None = conversation.session
    if session is None or session.status().kernel in {"not started", "ended"}:
        raise NotThereError("The agent has no kernel, and so no tables; ask it again for one.")
    _refuse_if_busy(conversation)
    return await session.fetch_frame(name)


def bring(frame: Any, name: str, folder: Path) -> tuple[Path, str]:
    """Write a frame to a new file in ``folder``; return it, and the code that reads it there."""
    place = write_frame(folder, name, frame)
    return place, f"import pandas as pd\n\n{name} = pd.read_parquet({place.name!r})"


def _refuse_if_busy(conversation: Conversation) -> None:
    if conversation.busy:
        raise BusyError("A run is going on; its tables can be had when it has ended.")
