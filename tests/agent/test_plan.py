"""Plans: rules, reading to the letter, reading what small models write, and editing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.agent.planning.plan import (
    MOST_STEPS,
    PlanError,
    as_lines,
    checked,
    edited,
    kind_of,
    read_plan,
)
from analyst.agent.planning.plan_salvage import MOST_LINES, salvaged
from analyst.record.events import PlanArtefact, PlannedStep


def step(text: str, *on: int, **more: Any) -> PlannedStep:
    return PlannedStep(text=text, depends_on=on, **more)


def test_steps_come_after_what_they_depend_on() -> None:
    steps = checked([step("chart it", 1), step("sum it", 2), step("clean it")])
    assert [one.text for one in steps] == ["clean it", "sum it", "chart it"]
    assert [one.depends_on for one in steps] == [(), (0,), (1,)]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([], "at least one step"),
        ([step(f"do {n}") for n in range(MOST_STEPS + 1)], "at most 8 steps, and this one has 9"),
        ([step("a", 1), step("b", 0)], "in a circle"),
        ([step("a", 0)], "in a circle"),
        ([step("a", 4)], "depends on step 5, which there is not"),
        ([step("  ")], "says nothing"),
        ([step("a"), step("a ")], "says the same"),
        ([step("x" * 500)], "longer than 400"),
        ([step("a", artefacts=(PlanArtefact(name="class"),))], "no variable can be called"),
    ],
)
def test_what_is_no_plan_is_refused_in_a_sentence(steps: list[PlannedStep], words: str) -> None:
    with pytest.raises(PlanError, match=words) as refused:
        checked(steps)
    assert str(refused.value).endswith(".")


def test_a_plan_is_read_to_the_letter() -> None:
    plan = {
        "steps": [
            {
                "text": "Mean by year",
                "kind": "compute",
                "artefacts": [{"name": "trend", "kind": "variable"}],
                "checks": ["len(trend) == 12"],
                "depends_on": [],
            },
            {
                "text": "Draw it",
                "kind": "chart",
                "artefacts": [],
                "checks": [],
                "depends_on": [1],
            },
        ]
    }
    first, second = read_plan(plan)
    assert first.artefacts[0].name == "trend"
    assert first.checks == ("len(trend) == 12",)
    assert (second.kind, second.depends_on) == ("chart", (0,))


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"steps": "do it"},
        {"steps": [{"text": "a", "kind": "dance"}]},
        {"steps": [{"text": "a", "kind": "compute", "also": 1}]},
        {"steps": [{"text": "a", "kind": "compute", "depends_on": ["1"]}]},
        {"steps": [{"text": "a", "kind": "compute"}], "note": "hello"},
    ],
)
def test_other_json_is_no_plan(wrong: dict[str, Any]) -> None:
    with pytest.raises(PlanError):
        read_plan(wrong)


def test_numbered_lines_of_a_small_model_are_a_plan() -> None:
    reply = """Here is the plan:

1. **Load the dataset**
2. Compute the mean life expectancy per year
   - group by year
