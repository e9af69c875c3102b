"""``analyst mcp``: the configured servers of the Model Context Protocol, from the command line.

Here: options, sentences, exit codes. Not here: connections (:mod:`analyst.tools.mcp`), and the
file they are configured in (:mod:`analyst.configuration`).

Exit codes: 0 done, 1 it could not be done (one sentence on standard error says why).
"""

from __future__ import annotations

import argparse
import asyncio
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analyst.configuration import Configuration, McpServer
    from analyst.settings import Settings

_NONE = """\
No server is configured. In {path}, for instance:

[mcp_servers.time]
command = "mcp-server-time"
"""
_ASKED: Mapping[str, str] = {
    "safe": "not asked about: it says that it only reads",
    "risky": "asked about",
    "irreversible": "asked about each time",
}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``mcp`` and its verbs to a command line; each sets ``run`` to its function."""
    parser = subparsers.add_parser("mcp", help="servers whose tools the agent can use")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="what is configured; nothing is started")
    listing.set_defaults(run=_list)
    test = verbs.add_parser("test", help="start one, show its tools, and end it")
    test.add_argument("name", metavar="NAME")
    test.set_defaults(run=_test)


def _list(_: argparse.Namespace) -> int:
    from analyst.configuration import user_file_path  # noqa: PLC0415

    configuration = _configuration()
    if configuration is None:
        return 1
    if not configuration.mcp_servers:
        print(_NONE.format(path=user_file_path()), end="")
        return 0
    for name, server in configuration.mcp_servers.items():
        trusted = "; its word on what only reads is taken" if server.allow_read_only else ""
        print(f"{name}: {_where(server)}{trusted}")
    return 0


def _where(server: McpServer) -> str:
    """Return where a server is, without what may be secret."""
    from analyst.frontends.untrusted import one_line  # noqa: PLC0415
    from analyst.settings import display_url  # noqa: PLC0415

    if server.url is not None:
        return display_url(server.url)
    return one_line(shlex.join([server.command or "", *server.args]), 200)


def _test(options: argparse.Namespace) -> int:
    from analyst.frontends.untrusted import one_line  # noqa: PLC0415

    configuration = _configuration()
    if configuration is None:
        return 1
    name: str = options.name
    if name not in configuration.mcp_servers:
        known = ", ".join(configuration.mcp_servers) or "none"
        print(f"No server {one_line(name)!r} is configured; there is: {known}.", file=sys.stderr)
        return 1
    only = configuration.model_copy(update={"mcp_servers": {name: configuration.mcp_servers[name]}})
    return asyncio.run(_tested(only))


@dataclass(frozen=True, kw_only=True)
class _Bench:
    """What the tools are made on; see :class:`analyst.tools.mcp.source.Bench`."""

    settings: Settings
    configuration: Configuration
    cwd: Path
    data_directory: Path
    notify: Callable[[str], None]


async def _tested(configuration: Configuration) -> int:
    from analyst.frontends.untrusted import one_line  # noqa: PLC0415
    from analyst.record.files import data_directory  # noqa: PLC0415
    from analyst.settings import Settings  # noqa: PLC0415
    from analyst.tools.mcp.source import McpTools  # noqa: PLC0415

    bench = _Bench(
        settings=Settings(),
        configuration=configuration,
        cwd=Path.cwd(),
        data_directory=data_directory(),
        notify=lambda text: print(one_line(text, 1000), file=sys.stderr),
    )
    source = McpTools()
    try:
        tools = await source.tools(bench)
        for tool in tools:
            print(f"{tool.name} ({_ASKED[tool.judge({}).level]})")
            print(f"  {one_line(tool.description, 200)}")
    finally:
        await source.aclose()
    return 0 if tools else 1


def _configuration() -> Configuration | None:
    from analyst.configuration import Configuration, ConfigurationError  # noqa: PLC0415

    try:
        return Configuration.load(Path.cwd())
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return None
