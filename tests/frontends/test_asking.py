"""What is asked in words where there are no buttons: calls, plans, questions."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import stat
import threading

import pytest

from analyst.frontends.asking import Asker, ask_in_words
from analyst.frontends.cell_control import CellDecision
from analyst.frontends.cli_asking import TerminalAsker
from analyst.record import events as ev

PLAN = "load the data\nsum it"


def asked(kind="call", **fields):
    given = {"risk": "It writes a file.", "editable": "write()", **fields}
    return ev.ApprovalRequested(run_id="r", seq=0, t=0, call_id="c", kind=kind, **given)


def plan():
    return asked("plan", risk="This is the plan.", editable=PLAN, can_always=False)


def question(*choices):
    return asked("question", risk="Which year?", editable="", choices=choices, can_always=False)


def decided(decision, text=None, *, always=False):
    return CellDecision(call_id="c", decision=decision, text=text, always=always)


class Typist:
    """Types lines, and keeps what it was asked."""

    def __init__(self, *lines):
        self.lines = [*lines]
        self.prompts = []

    def __call__(self, prompt):
        self.prompts.append(prompt)
        line = self.lines.pop(0)
        if isinstance(line, type):
            raise line
        return line


@pytest.mark.parametrize(
    ("request_", "lines", "expected"),
    [
        (asked(), ["y"], decided("approved")),
        (asked(), ["what?", " NO "], decided("denied")),
        (asked(), ["a"], decided("approved", always=True)),
        (asked(can_always=False), ["a", "y"], decided("approved")),
        (asked(), ["e", "a = 1", "", "keep(a)", "."], decided("edited", "a = 1\n\nkeep(a)")),
        (asked(), ["e", ".", "n"], decided("denied")),
        (asked(), ["e", "write()", "."], decided("approved")),
        (asked(editable=None), ["e", "n"], decided("denied")),
        (asked(), [EOFError], decided("denied")),
        (asked(), ["e", EOFError], decided("denied")),
        (asked(), [KeyboardInterrupt], None),
        (plan(), ["y"], decided("approved")),
        (plan(), ["a", "e", "load", "count", "."], decided("edited", "load\ncount")),
        (question("2024", "2025"), ["2"], decided("approved", "2025")),
        (question("2024", "2025"), ["the last one"], decided("approved", "the last one")),
        (question("2024", "2025"), ["3"], decided("approved", "3")),
        (question(), [" "], decided("denied")),
        (question(), [EOFError], decided("denied")),
    ],
)
def test_what_is_typed_is_a_decision(request_, lines, expected):
    typist = Typist(*lines)
    assert ask_in_words(request_, read=typist) == expected
    assert typist.lines == []


def test_the_prompts_say_what_is_decided_and_how():
    typist = Typist("what?", "n")
    ask_in_words(asked(preview="--- a\n+++ b\n+\x1b[2Jnew"), read=typist)
    question_ = "Run it? [y]es, [n]o, [a]lways in this conversation, [e]dit: "
    assert typist.prompts == [
        f"It writes a file.\n--- a\n+++ b\n+new\n{question_}",
        f"Type y, n, a or e. {question_}",
    ]
    typist = Typist("y")
    ask_in_words(plan(), read=typist)
    assert typist.prompts == [
        "This is the plan.\nload the data\nsum it\nGo by this plan? [y]es, [n]o, [e]dit: "
    ]
    typist = Typist("")
    ask_in_words(question("two\u202e\nlines"), read=typist)
    (prompt,) = typist.prompts
    assert prompt == (
        "Which year?\n  1. two<U+202E> lines\n"
        "Your answer (a number or your own words; nothing lets the agent decide): "
    )


class Door:
    def __init__(self):
        self.told = []

    def resolve_approval(self, decision):
        self.told.append(decision)

    def stop(self):
        self.told.append("stop")
        return True


def test_a_cell_asks_only_when_no_extension_was_heard_of():
    now = [0.0]
    heard = threading.Event()
    door, typist = Door(), Typist("y", "n")
    asker = Asker(door, heard=heard, patience=3, read=typist, clock=lambda: now[0])
    asker.take(asked())
    asker.take(plan().model_copy(update={"call_id": "p"}))
    now[0] = 2.9
    asker.take(None)
    assert door.told == []
    asker.take(
        ev.ApprovalResolved(run_id="r", seq=1, t=0, call_id="p", decision="denied", by="user")
    )
    now[0] = 3.1
    asker.take(None)
    assert door.told == [decided("approved")]
    heard.set()
    asker.take(asked())
    now[0] = 99
    asker.take(None)
    assert len(door.told) == 1


class Session:
    def __init__(self):
        self.told = asyncio.Queue()

    def resolve_approval(self, call_id, decision, text=None, *, always=False):
        self.told.put_nowait((call_id, decision, text, always))
        return True


@pytest.fixture
def terminal(monkeypatch):
    """A terminal in the place of standard input; what is written to it is typed."""
    master, slave = pty.openpty()
    with open(slave, encoding="utf-8") as stdin, contextlib.ExitStack() as closing:  # noqa: PTH123
        closing.callback(os.close, master)
        monkeypatch.setattr("sys.stdin", stdin)
        monkeypatch.delenv("VISUAL", raising=False)
        monkeypatch.delenv("EDITOR", raising=False)
        yield lambda text: os.write(master, text.encode())


async def test_the_terminal_asks_one_thing_after_the_other(terminal, capsys):
    session = Session()
    asker = TerminalAsker(session)
    asker.take(asked())
    asker.take(question("2024").model_copy(update={"call_id": "q"}))
    terminal("e\nkeep()\n.\n")
    assert await asyncio.wait_for(session.told.get(), 5) == ("c", "edited", "keep()", False)
    assert "Which year?" not in capsys.readouterr().err
    asker.take(
        ev.ApprovalResolved(run_id="r", seq=1, t=0, call_id="c", decision="edited", by="user")
    )
    terminal("1\n")
    assert await asyncio.wait_for(session.told.get(), 5) == ("q", "approved", "2024", False)


async def test_the_terminal_opens_the_users_editor(terminal, tmp_path, monkeypatch):
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i s/sum/count/ "$1"\n')
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("EDITOR", str(editor))
    session = Session()
    TerminalAsker(session).take(plan())
    terminal("e\n")
    told = await asyncio.wait_for(session.told.get(), 5)
    assert told == ("c", "edited", "load the data\ncount it", False)


async def test_what_ended_is_not_asked_about_any_more(terminal):
    session = Session()
    asker = TerminalAsker(session)
    asker.take(asked())
    await asyncio.sleep(0.05)
    asker.take(ev.RunFinished(run_id="r", seq=2, t=0, status="stopped", seconds=1))
    terminal("y\n")
    await asyncio.sleep(0.1)
    assert session.told.empty()
