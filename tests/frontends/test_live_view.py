"""The live view: what is published, in which order, how often, and what remains."""

from __future__ import annotations

import pytest

from analyst.frontends.live_view import LiveView
from analyst.frontends.outputs import PLOTLY
from analyst.record import events as ev

PNG_MIME = "image/png"


class Cell:
    """A cell's output area, as a notebook keeps it."""

    def __init__(self):
        self.outputs = {}
        self.messages = 0

    def __call__(self, bundle, display_id, *, update):
        assert update == (display_id in self.outputs)
        self.outputs[display_id] = bundle
        self.messages += 1

    @property
    def kinds(self):
        return [
            next(
                (m for m in (PLOTLY, PNG_MIME) if m in bundle),
                "html" if "text/html" in bundle else "",
            )
            for bundle in self.outputs.values()
        ]

    @property
    def html(self):
        return "".join(bundle.get("text/html", "") for bundle in self.outputs.values())

    @property
    def text(self):
        return "\n".join(bundle["text/plain"] for bundle in self.outputs.values())


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def play(script, *, step=1.0, **options):
    """Show a run; ``step`` seconds pass between its events."""
    cell, clock = Cell(), Clock()
    view = LiveView(publish=cell, clock=clock, **options)
    for event in script.events:
        clock.now += step
        view.apply(event)
    return cell, view


def test_parts_charts_and_answer_come_in_the_order_of_the_run(the_whole_run):
    cell, _ = play(the_whole_run)
    # step 1 | step 2 | chart | table | image | answer
    assert cell.kinds == ["html", "html", PLOTLY, "html", PNG_MIME, "html"]
    parts = list(cell.outputs.values())
    assert "Step 1" in parts[0]["text/html"]
    assert "Step 2" in parts[1]["text/html"]
    assert "<table>" in parts[3]["text/html"]
    assert "<strong>4.5</strong>" in parts[5]["text/html"]


@pytest.mark.parametrize("step", [0.0, 0.01, 0.3, 5.0])
def test_however_fast_the_events_come_the_end_is_the_same(the_whole_run, step):
    slow, _ = play(the_whole_run, step=10.0)
    fast, _ = play(the_whole_run, step=step)
    assert list(fast.outputs.values()) == list(slow.outputs.values())


def test_the_first_line_says_which_model_and_why_and_what_was_handed_over(the_whole_run):
    cell, _ = play(the_whole_run)
    first = next(iter(cell.outputs.values()))
    assert first["text/plain"].startswith(
        "scripted events (the test says so)\ndf: 1,704 rows, 6 columns, 98.3 kB"
    )
    assert "scripted events (the test says so)<br>df: 1,704 rows" in first["text/html"]


def test_the_last_line_is_steps_tokens_seconds_and_model(the_whole_run):
    cell, _ = play(the_whole_run)
    assert cell.text.endswith(
        "2 steps · 300 tokens read, 120 from cache, 60 written · 2.5 s · scripted events · "
        "run 20260101T000000000-abcdef"
    )


def test_updates_are_at_most_ten_a_second(script):
    script.start().words("word " * 400, piece=1)
    cell, _ = play(script, step=0.001)
    seconds = len(script.events) * 0.001
    assert cell.messages <= seconds * 10 + 3


def test_the_first_words_of_a_reply_show_at_once(script):
    script.start()
    script.add(ev.MessageDelta, request=0, text="Hello")
    cell, _ = play(script, step=0.0)
    assert "Hello" in cell.html


def test_an_unchanged_view_publishes_nothing(the_whole_run):
    cell, view = play(the_whole_run)
    before = cell.messages
    view.flush()
    view.fail("too late")
    assert cell.messages == before


def test_the_clock_goes_on_while_nothing_happens(script):
    cell, clock = Cell(), Clock()
    view = LiveView(publish=cell, clock=clock)
    view.apply(script.start().events[0])
    assert "getting ready … 0 steps · 0 s" in cell.text
    view.apply(script.add(ev.Prompt, request=0, messages=()))
    for _ in range(21):
        clock.now += 0.25
        view.tick()
    assert "the model is reading … 0 steps · 5 s" in cell.text
    assert cell.messages <= 7


