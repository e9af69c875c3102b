"""A report as Markdown, as a notebook, and as one HTML page.

Here: the sections and their words. Text of the model and of data is cleaned: it can fetch nothing
and hide nothing. Not here: what there is to say (:mod:`analyst.frontends.report`), and where it is
written (:mod:`analyst.frontends.report_recorded`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from analyst.frontends.export_code import visible
from analyst.frontends.export_text import answer_text, heading_text, markdown_source, quoted
from analyst.frontends.report import Report, ReportChart, ReportStep
from analyst.frontends.untrusted import one_line
from analyst.record import events as ev

_MARKS = {"ok": "done", "error": "failed", "skipped": "left out", "waiting": "not done"}
_PASSAGE = 300
_HIDDEN_INPUT = "report-chart"

ChartText = Callable[[ReportChart], str]
"""Writes a chart in Markdown: a link to it, or nothing."""


def markdown(report: Report, chart: ChartText) -> str:
    """Return the report as Markdown; ``chart`` says how a chart is shown."""
    parts = _beginning(report)
    if report.charts:
        parts.append("## Charts")
        parts += [f"{_caption(one)}\n\n{chart(one)}".strip() for one in report.charts]
    parts += [*_methods(report), *_sources(report)]
    if any(step.code for step in report.steps):
        parts.append("## Appendix: code")
        parts += [text for number, step in _with_code(report) for text in _code(number, step)]
    return "\n\n".join([*parts, _footer(report)]) + "\n"


def notebook(report: Report, code: Sequence[Any] = ()) -> Any:
    """Return the report as a notebook, its charts as outputs.

    ``code``: cells of the appendix that run by themselves; else the code is shown as it ran.
    """
    nbformat = _nbformat()
    cells = [_text(part) for part in _beginning(report)]
    if report.charts:
        cells.append(_text("## Charts"))
    for one in report.charts:
        output = nbformat.v4.new_output("display_data", data=dict(one.bundle))
        source = f"# {one_line(one.title, 100)} (step {one.step})"
        cell = nbformat.v4.new_code_cell(source, outputs=[output])
        # Run again, it would lose its chart; the code of the appendix draws it anew.
        cell.metadata["tags"] = [_HIDDEN_INPUT, "skip-execution"]
        cells += [_text(_caption(one)), cell]
    cells += [_text(part) for part in (*_methods(report), *_sources(report))]
    if code or any(step.code for step in report.steps):
        cells.append(_text("## Appendix: code"))
        cells += code or [
            _text(text) for number, step in _with_code(report) for text in _code(number, step)
        ]
    cells.append(_text(_footer(report)))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    for number, cell in enumerate(made.cells):
        cell["id"] = f"cell-{number}"
    nbformat.validate(made)
    return made


def page(report: Report) -> str:
    """Return the report as one HTML page, charts included, that needs nothing from elsewhere."""
    from traitlets.config import Config  # noqa: PLC0415 - slow, as nbconvert is

    from analyst.frontends.page import PageExporter  # noqa: PLC0415 - see above

    config = Config()
    config.TagRemovePreprocessor.enabled = True
    config.TagRemovePreprocessor.remove_input_tags = {_HIDDEN_INPUT}
    config.HTMLExporter.exclude_input_prompt = True
    config.HTMLExporter.exclude_output_prompt = True
    config.HTMLExporter.mathjax_url = ""
    config.HTMLExporter.require_js_url = ""
    config.HTMLExporter.jquery_url = ""
    title = one_line(report.question, 80)
    made = notebook(report)
    made.metadata["title"] = title
    exporter: Any = PageExporter
    body, _ = exporter(config=config).from_notebook_node(
        made, resources={"metadata": {"name": title}}
    )
    return str(body)


def _beginning(report: Report) -> list[str]:
    parts = [f"# {heading_text(report.question)}", "## Question", quoted(report.question)]
    parts += [
        "## Findings",
        answer_text(report.answer, report.values, report.reason, report.ungrounded),
    ]
    return parts


def _caption(chart: ReportChart) -> str:
    return f"**{markdown_source(one_line(chart.title, 120))}** (step {chart.step})"


def _methods(report: Report) -> list[str]:
    parts = ["## Methods"]
    if report.data:
        rows = [_data_row(one) for one in report.data.values()]
        parts += [
            "### Data",
            "\n".join(
                ["| Name | Rows | Columns | Content | From |", "|---|---|---|---|---|", *rows]
            ),
        ]
    lines = []
    for number, step in enumerate(report.steps, 1):
        line = f"{number}. {_one(step.text, 300)} ({_MARKS.get(step.status, step.status)})"
        lines.append(line + (f": {_one(step.reason, 300)}" if step.reason else ""))
    parts += ["### Steps", "\n".join(lines)] if lines else []
    checks = [
        f"- `{_one(check, 200)}`"
        for step in report.steps
        if step.status == "ok"
        for check in step.checks
    ]
    checks += [f"- {_CHECKS[name]}" for name in report.checked if name in _CHECKS]
    checks += [f"- {_one(note, 300)}" for note in report.notes]
    parts += ["### Checks", "\n".join(checks)] if checks else []
    return parts


_CHECKS = {
    "grounding": "Numbers of answers were to be looked for in what was computed.",
    "silent_errors": (
        "Results were to be looked at for silent errors: lost rows, nulls, text as numbers."
    ),
}
"""What was asked for and leaves no note where it finds nothing; of others the notes tell."""


def _data_row(data: ev.DataDescription) -> str:
    rows = f"{data.rows:,}" if data.rows is not None else ""
    columns = f"{data.columns:,}" if data.columns is not None else ""
    where = data.path or "a notebook"
    cells = (data.name, rows, columns, data.fingerprint[:12], where)
    return "| " + " | ".join(_one(cell, 200).replace("|", "\\|") for cell in cells) + " |"


def _sources(report: Report) -> list[str]:
    if not report.sources:
        return []
    lines = [
        f"- **[{one.name}]** {_one(one.source or '', 200)}: {_one(one.text, _PASSAGE)}"
        for one in report.sources
    ]
    return ["### Sources", "\n".join(lines)]


def _with_code(report: Report) -> list[tuple[int, ReportStep]]:
    return [(number, step) for number, step in enumerate(report.steps, 1) if step.code]


def _code(number: int, step: ReportStep) -> list[str]:
    fences = []
    for code in step.code:
        shown = visible(code)
        fence = "`" * max(3, _longest_run(shown) + 1)
        fences.append(f"{fence}python\n{shown}\n{fence}")
    return [f"**Step {number}.** {_one(step.text, 300)}", *fences]


def _longest_run(text: str) -> int:
    longest = run = 0
    for character in text:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    return longest


def _footer(report: Report) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    about = [
        f"run {report.run_id}",
        report.started_at[:19].replace("T", " "),
        _one(report.model, 120),
        f"{report.seconds:.0f} s",
        f"{report.usage.input:,} tokens read, {report.usage.output:,} written",
        _one(versions, 300),
    ]
    words = (
        "Made from the record of the run. The findings are in the model's words; the rest is not."
    )
    return f"---\n*{words}*\n\n" + " · ".join(part for part in about if part)


def _one(text: str, limit: int) -> str:
    return markdown_source(one_line(text, limit))


def _text(source: str) -> Any:
    return _nbformat().v4.new_markdown_cell(source)


def _nbformat() -> Any:
    import nbformat  # noqa: PLC0415 - slow, and only a notebook needs it

    return nbformat
