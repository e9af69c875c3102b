"""Looking at a repository runs nothing that the repository names, and shows no keys."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from analyst.tools.permissions import Permissions, Rule
from analyst.tools.project import git_tools
from analyst.tools.registry import ToolRegistry, ToolResult


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    ended = subprocess.run(
        ["git", "-C", folder, *identity, *arguments], check=True, capture_output=True, text=True
    )
    return ended.stdout


@pytest.fixture
def repository(project: Path) -> Path:
    git(project, "init", "-q", "-b", "main")
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "Begin")
    return project


async def call(root: Path, name: str, **arguments: Any) -> ToolResult:
    registry = ToolRegistry(git_tools(root))
    registry.validate(name, arguments)
    tool = registry.get(name)
    assert tool.judge(arguments).level == "safe"
    (result,) = [item async for item in tool.run(arguments)]
    assert isinstance(result, ToolResult)
    return result


async def status(root: Path) -> str:
    return (await call(root, "git_status")).observation


async def diff(root: Path, path: str | None = None, kind: str | None = None) -> str:
    return (await call(root, "git_diff", path=path, kind=kind)).observation


async def test_the_status_is_told(repository: Path) -> None:
    assert await status(repository) == "## main\nNothing differs from the last commit."
    (repository / "calc.py").write_text("changed\n")
    (repository / "new.py").write_text("new\n")
    assert await status(repository) == "## main\n M calc.py\n?? new.py"


async def test_what_differs_is_shown(repository: Path) -> None:
    assert await diff(repository) == "Nothing differs."
    (repository / "calc.py").write_text("def half(x):\n    return x // 2\n")
    shown = await diff(repository)
    assert "-    return x / 2\n+    return x // 2\n" in shown
    assert await diff(repository, "calc.py", "unstaged") == shown
    assert await diff(repository, "tests") == "Nothing differs."
    assert await diff(repository, None, "staged") == "Nothing differs."
    git(repository, "add", ".")
    assert await diff(repository, "./calc.py", "staged") == shown


async def test_keys_are_not_shown(repository: Path) -> None:
    secret = ("prod.env", "Server.PEM", ".ssh/config", "deep/.env", "credentials.json")
    for name in secret:
        (repository / name).parent.mkdir(exist_ok=True)
        (repository / name).write_text("a-key\n")
    git(repository, "add", "-f", ".")
    git(repository, "commit", "-q", "-m", "By mistake")
    for name in secret:
        (repository / name).write_text("another-key\n")
    (repository / "calc.py").write_text("changed\n")
    for path in (None, "deep"):
        assert "key" not in await diff(repository, path)
    assert (await call(repository, "git_diff", path=".env", kind=None)).status == "error"
    assert (await call(repository, "git_diff", path="../x", kind=None)).status == "error"


async def test_nothing_that_the_repository_names_is_run(repository: Path, tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    program = tmp_path / "program.sh"
    program.write_text(f'#!/bin/sh\necho "$0 $@" >> {trace}\ncat\n')
    program.chmod(0o755)
    (repository / ".gitattributes").write_text("*.py filter=bad diff=bad\n*.txt filter=odd.er=x\n")
    (repository / "a.txt").write_text("one\n")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "Attributes")
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for hook in ("post-index-change", "pre-commit", "fsmonitor-watchman"):
        (hooks / hook).symlink_to(program)
        (repository / ".git" / "hooks" / hook).unlink(missing_ok=True)
        (repository / ".git" / "hooks" / hook).symlink_to(program)
    run = str(program)
    for key in (
        "core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass",
        "pager.diff", "pager.status", "diff.external", "diff.bad.command", "diff.bad.textconv",
        "filter.bad.clean", "filter.bad.smudge", "filter.bad.process", "gpg.program",
        "credential.helper", "core.alternateRefsCommand", "interactive.diffFilter",
        "filter.odd.er=x.clean", "filter.BAD.clean", "alias.status", "alias.diff",
    ):  # fmt: skip
        git(repository, "config", key, f"!{run}" if key.startswith("alias") else run)
    git(repository, "config", "core.hooksPath", str(hooks))
    git(repository, "config", "filter.bad.required", "true")
    git(repository, "config", "extensions.partialClone", "origin")
    git(repository, "config", "remote.origin.url", f"ext::{run}")
    git(repository, "config", "remote.origin.promisor", "true")
    trace.unlink(missing_ok=True)
    # Changed, so that git must look into them, and as if nothing had been, but the time.
    (repository / "calc.py").write_text("changed\n")
    (repository / "a.txt").write_text("two\n")
    (repository / "tests" / "test_calc.py").touch()
    index = (repository / ".git" / "index").read_bytes()
    told = await status(repository)
    shown = await diff(repository)
    assert " M calc.py" in told
    assert "+changed" in shown
    assert "+two" in shown
    assert not trace.exists(), trace.read_text()
    assert (repository / ".git" / "index").read_bytes() == index


async def test_a_repository_elsewhere_is_not_opened(repository: Path, tmp_path: Path) -> None:
    below = repository / "tests"
    assert "no git repository" in await status(below)
    linked = tmp_path / "linked"
    git(repository, "worktree", "add", "-q", str(linked))
    assert "elsewhere" in await status(linked)
    by_link = tmp_path / "by_link"
    by_link.mkdir()
    (by_link / ".git").symlink_to(repository / ".git")
    assert "elsewhere" in await status(by_link)
    git(repository, "config", "core.worktree", "/etc")
    assert "passwd" not in await status(repository)


async def test_troubles_are_told_in_a_sentence(project: Path) -> None:
    git(project, "init", "-q")
    assert "git says" in await diff(project)
    (project / ".git" / "config").write_text("[broken")
    assert "git says" in await status(project)


async def test_without_git_it_says_so(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "not installed" in await status(repository)


async def test_a_flood_is_cut(repository: Path) -> None:
    (repository / "calc.py").write_text("x\n" * 1_000_000)
    assert len(await diff(repository)) < 13_000


async def test_a_rule_holds_for_the_folders_in_which_its_files_lie(repository: Path) -> None:
    (repository / "calc.py").write_text("SECRET = 1\n")
    denying = Rule(tool="*", decision="deny", where={"path": "*.py"}, source="your rules")
    tool = ToolRegistry(git_tools(repository)).get("git_diff")
    for path in ("", "tests", "calc.py", None):
        prepared = await tool.prepare({"path": path, "kind": None})
        risk = tool.judge(prepared.arguments)
        judged = Permissions(rules=[denying]).judge("git_diff", prepared.arguments, risk)
        assert judged.verdict == "deny"
