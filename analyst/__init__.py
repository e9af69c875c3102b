"""A data analysis assistant in the notebook: ``%load_ext analyst``, then ``%%agent``.

Importing this package imports nothing else of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyst._version import __version__

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["__version__", "load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """Register ``%%agent`` and ``%agent``; called by ``%load_ext analyst``."""
    from analyst.frontends.magic import load  # noqa: PLC0415  # the command line needs none of it

    load(ipython)


def unload_ipython_extension(ipython: InteractiveShell) -> None:
    """Take the magics away and end the agent's session; called by ``%unload_ext analyst``."""
    from analyst.frontends.magic import unload  # noqa: PLC0415  # see above

    unload(ipython)
