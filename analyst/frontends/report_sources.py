"""What a run looked up, as its record tells it: passages of documents, and findings.

Here: reading them out of the results of look-ups. Not here: which of them a report names
(:mod:`analyst.frontends.report`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from analyst.record import events as ev

_OF_THIS_DATA = "computed on this data"
_SAME_DATA = ("known", "likely", "related")
_HEAD = re.compile(r"(?:\A[^\[\n]*|(?<=\n\n))\[([KF]\d{1,9}): ([^\n]*?)\][^\n]*$", re.MULTILINE)
_UNREAD = re.compile(r"\nYour documents are being read: [^\n]*\Z")
_RECALLED = re.compile(
    r"^\[(F\d{1,9})\] asked, on exactly the data at hand: ([^\n]*)\nanswer: ([^\n]*)$", re.MULTILINE
)


@dataclass
class LookUps:
    """Collects what look-ups of a run found, by the name that an answer cites."""

    found: dict[str, ev.KeptArtefact] = field(default_factory=dict)
    _going: dict[str, str] = field(default_factory=dict)

    def take(self, event: ev.Event) -> None:
        """Take an event in."""
        match event:
            case ev.ToolCallStarted() if event.tool in _READERS:
                self._going[event.call_id] = event.tool
            case ev.ToolCallFinished() if tool := self._going.pop(event.call_id, ""):
                read = _READERS[tool](event.observation) if event.status == "ok" else ()
                self.found |= {one.name: one for one in read}
            case ev.FindingsRecalled():
                self.found |= {one.name: one for one in map(_finding, event.findings) if one.text}
            case ev.PlanStepFinished():
                passages = (one for one in event.artefacts if one.kind == "passage")
                self.found |= {one.name: one for one in passages}


def _passages(observation: str) -> Iterator[ev.KeptArtefact]:
    """Yield the passages of a look-up in documents, or in all that is known."""
    told = _UNREAD.sub("", observation)
    heads = [*_HEAD.finditer(told)]
    ends = [*(head.start() for head in heads[1:]), len(told)]
    for head, end in zip(heads, ends, strict=True):
        text = told[head.end() : end].strip()
        yield ev.KeptArtefact(name=head[1], kind="passage", text=text, source=head[2])


def _recalled(observation: str) -> Iterator[ev.KeptArtefact]:
    """Yield the findings of this data in what the model was told of earlier ones."""
    for name, question, answer in _RECALLED.findall(observation):
        text = f"{question} {answer}"
        yield ev.KeptArtefact(name=name, kind="passage", text=text, source=_OF_THIS_DATA)


def _finding(one: ev.RecalledFinding) -> ev.KeptArtefact:
    known = one.outcome in _SAME_DATA
    return ev.KeptArtefact(
        name=f"F{one.number}",
        kind="passage",
        text=f"{one.question} {one.answer}" if known else "",
        source=f"{_OF_THIS_DATA} on {one.created_at[:10]}",
    )


_READERS: Mapping[str, Callable[[str], Iterator[ev.KeptArtefact]]] = {
    "knowledge": _passages,
    "look_up": _passages,
    "recall": _recalled,
}
