"""``analyst mcp`` at a shell prompt."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from analyst.configuration import Configuration
from analyst.frontends import cli

from .conftest import HERE


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's file, which is not there yet."""
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("ANALYST_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    return tmp_path / "config" / "analyst-tools.toml"


CONFIGURED = f"""
[mcp_servers.s]
command = {json.dumps(sys.executable)}
args = [{json.dumps(str(HERE / "served.py"))}, "stdio"]
env = {{ TOKEN = "${{NOT_SHOWN}}" }}
allow_read_only = true

[mcp_servers.far]
url = "http://user@127.0.0.1:9/mcp?key=secret"
headers = {{ Authorization = "secret" }}
"""


def test_without_servers_it_says_where_they_go(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["mcp", "list"]) == 0
    assert capsys.readouterr().out.startswith(f"No server is configured. In {file}, for")


def test_servers_are_listed_without_what_is_secret(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(CONFIGURED)
    assert cli.main(["mcp", "list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert listed[0].startswith(f"s: {sys.executable} ")
    assert listed[0].endswith("stdio; its word on what only reads is taken")
    assert listed[1] == "far: http://127.0.0.1:9/mcp"


def test_a_server_is_tried(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(CONFIGURED)
    monkeypatch.setenv("NOT_SHOWN", "something secret")
    assert cli.main(["mcp", "test", "s"]) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert "s__echo (asked about)" in lines
    assert "s__read_note (not asked about: it says that it only reads)" in lines
    assert "s__tidy (asked about each time)" in lines
    assert "something secret" not in printed.out
    assert printed.err == ""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("far", "The tools of the server far are left out: it cannot be reached at"),
        ("s", "the environment variable NOT_SHOWN is not set"),
        ("other", "No server 'other' is configured; there is: s, far."),
    ],
)
def test_a_server_that_cannot_be_tried(
    name: str, words: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(CONFIGURED)
    assert cli.main(["mcp", "test", name]) == 1
    assert words in capsys.readouterr().err


def test_a_file_that_is_broken(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("[mcp_servers.s]\ncommand = 1\nurl = 2\n")
    assert cli.main(["mcp", "list"]) == 1
    assert str(file) in capsys.readouterr().err


def test_the_examples_of_the_documentation_can_be_taken_as_they_are(tmp_path: Path) -> None:
    text = (HERE.parents[2] / "docs" / "mcp.md").read_text()
    examples = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "file.toml").write_text("".join(examples))
    configuration = Configuration.load(tmp_path, user_file=tmp_path / "file.toml")
    assert set(configuration.mcp_servers) == {"time", "tickets", "browser"}
    pinned = json.loads((HERE / "browser_server" / "package.json").read_text())["dependencies"]
    assert [f"{name}@{version}" for name, version in pinned.items()] == re.findall(
        r"npm install --ignore-scripts (\S+)", text
    )
