"""A run's dealings with memory: what is recalled for it, and what it leaves.

Here: which runs leave a finding, and with what in it. Not here: the store and the search
(:mod:`analyst.memory`), or how a finding is offered to the model (:mod:`analyst.agent.reuse`).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analyst.agent.reuse import cites
from analyst.memory.finding import DataFingerprint, Finding, KeyValue, Output
from analyst.memory.memory import Memory, MemoryPlace
from analyst.memory.provenance import reads_outside, trace
from analyst.memory.told_values import told_values
from analyst.memory.units import unit_of
from analyst.record import events
from analyst.session.findings import place_of
from analyst.session.verification import printed_text
from analyst.settings import Settings

MOST_OUTPUTS = 8
MOST_OUTPUT_BYTES = 4_000_000
KEPT_TYPES = (
    "application/vnd.plotly.v1+json",
    "image/png",
    "image/svg+xml",
    "image/jpeg",
    "text/html",
    "text/plain",
)
"""MIME types of outputs that are kept, the first that an output has."""

_REFERRING = re.compile(
    r"^\s*(?:and|but|so|then|now|also|what about|how about)\b"
    r"|\b(?:it|its|that|those|these|this|them|they|same|again|previous|above|former|latter|instead"
    r"|earlier|result)\b",
    re.IGNORECASE,
)


_WITHOUT_DATA = frozenset({"python", "recall", "ask_user", "sql_schema", "knowledge", "look_up"})
"""Tools after which an answer rests on nothing but the session's data, and the user's word and
documents; those that it cites are looked at again (:mod:`analyst.session.cited_documents`)."""


@dataclass
class Traces:
    """What one run executed and showed, collected from its events; ``code``: with success.

    ``printed``: the text of all that such code showed. ``outside``: another tool than python,
    such as a query of a database, may have brought what the answer rests on. ``doubted``: a result
    was taken although it looked wrong.
    """

    code: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    outputs: list[tuple[str, bytes]] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    seconds: float = 0.0
    outside: bool = False
    doubted: bool = False
    _settled: tuple[int, int, int, int, float] = (0, 0, 0, 0, 0.0)
    _running: dict[str, str] = field(default_factory=dict)
    _shown: dict[str, list[tuple[str, bytes]]] = field(default_factory=dict)
    _said: dict[str, list[str]] = field(default_factory=dict)

    def take(self, event: events.Event) -> None:
        """Take an event in."""
        match event:
            case events.ToolCallStarted():
                code = event.arguments.get("code")
                self.outside = self.outside or event.tool not in _WITHOUT_DATA
                if event.tool == "python" and isinstance(code, str):
                    self._running[event.call_id] = code
            case events.OutputEmitted(output=dict() as output):
                self._said.setdefault(event.call_id, []).append(printed_text(output))
                kept = _kept(output)
                if kept is not None:
                    self._shown.setdefault(event.call_id, []).append(kept)
            case events.ToolCallFinished(status="ok") if event.call_id in self._running:
                self.code.append(self._running.pop(event.call_id))
                self.outputs += self._shown.pop(event.call_id, [])
                self.printed += self._said.pop(event.call_id, [])
                self.seconds += event.seconds
            case events.ToolCallFinished() if event.call_id in self._running:
                # It may have changed something before it failed.
                self.failed.append(self._running.pop(event.call_id))
            case events.PlanStepStarted():
                self._settled = self._sizes
            case events.Note(code="doubt_left"):
                self.doubted = True
            case events.Note(code="retry"):
                # What was tried before was undone; what earlier steps of a plan did stands.
                code, failed, outputs, printed, self.seconds = self._settled
                del self.code[code:], self.failed[failed:]
                del self.outputs[outputs:], self.printed[printed:]

    @property
    def _sizes(self) -> tuple[int, int, int, int, float]:
        counts = len(self.code), len(self.failed), len(self.outputs), len(self.printed)
        return (*counts, self.seconds)


def refers_back(question: str) -> bool:
    """Whether a question may mean something by what was said before it."""
    return bool(_REFERRING.search(question))


def finding_of(
    *,
    question: str,
    answer: events.Answer | None,
    traces: Traces,
    earlier: Sequence[str],
    data: Sequence[DataFingerprint],
    at_hand: Sequence[DataFingerprint],
    is_follow_up: bool,
    started: events.RunStarted,
    project: str | None,
) -> tuple[Finding, dict[str, bytes]] | None:
    """Return the finding that a run leaves, and its outputs; ``None`` if it leaves none.

    ``data``: what the kernel holds; ``at_hand``: what came with the question.
    Only what was executed is one, and nothing that itself was recalled.
    """
    if answer is None or not answer.complete or not traces.code or cites(answer.text):
        return None
    provenance = trace("\n\n".join(traces.code), earlier, [one.name for one in data])
    used = [one for one in data if one.name in provenance.data] or [*at_hand]
    kept = traces.outputs[-MOST_OUTPUTS:]
    outputs = [(mime, hashlib.sha256(body).hexdigest(), body) for mime, body in kept]
    finding = Finding(
        question=question,
        answer=answer.text,
        values=tuple(_key_values(answer, "".join(traces.printed))),
        code=provenance.code,
        setup=provenance.setup,
        changed_data=provenance.changed_data,
        follow_up=is_follow_up,
        unrepeatable=traces.outside or reads_outside(provenance.code),
        seconds=round(traces.seconds, 3),
        outputs=tuple(Output(mime=mime, digest=digest) for mime, digest, _ in outputs),
        data=tuple(used),
        notebook=started.notebook,
        project=project,
        run_id=started.run_id,
        model=started.model,
    )
    return finding, {digest: body for _, digest, body in outputs}


def project_of(directory: Path) -> str:
    """Return the project that a directory belongs to: the repository around it, or itself."""
    for folder in (directory, *directory.parents):
        if (folder / ".git").exists() or (folder / "pyproject.toml").exists():
            return str(folder)
    return str(directory)


def shown_again(mime: str, body: bytes) -> dict[str, Any]:
    """Return a kept output as an output of a notebook."""
    data: Any
    if mime.endswith("json"):
        data = json.loads(body)
    elif mime in {"image/png", "image/jpeg"}:
        data = base64.b64encode(body).decode("ascii")
    else:
        data = body.decode("utf-8", errors="replace")
    return {"output_type": "display_data", "data": {mime: data}, "metadata": {}}


def _key_values(answer: events.Answer, printed: str) -> list[KeyValue]:
    if not answer.values:
        return told_values(answer.text, printed)
    plain = (bool, int, float, str, type(None))
    values = {
        name: value if isinstance(value, plain) else str(value)[:500]
        for name, value in answer.values.items()
    }
    return [
        KeyValue(name=name, value=value, unit=unit_of(name, value, answer.text))
        for name, value in values.items()
    ]


def _kept(output: Mapping[str, Any]) -> tuple[str, bytes] | None:
    data = output.get("data")
    if output.get("output_type") not in {"display_data", "execute_result"} or not isinstance(
        data, Mapping
    ):
        return None
    for mime in KEPT_TYPES:
        value = data.get(mime)
        if value is None:
            continue
        try:
            if mime in {"image/png", "image/jpeg"}:
                body = base64.b64decode(str(value))
            else:
                body = (value if isinstance(value, str) else json.dumps(value)).encode()
        except (ValueError, TypeError):
            return None
        return (mime, body) if len(body) <= MOST_OUTPUT_BYTES else None
    return None


class Remembering:
    """What a session remembers, across runs and across sessions.

    ``executed``: code that ran in the kernel as it is now, oldest first.
    """

    def __init__(self, directory: Path, data_directory: Path | None) -> None:
        self.executed: list[str] = []
        self.project = project_of(directory)
        self._data_directory = data_directory
        self._memory: Memory | None = None
        self._place: MemoryPlace | None = None

    def memory(self, settings: Settings) -> Memory | None:
        """Return the memory that ``settings`` ask for, ``None`` when they ask for none."""
        if not settings.memory:
            return None
        place = place_of(settings, self._data_directory)
        if self._memory is None or place != self._place:
            self._memory, self._place = Memory(place), place
            self._memory.begin()
        return self._memory

    async def aclose(self) -> None:
        """Let the database go."""
        memory, self._memory = self._memory, None
        if memory is not None:
            await memory.aclose()