def test_code_that_is_being_written_is_shown_as_code(script):
    script.start()
    script.add(ev.MessageDelta, request=0, text="I load.\n```python\nimport pandas")
    cell, _ = play(script)
    assert '<span class="analyst-kn">import</span>' in cell.html
    assert "```" not in cell.html


def test_a_step_is_open_while_it_runs_and_folded_when_it_is_done(script):
    script.start().call("x = 1")
    assert "<details open>" in play(script)[0].html
    assert "<details open>" not in play(script.called())[0].html
    assert "<details>" in play(script)[0].html


def test_parts_that_are_done_are_not_published_again(script):
    script.start()
    for _ in range(5):
        script.call("x = 1").stream("text").called()
    cell, view = play(script)
    assert len(cell.outputs) == 5
    before = dict(cell.outputs)
    script.words("more words")
    for event in script.events[-3:]:
        view.apply(event)
    view.flush()
    first_four = list(before)[:4]
    assert all(cell.outputs[name] is before[name] for name in first_four)


def test_an_updated_display_changes_in_its_place(script):
    script.start().call("x").display({PNG_MIME: "iVBORw0KGgo="}, display_id="d").called()
    script.call("y").display({"text/html": "<table><tr><td>new"}, display_id="d", update=True)
    cell, _ = play(script.called().answer("done").finish())
    assert cell.kinds == ["html", "html", "html"]
    assert "new" in list(cell.outputs.values())[1]["text/html"]


def test_cleared_outputs_disappear(script):
    script.start().call("x").display({PNG_MIME: "iVBORw0KGgo="}).stream("printed")
    script.output(None, clear=True).stream("after").called()
    cell, _ = play(script.finish())
    assert PNG_MIME not in cell.kinds
    assert "printed" not in cell.html
    assert "after" in cell.html


def test_outputs_with_a_display_of_their_own_are_not_repeated_in_the_step(the_whole_run):
    cell, _ = play(the_whole_run)
    assert cell.text.count("x 4.5") == 1


def test_a_failed_step_says_how_on_its_folded_line(script):
    script.start().call("1/0")
    script.output(
        {
            "output_type": "error",
            "ename": "ZeroDivisionError",
            "evalue": "division by zero",
            "traceback": ["\x1b[31mTraceback\x1b[0m", "ZeroDivisionError: division by zero"],
        }
    ).called("error")
    cell, _ = play(script)
    summary = cell.html.split("<summary>")[1].split("</summary>")[0]
    assert "ZeroDivisionError: division by zero" in summary
    assert "\x1b" not in cell.html


def test_a_run_that_failed_says_why(script):
    cell, _ = play(script.start().finish("error", "nobody answers at http://127.0.0.1:1"))
    assert 'role="alert">Failed: nobody answers at http://127.0.0.1:1' in cell.html
    assert "Failed: nobody answers" in cell.text


def test_a_run_without_an_end_is_closed_with_a_sentence(script):
    cell, view = play(script.start().words("half"))
    view.fail("the run was left")
    assert "Failed: the run was left" in cell.html
    assert view.transcript.status == "error"


def test_quiet_leaves_out_the_steps_but_not_what_they_made(the_whole_run):
    the_whole_run.events.insert(
        5, the_whole_run.add(ev.Note, level="warning", code="x", text="careful")
    )
    the_whole_run.events.pop()
    cell, _ = play(the_whole_run, quiet=True)
    assert "<details" not in cell.html
    assert PLOTLY in cell.kinds
    assert "<strong>4.5</strong>" in cell.html
    assert "careful" in cell.html


def test_one_style_sheet_a_run(the_whole_run):
    cell, _ = play(the_whole_run)
    assert cell.html.count("<style>") == 1


def test_values_are_listed_under_the_answer(the_whole_run):
    cell, _ = play(the_whole_run)
    assert "<tr><th>mean</th><td>4.5</td></tr>" in cell.html
