"""Text of runs as Markdown that shows no HTML and fetches nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from analyst.frontends.ungrounded import legend, marked_markdown
from analyst.frontends.untrusted import clean_text, one_line

TITLE_LENGTH = 80
_TAG = re.compile(r"(\\*)<(?=[A-Za-z/!?])")
_NO_ANSWER = "There is no answer"


def heading_text(text: str) -> str:
    """Return a question as the text of a heading."""
    return markdown_source(one_line(text, TITLE_LENGTH)).lstrip("#> ") or "A question"


def quoted(text: str) -> str:
    """Return text as a quotation."""
    return "\n".join(f"> {line}" for line in markdown_source(text).strip().splitlines())


def answer_text(
    answer: str | None,
    values: Mapping[str, Any],
    reason: str | None,
    ungrounded: Sequence[str] = (),
) -> str:
    """Return an answer with its values as a table, or why there is none.

    ``ungrounded``: numbers of it that stand in no output, and are marked.
    """
    if answer is None:
        return f"{_NO_ANSWER}: {markdown_source(one_line(reason or 'the run broke off', 300))}"
    plain = markdown_source(answer).strip()
    parts = [marked_markdown(plain, ungrounded)]
    if told := legend(plain, ungrounded):
        parts.append(f"*{markdown_source(one_line(told, 1000))}*")
    if values:
        rows = [f"| {_table_text(name)} | {_table_text(value)} |" for name, value in values.items()]
        parts.append("\n".join(["| Value | |", "|---|---|", *rows]))
    return "\n\n".join(parts)


def _table_text(value: object) -> str:
    return markdown_source(one_line(str(value), 200)).replace("|", "\\|")


def markdown_source(text: str) -> str:
    """Return Markdown that shows no HTML and fetches no image, whatever stands in it."""
    return _TAG.sub(_escaped_tag, clean_text(text)).replace("![", "!\\[")


def _escaped_tag(match: re.Match[str]) -> str:
    # An even number of backslashes escapes nothing but each other.
    slashes = match.group(1)
    return slashes + ("" if len(slashes) % 2 else "\\") + "<"