3. Plot a chart of life expectancy by continent
4. Look up what the documents say about health
5. Summarize the findings
6. Do something else
```python
print(1)
```"""
    steps = salvaged(reply, most=MOST_LINES)
    assert [(one.kind, one.text) for one in steps] == [
        ("compute", "Compute the mean life expectancy per year"),
        ("chart", "Plot a chart of life expectancy by continent"),
        ("look_up", "Look up what the documents say about health"),
        ("write", "Summarize the findings"),
        ("compute", "Do something else"),
    ]


@pytest.mark.parametrize(
    "reply",
    [
        '{"steps": [{"text": "Sum it", "kind": "compute"}, {"text": "Draw it", "kind": "chart"}]}',
        '```json\n{"steps": [{"step": "Sum it", "type": "Compute"}, "Draw it",]}\n```',
        "{'plan': [{'description': 'Sum it'}, {'description': 'Draw it', 'kind': 'chart'}]}",
        '[{"text": "Sum it"}, {"text": "Draw it"}]',
        "- Sum it\n- chart: Draw it",
        "Step 1: Sum it\nStep 2: Draw it",
        "1) Sum it\n2) Draw it\n",
    ],
)
def test_the_usual_slips_are_mended(reply: str) -> None:
    steps = salvaged(reply)
    assert [(one.kind, one.text) for one in steps] == [("compute", "Sum it"), ("chart", "Draw it")]


def test_dependencies_on_later_steps_are_left_out_of_a_loose_plan() -> None:
    first, second = salvaged(
        '{"steps": [{"text": "a b", "depends_on": [2, "x"]}, {"text": "c d", "depends_on": "1"}]}'
    )
    assert first.depends_on == ()
    assert second.depends_on == (0,)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "I cannot do that.",
        "```python\nprint(1)\n```",
        "{}",
        "[]",
        '```python\nmean = df["wage"].mean()\n```',
        'both = df[["wage", "age"]]\nprint(both)',
        '```python\nfor one in ["wage", "age"]:\n    print(df[one])\n```',
        '```python\nnames = ["wage", "age"]\nprint(f"{names}")\n```',
    ],
)
def test_a_reply_without_a_plan_is_none(reply: str) -> None:
    with pytest.raises(PlanError):
        salvaged(reply)


def test_a_plan_survives_being_written_and_read() -> None:
    steps = checked(
        [
            step(
                "Mean by year",
                artefacts=(PlanArtefact(name="trend"), PlanArtefact(name="worst")),
                checks=("len(trend) > 1",),
            ),
            step("Draw it", 0, kind="chart"),
            step("What do the notes say?", kind="look_up"),
        ]
    )
    assert as_lines(steps).splitlines()[0] == "1. compute: Mean by year -> trend, worst"
    assert edited(as_lines(steps), steps) == steps


def test_an_edited_plan_keeps_what_was_not_touched() -> None:
    steps = checked([step("a a", checks=("x > 1",)), step("b b", 0), step("c c", 1)])
    new = edited("c c\n1. a a\n\nchart: draw all of it -> fig\nb b", steps)
    assert [one.text for one in new] == ["c c", "a a", "draw all of it", "b b"]
    assert new[0].depends_on == ()
    assert new[1].checks == ("x > 1",)
    assert new[2].artefacts[0].name == "fig"
    assert new[3].depends_on == (1,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "at least one"),
        ("\n \n", "at least one"),
        ("a\na", "the same"),
        ("\n".join(map(str, range(30))), "at most 8 steps, and this one has 30"),
    ],
)
def test_an_edited_plan_that_is_none_is_refused(text: str, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        edited(text, [])


def test_a_step_is_told_by_its_words() -> None:
    assert kind_of("Find the country with the highest life expectancy") == "compute"
    assert kind_of("Visualise the trend") == "chart"
    assert kind_of("Search the notes for reasons") == "look_up"
    assert kind_of("Summarise what was found") == "write"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["steps", "text", "kind", "artefacts", "depends_on", "checks", "name"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(st.one_of(st.text(), _JSON.map(json.dumps), _JSON.map(repr)))
def test_no_reply_breaks_the_reading(reply: str) -> None:
    try:
        steps = salvaged(reply)
    except PlanError:
        return
    assert 1 <= len(steps) <= MOST_STEPS
    assert checked(steps) == steps


@given(st.text())
def test_no_edit_breaks_the_reading(text: str) -> None:
    try:
        steps = edited(text, [step("a a")])
    except PlanError:
        return
    assert [one.text for one in edited(as_lines(steps), steps)] == [one.text for one in steps]


@pytest.mark.parametrize("mark", ["", "# "])
def test_a_plan_in_a_block_of_code_is_read(mark):
    written = ["Load the data", "Keep the last decade", "Mean by continent", "Draw the means"]
    lines = [f"{mark}{number}. {text}" for number, text in enumerate(written, 1)]
    block = "```python\n" + "\n".join(lines) + "\n```"
    assert [step.text for step in salvaged(block)] == written[1:]
    assert salvaged(block)[-1].kind == "chart"
