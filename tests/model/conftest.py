"""The shared server of the embedded model, ended after these tests if they started it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from analyst.llm.local import server_status, stop_server


@pytest.fixture(scope="session", autouse=True)
def leave_no_server() -> Iterator[None]:
    was_running = server_status() is not None
    yield
    if not was_running:
        stop_server()
