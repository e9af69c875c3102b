"""The kernel of a planned run as its steps share it, and what of it is kept beside the record.

Here: what lives in the kernel, kept at the end of each step as Arrow files and JSON, and brought
back into another kernel. Not here: which steps there are
(:mod:`analyst.agent.planning.planned`), and telling variables apart
(:mod:`analyst.tools.kernel_side.artefacts`).

Nothing is pickled. What cannot be kept (models, open files, very large frames) is computed again
where its code changes nothing, by :mod:`analyst.session.resuming`; else it is told as lost.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from analyst.record.blobs import BlobStore
from analyst.record.events import KeptArtefact
from analyst.record.files import data_directory
from analyst.tools.analysis_kernel import AnalysisKernel
from analyst.tools.risk import judge_code
from kernel_sandbox import HandOffError, KernelSandboxError, UnserialisableFrameError

TABLES = frozenset({"frame", "series", "array"})
LOADED = "loaded"
"""Stands for the digest of what is read from its file again."""

DEADLINE_SECONDS = 120.0
_MOST_TOLD = 12


def checkpoints(run_id: str, directory: Path | None) -> Path:
    """Return where the artefacts of a run, and of those that resume it, are kept."""
    return (directory or data_directory()) / "checkpoints" / run_id


class KernelWorkbench:
    """See :class:`analyst.agent.workbench.Workbench`.

    ``place``: where artefacts are kept; ``None`` keeps nothing. ``loaded``: names of variables that
    the session loads again by itself, and that are not kept while they are as they were. ``given``:
    names of the data, of which a model is told elsewhere. ``may_run``: whether code may run
    unasked.
    """

    def __init__(
        self,
        kernel: AnalysisKernel,
        place: Path | None,
        *,
        loaded: Collection[str] = (),
        given: Collection[str] = (),
        may_run: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._kernel = kernel
        self._store = BlobStore(place) if place is not None else None
        self._place = place
        self._may_run = may_run
        self._loaded = loaded
        self._given = dict.fromkeys(given, "")
        self._kept: dict[str, KeptArtefact] = {}
        self._digests: dict[str, str] = {}
        self._generation = kernel.session.generation
        self._told = ""

    async def begin(self, names: Sequence[str]) -> None:
        """See :class:`analyst.agent.workbench.Workbench`."""
        await self._kernel.ensure_ready()
        await self._kernel.begin(names)

    async def artefacts(self) -> Sequence[KeptArtefact]:
        """See :class:`analyst.agent.workbench.Workbench`."""
        found = await self._survey()
        return [KeptArtefact(name=e["name"], kind=e["kind"], text=e["text"]) for e in found]

    async def news(self) -> Sequence[KeptArtefact]:
        """See :class:`analyst.agent.workbench.Workbench`."""
        found = await self._survey()
        return [
            KeptArtefact(name=e["name"], kind=e["kind"], text=e["text"])
            for e in found
            if self._given.get(e["name"]) != e["digest"]
        ]

    async def keep(self) -> tuple[KeptArtefact, ...]:
        """See :class:`analyst.agent.workbench.Workbench`."""
        if self._is_lost():
            # Started anew within the step, which went on with what it had.
            await self._bring_back({e["name"] for e in await self._survey()})
        kept: dict[str, KeptArtefact] = {}
        for entry in await self._survey():
            name = entry["name"]
            if not entry["new"] and name in self._kept:
                kept[name] = self._kept[name]
                continue
            kept[name] = await self._put(entry)
            if entry["digest"] is not None:
                self._digests[name] = entry["digest"]
        self._kept = kept
        self._digests = {name: one for name, one in self._digests.items() if name in kept}
        return tuple(kept.values())

    async def restore_if_lost(self) -> str:
        """See :class:`analyst.agent.workbench.Workbench`."""
        await self.follow()
        told, self._told = self._told, ""
        return told

    async def follow(self) -> None:
        """Bring back what was kept into a kernel that took the place of another."""
        if self._is_lost():
            await self._kernel.ensure_ready()
        if self._is_lost():
            lost = await self._bring_back(set())
            text = "The agent's kernel was replaced; what the finished steps left is back"
            self._told = text + (f", but {_listed(lost)}." if lost else ".")

    async def restore(self, artefacts: Sequence[KeptArtefact]) -> list[str]:
        """Bring artefacts back into the kernel; return the names of those that are lost."""
        lost: list[str] = []
        plain: dict[str, str] = {}
        for one in artefacts:
            if one.kind == "passage":
                continue
            if one.digest == LOADED:
                continue
            data = self._store.get(one.digest) if self._store and one.digest else None
            if data is None:
                lost.append(one.name)
            elif one.kind in TABLES:
                try:
                    await self._kernel.hand_off.hand_over(one.name, await _table(data))
                except (HandOffError, ValueError):
                    lost.append(one.name)
            else:
                plain[one.name] = data.decode()
        if plain:
            failed: dict[str, str] = await self._kernel.call(
                "helper.artefacts.restore(namespace, entries)", entries=plain
            )
            lost += failed
        self._kept = {one.name: one for one in artefacts if one.name not in lost}
        self._digests = {e["name"]: e["digest"] for e in await self._survey() if e["digest"]}
        return lost

    async def trouble(self, checks: Sequence[str]) -> list[str]:
        """See :class:`analyst.agent.workbench.Workbench`; only what computes is evaluated.

        Nobody is asked about a check: what would have to be asked about is left out.
        """
        found = []
        for check in checks:
            if judge_code(check).level != "safe" or not self._may_run(check):
                continue
            try:
                said: Mapping[str, Any] = await self._kernel.call(
                    "helper.artefacts.holds(check, namespace)", check=check
                )
            except KernelSandboxError as error:
                said = {"trouble": str(error)}
            if said.get("trouble"):
                found.append(f"The check {check} failed: {said['trouble']}.")
            elif said.get("holds") is False:
                found.append(f"It does not hold that {check}.")
        return found

    async def forget_others(self, names: Collection[str]) -> set[str]:
        """Delete variables of other names, which a cut-off step left; return what is there."""
        there = {entry["name"] for entry in await self._survey()}
        if names and (others := sorted(there - {*names} - {*self._loaded})):
            await self._kernel.call("helper.artefacts.forget(namespace, names)", names=others)
            there -= {*others}
        return there

    def forget(self) -> None:
        """Delete what was kept; the run needs it no more."""
        if self._place is not None:
            shutil.rmtree(self._place, ignore_errors=True)

    def _is_lost(self) -> bool:
        session = self._kernel.session
        return not session.is_alive() or session.generation != self._generation

    async def _bring_back(self, there: Collection[str]) -> list[str]:
        """Restore what was kept, but for names that are there; return what is lost."""
        kept = self._kept
        lost = await self.restore([one for name, one in kept.items() if name not in there])
        self._kept = {name: one for name, one in kept.items() if name not in lost}
        self._generation = self._kernel.session.generation
        return lost

    async def _survey(self) -> list[dict[str, Any]]:
        await self._kernel.ensure_ready()
        found: list[dict[str, Any]] = await self._kernel.call(
            "helper.artefacts.survey(namespace, known)", known=self._digests
        )
        for one in found:
            if self._given.get(one["name"]) == "":
                self._given[one["name"]] = one["digest"]
        return found

    async def _put(self, entry: Mapping[str, Any]) -> KeptArtefact:
        name, kind, digest = entry["name"], entry["kind"], None
        # At the first look, what a file gave is as the file has it.
        as_loaded = name in self._loaded and name not in self._digests
        if as_loaded:
            digest = LOADED
        elif self._store is not None and entry["digest"] is not None:
            if kind in TABLES:
                digest = await self._put_table(entry)
            elif entry["plain"] is not None:
                digest = await asyncio.to_thread(self._store.put, entry["plain"].encode())
        return KeptArtefact(name=name, kind=kind, text=entry["text"], digest=digest)

    async def _put_table(self, entry: Mapping[str, Any]) -> str | None:
        try:
            fetched = await self._kernel.hand_off.fetch(entry["name"], deadline=DEADLINE_SECONDS)
        except (HandOffError, UnserialisableFrameError):
            return None
        if fetched.changes or self._store is None:
            return None
        frame: Any = fetched.frame
        if entry["kind"] == "series":
            frame = frame.iloc[:, 0]
            frame.name = None if entry["unnamed"] else frame.name
        elif entry["kind"] == "array":
            frame = frame.iloc[:, 0].to_numpy() if entry["flat"] else frame.to_numpy()
        data = await asyncio.to_thread(_arrow, frame)
        return await asyncio.to_thread(self._store.put, data)


async def kept_table(place: Path | None, digest: str | None) -> object | None:
    """Return a table that was kept; ``None`` for one that was not."""
    data = BlobStore(place).get(digest) if place is not None and digest is not None else None
    try:
        return await _table(data) if data is not None else None
    except ValueError:
        return None


def _arrow(value: object) -> bytes:
    """Write a table as an Arrow file that says what it was."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    from kernel_sandbox.codec.frames import encode  # noqa: PLC0415 - heavy

    table = encode(value).table
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


async def _table(data: bytes) -> object:
    """Read what :func:`_arrow` wrote; raises :class:`ValueError`."""

    def read() -> object:
        import pyarrow as pa  # noqa: PLC0415 - heavy

        from kernel_sandbox.codec.frames import decode  # noqa: PLC0415 - heavy

        try:
            return decode(pa.ipc.open_file(pa.BufferReader(data)).read_all())
        except pa.ArrowException as error:
            raise ValueError(str(error)) from error

    return await asyncio.to_thread(read)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_TOLD])
    more = f" and {len(names) - _MOST_TOLD} more" if len(names) > _MOST_TOLD else ""
    return f"{shown}{more} {'is' if len(names) == 1 else 'are'} lost"
