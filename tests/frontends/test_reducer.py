"""The reducer: what a run looks like after each of its events."""

from __future__ import annotations

import pytest

from analyst.frontends import reducer_steps
from analyst.frontends.reducer import advance, fold
from analyst.frontends.transcript import Draft, PlanItem, Remark, Step, Transcript
from analyst.record import events as ev


def outputs_of(script, step=0):
    return [shown.output for shown in fold(script.events).steps[step].outputs]


def test_a_whole_run_comes_out_in_order(the_whole_run):
    transcript = fold(the_whole_run.events)
    assert [step.code for step in transcript.steps] == [
        "print(df.x.mean())",
        "# show it\nfig.show()",
    ]
    assert transcript.steps[0].prose == "I compute it."
    assert transcript.answer == "The mean is **4.5**."
    assert transcript.values == {"mean": 4.5}
    assert transcript.data[0].rows == 1704
    assert transcript.status == "ok"
    assert transcript.streaming == ""
    assert transcript.usage == ev.Usage(input=300, output=60, cached=120)


def test_the_reducer_changes_nothing_it_was_given(the_whole_run):
    start = Transcript()
    transcripts = [start]
    for event in the_whole_run.events:
        transcripts.append(advance(transcripts[-1], event))
    assert start == Transcript()
    assert fold(the_whole_run.events[:5]) == transcripts[5]


def test_every_event_type_is_taken(script):
    script.start().words("text").call("x")
    script.add(ev.ApprovalRequested, call_id="call_1", risk="writes a file")
    assert fold(script.events).steps[0].awaits_user
    script.add(ev.ApprovalResolved, call_id="call_1", decision="denied", by="user")
    script.called("refused")
    script.add(ev.PlanProposed, steps=("load", "plot"))
    script.add(ev.PlanStepStarted, index=0)
    script.add(ev.PlanStepFinished, index=0, status="ok")
    script.add(ev.PlanRevised, steps=("load", "fit"), reason="better")
    known = {"outcome": "known", "nearness": 2, "answer": "3", "created_at": "2026-01-01"}
    script.add(
        ev.FindingsRecalled,
        findings=(
            {**known, "number": 1, "question": "What is the mean?"},
            {**known, "number": 2, "question": "x " * 100, "outcome": "stale"},
        ),
    )
    script.add(ev.FindingSaved, number=3)
    script.add(ev.ContextCompacted, tokens_before=9000, tokens_after=1000)
    script.add(ev.Prompt, request=1, messages=({"role": "user", "content": "x"},))
    transcript = fold(script.finish("partial", "the budget is spent").events)
    assert transcript.plan == (PlanItem(text="load", status="ok"), PlanItem(text="fit"))
    assert not transcript.steps[0].awaits_user
    remarks = [item.text for item in transcript.items if isinstance(item, Remark)]
    assert remarks == [
        (
            "In memory: [F1] What is the mean? (asked before, of this data); "
            f"[F2] {'x ' * 39}x… (the data changed since)."
        ),
        "Kept in memory as F3.",
        "Older messages were summed up for the model: 9,000 tokens became 1,000.",
    ]
    assert (transcript.status, transcript.reason) == ("partial", "the budget is spent")


def test_printed_text_that_goes_on_is_one_output(script):
    script.start().call("x").stream("a").stream("b\n").stream("!", "stderr").stream("c")
    assert [(o["name"], o["text"]) for o in outputs_of(script)] == [
        ("stdout", "ab\n"),
        ("stderr", "!"),
        ("stdout", "c"),
    ]


def test_endless_printing_keeps_its_end_and_counts_the_rest(script, monkeypatch):
    monkeypatch.setattr(reducer_steps, "MAX_STREAM_CHARS", 10)
    script.start().call("x")
    for number in range(10):
        script.stream(f"line {number}\n")
    shown = fold(script.events).steps[0].outputs[0]
    assert shown.output["text"] == " 8\nline 9\n"
    assert shown.cut == 60


def test_an_update_replaces_its_display_in_whichever_step_it_is(script):
    script.start().call("a").display({"text/plain": "0 %"}, display_id="bar").called()
    script.call("b").display({"text/plain": "100 %"}, display_id="bar", update=True)
    transcript = fold(script.events)
    assert transcript.steps[0].outputs[0].output["data"] == {"text/plain": "100 %"}
    assert transcript.steps[0].outputs[0].key == "call_1/0"
    assert transcript.steps[1].outputs == ()


def test_an_update_of_an_unknown_display_shows_nothing(script):
    script.start().call("a").display({"text/plain": "x"}, display_id="never", update=True)
    assert outputs_of(script) == []


def test_clearing_drops_what_was_before_in_this_step_only(script):
    script.start().call("a").stream("kept").called()
    script.call("b").stream("gone").output(None, clear=True).stream("new")
    assert [o["text"] for o in outputs_of(script, 0)] == ["kept"]
    assert [o["text"] for o in outputs_of(script, 1)] == ["new"]


def test_keys_are_not_used_again_after_clearing(script):
    script.start().call("a").display({"text/plain": "1"})
    script.display({"text/plain": "2"}, clear=True)
    assert [shown.key for shown in fold(script.events).steps[0].outputs] == ["call_1/1"]


@pytest.mark.parametrize(
    ("reply", "raw", "prose"),
    [
        ("First the mean.\n```python\nx = 1\n```", "{}", "First the mean."),
        ("```python\nx = 1\n```\nthat was it", "{}", ""),
        ("x = 1", "x = 1", ""),
        ('{"type": "tool"}', '{"type": "tool"}', ""),
        ("Let me see.", '{"code": "x = 1"}', "Let me see."),
    ],
)
def test_a_call_is_not_shown_twice_in_the_words_before_it(script, reply, raw, prose):
    script.start().words(reply).call("x = 1", raw=raw)
    assert fold(script.events).steps[0].prose == prose


@pytest.mark.parametrize("code", ["request_retried", "malformed_action", "not_computed"])
def test_a_reply_that_does_not_count_is_not_shown_on(script, code):
    script.start().words("half an ans").note("again", code=code)
    assert fold(script.events).streaming == ""


def test_a_call_of_another_tool_shows_its_arguments(script):
    script.start()
    script.add(ev.ToolCallStarted, call_id="q", tool="sql", raw="", arguments={"query": "SELECT 1"})
    script.add(ev.ToolCallStarted, call_id="w", tool="web", raw="", arguments={"page": 3})
    first, second = fold(script.events).steps
    assert (first.code, first.language) == ("SELECT 1", "sql")
    assert (second.code, second.language) == ('{\n  "page": 3\n}', "json")
    assert isinstance(first, Step)


@pytest.mark.parametrize(
    ("text", "draft"),
    [
        ("I load", Draft(prose="I load")),
        ("So:\n```python\nx = 1\n", Draft(prose="So:", code="x = 1\n")),
        ("```python\nx = 1\n```\nrest", Draft(code="x = 1\n")),
        ("FINAL: It is 4", Draft(answer="It is 4")),
        ("Thus.\n**Final answer:** 4\nexactly", Draft(prose="Thus.", answer="4\nexactly")),
    ],
)
def test_a_growing_reply_is_told_apart(text, draft):
    assert Draft.of(text) == draft
