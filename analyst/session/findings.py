"""The user's hands on findings: searched, changed, deleted, exchanged, and computed again.

Here: what front ends do with findings apart from runs. Not here: how runs save and recall
(:mod:`analyst.session.recollection`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from analyst.memory.errors import FindingsError
from analyst.memory.exchange import export, import_file
from analyst.memory.finding import Finding, KeyValue
from analyst.memory.memory import MemoryPlace, OpenMemory
from analyst.memory.repair import repair
from analyst.record.files import data_directory
from analyst.session.data_room import DataRoom, HandingOverError
from analyst.session.sandbox import policy_for
from analyst.settings import Settings
from analyst.tools.analysis_kernel import AnalysisKernel
from analyst.tools.python import PythonTool
from analyst.tools.registry import ToolOutput, ToolResult
from kernel_sandbox import KernelSandboxError, KernelSession

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What came of computing a finding again.

    ``same``: everything that its answer says came out again. ``differs``: something did not.
    ``data_changed``: its data is not what it was. ``impossible``: the data cannot be had here, or
    the code failed. ``detail``: a sentence; ``printed``: what the code printed now.
    """

    outcome: Literal["same", "differs", "data_changed", "impossible"]
    detail: str
    printed: str = ""


class Findings:
    """All findings of the user, or of the team. Methods block but :meth:`verify`.

    Raise :class:`~analyst.memory.errors.FindingsError`. Use it in a ``with`` block.
    """

    def __init__(self, settings: Settings | None = None, directory: Path | None = None) -> None:
        self._settings = settings or Settings.load()
        self._place = place_of(self._settings, directory)
        self._opened: OpenMemory | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the database go."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def search(
        self, words: str = "", *, project: str | None = None, limit: int = 20, history: bool = False
    ) -> list[Finding]:
        """Return findings like some words, best first; without words the newest."""
        if not words.strip():
            return self._memory.store.newest(limit, project=project, history=history)
        found = self._memory.recall.search(words, project=project, count=limit)
        return [finding for finding, _ in found]

    def get(self, number: int) -> Finding:
        """Return a finding."""
        return self._memory.store.get(number)

    def output(self, digest: str) -> bytes | None:
        """Return the bytes of an output."""
        return self._memory.store.output(digest)

    def pin(self, number: int, *, pinned: bool) -> Finding:
        """Pin a finding, or let it go."""
        return self._memory.store.pin(number, pinned=pinned)

    def tag(self, number: int, tags: Sequence[str]) -> Finding:
        """Replace the tags of a finding."""
        return self._memory.store.tag(number, tags)

    def delete(self, numbers: Sequence[int]) -> None:
        """Delete findings with text, vectors and outputs, also from the index's file."""
        memory = self._memory
        memory.store.delete(numbers)
        memory.index.forget(numbers)

    def export(self, path: Path, numbers: Sequence[int] | None = None) -> int:
        """Write findings, by default all, to a new file; return how many."""
        store = self._memory.store
        if numbers is None:
            numbers = [one.number for one in store.all() if one.number is not None]
        return export(store, numbers, path)

    def import_file(self, path: Path) -> tuple[int, int]:
        """Save the findings of a file; return how many were new, and how many known."""
        return import_file(self._memory.store, path)

    def repair(self) -> tuple[int, Path]:
        """Make a new database of what can be read of the old; return how many, and the old."""
        if self._place.url is not None:
            raise FindingsError("A database of a team is repaired by its own tools.")
        self.close()
        return repair(self._place.directory / "findings" / "findings.sqlite")

    async def verify(self, number: int) -> Verified:
        """Compute a finding again, isolated, and compare."""
        finding = self.get(number)
        files = {one.name: Path(one.path) for one in finding.data if one.path is not None}
        if len(files) < len(finding.data):
            return Verified(
                outcome="impossible",
                detail="It was computed on a frame of a notebook; ask it again there.",
            )
        if missing := [str(path) for path in files.values() if not path.exists()]:
            return Verified(outcome="impossible", detail=f"There is no {missing[0]} any more.")
        try:
            async with await KernelSession.start(policy=policy_for(self._settings)) as session:
                return await _computed_again(finding, files, AnalysisKernel(session))
        except (KernelSandboxError, HandingOverError) as error:
            return Verified(outcome="impossible", detail=str(error))

    @property
    def _memory(self) -> OpenMemory:
        if self._opened is None:
            self._opened = OpenMemory(self._place)
        return self._opened


