"""Computing a finding again: with its data, in an isolated kernel of its own, and comparing.

Here: where the data comes from, the run of the code, and what differs. Not here: the store
(:mod:`analyst.session.findings`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from analyst.memory.errors import FindingsError
from analyst.memory.finding import Finding, KeyValue
from analyst.memory.numbers import numbers_in, read_number, rounds_to
from analyst.memory.telling import brief
from analyst.memory.units import with_unit
from analyst.session.data_room import DataRoom, HandingOverError
from analyst.session.sandbox import policy_for
from analyst.settings import Settings
from analyst.tools.analysis_kernel import AnalysisKernel
from analyst.tools.python import PythonTool
from analyst.tools.registry import ToolOutput, ToolResult
from kernel_sandbox import KernelSandboxError, KernelSession

DEADLINE_SECONDS = 120.0
"""Of each piece of code that is run again."""

_MOST_SAID = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What came of computing a finding again.

    ``same``: everything that its answer says came out again. ``differs``: something did not.
    ``data_changed``: its data is not what it was. ``impossible``: the data cannot be had here, or
    the code failed. ``detail``: sentences, with old and new value side by side where they differ;
    values and error messages in it are as uncertain as the finding. ``outputs``: what the code
    showed now, as outputs of a notebook.
    """

    outcome: Literal["same", "differs", "data_changed", "impossible"]
    detail: str
    outputs: tuple[Mapping[str, Any], ...] = ()

    @property
    def printed(self) -> str:
        """The text of what the code showed."""
        return "".join(map(printed_text, self.outputs)).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the data of a finding is had from, by its names; ``missing``: why it is not, or ""."""

    frames: Mapping[str, object] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    missing: str = ""


def sources_of(
    finding: Finding,
    *,
    frames: Mapping[str, object] | None = None,
    files: Mapping[str, Path] | None = None,
) -> Sources:
    """Find the data of a finding.

    ``frames``: those of a notebook, by name; ``None`` where there is no notebook. ``files``: where
    files are now, by the finding's names for them; others are where they were.
    """
    wanted = [one.name for one in finding.data if one.kind == "frame"]
    given = {name: frames[name] for name in wanted if name in frames} if frames else {}
    if lacking := [name for name in wanted if name not in given]:
        names = " and ".join(lacking)
        if frames is None:
            missing = (
                f"It was computed on {names} of a notebook; in one that defines {names}, "
                f"%agent findings verify F{finding.number} computes it again."
            )
        else:
            missing = (
                f"It was computed on {names}, which is no table here; define {names} and verify "
                "it again."
            )
        return Sources(missing=missing)
    places = {one.name: Path(one.path) for one in finding.data if one.path is not None}
    places |= {name: path for name, path in (files or {}).items() if name in places}
    for path in places.values():
        if not path.is_file():
            return Sources(
                missing=f"There is no {path} any more; --data PATH says where it is now."
            )
    return Sources(frames=given, files=places)


def files_given(finding: Finding, given: Sequence[str]) -> dict[str, Path]:
    """Return where the files of a finding are, by its names, from ``PATH`` and ``NAME=PATH``.

    Raises :class:`~analyst.memory.errors.FindingsError` where it is not plain which is meant.
    """
    names = {one.name: Path(one.path).name for one in finding.data if one.path is not None}
    files: dict[str, Path] = {}
    for text in given:
        name, _, path = text.partition("=")
        if name in names and path:
            files[name] = Path(path).expanduser().absolute()
            continue
        like = [one for one, file in names.items() if file == Path(text).name]
        alone = [*names] if len(names) == 1 else like
        if len(alone) != 1:
            there = (
                f"its files are {', '.join(names)}; write NAME=PATH"
                if names
                else "it was not computed on files"
            )
            raise FindingsError(f"--data {text}: F{finding.number} has no such file, {there}.")
        files[alone[0]] = Path(text).expanduser().absolute()
    return files


async def computed_again(finding: Finding, sources: Sources, settings: Settings) -> Verified:
    """Compute a finding again, isolated, and compare."""
    if sources.missing:
        return Verified(outcome="impossible", detail=sources.missing)
    try:
        async with await KernelSession.start(policy=policy_for(settings)) as session:
            return await _compared(finding, sources, AnalysisKernel(session))
    except (KernelSandboxError, HandingOverError) as error:
        return Verified(outcome="impossible", detail=str(error))


def printed_text(output: Mapping[str, Any]) -> str:
    """Return what an output of a notebook says in words; charts say nothing."""
    data = output.get("data")
    if isinstance(data, Mapping):
        return f"{data.get('text/plain', '')}\n"
    return str(output.get("text", ""))


async def _compared(finding: Finding, sources: Sources, kernel: AnalysisKernel) -> Verified:
    await kernel.ensure_ready()
    changed = await _hand_over(finding, sources, kernel)
    names = [*finding.named_values]
    await kernel.begin(names)
    tool = PythonTool(kernel, deadline_seconds=DEADLINE_SECONDS)
    tool.value_names = names
    outputs: list[Mapping[str, Any]] = []
    values: dict[str, Any] = {}
    for code in filter(str.strip, (finding.setup, finding.code)):
        async for item in tool.run({"code": code}):
            if isinstance(item, ToolOutput) and item.output:
                outputs.append(item.output)
            elif isinstance(item, ToolResult):
                if item.status != "ok":
                    said = item.observation.strip()[-_MOST_SAID:]
                    detail = f"The code fails now: {said}"
                    if changed:
                        detail = f"{', '.join(changed)} changed, and the code fails now: {said}"
                    return Verified(
                        outcome="data_changed" if changed else "impossible",
                        detail=detail,
                        outputs=tuple(outputs),
                    )
                values |= dict(item.values)
    again = Verified(outcome="same", detail="", outputs=tuple(outputs))
    differing = _differing(finding, values, again.printed)
    if changed:
        what = "and so did the answer" if differing else "but the answer is the same"
        detail = f"{', '.join(changed)} changed, {what}"
        detail += f": {differing}" if differing else "."
        return Verified(outcome="data_changed", detail=detail, outputs=again.outputs)
    if differing:
        return Verified(
            outcome="differs", detail=f"Not the same: {differing}", outputs=again.outputs
        )
    if not (finding.named_values or numbers_in(finding.answer)):
        detail = "The code ran again; the answer has no numbers that could be compared."
    else:
        detail = "All that it says came out again."
    return Verified(outcome="same", detail=detail, outputs=again.outputs)


async def _hand_over(finding: Finding, sources: Sources, kernel: AnalysisKernel) -> list[str]:
    """Bring the data into the kernel; return what of it is not as it was."""
    room = DataRoom(Path.cwd())
    await room.hand_over(kernel, sources.frames, ())
    for name, path in sources.files.items():
        await room.load_file(kernel, name, path)
    known = {one.name: one.content for one in finding.data}
    return [
        str(sources.files.get(name, name))
        for name, one in room.fingerprints.items()
        if one.content != known[name]
    ]


def _differing(finding: Finding, values: Mapping[str, Any], printed: str) -> str:
    """Say what did not come out again, old beside new; "" if all did."""
    named = [one for one in finding.values if one.named]
    if named:
        return "; ".join(
            f"{one.name} was {_shown(one, one.value)} and is {_shown(one, values.get(one.name))}"
            for one in named
            if not _equal(one.value, values.get(one.name))
        )
    now = [read_number(text) for text in numbers_in(printed)]
    # Rounded as the answer rounds.
    gone = [
        text
        for text in dict.fromkeys(numbers_in(finding.answer))
        if not any(rounds_to(value, text) for value in now)
    ]
    if not gone:
        return ""
    return (
        f"{', '.join(gone)} did not come out. The answer was "
        f"“{brief(finding.answer, _MOST_SAID)}”, the code prints "
        f"“{brief(printed, _MOST_SAID)}” now."
    )


def _shown(one: KeyValue, value: object) -> str:
    return with_unit(brief(str(value), _MOST_SAID), one.unit)


def _equal(then: object, now: object) -> bool:
    if isinstance(then, int | float) and isinstance(now, int | float):
        return math.isclose(then, now, rel_tol=1e-9, abs_tol=1e-12)
    return then == now or str(then) == str(now)[:500]
