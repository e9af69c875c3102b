"""``analyst audit``: every decision about a call, from the records of runs."""

from __future__ import annotations

import json

import pytest

from analyst.frontends.cli import main
from analyst.record import events
from analyst.record.log import RunLog
from analyst.record.making import EventMaker

STARTED = {
    "question": "q",
    "started_at": "2026-11-25T09:00:00.000+00:00",
    "model": "m",
    "model_reason": "r",
    "protocol": "native",
    "settings": {},
    "versions": {},
}


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """A run with a call of each outcome."""
    monkeypatch.setenv("ANALYST_DATA", str(tmp_path))
    make = EventMaker("20261125T090000000-abcdef")
    with RunLog(make.run_id, directory=tmp_path) as log:
        log.append(make(events.RunStarted, **STARTED))
        for name, decision, level, resolved in (
            ("python", "allow", "safe", None),
            ("sql", "deny", "safe", None),
            ("web_fetch", "ask", "risky", ("approved", "user")),
            ("write_file", "ask", "risky", ("edited", "user")),
            ("send", "ask", "irreversible", ("denied", "policy")),
            ("crm__update", "ask", "risky", None),
        ):
            call = {"call_id": f"c-{name}", "tool": name}
            log.append(
                make(events.ToolCallStarted, raw="", arguments={"text": f"of {name}"}, **call)
            )
            log.append(
                make(
                    events.PermissionDecided,
                    decision=decision,
                    why="it leaves the sandbox",
                    level=level,
                    risk=f"It calls {name}.",
                    **call,
                )
            )
            if decision == "ask":
                log.append(make(events.ApprovalRequested, call_id=call["call_id"], risk="r"))
            if resolved is not None:
                edited = {"text": "as edited"} if resolved[0] == "edited" else None
                log.append(
                    make(
                        events.ApprovalResolved,
                        call_id=call["call_id"],
                        decision=resolved[0],
                        by=resolved[1],
                        arguments=edited,
                    )
                )
    return make.run_id


def listed(capsys, *options: str) -> list[dict]:
    assert main(["audit", "--json", *options]) == 0
    return json.loads(capsys.readouterr().out or "[]")


def test_every_decision_is_listed_with_who_made_it(recorded, capsys):
    found = [(one["tool"], one["outcome"], one["by"]) for one in listed(capsys)]
    assert found == [
        ("python", "allowed", "rules"),
        ("sql", "denied", "rules"),
        ("web_fetch", "approved", "user"),
        ("write_file", "edited", "user"),
        ("send", "denied", "policy"),
        ("crm__update", "undecided", "rules"),
    ]


def test_what_ran_is_told_as_it_was_edited(recorded, capsys):
    (edited,) = listed(capsys, "--only", "edited")
    assert edited["arguments"] == {"text": "as edited"}


def test_calls_are_picked_by_run_outcome_and_tool(recorded, capsys):
    assert len(listed(capsys, recorded, "--only", "denied")) == 2
    assert len(listed(capsys, "--tool", "sql")) == 1
    assert main(["audit", "--tool", "nothing"]) == 0
    assert "No such decision" in capsys.readouterr().err
    assert main(["audit", "no-such-run"]) == 2
    assert main(["audit", "--runs", "-3"]) == 2


def test_the_table_reads_as_lines(recorded, capsys):
    assert main(["audit"]) == 0
    text = capsys.readouterr().out
    assert "approved  web_fetch      by the user  [risky] It calls web_fetch." in text
    assert '{"text": "as edited"}' in text
