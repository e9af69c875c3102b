"""Files that only their owner may read, and that are whole or not there at all.

Here: the two operations that everything kept on disk goes through, and where the analyst
keeps its data. Not here: what stands in the files.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

DATA_VARIABLE = "ANALYST_DATA"
"""Environment variable that names another data directory."""


def data_directory(environ: Mapping[str, str] | None = None) -> Path:
    """Return where runs, blobs and findings are kept; the directory may not exist yet."""
    named = (os.environ if environ is None else environ).get(DATA_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    from jupyter_core.paths import jupyter_data_dir  # noqa: PLC0415 - slow, and often unneeded

    return Path(jupyter_data_dir()) / "analyst"


def private_directory(path: Path) -> Path:
    """Make sure that ``path`` is a directory only its owner can enter (0700)."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(0o700)
    return path


def write_private(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write ``data`` to ``path`` with mode 0600, in one step: whole or not at all.

    A link is followed, so that a file kept elsewhere stays there. ``durable`` holds this even
    when the machine loses power, at the price of a wait for the disk. Raises :class:`OSError`.
    """
    path = path.resolve()
    # mkstemp makes its file with mode 0600.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
