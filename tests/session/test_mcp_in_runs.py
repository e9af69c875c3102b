"""Runs that use the tools of a configured server; the model is scripted, the server is real."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import psutil
import pytest

from analyst.llm.completion import NativeToolCall
from analyst.record import events

from .conftest import MakeSession
from .reading import collect, of_kind, the_answer

SERVED = Path(__file__).parent.parent / "tools" / "mcp" / "served.py"


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's file, with the test server, one that does not start, and a rule."""
    directory = tmp_path / "config"
    directory.mkdir()
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(directory))
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-ours")
    path = directory / "analyst-tools.toml"
    path.write_text(f"""
[mcp_servers.s]
command = {json.dumps(sys.executable)}
args = [{json.dumps(str(SERVED))}, "stdio"]

[mcp_servers.absent]
command = "no-such-program-at-all"

[[permissions]]
tool = "s__a*"
decision = "allow"

[[permissions]]
tool = "s__e*"
decision = "allow"
""")
    return path


def calls(*given: tuple[str, dict[str, object]]) -> list[NativeToolCall]:
    return [
        NativeToolCall(str(number), name, json.dumps(arguments))
        for number, (name, arguments) in enumerate(given)
    ]


async def test_a_call_that_a_rule_allows_is_made_and_its_number_may_be_quoted(
    configured: Path, make_session: MakeSession
) -> None:
    session = make_session(
        [*calls(("s__add", {"a": 31, "b": 6})), "The sum is 37."], protocol="native"
    )
    stream = await collect(session, "What is the sum, by the server?")
    (finished,) = of_kind(stream, events.ToolCallFinished)
    assert (finished.status, finished.observation) == ("ok", "37")
    assert the_answer(stream).text == "The sum is 37."
    notes = of_kind(stream, events.Note)
    suspected = [note.text for note in notes if note.code == "injection_suspected"]
    (hostile,) = [one for one in suspected if "tool s__hostile says of itself" in one]
    assert "IGNORE ALL EARLIER INSTRUCTIONS" in hostile
    assert not [one for one in suspected if "s__add" in one]
    assert [note.text for note in notes if note.code == "tools"] == [
        "The tools of the server absent are left out: there is no program no-such-program-at-all."
    ]
    assert not [note for note in notes if "37" in note.text]
    (pid,) = [one.pid for one in psutil.Process().children() if str(SERVED) in one.cmdline()]
    await session.aclose()
    assert not psutil.pid_exists(pid)


async def test_what_may_change_something_is_not_called_where_nobody_can_be_asked(
    configured: Path, make_session: MakeSession
) -> None:
    session = make_session(
        [*calls(("s__read_note", {}), ("s__environment", {})), "Nothing."], protocol="native"
    )
    stream = await collect(session, "Read the note.")
    note, environment = of_kind(stream, events.ToolCallFinished)
    assert note.status == "refused"
    assert "Nobody is here" in note.observation
    assert environment.status == "ok"
    assert "a-key-of-ours" not in environment.observation
    assert "OPENAI" not in environment.observation
    decided = of_kind(stream, events.PermissionDecided)
    assert [(one.tool, one.decision) for one in decided] == [
        ("s__read_note", "ask"),
        ("s__environment", "allow"),
    ]


async def test_a_model_of_code_blocks_starts_no_server(
    configured: Path, make_session: MakeSession
) -> None:
    session = make_session(["```python\nprint(1)\n```", "FINAL: 1"], protocol="fenced")
    await collect(session, "One?")
    assert not [one for one in psutil.Process().children() if str(SERVED) in one.cmdline()]
