"""The shared server's life, with a stand-in for the inference library (fake_xllamacpp)."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.llm import local, local_launch
from analyst.llm.catalogue import CatalogueEntry
from analyst.llm.local import LocalEndpoint, ensure_server, server_status, stop_server
from analyst.llm.local_launch import LocalServerError
from analyst.llm.local_runtime import RuntimeDirectoryError, runtime_directory
from analyst.llm.local_server import (
    LOG_FILE,
    STATE_FILE,
    ServerState,
    is_running,
    read_state,
    usable_cores,
    write_state,
)
from analyst.llm.weights import model_path
from analyst.llm.weights_errors import WeightsMissingError

from .weights_kit import ENTRY, sha256


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A private runtime directory whose server, if one runs, is ended after the test."""
    directory = tmp_path / "runtime"
    monkeypatch.setenv("ANALYST_RUNTIME", str(directory))
    monkeypatch.setenv("ANALYST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).with_name("fake_xllamacpp")))
    monkeypatch.setattr(local, "_xllamacpp_version", lambda: "1.0 (fake)")
    yield directory
    stop_server()


def fake_model(content: str = "good") -> CatalogueEntry:
    data = content.encode()
    entry = replace(ENTRY, parts=(), bytes=len(data), sha256=sha256(data))
    path = model_path(entry)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return entry


def starts(entry: CatalogueEntry) -> list[int]:
    log = Path(f"{model_path(entry)}.starts")
    return [int(line) for line in log.read_text().split()] if log.exists() else []


async def until(true: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.02)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def status_of(endpoint: LocalEndpoint, *, key: str | None = None) -> int:
    headers = {"Authorization": f"Bearer {key or endpoint.api_key.get_secret_value()}"}
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(endpoint.base_url, headers=headers)).status_code


@pytest.mark.usefixtures("runtime")
async def test_the_first_use_starts_the_server_and_the_second_finds_it() -> None:
    model = fake_model()
    told: list[str] = []
    first = await ensure_server(model=model, on_progress=told.append)
    second = await ensure_server(model=model, on_progress=told.append)
    assert (first.started, first.restarted) == (True, False)
    assert (second.started, second.restarted) == (False, False)
    assert second.base_url == first.base_url
    assert second.instance == first.instance
    assert told == ["starting the embedded model Tiny"]
    assert await status_of(second) == 200
    assert await status_of(second, key="wrong") == 401


@pytest.mark.usefixtures("runtime")
async def test_concurrent_first_uses_start_one_server() -> None:
    model = fake_model()
    endpoints = await asyncio.gather(*(ensure_server(model=model) for _ in range(4)))
    assert len({endpoint.instance for endpoint in endpoints}) == 1
    assert [endpoint.started for endpoint in endpoints].count(True) == 1
    assert len(starts(model)) == 1


@pytest.mark.usefixtures("runtime")
async def test_first_uses_in_two_processes_start_one_server() -> None:
    model = fake_model()
    program = (
        "import asyncio, json, sys\n"
        "from analyst.llm import local\n"
        "from analyst.llm.catalogue import CatalogueEntry\n"
        "local._xllamacpp_version = lambda: '1.0 (fake)'\n"
        "entry = CatalogueEntry(**json.loads(sys.argv[1]))\n"
        "print(asyncio.run(local.ensure_server(model=entry)).instance)\n"
    )
    fields = json.dumps({name: getattr(model, name) for name in model.__dataclass_fields__})
    paths = [str(Path(local.__file__).parents[2]), os.environ["PYTHONPATH"]]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, fields, stdout=asyncio.subprocess.PIPE, env=environment
        )
        for _ in range(2)
    ]
    answers = [(await process.communicate())[0] for process in processes]
    assert answers[0].strip()
    assert answers[0] == answers[1]
    assert len(starts(model)) == 1


async def test_the_server_outlives_its_starter_and_is_nobodys_zombie(runtime: Path) -> None:
    before = psutil.Process().children()
    endpoint = await ensure_server(model=fake_model())
    state = read_state(runtime)
    assert state is not None
    process = psutil.Process(state.pid)
    assert process.ppid() != os.getpid()
    assert os.getsid(state.pid) != os.getsid(0)
    assert [child for child in psutil.Process().children() if child not in before] == []
    process.kill()
    await until(lambda: not is_running(state))
    assert endpoint.instance == state.instance


