"""The terminal view: what is printed, where, and that nothing in it steers the terminal."""

from __future__ import annotations

import io

from rich.console import Console

from analyst.frontends.terminal_view import TerminalView
from analyst.record import events as ev


def screen(*, terminal=False, width=100):
    return Console(
        file=io.StringIO(),
        force_terminal=terminal,
        width=width,
        color_system="standard" if terminal else None,
    )


def play(script, **options):
    console = options.pop("console", None) or screen()
    view = TerminalView(console=console, **options)
    for event in script.events:
        view.apply(event)
    return console.file.getvalue()


def test_a_run_reads_from_top_to_bottom(the_whole_run):
    printed = play(the_whole_run)
    expected = [
        "scripted events (the test says so)",
        "df: 1,704 rows, 6 columns, 98.3 kB",
        "I compute it.",
        "Step 1 · I compute it.",
        "print(df.x.mean())",
        "4.",
        "✓ · 0.2 s",
        "Step 2 · show it",
        "[chart: shown in a notebook]",
        "x 4.5",
        "The mean is **4.5**.",
        "mean = 4.5",
        "2 steps · 300 tokens read",
    ]
    positions = [printed.find(line) for line in expected]
    assert -1 not in positions
    assert positions == sorted(positions)


def test_without_a_terminal_there_are_no_colours_and_lines_are_not_broken(the_whole_run, script):
    assert "\x1b" not in play(the_whole_run)
    script.start().answer("word " * 100).finish()
    assert "word " * 99 in play(script)


def test_a_terminal_gets_colours_and_rendered_markdown(the_whole_run):
    printed = play(the_whole_run, console=screen(terminal=True))
    assert "\x1b[" in printed
    assert "**4.5**" not in printed.split("show it")[-1]


def test_words_stream_and_code_is_printed_once(script):
    view_of = screen()
    view = TerminalView(console=view_of)
    script.start().words("Let me look.\n```python\nx = 1\n```", piece=3)
    seen = []
    for event in script.events:
        view.apply(event)
        seen.append(view_of.file.getvalue())
    assert any(text.endswith("Let me") for text in seen)
    view.apply(script.call("x = 1").events[-1])
    printed = view_of.file.getvalue()
    assert printed.count("x = 1") == 1
    assert "```" not in printed


def test_an_answer_that_was_streamed_is_not_printed_again(script):
    script.start().words("The mean is 4.").answer("The mean is 4.").finish()
    assert play(script).count("The mean is 4.") == 1


def test_an_answer_after_its_mark_is_printed_once_and_without_it(script):
    script.start().words("FINAL: The mean is 4.", piece=2).answer("The mean is 4.").finish()
    printed = play(script)
    assert printed.count("The mean is 4.") == 1
    assert "FINAL" not in printed


def test_steps_and_answer_can_go_to_two_places(the_whole_run):
    answers = screen()
    steps = play(the_whole_run, answers=answers)
    assert answers.file.getvalue() == "The mean is **4.5**.\nmean = 4.5\n"
    assert "Step 1" in steps


def test_quiet_prints_the_answer_and_warnings_only(the_whole_run):
    the_whole_run.events.insert(
        3, ev.Note(run_id="r", seq=0, t=0, level="warning", code="x", text="careful")
    )
    assert play(the_whole_run, quiet=True) == "warning: careful\nThe mean is **4.5**.\nmean = 4.5\n"


def test_how_a_run_failed_is_said(script):
    assert "Failed: nobody answers" in play(script.start().finish("error", "nobody answers"))


def test_nothing_from_a_run_steers_the_terminal(script):
    evil = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m[bold]x[/bold]"
    script.start(model=evil, model_reason=evil).words(evil, piece=2).call(evil)
    script.stream(evil).note(evil).called()
    script.answer(evil, values={evil: evil}).finish("error", evil)
    printed = play(script)
    assert "\x1b" not in printed
    assert "\x9b" not in printed
    assert "\x07" not in printed
    assert "[bold]x[/bold]" in printed


def test_a_run_without_an_end_is_closed_with_a_sentence(script):
    console = screen()
    view = TerminalView(console=console)
    for event in script.start().words("half").events:
        view.apply(event)
    view.fail("the run was left")
    view.fail("only once")
    assert console.file.getvalue().count("Failed:") == 1
