"""A tiny made-up suite in the suite's file format, and sessions that play scripts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from analyst.evals.dabench import load
from analyst.evals.results import Identity
from analyst.record.events import Event, EventCodec

HARVEST = "orchard,kind,crates\nNorth,pear,12\nNorth,plum,7\nSouth,pear,30\nSouth,plum,11\n"

QUESTIONS = [
    {
        "id": 3,
        "question": "How many crates were picked in all?",
        "concepts": ["Sums"],
        "constraints": "Count every orchard.",
        "format": '@crates[n] where "n" is an integer.',
        "file_name": "harvest.csv",
        "level": "easy",
    },
    {
        "id": 7,
        "question": "Which orchard picked most, and how many crates per kind on average?",
        "concepts": ["Sums", "Means"],
        "constraints": None,
        "format": "@orchard[name]\n@mean_crates[mean], e.g. @orchard[Nowhere]",
        "file_name": "harvest.csv",
        "level": "medium",
    },
    {
        "id": 11,
        "question": "How many kinds are there?",
        "concepts": ["Means"],
        "constraints": "",
        "format": "@kinds[n]",
        "file_name": "kinds of fruit.csv",
        "level": "hard",
    },
]
LABELS = [
    {"id": 7, "common_answers": [["mean_crates", "20.50"], ["orchard", "South"]]},
    {"id": 3, "common_answers": [["crates", "60"]]},
    {"id": 11, "common_answers": [["kinds", "2"]]},
]


def write_lines(path: Path, lines: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


@pytest.fixture
def suite_path(tmp_path: Path) -> Path:
    path = tmp_path / "suite"
    (path / "tables").mkdir(parents=True)
    write_lines(path / "questions.jsonl", QUESTIONS)
    write_lines(path / "labels.jsonl", LABELS)
    (path / "tables" / "harvest.csv").write_text(HARVEST)
    (path / "tables" / "kinds of fruit.csv").write_text("kind\npear\nplum\n")
    return path


class ScriptedSessions:
    """Sessions that play scripts instead of running an agent; asked questions are recorded.

    ``scripts`` maps a question's first line to what its run does: events as dictionaries without
    run id, sequence number and time; an exception to raise; or an async callable to await.
    """

    def __init__(self) -> None:
        self.scripts: dict[str, list[Any]] = {}
        self.asked: list[str] = []
        self.arguments: list[dict[str, Any]] = []
        self.seen_files: list[dict[str, str]] = []
        self.workspaces: list[Path] = []
        self.open = 0

    @asynccontextmanager
    async def factory(self, workspace: Path) -> AsyncIterator[ScriptedSession]:
        self.open += 1
        self.workspaces.append(workspace)
        try:
            yield ScriptedSession(self, workspace)
        finally:
            self.open -= 1


class ScriptedSession:
    def __init__(self, sessions: ScriptedSessions, workspace: Path) -> None:
        self.sessions = sessions
        self.workspace = workspace

    async def ask(self, question: str, **arguments: Any) -> AsyncIterator[Event]:
        sessions = self.sessions
        sessions.asked.append(question.split("\n", maxsplit=1)[0])
        sessions.arguments.append({"question": question, **arguments})
        sessions.seen_files.append(
            {path.name: path.read_text() for path in sorted(self.workspace.iterdir())}
        )
        run_id = f"run-{len(sessions.asked)}"
        for seq, step in enumerate(sessions.scripts[sessions.asked[-1]]):
            if isinstance(step, Exception):
                raise step
            if callable(step):
                await step()
                continue
            yield EventCodec.adapter.validate_python(
                {"run_id": run_id, "seq": seq, "t": float(seq), **step}
            )


@pytest.fixture
def sessions() -> ScriptedSessions:
    return ScriptedSessions()


STARTED = {
    "type": "run_started",
    "question": "?",
    "started_at": "2030-01-01T00:00:00Z",
    "model": "scripted",
    "model_reason": "a test",
    "protocol": "fenced",
    "settings": {},
}


def called(status: str) -> dict[str, object]:
    finished = {"status": status, "observation": "", "seconds": 0.5}
    return {"type": "tool_call_finished", "call_id": "c", **finished}


def noted(code: str) -> dict[str, object]:
    return {"type": "note", "code": code, "text": "A note."}


def answered(text: str, **values: object) -> dict[str, object]:
    return {"type": "answer", "text": text, "values": values}


def finished(status: str = "ok", reason: str | None = None) -> dict[str, object]:
    usage = {"input": 1000, "output": 100, "cached": 600}
    return {
        "type": "run_finished",
        "status": status,
        "reason": reason,
        "usage": usage,
        "steps": 2,
        "seconds": 4.0,
    }


@pytest.fixture
def play() -> SimpleNamespace:
    """What scripts are made of."""
    return SimpleNamespace(
        started=STARTED, called=called, noted=noted, answered=answered, finished=finished
    )


@pytest.fixture
def all_right(sessions: ScriptedSessions) -> ScriptedSessions:
    """Sessions whose every run computes the right answer."""
    for question, text in (
        ("How many crates were picked in all?", "@crates[60]"),
        (
            "Which orchard picked most, and how many crates per kind on average?",
            "@orchard[South] @mean_crates[20.5]",
        ),
        ("How many kinds are there?", "@kinds[2]"),
    ):
        sessions.scripts[question] = [STARTED, called("ok"), answered(text), finished()]
    return sessions


@pytest.fixture
def identity(suite_path: Path) -> Identity:
    return Identity(
        suite="dabench",
        fingerprint=load(suite_path).fingerprint,
        model="scripted",
        settings={"max_steps": 5},
        versions={"prompt": "1"},
    )