async def test_a_killed_server_is_noticed_and_every_session_that_had_it_is_told(
    runtime: Path,
) -> None:
    model = fake_model()
    had = await ensure_server(model=model)
    state = read_state(runtime)
    assert state is not None
    psutil.Process(state.pid).kill()
    await until(lambda: not is_running(state))
    one = await ensure_server(model=model, previous=had)
    other = await ensure_server(model=model, previous=had)
    stranger = await ensure_server(model=model)
    assert (one.started, one.restarted) == (True, True)
    assert (other.started, other.restarted) == (False, True)
    assert (stranger.started, stranger.restarted) == (False, False)
    assert (await ensure_server(model=model, previous=other)).restarted is False
    assert await status_of(other) == 200


async def test_a_server_whose_port_is_closed_is_replaced(runtime: Path) -> None:
    model = fake_model()
    first = await ensure_server(model=model)
    state = read_state(runtime)
    assert state is not None
    write_state(runtime, replace(state, base_url="http://127.0.0.1:9/v1"))
    second = await ensure_server(model=model)
    assert second.restarted
    assert second.instance != first.instance
    assert not is_running(state)


@pytest.mark.parametrize("stale", ["library", "protocol", "model"])
async def test_a_server_of_another_version_or_model_is_replaced(
    runtime: Path, monkeypatch: pytest.MonkeyPatch, stale: str
) -> None:
    model = fake_model()
    first = await ensure_server(model=model)
    state = read_state(runtime)
    assert state is not None
    if stale == "library":
        monkeypatch.setattr(local, "_xllamacpp_version", lambda: "2.0 (fake)")
    elif stale == "protocol":
        write_state(runtime, replace(state, protocol=0))
    else:
        write_state(runtime, replace(state, model_sha256="another"))
    second = await ensure_server(model=model)
    assert (second.started, second.restarted) == (True, False)
    assert second.instance != first.instance
    assert not is_running(state)


async def test_a_state_file_from_before_the_machine_started_is_no_crash(runtime: Path) -> None:
    model = fake_model()
    await ensure_server(model=model)
    state = read_state(runtime)
    stop_server()
    assert state is not None
    write_state(runtime, replace(state, started=psutil.boot_time() - 1))
    assert (await ensure_server(model=model)).restarted is False


async def test_an_idle_server_ends_and_takes_its_state_file_along(runtime: Path) -> None:
    await ensure_server(model=fake_model(), idle_seconds=0.4)
    state = read_state(runtime)
    assert state is not None
    await until(lambda: not is_running(state))
    assert not (runtime / STATE_FILE).exists()
    assert server_status() is None


async def test_requests_and_look_ups_keep_a_server_from_being_idle(runtime: Path) -> None:
    model = fake_model()
    endpoint = await ensure_server(model=model, idle_seconds=0.8)
    state = read_state(runtime)
    assert state is not None
    for use in (status_of, None):
        busy_until = time.monotonic() + 1.6
        while time.monotonic() < busy_until:
            await (status_of(endpoint) if use else ensure_server(model=model))
            await asyncio.sleep(0.05)
        assert is_running(state)
    await until(lambda: not is_running(state))


async def test_a_server_that_nobody_can_find_any_more_ends(runtime: Path) -> None:
    await ensure_server(model=fake_model(), idle_seconds=8)
    state = read_state(runtime)
    assert state is not None
    (runtime / STATE_FILE).unlink()
    await until(lambda: not is_running(state))


async def test_stop_ends_the_server_and_says_whether_there_was_one(runtime: Path) -> None:
    await ensure_server(model=fake_model())
    state = read_state(runtime)
    assert state is not None
    status = server_status()
    assert status is not None
    assert status.pid == state.pid
    assert state.api_key not in repr(status)
    assert stop_server() is True
    assert not is_running(state)
    assert server_status() is None
    assert stop_server() is False


async def test_the_key_is_in_the_private_state_file_and_nowhere_else(runtime: Path) -> None:
    endpoint = await ensure_server(model=fake_model())
    state = read_state(runtime)
    assert state is not None
    key = endpoint.api_key.get_secret_value()
    assert key == state.api_key
    assert mode_of(runtime / STATE_FILE) == 0o600
    assert mode_of(runtime) == 0o700
    process = psutil.Process(state.pid)
    places = [repr(endpoint), str(endpoint), repr(state), (runtime / LOG_FILE).read_text()]
    places += [*process.cmdline(), *process.environ().values()]
    assert not any(key in place for place in places)


