"""Marks on numbers that stand in no output: whole numbers only, and nothing around them breaks."""

from __future__ import annotations

import io
import re
import time

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from analyst.frontends.answer import answer_of
from analyst.frontends.export import Material, notebook_of
from analyst.frontends.export_digest import digest
from analyst.frontends.live_view import LiveView
from analyst.frontends.reducer import fold
from analyst.frontends.terminal_view import TerminalView
from analyst.frontends.ungrounded import legend, marked_html, marked_markdown
from analyst.frontends.untrusted import markdown_to_html

from .test_panel_agrees import MARKS


@pytest.mark.parametrize(("text", "numbers", "expected"), MARKS)
def test_a_sign_stands_behind_whole_numbers_alone(text, numbers, expected):
    assert marked_markdown(text, numbers) == (text if expected is None else expected)


@pytest.mark.parametrize(("text", "numbers", "expected"), MARKS)
def test_markdown_with_signs_renders_as_it_did_without(text, numbers, expected):
    def structure(source):
        drawn = MarkdownIt("commonmark").enable("table").render(source)
        return re.findall(r"<(?!/?p\b)[^>]*>", drawn)

    assert structure(marked_markdown(text, numbers)) == structure(text)


def numbers_marked(source: str, numbers: list[str]) -> list[str]:
    return re.findall(r"<mark[^>]*>([^<]*)<", marked_html(source, numbers))


@pytest.mark.parametrize(
    ("text", "numbers", "marked"),
    [
        ("It is **99.87** of 199.87.", ["99.87"], ["99.87"]),
        ("| a |\n|---|\n| 99.87 |", ["99.87"], ["99.87"]),
        ("Run `f(99.87)`:\n```\n99.87\n```", ["99.87"], ["99.87", "99.87"]),
        ("[99.87](https://x.test/99.87 '99.87') [K3: a.md, p. 99.87]", ["99.87"], ["99.87"]),
        ("Of 12\u00a0345 and 345", ["345"], ["345"]),
        ("Of 12\u00a0345 & 7", ["12\u00a0345"], ["12\u00a0345"]),
        ("99. It is 99", ["99"], ["99"]),
    ],
)
def test_html_is_marked_in_its_text_alone(text, numbers, marked):
    drawn = markdown_to_html(text)
    assert numbers_marked(drawn, numbers) == marked
    shown = marked_html(drawn, numbers)
    without = re.sub(r"<mark[^>]*>|<sup>\(\?\)</sup></mark>", "", shown)
    assert without == drawn.replace("&nbsp;", "\u00a0")
    assert 'title="stands in no output"' in shown


def test_a_mark_brings_no_html_in():
    drawn = markdown_to_html("&lt;img src=x&gt; 99.87 <script>alert(99.87)</script>")
    shown = marked_html(drawn, ["99.87", "<b>"])
    assert "<img" not in shown
    assert "<script" not in shown
    assert shown.count("<mark") == 2


def test_the_legend_names_what_could_not_be_marked():
    assert legend("It is 99.87.", ["99.87"]) == "Marked numbers stand in no output."
    assert legend("It is 99.87.", []) == ""
    assert legend("See https://x.test/12", ["12"]) == "Not in any output: 12."


def test_long_texts_take_no_time():
    text = "A $5 note, `code` and ``` a fence of 99.87\n" * 2000
    begun = time.perf_counter()
    marked_markdown(text, ["99.87"])
    assert time.perf_counter() - begun < 5


LEGEND = "Marked numbers stand in no output."


@pytest.fixture
def doubtful(script):
    script.start().words("FINAL: It is **99.87** of 12.")
    text = "It is **99.87** of 12."
    return script.answer(text, values={"x": 99.87}, ungrounded=("99.87",)).finish()


def printed(script, **options):
    console = Console(file=io.StringIO(), width=100, **options)
    view = TerminalView(console=console)
    for event in script.events:
        view.apply(event)
    return console.file.getvalue()


def test_a_terminal_shows_the_marks_and_says_what_they_mean(doubtful):
    shown = printed(doubtful)
    assert f"It is **99.87 (?)** of 12.\n{LEGEND}\nx = 99.87\n" in shown
    assert "99.87 (?)" in printed(doubtful, force_terminal=True, color_system=None)


def test_an_answer_that_was_streamed_without_its_marks_is_printed_with_them(script):
    script.start().words("It is 99.87.").answer("It is 99.87.", ungrounded=("99.87",)).finish()
    assert "It is 99.87 (?).\n" in printed(script)


def test_a_cell_shows_the_marks_and_says_what_they_mean(doubtful):
    kept = {}
    view = LiveView(publish=lambda bundle, display_id, **_: kept.update({display_id: bundle}))
    for event in doubtful.events:
        view.apply(event)
    html = "".join(bundle["text/html"] for bundle in kept.values())
    text = "\n".join(bundle["text/plain"] for bundle in kept.values())
    assert re.search(r'<strong><mark [^>]*title="stands in no output">99\.87<', html)
    assert f'role="note">{LEGEND}</div>' in html
    assert "<td>99.87</td>" in html
    assert f"It is **99.87 (?)** of 12.\n{LEGEND}\nx = 99.87" in text


def test_the_answer_object_shows_the_marks_and_its_text_has_none(doubtful):
    answer = answer_of(fold(doubtful.events))
    assert answer.text == "It is **99.87** of 12."
    assert answer.values == {"x": 99.87}
    assert answer.ungrounded == ("99.87",)
    assert "99.87 (?)" in repr(answer)
    assert "<mark " in answer._repr_html_()


def test_a_notebook_shows_the_marks_and_says_what_they_mean(doubtful):
    notebook = notebook_of([digest(doubtful.events)], Material())
    shown = "\n".join(cell.source for cell in notebook.cells)
    assert f"It is **99.87 (?)** of 12.\n\n*{LEGEND}*\n\n| Value" in shown
    assert "| x | 99.87 |" in shown


def test_an_answer_whose_numbers_all_stand_in_outputs_has_no_marks(the_whole_run):
    answer = answer_of(fold(the_whole_run.events))
    notebook = notebook_of([digest(the_whole_run.events)], Material())
    shown = [repr(answer), answer._repr_html_().partition("</style>")[2], printed(the_whole_run)]
    shown += [cell.source for cell in notebook.cells]
    assert not [one for one in shown if "(?)" in one or "Marked" in one or "<mark" in one]
