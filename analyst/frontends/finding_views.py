"""Findings as HTML: the table of a search, and all that one says.

A finding's words come from a model, from data, or from a file that somebody sent: every piece is
escaped or rendered without links, so nothing of it runs, loads or leads anywhere. Here: markup.
Not here: their text (:mod:`analyst.frontends.listings`), or the interactive browser
(:mod:`analyst.frontends.findings_browser`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from analyst.frontends import html
from analyst.frontends.listings import (
    data_text,
    finding_table,
    finding_text,
    local_day,
    value_line,
)
from analyst.frontends.outputs import Bundle, plain_text, rich_bundle
from analyst.frontends.style import code_html
from analyst.frontends.untrusted import escape, markdown_to_html, one_line

if TYPE_CHECKING:
    from analyst.memory.finding import Finding

MOST_IN_CELL = 400
"""Characters of an answer that the table shows; longer ones are cut, as plain text."""

MOST_VALUES = 6

_COLUMNS = ("Finding", "Day", "Question", "Answer", "Values", "Data", "Tags")


def table_bundle(findings: Sequence[Finding]) -> Bundle:
    """Return findings as a table, in HTML and as text."""
    return {
        "text/html": html.part(html.style(), table(findings)),
        "text/plain": finding_table(findings),
    }


def table(findings: Sequence[Finding]) -> str:
    """Draw a row a finding; where it is narrow, a block a finding."""
    head = "".join(f'<th scope="col">{name}</th>' for name in _COLUMNS)
    rows = "".join(map(_row, findings))
    return (
        '<div class="analyst-wide"><table class="analyst-findings">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def finding_bundle(finding: Finding) -> Bundle:
    """Return all that a finding says, in HTML and as text."""
    return {
        "text/html": html.part(html.style(), finding_html(finding)),
        "text/plain": finding_text(finding),
    }


def finding_html(finding: Finding) -> str:
    """Draw all that a finding says: question, answer, values, data, where from, code."""
    marks = [f"<strong>F{finding.number}</strong>", _pin(finding), local_day(finding.created_at)]
    if finding.superseded_by:
        marks.append(f"superseded by F{finding.superseded_by}")
    values = "".join(
        f"<tr><th>{escape(one_line(name, 80))}</th><td>{escape(value)}</td></tr>"
        for name, value in map(value_line, finding.values)
    )
    facts = [
        ("Data", [data_text(one) for one in finding.data] or ["none"]),
        ("Run", [finding.run_id] if finding.run_id else []),
        ("Notebook", [finding.notebook] if finding.notebook else []),
    ]
    lines = "".join(
        f"<div>{name}: {'; '.join(escape(one_line(text, 300)) for text in texts)}</div>"
        for name, texts in facts
        if texts
    )
    codes = "".join(
        f"<details><summary>{title}</summary>{code_html(code.strip(), 'python')}</details>"
        for title, code in (("Code before it", finding.setup), ("Code", finding.code))
        if code.strip()
    )
    return (
        f'<div class="analyst-quiet">{" · ".join(filter(None, marks))} {_tags(finding)}</div>'
        f'<div class="analyst-question">{escape(finding.question.strip())}</div>'
        f'<div class="analyst-answer">{markdown_to_html(finding.answer, links=False)}</div>'
        + (f"<table>{values}</table>" if values else "")
        + f'<div class="analyst-quiet">{lines}</div>{codes}'
    )


def output_bundles(finding: Finding, output: Callable[[str], bytes | None]) -> list[Bundle]:
    """Return the charts and tables that a finding kept; ``output`` reads the bytes of a digest."""
    from analyst.session.remembering import shown_again  # noqa: PLC0415  # late: slow to import

    kept = ((one.mime, output(one.digest)) for one in finding.outputs)
    shown = (shown_again(mime, body) for mime, body in kept if body is not None)
    return [bundle for one in shown if (bundle := rich_bundle(one)) is not None]


def shown_bundles(outputs: Iterable[Mapping[str, Any]]) -> list[Bundle]:
    """Return outputs of code for a notebook, text included."""
    bundles: list[Bundle] = []
    said = ""
    for output in outputs:
        bundle = rich_bundle(output)
        if bundle is None:
            said += plain_text(output)
            continue
        bundles += [*_text_bundles(said), bundle]
        said = ""
    return [*bundles, *_text_bundles(said)]


def _text_bundles(text: str) -> list[Bundle]:
    if not text.strip():
        return []
    shown = f'<pre class="analyst-text">{escape(text.rstrip())}</pre>'
    return [{"text/html": html.part(html.style(), shown), "text/plain": text.rstrip()}]


def _row(finding: Finding) -> str:
    older = '<div class="analyst-quiet">older</div>' if finding.superseded_by else ""
    values = [f"{one_line(name, 40)} = {value}" for name, value in map(value_line, finding.values)]
    if len(values) > MOST_VALUES:
        values = [*values[:MOST_VALUES], f"… {len(values) - MOST_VALUES} more"]
    data = [
        f'<div title="{escape(one_line(data_text(one), 300))}">'
        f"{escape(one_line(PurePath(one.path).name if one.path else one.name, 40))}</div>"
        for one in finding.data
    ]
    cells = (
        ("finding", f"F{finding.number} {_pin(finding)}{older}"),
        ("day", local_day(finding.created_at)),
        ("question", escape(one_line(finding.question, MOST_IN_CELL))),
        ("answer", _answer(finding.answer)),
        ("values", "".join(f"<div>{escape(value)}</div>" for value in values)),
        ("data", "".join(data)),
        ("tags", _tags(finding)),
    )
    return "<tr>" + "".join(f'<td class="analyst-{n}">{cell}</td>' for n, cell in cells) + "</tr>"


def _answer(answer: str) -> str:
    if len(answer) > MOST_IN_CELL:
        return escape(one_line(answer, MOST_IN_CELL))
    return markdown_to_html(answer, links=False)


def _pin(finding: Finding) -> str:
    return '<span class="analyst-pin" title="pinned">★</span>' if finding.pinned else ""


def _tags(finding: Finding) -> str:
    return " ".join(
        f'<span class="analyst-tag">{escape(one_line(tag, 40))}</span>' for tag in finding.tags
    )
