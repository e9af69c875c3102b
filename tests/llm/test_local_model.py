"""The shared server with the real model, which must be in the user's cache."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from analyst.llm.catalogue import DEFAULT_MODEL
from analyst.llm.local import LocalEndpoint, ensure_server, stop_server
from analyst.llm.local_server import ServerState, is_running, read_state
from analyst.llm.local_slots import lease_slot, warm
from analyst.llm.weights import locate, model_path

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]

RULES = " ".join(f"Rule {n}: look at column {n} before you compute with it." for n in range(12))
SYSTEM = [{"role": "system", "content": f"You are a careful data analyst. {RULES}"}]


@pytest.fixture
async def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    """Private directories, with the user's model linked into the private cache."""
    weights = locate(DEFAULT_MODEL)
    monkeypatch.setenv("ANALYST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ANALYST_RUNTIME", str(tmp_path / "runtime"))
    here = model_path(DEFAULT_MODEL)
    here.parent.mkdir(parents=True)
    try:
        os.link(weights, here)
    except OSError:
        shutil.copyfile(weights, here)
    yield tmp_path / "runtime"
    await asyncio.to_thread(stop_server)


async def ask(
    endpoint: LocalEndpoint,
    messages: list[dict[str, Any]],
    *,
    slot: int,
    key: str | None = None,
    tokens: int = 8,
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key or endpoint.api_key.get_secret_value()}"}
    body = {"messages": messages, "max_tokens": tokens, "temperature": 0, "id_slot": slot}
    async with httpx.AsyncClient(trust_env=False, timeout=300) as client:
        return await client.post(
            f"{endpoint.base_url}/chat/completions", json=body, headers=headers
        )


def cached(response: httpx.Response) -> int:
    return int(response.json()["usage"]["prompt_tokens_details"]["cached_tokens"])


def total(response: httpx.Response) -> int:
    return int(response.json()["usage"]["total_tokens"])


async def gone(state: ServerState) -> None:
    deadline = time.monotonic() + 20
    while is_running(state):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def turn(response: httpx.Response, then: str) -> list[dict[str, Any]]:
    return [response.json()["choices"][0]["message"], {"role": "user", "content": then}]


@pytest.mark.usefixtures("runtime")
async def test_two_first_uses_share_a_server_whose_prompts_do_not_push_each_other_out() -> None:
    one, two = await asyncio.gather(ensure_server(), ensure_server())
    assert one.instance == two.instance
    assert [one.started, two.started].count(True) == 1
    assert (await ask(one, SYSTEM, slot=0, key="sk-wrong")).status_code == 401

    talks = {
        lease.number: [*SYSTEM, {"role": "user", "content": f"{name}: mean of a column?"}]
        for lease, name in ((lease_slot(one.slots), "north"), (lease_slot(one.slots), "south"))
    }
    assert sorted(talks) == [0, 1]
    for slot in talks:
        assert await warm(one, SYSTEM, slot=slot) is not None
    before = dict.fromkeys(talks, 0)
    for step in range(2):
        answers = await asyncio.gather(
            *(ask(one, messages, slot=slot) for slot, messages in talks.items())
        )
        for slot, answer in zip(talks, answers, strict=True):
            if step:
                assert cached(answer) >= 0.95 * before[slot]
            else:
                assert cached(answer) > 100  # what every conversation begins with was warm
            before[slot] = total(answer)
            talks[slot] += turn(answer, "Which function did you use?")


async def test_a_killed_server_is_started_again_with_its_prefix_from_disk(runtime: Path) -> None:
    had = await ensure_server()
    assert await warm(had, SYSTEM, slot=0) is not None
    state = read_state(runtime)
    assert state is not None
    psutil.Process(state.pid).kill()
    await gone(state)
    again = await ensure_server(previous=had, idle_seconds=2.0)
    assert (again.started, again.restarted) == (True, True)
    warmed = await warm(again, SYSTEM, slot=1)
    assert warmed is not None
    assert warmed.restored
    answer = await ask(again, [*SYSTEM, {"role": "user", "content": "mean?"}], slot=1)
    assert cached(answer) > 100

    # Idle from here on.
    state = read_state(runtime)
    assert state is not None
    await gone(state)
