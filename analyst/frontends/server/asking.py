"""A question as the panel sends it: checked, and its context fetched.

Here: what may come along, and its limits. Not here: how tables leave a notebook's kernel
(:mod:`analyst.frontends.server.notebook_kernels`).
"""

from __future__ import annotations

import keyword
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyst.frontends.server.conversation import Asked
from analyst.frontends.server.errors import RefusedError
from analyst.frontends.untrusted import one_line

if TYPE_CHECKING:
    from analyst.frontends.server.core import Core
    from analyst.frontends.server.notebook_kernels import NotebookKernels

LONGEST_QUESTION = 20_000
MOST_CONTEXT = 50
MOST_VALUES = 50
OVERRIDES = ("approval", "memory", "private", "show_rows", "model", "work", "checks")


@dataclass(frozen=True)
class FrameWanted:
    """A table of a notebook's kernel."""

    kernel_id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """What was sent, checked as far as the text alone tells."""

    text: str
    frames: tuple[FrameWanted, ...]
    files: tuple[str, ...]
    findings: tuple[int, ...]
    values: tuple[str, ...]
    overrides: dict[str, Any]


def read_question(body: dict[str, Any]) -> Question:
    """Check what was sent; raises :class:`RefusedError`."""
    text = body.get("question")
    if not isinstance(text, str) or not text.strip():
        raise RefusedError("Write a question first.")
    if len(text) > LONGEST_QUESTION:
        raise RefusedError(
            f"The question has {len(text):,} characters, and at most {LONGEST_QUESTION:,} can be "
            "asked; put long material into a file and add that."
        )
    frames: list[FrameWanted] = []
    files: list[str] = []
    findings: list[int] = []
    for item in _list_of(body, "context", MOST_CONTEXT):
        match item:
            case {"kind": "frame", "kernel_id": str(kernel_id), "name": str(name)}:
                frames.append(FrameWanted(kernel_id, _variable(name)))
            case {"kind": "file", "path": str(path)}:
                files.append(path)
            case {"kind": "finding", "number": int(number)} if not isinstance(number, bool):
                findings.append(number)
            case _:
                raise RefusedError(
                    "What goes along is a frame (kernel_id, name), a file (path) or a finding "
                    "(number); take the odd one away."
                )
    if len({frame.name for frame in frames}) < len(set(frames)):
        raise RefusedError("Two tables of the same name cannot go along; take one of them away.")
    return Question(
        text=text,
        frames=tuple(dict.fromkeys(frames)),
        files=tuple(dict.fromkeys(files)),
        findings=tuple(dict.fromkeys(findings)),
        values=tuple(_variable(name) for name in _list_of(body, "values", MOST_VALUES)),
        overrides=_overrides(body.get("overrides")),
    )


async def gather(question: Question, core: Core, kernels: NotebookKernels) -> Asked:
    """Fetch what goes along; raises :class:`RefusedError`."""
    files: tuple[Path, ...] = tuple(core.root.file(path) for path in question.files)
    data = {}
    for frame in question.frames:
        data[frame.name] = await kernels.fetch(frame.kernel_id, frame.name)
    return Asked(
        question=question.text,
        data=data,
        files=files,
        findings=question.findings,
        values=question.values,
        overrides=question.overrides,
    )


def _overrides(given: object) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict) or not set(given) <= set(OVERRIDES):
        raise RefusedError(f"For one run, only {', '.join(OVERRIDES)} can be set otherwise.")
    if any(not isinstance(value, str | bool) for value in given.values()):
        raise RefusedError("A setting for one run is a text, or yes or no.")
    return dict(given)


def _list_of(body: dict[str, Any], name: str, most: int) -> list[Any]:
    found = body.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or len(found) > most:
        raise RefusedError(f"{name} must be a list of at most {most}.")
    return found


def _variable(name: object) -> str:
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise RefusedError(f"{one_line(str(name), 60)!r} is no name that a variable can have.")
    return name
