"""The honest answer of a run that a budget ended: what was done, what was not.

Here: wording only, from facts the loop collected. Nothing is claimed that did not happen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

NO_ANSWER = ("**No complete answer:**", "No answer:")
"""How the text of a run begins that has no answer."""

SHOWN_OUTPUT = 600
SHOWN_VALUE = 2000


def partial_answer(
    *,
    reason: str,
    calls_ok: int,
    calls_failed: int,
    last_output: str,
    values: Mapping[str, Any],
    missing_values: Sequence[str],
) -> str:
    """Compose the Markdown of a partial answer."""
    lines = [f"{NO_ANSWER[0]} {reason}."]
    done = []
    if calls_ok:
        done.append(f"{calls_ok} code cell{'s' * (calls_ok != 1)} ran")
    if calls_failed:
        done.append(f"{calls_failed} failed")
    lines.append("Done: " + (", ".join(done) if done else "no code ran") + ".")
    if values:
        computed = ", ".join(f"{name} = {value}" for name, value in values.items())
        lines.append(f"Computed: {computed}.")
    if missing_values:
        lines.append("Not computed: " + ", ".join(missing_values) + ".")
    elif not values:
        lines.append("Not done: the question was not answered.")
    if last_output:
        shown = last_output[:SHOWN_OUTPUT]
        more = "…" if len(last_output) > SHOWN_OUTPUT else ""
        lines.append(
            f"The last output, not checked to be the answer:\n\n```text\n{shown}{more}\n```"
        )
    return "\n\n".join(lines)


def why_partial(text: str) -> str:
    """Return of a partial answer the sentence that says why, without what was done and came out."""
    first = text.partition("\n\n")[0].removeprefix(NO_ANSWER[0]).strip()
    return first[:1].upper() + first[1:]


def computed_answer(values: Mapping[str, Any]) -> str:
    """Compose the answer of a run that was asked for named values and computed them all."""
    return "\n".join(f"- {name} = {_brief(value)}" for name, value in values.items())


def _brief(value: Any) -> str:
    text = str(value)
    if len(text) <= SHOWN_VALUE:
        return text
    return f"{text[:SHOWN_VALUE]}… ({len(text):,} characters in all)"
