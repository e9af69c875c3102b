"""A copy of the workspace for the sandbox: its files packed, without keys, links and caches.

What .gitignore names goes along, as built and generated files often are needed.
"""

from __future__ import annotations

import io
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path

from analyst.tools.files.folder import Folder
from analyst.tools.files.paths import PathError
from analyst.tools.files.walking import Walk
from analyst.tools.registry import ToolError

MOST_FILES = 20_000
MOST_BYTES = 200 * 1024 * 1024
MOST_BYTES_OF_FILE = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Packed:
    """What was packed: the number of files, and the paths of those that were too large."""

    files: int
    left_out: tuple[str, ...]


def pack(folder: Folder, target: Path) -> Packed:
    """Write the files of a folder to a tar file; raises :class:`ToolError` if it is too large."""
    walk = Walk(folder, heeds_gitignore=False)
    files = total = 0
    left_out: list[str] = []
    now = time.time()
    with tarfile.open(target, "w") as archive:
        for file in walk.files():
            if file.size > MOST_BYTES_OF_FILE:
                left_out.append(file.path)
                continue
            try:
                content = folder.content(file.parts, most=MOST_BYTES_OF_FILE)
            except PathError:
                # Gone, grown, or closed to us.
                left_out.append(file.path)
                continue
            files += 1
            total += len(content.data)
            if files > MOST_FILES or total > MOST_BYTES:
                break
            info = tarfile.TarInfo(file.path)
            info.size, info.mode, info.mtime = len(content.data), content.mode, int(now)
            archive.addfile(info, io.BytesIO(content.data))
    if files > MOST_FILES or total > MOST_BYTES or not walk.complete:
        raise ToolError(
            f"The workspace is too large to be copied for its tests: {MOST_FILES} files and "
            f"{MOST_BYTES >> 20} MiB at most. The user can name a smaller folder as workspace."
        )
    return Packed(files, tuple(left_out))
