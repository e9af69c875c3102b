"""The tools for the workspace, if the user named one.

Not here: the tools (:mod:`analyst.tools.files`, :mod:`analyst.tools.project`).
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analyst.session.sandbox import gateway_for, policy_for
from analyst.settings import Settings
from analyst.tools.files import Folder, file_tools
from analyst.tools.project import RunTests, git_tools
from analyst.tools.reach import reach_of
from analyst.tools.registry import Tool
from kernel_sandbox import KernelSession

if TYPE_CHECKING:
    from analyst.session.toolbox import Bench


class WorkspaceTools:
    """Files, tests and repository of the folder that the setting ``workspace`` names."""

    async def tools(self, bench: Bench) -> Sequence[Tool]:
        """See :class:`analyst.session.toolbox.ToolSource`."""
        settings = bench.settings
        if settings.workspace is None:
            return ()
        named = Path(settings.workspace)
        root = named.resolve()  # noqa: ASYNC240 - a look at one path
        if not root.is_dir():
            bench.notify(f"The workspace {named} is no folder; set workspace to one that is there.")
            return ()
        return (*file_tools(root), testing_tool(root, settings), *git_tools(root))

    async def aclose(self) -> None:
        """See :class:`analyst.session.toolbox.ToolSource`; sandboxes end with their runs."""


def testing_tool(root: Path, settings: Settings) -> RunTests:
    """Make the tool that runs the tests of a project, judged by what its sandbox may reach."""
    reach = reach_of(policy_for(settings), elsewhere=settings.gateway_url is not None)

    async def start() -> KernelSession:
        # Not the agent's kernel: tests may take it down, and its code could pose as theirs.
        return await KernelSession.start(
            policy=policy_for(settings), gateway=gateway_for(settings, os.environ)
        )

    return RunTests(
        Folder(root),
        start,
        command=shlex.split(settings.test_command),
        seconds=settings.cell_deadline_seconds,
        isolated=reach.isolated,
        hosts=reach.hosts,
    )
