from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from analyst.llm.local import LocalEndpoint
from analyst.llm.local_slots import lease_slot, warm

SYSTEM = [{"role": "system", "content": "be careful"}]


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANALYST_RUNTIME", str(tmp_path / "runtime"))
    return tmp_path / "runtime"


def test_sessions_get_slots_of_their_own_until_all_are_taken() -> None:
    leases = [lease_slot(3) for _ in range(3)]
    assert [lease.number for lease in leases] == [0, 1, 2]
    assert not any(lease.shared for lease in leases)
    with lease_slot(3) as fourth:
        assert fourth.shared
        assert fourth.number in range(3)
    leases[1].release()
    leases[1].release()
    with lease_slot(3) as again:
        assert (again.number, again.shared) == (1, False)
    for lease in leases:
        lease.release()


class FakeServer:
    """Plays the slot endpoints: saves and restores files, counts what it was asked."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.asked: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.refuse: set[str] = set()
        self.port = 0

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        what = path.rpartition("=")[2] if "action" in path else "completion"
        self.asked.append(what)
        self.bodies.append({"path": path, **body})
        if what in self.refuse:
            return 400, {"error": "no"}
        if what == "save":
            (self.directory / body["filename"]).write_text("prefix")
            return 200, {"n_saved": 7}
        if what == "restore":
            return 200, {"n_restored": 7}
        return 200, {"usage": {"prompt_tokens": 7}}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FakeServer]:
    directory = tmp_path / "prefixes"
    directory.mkdir()
    fake = FakeServer(directory)

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = fake.answer(self.path, body)
            if self.headers["Authorization"] != "Bearer the-key":
                status = 401
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        fake.port = listener.server_port
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield fake
        listener.shutdown()
        thread.join()


def endpoint(server: FakeServer, *, build: str = "b") -> LocalEndpoint:
    return LocalEndpoint(
        base_url=f"http://127.0.0.1:{server.port}/v1",
        api_key=SecretStr("the-key"),
        instance="i",
        model="m",
        context_window=1,
        slots=4,
        prefix_directory=str(server.directory),
        build=build,
        started=False,
        restarted=False,
        seconds=0.0,
    )


async def test_a_prefix_is_computed_once_and_read_from_disk_after_that(
    server: FakeServer,
) -> None:
    first = await warm(endpoint(server), SYSTEM, slot=2)
    second = await warm(endpoint(server), SYSTEM, slot=3)
    assert first is not None
    assert second is not None
    assert (first.tokens, first.restored) == (7, False)
    assert (second.tokens, second.restored) == (7, True)
    assert server.asked == ["completion", "save", "restore"]
    assert server.bodies[0]["id_slot"] == 2
    assert server.bodies[1]["path"] == "/slots/2?action=save"
    assert server.bodies[2]["path"] == "/slots/3?action=restore"


async def test_other_messages_or_another_build_are_another_prefix(server: FakeServer) -> None:
    await warm(endpoint(server), SYSTEM, slot=0)
    await warm(endpoint(server), [*SYSTEM, *SYSTEM], slot=0)
    await warm(endpoint(server, build="c"), SYSTEM, slot=0)
    assert server.asked == ["completion", "save"] * 3


async def test_a_prefix_that_cannot_be_read_is_computed_anew(server: FakeServer) -> None:
    await warm(endpoint(server), SYSTEM, slot=0)
    server.refuse = {"restore"}
    again = await warm(endpoint(server), SYSTEM, slot=0)
    assert again is not None
    assert not again.restored
    assert server.asked == ["completion", "save", "restore", "completion", "save"]


@pytest.mark.parametrize("refused", ["completion", "save"])
async def test_a_server_that_will_not_costs_only_the_warm_start(
    server: FakeServer, refused: str
) -> None:
    server.refuse = {refused}
    assert await warm(endpoint(server), SYSTEM, slot=0) is None
    assert list(server.directory.iterdir()) == []


async def test_only_a_few_prefixes_are_kept(server: FakeServer) -> None:
    for number in range(9):
        await warm(endpoint(server, build=str(number)), SYSTEM, slot=0)
    assert len(list(server.directory.iterdir())) == 6
