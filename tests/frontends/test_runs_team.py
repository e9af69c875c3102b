"""``analyst runs team`` and the options that ask a team."""

from __future__ import annotations

import json

import pytest

from analyst.frontends.cli import main
from analyst.frontends.errors import OptionError
from analyst.frontends.options import parse_cell_line
from analyst.record import events
from analyst.record.log import RunLog
from analyst.record.making import EventMaker


@pytest.fixture
def data_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("ANALYST_DATA", str(tmp_path))
    return tmp_path


def record(directory, *turns):
    make = EventMaker("20261125T090000000-abcdef")
    with RunLog(make.run_id, directory=directory) as log:
        for number, one in enumerate(turns, 1):
            said = {"number": number, "text": "w", "seconds": 1.5, **one}
            log.append(make(events.TeamTurnFinished, **said))
        log.append(make(events.TeamFinished, result=1, reason="r"))


def test_the_roles_of_a_run_are_summed_up(data_directory, capsys):
    usage = events.Usage(input=1200, output=34, cached=1000)
    record(
        data_directory,
        {"role": "analyst\x1b[2J", "kind": "result", "usage": usage},
        {"role": "reviewer", "kind": "approval", "about": 1},
    )
    assert main(["runs", "team", "last"]) == 0
    head, analyst, reviewer = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["role", "turns", "failed", "tokens"]
    assert "1,234" in analyst
    assert "\x1b" not in analyst
    assert reviewer.split() == ["reviewer", "1", "0", "0", "0", "1.5", "0", "0", "1", "0"]
    assert main(["runs", "team", "last", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["roles"]["reviewer"]["approvals"] == 1


def test_a_run_without_a_team_is_told_so(data_directory, capsys):
    make = EventMaker("20261125T090000000-abcdef")
    with RunLog(make.run_id, directory=data_directory) as log:
        log.append(make(events.Note, code="n", text="t"))
    assert main(["runs", "team", "last"]) == 0
    assert "No team worked in run" in capsys.readouterr().err
    assert main(["runs", "team", "nothing"]) == 2


def test_a_cell_can_ask_a_team_or_for_a_plan():
    assert parse_cell_line("--team").overrides["work"] == "team"
    assert "work" not in parse_cell_line("").overrides
    with pytest.raises(OptionError, match="--plan"):
        parse_cell_line("--team --plan")
