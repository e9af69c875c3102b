"""Code that will not stop, says too much, or wants too much: the session stays usable."""

from __future__ import annotations

import asyncio
import contextlib
import time

import psutil
import pytest

from kernel_sandbox import ErrorOutput, ExecutionResult, KernelSession, Stream


def host_memory() -> int:
    return psutil.Process().memory_info().rss


@contextlib.asynccontextmanager
async def memory_watched():
    """Yield a list that at the end holds by how many bytes this process grew at most."""
    grown = [0]
    before = host_memory()

    async def watch():
        while True:
            grown[0] = max(grown[0], host_memory() - before)
            await asyncio.sleep(0.02)

    watcher = asyncio.create_task(watch())
    try:
        yield grown
    finally:
        watcher.cancel()


async def test_a_loop_is_interrupted_at_its_deadline_and_variables_stay(session, run):
    await run(session, "kept = 5")
    started = time.monotonic()
    ran = await run(session, "while True: pass", deadline=0.3)
    assert time.monotonic() - started < 2
    assert ran.result.status == "timeout"
    assert not ran.result.restarted
    assert "0.3 seconds" in ran.result.detail
    assert ran.error.ename == "KeyboardInterrupt"
    assert (await run(session, "kept")).value == "5"


async def test_a_deadline_reaches_a_subprocess(session, run):
    ran = await run(session, "import subprocess; subprocess.run(['sleep', '60'])", deadline=0.5)
    assert ran.result.status == "timeout"
    assert not ran.result.restarted


async def test_a_deadline_reaches_code_that_awaits(session, run):
    ran = await run(session, "import asyncio; await asyncio.sleep(60)", deadline=0.3)
    assert ran.result.status == "timeout"
    assert not ran.result.restarted


async def test_a_loop_that_ignores_interrupts_costs_the_kernel_and_that_is_told(session, run):
    await run(session, "kept = 5")
    generation = session.generation
    ran = await run(
        session,
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: sum(range(9))",
        deadline=0.3,
    )
    assert ran.result.status == "timeout"
    assert ran.result.restarted
    assert "All variables are lost" in ran.result.detail
    assert session.generation == generation + 1
    after = await run(session, "'kept' in globals()")
    assert after.value == "False"
    assert not after.result.restarted


async def test_code_that_swallows_one_interrupt_is_stopped_by_the_next(session, run):
    ran = await run(
        session,
        "for attempt in range(2):\n"
        "    try:\n"
        "        while True: sum(range(9))\n"
        "    except BaseException: caught = attempt",
        deadline=1.5,
    )
    assert ran.result.status == "timeout"
    assert not ran.result.restarted
    assert (await run(session, "caught")).value == "1"


async def test_a_deadline_holds_while_nobody_asks_for_outputs(session):
    cell = session.execute("print('begun', flush=True)\nwhile True: pass", deadline=0.3)
    assert isinstance(await anext(cell), Stream)
    await asyncio.sleep(0.6)
    rest = [event async for event in cell]
    assert isinstance(rest[-1], ExecutionResult)
    assert rest[-1].status == "timeout"
    assert rest[-1].seconds < 0.6


async def test_printing_a_gigabyte_is_cut_and_does_not_fill_the_host(session, run):
    code = "for _ in range(1000):\n    print('x' * 1_000_000)"
    async with memory_watched() as grown:
        ran = await run(session, code)
    assert ran.result.status == "output_limit"
    assert not ran.result.restarted
    assert "MiB of output" in ran.result.detail
    assert session.limits.output_bytes // 4 < len(ran.stdout) <= session.limits.output_bytes
    assert grown[0] < 200_000_000
    assert (await run(session, "1")).value == "1"


async def test_one_huge_print_keeps_its_beginning(session, run):
    ran = await run(session, "print('begun' + 'x' * 300_000_000)")
    assert ran.result.status == "output_limit"
    assert ran.stdout.startswith("begunx")


async def test_many_small_outputs_are_counted_too(session, run):
    ran = await run(session, "while True:\n    print('y' * 100, flush=True)", deadline=20)
    assert ran.result.status == "output_limit"
    assert (await run(session, "1")).value == "1"


async def test_a_huge_display_is_dropped_and_does_not_fill_the_host(session, run):
    code = (
        "from IPython.display import display\n"
        "display({'text/plain': 'z' * 300_000_000}, raw=True)\n"
        "kept = 7"
    )
    async with memory_watched() as grown:
        ran = await run(session, code)
    assert ran.result.status == "output_limit"
    assert "larger than 32 MiB" in ran.result.detail
    assert grown[0] < 200_000_000
    after = await run(session, "print('still here'); kept")
    assert after.stdout == "still here\n"
    assert not after.result.restarted


