"""What servers said of their tools when they were first seen, kept to notice when that changes.

A server that is trusted by its descriptions may change them later. Here: digests in a file of the
data directory, and the comparison. Not here: what a change means (:mod:`analyst.tools.mcp.server`).
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from analyst.configuration import McpServer
from analyst.record.files import private_directory, write_private

if TYPE_CHECKING:
    from mcp.types import Tool

FILE = "mcp-tools.json"
MOST_TOOLS = 1_000
"""Most tools of a server that are remembered."""

_log = logging.getLogger(__name__)


def digest(tool: Tool) -> str:
    """Return a digest of all that a server says of a tool and that could mislead."""
    said = {
        "title": tool.title,
        "description": tool.description,
        "schema": tool.input_schema,
        "hints": tool.annotations.model_dump(mode="json") if tool.annotations else None,
    }
    return _sha256(json.dumps(said, sort_keys=True))


def identity(configured: McpServer) -> str:
    """Return a digest of which server this is: another program or address is another one.

    Variables are not expanded, so it holds nothing secret that the configuration does not.
    """
    return _sha256(json.dumps([configured.command, configured.args, configured.url]))


class SeenTools:
    """The file of digests in ``data_directory``."""

    def __init__(self, data_directory: Path) -> None:
        self._path = data_directory / FILE

    def compare(self, server: str, which: str, tools: Mapping[str, str]) -> frozenset[str]:
        """Return the tools whose digest is not the last one known, and remember these.

        ``which``: see :func:`identity`; of another server nothing is known. A file that cannot be
        read or written counts as one that knows nothing.
        """
        try:
            private_directory(self._path.parent)
            with FileLock(self._path.with_suffix(".lock"), timeout=5, mode=0o600):
                return self._compare(server, which, tools)
        except (OSError, Timeout):
            _log.warning("%s cannot be used", self._path, exc_info=True)
            return frozenset()

    def _compare(self, server: str, which: str, tools: Mapping[str, str]) -> frozenset[str]:
        servers = self._read()
        known = servers.get(server, {})
        before: dict[str, Any] = known.get("tools", {}) if known.get("which") == which else {}
        # One that is gone for now stays known: it may come back as another.
        after = {**before, **tools}
        if len(after) > MOST_TOOLS:
            after = dict(tools)
        if known.get("which") != which or after != before:
            servers[server] = {"which": which, "tools": after}
            write_private(self._path, json.dumps(servers, indent=1, sort_keys=True).encode())
        return frozenset(name for name in tools if name in before and before[name] != tools[name])

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            ok = isinstance(found, dict) and all(
                isinstance(one, dict) and isinstance(one.get("tools"), dict)
                for one in found.values()
            )
        except FileNotFoundError:
            return {}
        except (ValueError, RecursionError):
            ok = False
        if not ok:
            _log.warning("%s cannot be read, and is begun anew", self._path)
            return {}
        return dict(found)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
