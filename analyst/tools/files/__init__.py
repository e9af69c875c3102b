"""Tools for the files of one folder of the user's: looked at freely, changed on their word.

Nothing outside of that folder is ever opened, and nothing in it is deleted.
"""

from __future__ import annotations

from pathlib import Path

from analyst.tools.files.changing import changing_tools
from analyst.tools.files.folder import Folder
from analyst.tools.files.looking import looking_tools
from analyst.tools.registry import Tool

__all__ = ["Folder", "file_tools"]


def file_tools(root: Path) -> list[Tool]:
    """Return the tools for the files below ``root``."""
    folder = Folder(root)
    return [*looking_tools(folder), *changing_tools(folder)]
