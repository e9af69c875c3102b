"""What is asked in words where there are no buttons, and what the typed answers mean.

Here: the talk about one call, plan or question, as a generator: it yields what to print, is sent
the line that was typed, and returns the decision. Not here: reading lines (:mod:`.asking` in a
cell, :mod:`.cli_asking` on a terminal).
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal

from analyst.frontends.cell_control import CellDecision
from analyst.frontends.untrusted import clean_text, one_line
from analyst.record.events import ApprovalRequested

LAST_LINE = "."
"""The line that ends a text of several lines."""

_DECIDED: dict[str, Literal["approved", "denied"]] = {
    "y": "approved",
    "yes": "approved",
    "n": "denied",
    "no": "denied",
}
_ALWAYS = {"a", "always"}
_EDIT = {"e", "edit"}


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A text that the user wants to change; whoever has no editor has it typed anew."""

    text: str
    is_plan: bool


Talk = Generator[str | Rewrite, str, CellDecision]
"""Yields a prompt and is sent the line typed; yields a :class:`Rewrite`, and is sent the text."""


def talk(asked: ApprovalRequested) -> Talk:
    """Return the talk about what waits."""
    return _question(asked) if asked.kind == "question" else _call(asked)


def denied(asked: ApprovalRequested) -> CellDecision:
    """Return the decision of somebody who closes the input."""
    return CellDecision(call_id=asked.call_id, decision="denied")


def _call(asked: ApprovalRequested) -> Talk:
    is_plan = asked.kind == "plan"
    can_always = asked.can_always and not is_plan
    kinds = [("[y]es", True), ("[n]o", True), ("[a]lways in this conversation", can_always)]
    kinds.append(("[e]dit", asked.editable is not None))
    offers = ", ".join(words for words, offered in kinds if offered)
    question = f"{'Go by this plan' if is_plan else 'Run it'}? {offers}: "
    letters = ["y", "n", *(["a"] if can_always else []), *(["e"] if asked.editable else [])]
    again = f"Type {', '.join(letters[:-1])} or {letters[-1]}. {question}"
    prompt = _shown(asked) + question
    while True:
        typed = (yield prompt).strip().lower()
        prompt = again
        if typed in _DECIDED:
            return CellDecision(call_id=asked.call_id, decision=_DECIDED[typed])
        if typed in _ALWAYS and can_always:
            return CellDecision(call_id=asked.call_id, decision="approved", always=True)
        if typed in _EDIT and asked.editable is not None:
            text = (yield Rewrite(asked.editable, is_plan)).strip("\n")
            if not text.strip():
                prompt = f"Nothing was changed. {question}"
            elif text.strip() == asked.editable.strip():
                return CellDecision(call_id=asked.call_id, decision="approved")
            else:
                return CellDecision(call_id=asked.call_id, decision="edited", text=text)


def _shown(asked: ApprovalRequested) -> str:
    """Return what to know before deciding; the call itself stands above, in the view of the run."""
    parts = [clean_text(asked.risk), clean_text(asked.preview).rstrip()]
    if asked.kind == "plan" and asked.editable is not None:
        parts += [clean_text(asked.editable).rstrip()]
    return "".join(f"{part}\n" for part in parts if part)


def _question(asked: ApprovalRequested) -> Talk:
    choices = asked.choices
    lines = [clean_text(asked.risk)]
    lines += [f"  {number}. {one_line(choice, 300)}" for number, choice in enumerate(choices, 1)]
    how = "a number or your own words" if choices else "your own words"
    lines.append(f"Your answer ({how}; nothing lets the agent decide): ")
    typed = (yield "\n".join(lines)).strip()
    if not typed:
        return denied(asked)
    if typed.isdecimal() and 1 <= int(typed) <= len(choices):
        typed = choices[int(typed) - 1]
    return CellDecision(call_id=asked.call_id, decision="approved", text=typed)
