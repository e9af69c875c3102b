"""Spares: made beforehand, handed out once, and gone when nobody takes them."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import psutil
import pytest

from kernel_sandbox import KernelPool, Policy
from kernel_sandbox.directories import place

QUICK = "import json"


def directories() -> set[Path]:
    return {*Path(place()).glob("ks-*")}


def supervisors() -> set[int]:
    """Other tests' sessions and spares may live as long as the process."""
    return {
        child.pid
        for child in psutil.Process().children()
        if any(argument.endswith("supervise.py") for argument in child.cmdline())
    }


async def made(pool: KernelPool) -> None:
    deadline = time.monotonic() + 30
    while not all(future.done() for future in pool._spares.values()):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


@pytest.fixture
async def pool():
    before = directories()
    pool = KernelPool(warm_up=QUICK, refill_seconds=None)
    yield pool
    await pool.aclose()
    # What nobody waits for ends a little later.
    deadline = time.monotonic() + 20
    while not directories() <= before:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_a_spare_is_warm_and_handed_out_once(pool, run, policy):
    pool.prepare(policy=policy)
    pool.prepare(policy=policy)
    await made(pool)
    async with await pool.take(policy=policy) as first:
        assert (await run(first, "import sys; 'json' in sys.modules")).value == "True"
        assert (await run(first, "[n for n in dir() if n == 'json']")).value == "[]"
        async with await pool.take(policy=policy) as second:
            assert second.kernel_pid != first.kernel_pid
            assert second.layout.root != first.layout.root
            assert (await run(second, "1 + 1")).value == "2"


async def test_one_that_is_being_made_is_waited_for(pool, policy):
    pool.prepare(policy=policy)
    async with await pool.take(policy=policy) as session:
        assert session.is_alive()
    assert not pool._spares


async def test_another_policy_gets_another_kernel(pool, run, policy):
    pool.prepare(policy=policy)
    await made(pool)
    other = policy.replace(memory=700_000_000)
    async with await pool.take(policy=other) as session:
        assert session.policy == other
    assert len(pool._spares) == 1


async def test_there_are_never_more_than_so_many(pool, policy):
    for memory in (700, 800, 900):
        pool.prepare(policy=policy.replace(memory=memory * 1_000_000))
    await made(pool)
    assert len(pool._spares) == 2


async def test_a_spare_that_died_or_is_old_is_not_handed_out(pool, run, policy, monkeypatch):
    pool.prepare(policy=policy)
    await made(pool)
    (future,) = pool._spares.values()
    psutil.Process(future.result().session.kernel_pid).kill()
    await asyncio.sleep(0.3)
    async with await pool.take(policy=policy) as session:
        assert (await run(session, "1")).value == "1"
    pool.prepare(policy=policy)
    await made(pool)
    (future,) = pool._spares.values()
    old = future.result().session.kernel_pid
    monkeypatch.setattr(pool, "_idle_seconds", 0.0)
    async with await pool.take(policy=policy) as session:
        assert session.kernel_pid != old
    assert not psutil.pid_exists(old)


async def test_there_is_none_where_memory_is_short(pool, policy, monkeypatch):
    monkeypatch.setattr("kernel_sandbox.pool.available_memory", lambda: 1 << 30)
    pool.prepare(policy=policy)
    assert not pool._spares
    async with await pool.take(policy=policy) as session:
        assert session.is_alive()


async def test_the_next_is_made_after_a_while(policy):
    pool = KernelPool(warm_up=QUICK, refill_seconds=0.05)
    async with await pool.take(policy=policy):
        deadline = time.monotonic() + 10
        while not pool._spares:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
    await pool.aclose()
    assert not pool._spares


async def test_a_policy_that_cannot_be_had_is_told_to_the_taker(pool, monkeypatch):
    policy = Policy(isolation="landlock", network=("example.org",))
    pool.prepare(policy=policy)
    with pytest.raises(Exception, match="needs bubblewrap"):
        await pool.take(policy=policy)


async def test_a_taker_who_leaves_leaves_nothing(pool, policy):
    before = supervisors()
    pool.prepare(policy=policy)
    (making,) = pool._spares.values()
    taking = asyncio.create_task(pool.take(policy=policy))
    await asyncio.sleep(0.05)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    deadline = time.monotonic() + 20
    while not making.done() or supervisors() - before:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
