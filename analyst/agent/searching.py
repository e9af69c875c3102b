"""Looking up for a plan: the harness searches, and what it finds is given as data with its source.

Small models are told of no tools, so that they cannot search; and a search needs no model. Not
here: the search itself (:mod:`analyst.memory`, and whatever searches the user's documents).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analyst.agent.gate import decided
from analyst.agent.protocol import new_call_id
from analyst.agent.task import Progress
from analyst.agent.workbench import Passage, SearchFindings, SearchKnowledge
from analyst.boundaries import instruction_in
from analyst.memory.recall import SAME_DATA
from analyst.record import events
from analyst.record.events import KeptArtefact
from analyst.record.making import EventMaker
from analyst.tools.permissions import Judgement
from analyst.tools.registry import ToolError
from analyst.tools.risk import Risk

MOST_PASSAGES = 4
MOST_FINDINGS = 2
LONGEST = 2000
TOOL = "look_up"
NOTHING = "Nothing was found."
_SAFE = Risk("safe", "It looks up what is the user's own.")


_SEARCHING = re.compile(
    r"^\W*(?:look(?:ing)? (?:up|for|into)|search(?:ing)?|find(?: out)?|consult|read|check)\b"
    r"(?:\s+(?:in|for|what|which|the|my|our|any|is|are|known|said|available|local|knowledge"
    r"|folder|base|documents?|sources?|notes|files?|literature|findings|say|says|tell|information"
    r"|background|about|on|of)\b)*\W*",
    re.IGNORECASE,
)


def topic(words: str) -> str:
    """Return what a step that looks something up is about, without the words that say to do so."""
    return _SEARCHING.sub("", words).strip() or words


@dataclass(frozen=True)
class Found:
    """What a search found; the last item of its stream. ``text`` is for people."""

    text: str
    passages: tuple[KeptArtefact, ...]


@dataclass(frozen=True, kw_only=True)
class Search:
    """Searches findings and documents, as far as each is there and permitted."""

    findings: SearchFindings | None
    knowledge: SearchKnowledge | None
    judge: Callable[[str, Mapping[str, Any], Risk], Judgement]

    async def run(
        self, words: str, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event | Found]:
        """Search for what some words are about."""
        call_id = new_call_id()
        yield make(
            events.ToolCallStarted,
            call_id=call_id,
            tool=TOOL,
            raw="",
            arguments={"question": words},
        )
        started = make.seconds
        found: list[KeptArtefact] = []
        troubles: list[str] = []
        for tool, search, there in (
            ("recall", self._findings, self.findings),
            ("knowledge", self._documents, self.knowledge),
        ):
            if there is None:
                continue
            judged = self.judge(tool, {"query": words}, _SAFE)
            yield decided(make, call_id, tool, judged)
            if judged.verdict != "allow":
                troubles.append(f"{tool} was not searched: {judged.why}.")
                continue
            try:
                found += await search(topic(words))
            except ToolError as error:
                troubles.append(str(error))
        text = "\n\n".join([*map(_shown, found), *troubles]) or NOTHING
        progress.seen.append(text)
        yield make(
            events.OutputEmitted,
            call_id=call_id,
            output={"output_type": "stream", "name": "stdout", "text": f"{text}\n"},
        )
        yield make(
            events.ToolCallFinished,
            call_id=call_id,
            status="ok",
            observation=text,
            seconds=make.seconds - started,
        )
        for one in found:
            words_found = instruction_in(one.text)
            if words_found and words_found not in progress.suspected:
                progress.suspected.add(words_found)
                yield make(
                    events.Note,
                    level="warning",
                    code="injection_suspected",
                    text=f"{one.source} holds what reads like an instruction to the agent, and is "
                    f"treated as data: “{words_found}”",
                )
        yield Found(text, tuple(found))

    async def _findings(self, words: str) -> list[KeptArtefact]:
        recalled = await self.findings(words) if self.findings is not None else []
        return [
            KeptArtefact(
                name=f"F{one.finding.number}",
                kind="passage",
                text=f"{one.finding.question} {one.finding.answer}"[:LONGEST],
                source=f"computed on this data on {one.finding.created_at[:10]}",
            )
            for one in recalled
            if one.outcome in SAME_DATA and one.finding.number is not None
        ][:MOST_FINDINGS]

    async def _documents(self, words: str) -> list[KeptArtefact]:
        passages: Sequence[Passage] = (
            await self.knowledge(words, MOST_PASSAGES) if self.knowledge is not None else ()
        )
        return [
            KeptArtefact(
                name=f"K{one.number}",
                kind="passage",
                text=one.text[:LONGEST],
                source=one.source,
            )
            for one in passages[:MOST_PASSAGES]
        ]


def _shown(passage: KeptArtefact) -> str:
    return f"[{passage.name}: {passage.source}]\n{passage.text.strip()}"
