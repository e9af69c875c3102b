"""The worked example from question to report, with a scripted model."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pytest

from analyst.frontends.report_recorded import save_report
from analyst.llm.completion import CompletionRequest, NativeToolCall
from analyst.llm.scripted import ScriptedModel
from analyst.record import events
from analyst.session import Session
from analyst.settings import Settings

from ..health import (  # noqa: TID252 - tests are no package
    FOLLOW_UP,
    QUESTION,
    gains,
    lay_out,
)
from .conftest import MakeSession
from .reading import collect, of_kind, the_answer
from .test_planned_runs import code, planned, python, statuses

PLAN = """1. Compute the mean life expectancy per continent for 1997, 2002 and 2007
2. Draw a line chart of life expectancy by continent
3. Look up what the notes say about the reasons for life expectancy in Africa
4. Summarize the findings"""
MEANS = """last = df[df['year'] >= 1997]
means = last.groupby(['continent', 'year'])['lifeExp'].mean().unstack()
means['gain'] = means[2007] - means[1997]
print(means.round(2).to_string())"""
CHART = """lines = means.drop(columns='gain').reset_index().melt('continent')
px.line(lines, x='year', y='value', color='continent', title='Life expectancy').show()"""


def summary(request: CompletionRequest) -> str:
    """Answer from what the request tells, as a model would."""
    told = str(request.messages[-1]["content"])
    asia = re.search(r"Asia\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)", told)
    source = re.search(r"\[(K\d+): ([^\]]+)\] [^\n]*HIV", told)
    assert asia, told
    assert source, told
    return (
        f"FINAL: From 1997 to 2007 life expectancy in Asia rose by {asia[4]} years to {asia[3]}. "
        f"In Africa HIV and AIDS held it down [{source[1]}: {source[2]}]."
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return lay_out(tmp_path)


async def test_the_example_from_question_to_report_and_a_new_session(
    make_session: MakeSession, data: Path, tmp_path: Path
) -> None:
    session = make_session([PLAN, code(MEANS), code(CHART), summary], settings={"work": "plan"})
    stream = await collect(session, QUESTION, files=[data])
    assert statuses(stream) == [(at, "ok") for at in range(4)]
    answer = the_answer(stream)
    assert answer.complete
    assert f"rose by {gains()['Asia']:.2f} years" in answer.text
    assert re.search(
        r"\[K\d+: notes/reasons\.md, [^\]]+\]|\[K\d+: reasons\.md[^\]]*\]", answer.text
    )
    assert "Charts: *Life expectancy* (step 2)." in answer.text
    assert not [note for note in of_kind(stream, events.Note) if note.code == "not_grounded"]
    looked = [one for one in of_kind(stream, events.ToolCallStarted) if one.tool == "look_up"]
    assert len(looked) == 1
    (saved,) = of_kind(stream, events.FindingSaved)

    run_id = stream[0].run_id
    text = save_report(
        run_id, tmp_path / "health.md", Settings(), directory=tmp_path / "data"
    ).read_text()
    assert "### Sources" in text
    assert "mostly because of HIV" in text
    assert "gapminder.csv" in text
    notebook = save_report(
        run_id, tmp_path / "health.ipynb", Settings(), directory=tmp_path / "data"
    )
    assert nbformat.read(notebook, 4).cells

    # In a later session the same is known, without model and code.
    later = make_session([])
    known = await collect(later, QUESTION, files=[data])
    assert the_answer(known).text.startswith(answer.text)
    assert f"computed on this very data [F{saved.number}]" in the_answer(known).text

    # A follow-up in a later session is told what was found, and may name it.
    asked = make_session(
        [
            NativeToolCall("r", "recall", json.dumps({"question": FOLLOW_UP})),
            f"Of what was found, Asia: it rose by {gains()['Asia']:.2f} years [F{saved.number}].",
        ],
        protocol="native",
    )
    follow_up = await collect(asked, FOLLOW_UP, files=[data])
    (recalled,) = of_kind(follow_up, events.FindingsRecalled)
    assert [(one.number, one.outcome) for one in recalled.findings] == [(saved.number, "related")]
    assert "2.71 years" in follow_up_told(asked)
    assert the_answer(follow_up).complete
    assert not [one for one in of_kind(follow_up, events.Note) if one.level == "warning"]

    # When the notes change, what cites them is not taken for known any more.
    reasons = tmp_path / "notes" / "reasons.md"
    reasons.write_text(reasons.read_text().replace("HIV and AIDS", "something else"))
    changed = make_session(["FINAL: It has to be looked at again."])
    again = await collect(changed, QUESTION, files=[data])
    assert changed.models.given.requests  # type: ignore[union-attr]
    assert "computed on this very data" not in the_answer(again).text


def follow_up_told(session: Session) -> str:
    model = session.models.given
    assert isinstance(model, ScriptedModel)
    return str(model.requests[0].messages[-1]["content"])


async def test_the_example_with_a_model_that_calls_functions(
    make_session: MakeSession, data: Path
) -> None:
    plan = planned(
        {
            "text": "Mean life expectancy per continent for 1997, 2002 and 2007",
            "artefacts": [{"name": "means", "kind": "variable"}],
            "checks": ["means.shape == (5, 4)", "means.notna().all().all()"],
        },
        {"text": "Line chart by continent", "kind": "chart", "depends_on": [1]},
        {"text": "Look up the reasons for life expectancy in Africa", "kind": "look_up"},
    )
    session = make_session(
        [
            plan,
            python(MEANS),
            "Asia gained most.",
            python(CHART),
            "All lines rise.",
            lambda request: summary(request).removeprefix("FINAL: "),
        ],
        protocol="native",
        settings={"work": "plan"},
    )
    stream = await collect(session, QUESTION, files=[data])
    assert statuses(stream) == [(at, "ok") for at in range(3)]
    assert the_answer(stream).complete
    assert "HIV and AIDS held it down [K" in the_answer(stream).text


async def test_a_forbidden_search_is_left_out_and_says_so(
    make_session: MakeSession, data: Path
) -> None:
    session = make_session(
        [
            "1. Look up the reasons in the notes\n2. Count the rows",
            code("print(len(df))"),
            "FINAL: 1704 rows.",
        ],
        settings={"work": "plan", "memory": False},
    )
    stream = await collect(
        session, "How many rows, and why?", files=[data], rules={"knowledge": "deny"}
    )
    first, _ = of_kind(stream, events.PlanStepFinished)
    assert "knowledge was not searched: denied by this cell's options." in str(first.reason)
    assert the_answer(stream).complete
