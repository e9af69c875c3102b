"""A run as HTML: each function draws one part of the view model.

Every piece of text from the run passes through :func:`~analyst.frontends.untrusted.escape`,
:func:`~analyst.frontends.untrusted.markdown_to_html` or the highlighter, which escape it.
Here: markup. Not here: what is published when (:mod:`analyst.frontends.live_view`).
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from analyst.frontends import text, wording
from analyst.frontends.style import code_html, style_sheet
from analyst.frontends.transcript import Draft, PlanItem, Remark, ShownOutput, Step, Transcript
from analyst.frontends.ungrounded import legend, marked_html
from analyst.frontends.untrusted import escape, markdown_to_html

# The typesetting of notebooks takes "$5 to $7" for mathematics.
_VERBATIM = "tex2jax_ignore mathjax_ignore"


def part(*pieces: str) -> str:
    """Wrap the pieces of one published part."""
    return f'<div class="analyst {_VERBATIM}">{"".join(pieces)}</div>'


def style() -> str:
    """Return the style element; one a cell is enough."""
    return f"<style>{style_sheet()}</style>"


def header(transcript: Transcript) -> str:
    """Draw the first lines: which model and why, what was handed over."""
    if not transcript.started:
        return ""
    lines = [wording.model_line(transcript), *wording.data_lines(transcript.data)]
    return f'<div class="analyst-quiet">{"<br>".join(map(escape, lines))}</div>'


def plan(items: Sequence[PlanItem]) -> str:
    """Draw the plan with the state of each step."""
    if not items:
        return ""
    rows = "".join(f"<li>{escape(wording.plan_line(item))}</li>" for item in items)
    return f'<ol class="analyst-plan">{rows}</ol>'


def step(shown: Step, *, published: Container[str] = ()) -> str:
    """Draw a step: open while it runs, folded to one line when it is done.

    Outputs whose keys are in ``published`` are shown by themselves.
    """
    failed = shown.status not in {None, "ok"}
    state = f'<span class="analyst-{"error" if failed else "quiet"}">'
    summary = (
        f"<summary>Step {shown.number} · {escape(wording.step_title(shown))} "
        f"{state}{escape(wording.step_state(shown))}</span></summary>"
    )
    prose = markdown_to_html(shown.prose) if shown.prose else ""
    risk = f'<p class="analyst-warning">{escape(shown.risk)}</p>' if shown.risk else ""
    preview = code_html(shown.preview, "diff") if shown.preview else ""
    said = f'<p class="analyst-quiet">You said: {escape(shown.said)}</p>' if shown.said else ""
    code = code_html(shown.code, shown.language) if shown.shows_code else ""
    body = prose + risk + code + preview + said
    body += "".join(output(one) for one in shown.outputs if one.key not in published)
    return f"<details{'' if shown.status else ' open'}>{summary}{body}</details>"


def output(shown: ShownOutput) -> str:
    """Draw the text of an output."""
    content = text.output(shown)
    if not content:
        return ""
    kind = shown.output
    failed = kind.get("output_type") == "error" or kind.get("name") == "stderr"
    classes = "analyst-text analyst-error" if failed else "analyst-text"
    return f'<pre class="{classes}">{escape(content)}</pre>'


def remark(shown: Remark) -> str:
    """Draw a note for the user."""
    kind = "quiet" if shown.level == "info" else shown.level
    return f'<div class="analyst-remark analyst-{kind}">{escape(shown.text)}</div>'


def draft(shown: Draft) -> str:
    """Draw the reply that is being generated."""
    pieces = [markdown_to_html(shown.prose)] if shown.prose else []
    if shown.code:
        pieces.append(code_html(shown.code, "python"))
    if shown.answer:
        pieces.append(f'<div class="analyst-answer">{markdown_to_html(shown.answer)}</div>')
    return "".join(pieces)


def answer(markdown: str, values: Mapping[str, Any], ungrounded: Sequence[str] = ()) -> str:
    """Draw the answer, its ``ungrounded`` numbers marked, and the named values."""
    rows = "".join(
        f"<tr><th>{escape(str(name))}</th><td>{escape(value)}</td></tr>"
        for name, value in wording.untold(markdown, values).items()
    )
    table = f"<table>{rows}</table>" if rows else ""
    shown = marked_html(markdown_to_html(markdown), ungrounded)
    told = escape(legend(markdown, ungrounded))
    note = f'<div class="analyst-warning" role="note">{told}</div>' if told else ""
    return f'<div class="analyst-answer">{shown}</div>{note}{table}'


def footer(transcript: Transcript, *, seconds: float, stopping: bool = False) -> str:
    """Draw how the run ended, or what it does now, and the quiet line."""
    line = escape(wording.usage_line(transcript, seconds=seconds))
    if transcript.status is None:
        doing = "stopping" if stopping else wording.activity(transcript)
        return f'<div class="analyst-quiet">{escape(doing)} … {line}</div>'
    end = escape(wording.end_line(transcript))
    kind = "error" if transcript.status == "error" else "warning"
    told = f'<div class="analyst-{kind}" role="alert">{end}</div>' if end else ""
    return f'{told}<div class="analyst-quiet">{line}</div>'
