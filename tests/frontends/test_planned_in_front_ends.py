"""Planned runs from a notebook and from the command line: asked for, reported, gone on with."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from analyst.frontends import cli_resume
from analyst.frontends.cli import build_parser, main
from analyst.frontends.cli_ask import ask
from analyst.frontends.options import parse_cell_line
from analyst.llm.scripted import ScriptedModel
from analyst.record.runs import list_runs
from analyst.session import Session

LINES = "1. Compute the mean life per year\n2. Draw a chart of it\n3. Summarize the findings"
MEAN = "```python\ntrend = df.groupby('year')['life'].mean()\nprint(trend.to_string())\n```"
CHART = "```python\npx.line(trend.reset_index(), x='year', y='life', title='Life').show()\n```"
FINAL = "FINAL: It rose from 65.0 to 68.0 years."
FRAME = (
    "import pandas as pd\n"
    "df = pd.DataFrame({'year': [2002, 2002, 2007, 2007], 'life': [60.0, 70.0, 62.0, 74.0]})"
)


def texts(cell):
    return "".join(
        output.get("text", "") or output.get("data", {}).get("text/plain", "")
        for output in cell.outputs
    )


def test_options_ask_for_a_plan_and_a_report():
    options = parse_cell_line("--plan --report trends.html")
    assert options.overrides == {"work": "plan"}
    assert options.report == "trends.html"
    assert parse_cell_line("").overrides == {}


def test_a_cell_plans_reports_and_a_later_line_reports_again(notebooks):
    _, asked, again = notebooks.run(
        [LINES, MEAN, CHART, FINAL],
        FRAME,
        "%%agent --plan --report trends.md --no-memory\nHow did life in df change? Draw a chart.",
        "%agent report trends.ipynb",
        allow_errors=False,
    )
    assert "1. Compute the mean life per year ✓" in texts(asked)
    assert "Report written to" in texts(asked)
    report = (notebooks.directory / "trends.md").read_text()
    assert "It rose from 65.0 to 68.0 years." in report
    assert "[Life](trends-charts.html#chart-1)" in report
    assert "trends.ipynb" in texts(again)
    assert json.loads((notebooks.directory / "trends.ipynb").read_text())["cells"]


def test_a_cell_goes_on_with_a_run_that_broke_off(notebooks):
    _, failed, resumed, last = notebooks.run(
        [LINES, MEAN, {"fails_with": "The model is gone."}, CHART, FINAL],
        FRAME,
        "%%agent --plan --no-memory --no-strict\nHow did life in df change? Draw a chart.",
        "%agent resume",
        "%agent resume",
        allow_errors=True,
    )
    assert "The model is gone." in texts(failed)
    assert "1. Compute the mean life per year ✓" in texts(resumed)
    assert "It rose from 65.0 to 68.0 years." in texts(resumed)
    (error,) = [one for one in last.outputs if one.output_type == "error"]
    assert "has ended well; there is nothing left to do." in error.evalue


@pytest.fixture
def scripted(tmp_path, monkeypatch):
    """Run commands with sessions whose model plays replies."""
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"year": [2002, 2007], "life": [65.0, 68.0]}).to_csv("life.csv", index=False)

    def run(replies, *words):
        options = build_parser().parse_args(words)
        if words[0] == "resume":
            monkeypatch.setattr(cli_resume, "ask", lambda options: options)
            options = cli_resume.resume(options)
            if isinstance(options, int):
                return options

        def make(settings):
            return Session(cwd=tmp_path, settings=settings, model=ScriptedModel(replies))

        return ask(options, session_factory=make)

    return run


def test_the_command_line_plans_and_goes_on(scripted, capsys, tmp_path):
    question = ["ask", "How did life change? Draw a chart.", "--data", "life.csv"]
    options = ["--plan", "--no-memory"]
    from analyst.llm.completion import ModelUnreachableError

    assert (
        scripted([LINES, MEAN, ModelUnreachableError("Nobody answers.")], *question, *options) == 1
    )
    assert "Nobody answers." in capsys.readouterr().err
    report = tmp_path / "out.md"
    code = scripted([CHART, FINAL], "resume", "last", "--no-memory", "--report", "out.md")
    said = capsys.readouterr()
    assert code == 0
    assert "It rose from 65.0 to 68.0 years." in said.out
    assert "Plan 1 of 3 · Compute the mean life per year ✓" in said.err
    assert f"Saved {report}" in said.err
    text = report.read_text()
    assert "3. Summarize the findings (done)" in text
    assert "trend = df.groupby" in text
    newest, before = list_runs()
    assert scripted([], "resume", before.run_id) == 2
    assert f"Run {newest.run_id} has ended well" in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_asked(scripted, capsys):
    words = ["ask", "How?", "--data", "life.csv", "--report"]
    assert scripted([], *words, "nowhere/x.md") == 2
    assert "there is no directory" in capsys.readouterr().err
    assert scripted([], *words, "x.md", "--private") == 2
    assert "private run keeps none" in capsys.readouterr().err
    assert list_runs() == []


def test_going_on_with_no_run_is_a_sentence(capsys):
    assert main(["resume", "nothing"]) == 2
    assert capsys.readouterr().err == "analyst resume: There is no run on record yet.\n"