async def test_a_huge_exception_loses_only_itself(session, run):
    ran = await run(session, "raise ValueError('v' * 60_000_000)")
    assert ran.result.status == "output_limit"
    assert (await run(session, "print('next')")).stdout == "next\n"


async def test_a_huge_result_of_helper_code_is_an_error(session, run):
    with pytest.raises(Exception, match="larger than 32 MiB"):
        await session.evaluate("", {"big": "'w' * 60_000_000"})
    assert (await run(session, "2")).value == "2"


async def test_allocating_too_much_is_a_memory_error_and_the_kernel_lives(session, run):
    pid = session.kernel_pid
    ran = await run(session, "hoard = []\nwhile True: hoard.append(bytearray(50_000_000))")
    assert ran.error.ename == "MemoryError"
    assert session.kernel_pid == pid
    assert (await run(session, "del hoard\n3")).value == "3"


async def test_an_interrupt_ends_the_cell_and_keeps_variables(session, run):
    await run(session, "kept = 5")
    events = []
    async for event in session.execute("print('begun', flush=True)\nwhile True: pass"):
        events.append(event)
        if isinstance(event, Stream):
            await session.interrupt()
    assert isinstance(events[-2], ErrorOutput)
    assert events[-1].status == "interrupted"
    assert not events[-1].restarted
    assert (await run(session, "kept")).value == "5"


async def test_an_interrupt_without_a_cell_does_nothing(session, run):
    await session.interrupt()
    assert (await run(session, "4")).value == "4"


async def test_a_cancelled_consumer_interrupts_the_cell(session, run):
    await run(session, "kept = 5")
    begun = asyncio.Event()

    async def consume():
        async for event in session.execute("print('begun', flush=True)\nwhile True: pass"):
            assert isinstance(event, Stream)
            begun.set()

    task = asyncio.create_task(consume())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    after = await run(session, "kept")
    assert after.value == "5"
    assert not after.result.restarted


async def test_a_closed_generator_interrupts_the_cell(session, run):
    cell = session.execute("print('begun', flush=True)\nwhile True: pass")
    await anext(cell)
    await cell.aclose()
    assert (await run(session, "5")).value == "5"


async def test_leaving_the_loop_over_outputs_ends_the_cell(session, run):
    async for _ in session.execute("print('begun', flush=True)\nwhile True: pass"):
        break
    assert (await run(session, "6")).value == "6"


async def test_an_abandoned_cell_that_will_not_stop_costs_the_kernel(session: KernelSession, run):
    cell = session.execute(
        "while True:\n"
        "    try:\n"
        "        print('begun', flush=True)\n"
        "        while True: sum(range(99))\n"
        "    except KeyboardInterrupt: pass"
    )
    await anext(cell)
    await cell.aclose()
    after = await run(session, "6")
    assert after.value == "6"
    assert after.result.restarted
    assert "did not stop when interrupted" in after.result.detail


async def test_a_kernel_that_loses_a_reply_is_told_and_lives(session, run):
    lose = (
        "kernel = get_ipython().kernel\n"
        "handlers = kernel.shell_handlers\n"
        "real = handlers['execute_request']\n"
        "def lose(*_):\n    handlers['execute_request'] = real\n"
        "handlers['execute_request'] = lose"
    )
    assert (await run(session, lose)).result.status == "ok"
    lost = await run(session, "1")
    assert lost.result.status == "error"
    assert "did not say how the code ended" in lost.result.detail
    assert not lost.result.restarted
    assert (await run(session, "2")).value == "2"


async def test_a_kernel_that_loses_requests_is_replaced(monkeypatch, session, run):
    monkeypatch.setattr("kernel_sandbox.kernel.TAKE_UP_SECONDS", 0.3)
    deaf = "async def deaf(*_, **__): pass\nget_ipython().kernel.dispatch_shell = deaf"
    await run(session, deaf)
    lost = await run(session, "1", deadline=None)
    assert lost.result.status == "timeout"
    assert "did not begin with the code" in lost.result.detail
    assert lost.result.restarted
    assert (await run(session, "2")).value == "2"


@pytest.mark.parametrize("code", ["print('begun', flush=True)", "print('begun')\nx = 1"])
async def test_interrupts_hit_neither_the_next_cell_nor_the_kernel(session, run, code):
    generation = session.generation
    for _ in range(40):
        cell = session.execute(code)
        await anext(cell)
        await cell.aclose()
        assert (await run(session, "sum(range(1000))")).value == "499500"
    assert session.generation == generation


async def test_an_interrupt_that_is_quicker_than_the_cell_is_not_lost(session, run):
    generation = session.generation
    for _ in range(10):
        cell = session.execute("while True: pass")
        waiting = asyncio.create_task(anext(cell))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert (await run(session, "1")).value == "1"
    assert session.generation == generation