async def test_the_server_gets_no_secret_of_the_environment(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-user")
    await ensure_server(model=fake_model())
    state = read_state(runtime)
    assert state is not None
    assert "OPENAI_API_KEY" not in psutil.Process(state.pid).environ()


@pytest.mark.usefixtures("runtime")
@pytest.mark.parametrize(
    ("content", "said"),
    [("refuse", "failed to load the model"), ("crash", "ended while loading")],
)
async def test_why_a_server_does_not_start_is_told_in_one_sentence(content: str, said: str) -> None:
    with pytest.raises(LocalServerError) as caught:
        await ensure_server(model=fake_model(content))
    text = str(caught.value)
    assert said in text
    assert "the library prints to standard error" in text
    assert "\n" not in text
    assert text.endswith(".")
    assert server_status() is None
    assert (await ensure_server(model=fake_model("good"))).started


@pytest.mark.usefixtures("runtime")
async def test_a_server_that_does_not_get_ready_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_launch, "START_SECONDS", 2.5)
    model = fake_model("hang")
    with pytest.raises(LocalServerError, match="was not loaded within"):
        await ensure_server(model=model)
    (pid,) = starts(model)
    await until(lambda: not psutil.pid_exists(pid))


@pytest.mark.usefixtures("runtime")
async def test_without_the_library_the_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "xllamacpp.py").write_text("raise ImportError('libgomp is missing')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))
    with pytest.raises(LocalServerError, match="libgomp is missing"):
        await ensure_server(model=fake_model())


async def test_without_the_weights_nothing_is_started(runtime: Path) -> None:
    with pytest.raises(WeightsMissingError, match="analyst model pull"):
        await ensure_server(model=ENTRY)
    assert not (runtime / LOG_FILE).exists()


async def test_the_working_directory_plays_no_part(
    runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('imported from the working directory')")
    monkeypatch.chdir(tmp_path)
    assert (await ensure_server(model=fake_model())).started
    assert read_state(runtime) is not None


@given(content=st.binary() | st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["pid", "api_key", "instance"]), inner)
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_a_state_file_of_any_content_never_raises(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    directory = tmp_path_factory.getbasetemp()
    (directory / STATE_FILE).write_bytes(content)
    assert read_state(directory) is None


def _state(**changes: Any) -> ServerState:
    process = psutil.Process()
    fields: dict[str, Any] = {
        "protocol": 1,
        "instance": "i",
        "pid": process.pid,
        "process_started": process.create_time(),
        "started": time.time(),
        "base_url": "http://127.0.0.1:1/v1",
        "api_key": "k",
        "model_name": "m",
        "model_sha256": "s",
        "xllamacpp_version": "v",
        "context_tokens": 1,
        "slots": 1,
        "idle_seconds": 1.0,
        "prefix_directory": "/",
    }
    return ServerState(**{**fields, **changes})


def test_a_process_of_the_same_number_is_not_taken_for_the_server() -> None:
    assert is_running(_state())
    assert not is_running(_state(process_started=time.time() - 1e6))
    assert not is_running(_state(pid=2**22 + 1))


def test_a_runtime_directory_open_to_others_is_closed(runtime: Path) -> None:
    runtime.mkdir(mode=0o755)
    assert stat.S_IMODE(runtime_directory().stat().st_mode) == 0o700


def test_the_default_runtime_directory_is_private_and_in_jupyters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANALYST_RUNTIME", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "jupyter"))
    directory = runtime_directory()
    assert directory.parent == tmp_path / "jupyter"
    assert mode_of(directory) == 0o700


def test_a_runtime_directory_that_is_a_link_is_refused(runtime: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    runtime.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RuntimeDirectoryError, match="ANALYST_RUNTIME"):
        runtime_directory()
    runtime.unlink()


def test_a_runtime_directory_of_another_user_is_refused(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "getuid", lambda: 12345)
        with pytest.raises(RuntimeDirectoryError, match="another user"):
            runtime_directory()


def test_at_least_one_core_is_used_and_no_more_than_there_are() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
