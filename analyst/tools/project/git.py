"""Looking at the workspace's git repository, without letting its configuration run anything.

A repository's own configuration can name programs: hooks, monitors, filters, differs, pagers,
transports. All of them are switched off by name, in what outranks that configuration. Here: the
tools git_status and git_diff. Nothing is written, not even git's own index.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from analyst.tools.files.looking import WalkingTool
from analyst.tools.files.paths import PROTECTED, parts_of, visible
from analyst.tools.observation import cut_head
from analyst.tools.registry import Tool, ToolError
from analyst.tools.risk import Risk

_SECONDS = 20.0
_MOST_BYTES = 2 * 1024 * 1024
_MOST_SHOWN = 12_000
_LOOKS = Risk("safe", "It looks at the workspace's git repository and changes nothing.")

_SETTINGS: tuple[tuple[str, str], ...] = (
    ("core.fsmonitor", "false"),
    ("core.hooksPath", "/dev/null"),
    ("core.attributesFile", "/dev/null"),
    ("core.excludesFile", "/dev/null"),
    ("core.pager", "cat"),
    ("core.sshCommand", "false"),
    ("core.gitProxy", ""),
    ("core.askPass", ""),
    ("core.alternateRefsCommand", "false"),
    ("core.bare", "false"),
    ("credential.helper", ""),
    ("protocol.allow", "never"),
    ("diff.external", ""),
    ("diff.ignoreSubmodules", "all"),
    ("submodule.recurse", "false"),
    ("status.submoduleSummary", "false"),
    ("log.showSignature", "false"),
    ("gpg.program", "false"),
    ("color.ui", "false"),
    ("core.quotePath", "true"),
)
_FILTER = re.compile(r"(?P<driver>filter\..*)\.[^.]+", re.DOTALL | re.IGNORECASE)


class Repository:
    """The repository whose top is the workspace. Every method raises :class:`ToolError`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def git_status(self) -> str:
        """Tell the branch of the workspace, and which files differ from the last commit."""
        text = await self._git(
            "status", "--short", "--branch", "--untracked-files=normal", "--ignore-submodules=all"
        )
        lines = text.splitlines()
        if len(lines) == 1:
            lines.append("Nothing differs from the last commit.")
        return cut_head("\n".join(lines), _MOST_SHOWN)

    async def git_diff(
        self, path: str = "", kind: Literal["all", "staged", "unstaged"] = "all"
    ) -> str:
        """Show how tracked files of the workspace differ from the last commit.

        Args:
            path: A file or folder inside the workspace; empty for all.
            kind: Whether all that differs is shown, or only what is staged or is not.

        """
        parts = parts_of(path)
        against = {"all": ["HEAD"], "staged": ["--cached"], "unstaged": []}[kind]
        wanted = f":(top,literal){'/'.join(parts)}" if parts else ":(top)"
        left_out = [
            f":(top,exclude,glob,icase)**/{pattern}{rest}"
            for pattern in PROTECTED
            for rest in ("", "/**")
        ]
        text = await self._git(
            "diff",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            "--ignore-submodules=all",
            "--src-prefix=a/",
            "--dst-prefix=b/",
            *against,
            "--",
            wanted,
            *left_out,
        )
        return cut_head(visible(text), _MOST_SHOWN) or "Nothing differs."

    async def _git(self, *arguments: str) -> str:
        git = shutil.which("git")
        if git is None:
            raise ToolError("git is not installed on this machine.")
        self._check()
        names = await self._run(git, self._environment(()), "config", "--list", "--name-only", "-z")
        drivers = {one["driver"] for name in names.split("\0") if (one := _FILTER.fullmatch(name))}
        return await self._run(git, self._environment(sorted(drivers)), "--no-pager", *arguments)

    def _check(self) -> None:
        """See to a repository that is in the workspace, all of it."""
        place = self._root / ".git"
        try:
            is_folder = stat.S_ISDIR(place.lstat().st_mode)
        except OSError:
            raise ToolError("There is no git repository in the workspace.") from None
        if not is_folder or (place / "commondir").exists():
            raise ToolError("The git repository of the workspace is elsewhere; it is not opened.")

    def _environment(self, drivers: list[str] | tuple[()]) -> Mapping[str, str]:
        settings = [*_SETTINGS, ("safe.directory", str(self._root))]
        for driver in drivers:
            settings += [(f"{driver}.{key}", "") for key in ("clean", "smudge", "process")]
            settings.append((f"{driver}.required", "false"))
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": "/nonexistent",
            "LC_ALL": "C.UTF-8",
            "GIT_DIR": str(self._root / ".git"),
            "GIT_WORK_TREE": str(self._root),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_PAGER": "cat",
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
        for number, (key, value) in enumerate(settings):
            environment[f"GIT_CONFIG_KEY_{number}"] = key
            environment[f"GIT_CONFIG_VALUE_{number}"] = value
        return environment

    async def _run(self, git: str, environment: Mapping[str, str], *arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            git,
            *arguments,
            cwd=self._root,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            async with asyncio.timeout(_SECONDS):
                output, complaint = await asyncio.gather(
                    _most(process.stdout), _most(process.stderr)
                )
                await process.wait()
        except TimeoutError:
            raise ToolError("git took too long and was ended; name a path.") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if process.returncode:
            said = complaint.decode("utf-8", errors="replace").strip().split("\n")[0]
            raise ToolError(f"git says: {visible(said)[:300]}")
        return output.decode("utf-8", errors="replace")


def git_tools(root: Path) -> list[Tool]:
    """Return the tools that look at the repository of a folder."""
    repository = Repository(root)
    return [
        WalkingTool(root, one, pure=True, cacheable=False, judge=lambda _: _LOOKS)
        for one in (repository.git_status, repository.git_diff)
    ]


async def _most(stream: asyncio.StreamReader) -> bytes:
    """Read a stream to its end, and keep the beginning of it."""
    kept = bytearray()
    while chunk := await stream.read(1 << 16):
        if len(kept) < _MOST_BYTES:
            kept += chunk
    return bytes(kept)