def place_of(settings: Settings, directory: Path | None) -> MemoryPlace:
    """Return where ``settings`` keep findings."""
    return MemoryPlace(
        directory=directory or data_directory(),
        url=settings.findings_url,
        embedding=settings.embedding,
        base_url=settings.base_url,
        api_key=settings.api_key.get_secret_value() if settings.api_key else None,
    )


async def _computed_again(
    finding: Finding, files: dict[str, Path], kernel: AnalysisKernel
) -> Verified:
    room = DataRoom(Path.cwd())
    await kernel.ensure_ready()
    for name, path in files.items():
        await room.load_file(kernel, name, path)
    known = {one.name: one.content for one in finding.data}
    changed = [n for n, one in room.fingerprints.items() if one.content != known[n]]
    names = [value.name for value in finding.values]
    await kernel.begin(names)
    tool = PythonTool(kernel, deadline_seconds=120)
    tool.value_names = names
    printed = ""
    values: dict[str, Any] = {}
    for code in filter(str.strip, (finding.setup, finding.code)):
        async for item in tool.run({"code": code}):
            if isinstance(item, ToolOutput) and item.output:
                printed += _text_of(item.output)
            elif isinstance(item, ToolResult):
                if item.status != "ok":
                    return Verified(
                        outcome="impossible",
                        detail=f"The code fails now: {item.observation.strip()[-300:]}",
                        printed=printed,
                    )
                values |= dict(item.values)
    differing = _differing(finding, values, printed)
    if changed:
        paths = ", ".join(str(files[name]) for name in changed)
        what = "and so did the answer" if differing else "but the answer is the same"
        return Verified(
            outcome="data_changed", detail=f"{paths} changed, {what}.", printed=printed.strip()
        )
    if differing:
        return Verified(
            outcome="differs",
            detail=f"Not computed again: {', '.join(differing)}.",
            printed=printed.strip(),
        )
    return Verified(
        outcome="same", detail="All that it says came out again.", printed=printed.strip()
    )


def _text_of(output: Mapping[str, Any]) -> str:
    """Return what an output says in words; charts say nothing."""
    data = output.get("data")
    if isinstance(data, Mapping):
        return f"{data.get('text/plain', '')}\n"
    return str(output.get("text", ""))


def _differing(finding: Finding, values: dict[str, Any], printed: str) -> list[str]:
    """Return what a finding says that did not come out again."""
    if finding.values:
        return [
            f"{one.name} was {one.value!r} and is {values.get(one.name)!r}"
            for one in finding.values
            if not _equal(one, values.get(one.name))
        ]
    now = [_value(text) for text in _NUMBER.findall(printed)]
    # Rounded as the answer rounds; one that says nothing in numbers is not compared.
    return [
        text
        for text in dict.fromkeys(_NUMBER.findall(finding.answer))
        if not any(_rounds_to(value, text) for value in now)
    ]


def _equal(one: KeyValue, now: object) -> bool:
    if isinstance(one.value, int | float) and isinstance(now, int | float):
        return math.isclose(one.value, now, rel_tol=1e-9, abs_tol=1e-12)
    return one.value == now or str(one.value) == str(now)[:500]


def _value(text: str) -> float:
    return float(text.replace(",", ""))


def _rounds_to(value: float, text: str) -> bool:
    """Whether a number, rounded as a text is, gives that text."""
    places = len(text.partition(".")[2]) if "e" not in text.lower() else 12
    return math.isclose(round(value, places), _value(text), rel_tol=1e-9, abs_tol=1e-12)
