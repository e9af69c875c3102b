"""The constant texts of the agent, one Markdown file each; nothing is filled into them."""

from __future__ import annotations

import functools
from importlib import resources


@functools.cache
def load(name: str) -> str:
    """Return the text of ``<name>.md``, without the final newline."""
    return resources.files(__name__).joinpath(f"{name}.md").read_text("utf-8").strip()
