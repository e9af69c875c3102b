"""Sessions for the tests: a real kernel, a scripted model, a private data directory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from analyst.llm.scripted import ScriptedModel
from analyst.session import Session
from analyst.settings import Settings

MakeSession = Callable[..., Session]


@pytest.fixture
async def make_session(tmp_path: Path) -> AsyncIterator[MakeSession]:
    sessions: list[Session] = []

    def make(replies: Iterable[Any], **options: Any) -> Session:
        settings = Settings().updated(options.pop("settings", {}))
        session = Session(
            cwd=tmp_path,
            data_directory=tmp_path / "data",
            model=ScriptedModel(replies),
            settings=settings,
            **options,
        )
        sessions.append(session)
        return session

    yield make
    for session in sessions:
        await session.aclose()
