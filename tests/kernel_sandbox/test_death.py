"""Kernels that die, and owners that die: it is noticed, told, and nothing is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import psutil
import pytest

from kernel_sandbox import ExecutionResult, KernelDiedError, KernelSession, Stream

DAEMON = """
import os, pathlib, time
def daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for fd in range(3, 256):
                try: os.close(fd)
                except OSError: pass
            pathlib.Path('daemon').touch()
            time.sleep(600)
        os._exit(0)
    while not pathlib.Path('daemon').exists(): time.sleep(0.01)
    pathlib.Path('daemon').unlink()
"""
"""Code that defines ``daemon()``, which starts a process that left the kernel's session."""


def supervisor_of(session: KernelSession) -> psutil.Process:
    process = psutil.Process(session.kernel_pid)
    while "supervise.py" not in " ".join(process.cmdline()):
        process = process.parent()
    return process


def below(supervisor: psutil.Process) -> list[psutil.Process]:
    """All that runs for a kernel: its supervisor, itself, and what its code started."""
    return [supervisor, *supervisor.children(recursive=True)]


def processes(*pids: int) -> list[psutil.Process]:
    return [psutil.Process(pid) for pid in pids]


def all_end(watched: list[psutil.Process], seconds: float) -> bool:
    _, alive = psutil.wait_procs(watched, timeout=seconds)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os; os._exit(3)", "exited with code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL"),
        ("import ctypes; ctypes.string_at(0)", "killed by SIGSEGV"),
    ],
)
async def test_a_kernel_that_dies_in_a_cell_is_noticed_within_a_second(session, run, code, words):
    await run(session, "kept = 1")
    generation = session.generation
    # What was printed needs a moment to leave the process.
    words_and_end = f"import time\nprint('last words', flush=True)\ntime.sleep(0.1)\n{code}"
    cell = session.execute(words_and_end)
    said = [(time.monotonic(), event) async for event in cell]
    (first, words_before), (end, result) = said[0], said[-1]
    assert words_before == Stream("stdout", "last words\n")
    assert end - first < 1
    assert result.status == "died"
    assert words in result.detail
    assert "All variables are lost" in result.detail
    assert not session.is_alive()
    after = await run(session, "'kept' in globals()")
    assert after.value == "False"
    assert after.result.restarted
    assert words in after.result.detail
    assert session.generation == generation + 1
    assert not (await run(session, "1")).result.restarted


async def test_a_kernel_that_dies_between_cells_is_noticed_and_replaced(session, run):
    await run(session, "1")
    os.kill(session.kernel_pid, signal.SIGKILL)
    deadline = time.monotonic() + 1
    while session.is_alive():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)
    after = await run(session, "2")
    assert after.value == "2"
    assert after.result.restarted


async def test_helper_code_tells_of_the_death(session):
    with pytest.raises(KernelDiedError, match="exited with code 4"):
        await session.evaluate("import os; os._exit(4)", {})
    assert await session.evaluate_json("2 + 2") == 4


@pytest.mark.parametrize("isolation", ["bubblewrap", "landlock", "none"])
async def test_a_kernel_whose_supervisor_is_killed_dies_with_it(run, policy, isolation):
    async with await KernelSession.start(policy=policy.replace(isolation=isolation)) as session:
        await run(session, f"{DAEMON}\ndaemon()")
        supervisor = supervisor_of(session)
        watched = below(supervisor)
        cell = session.execute("print('begun', flush=True)\nwhile True: pass")
        await anext(cell)
        supervisor.kill()
        rest = [event async for event in cell]
        assert rest[-1].status == "died"
        assert all_end(watched, 2)
        assert (await run(session, "5")).value == "5"


async def test_daemons_of_the_code_end_with_the_kernel(session, run):
    before = len(below(supervisor_of(session)))
    await run(session, f"{DAEMON}\ndaemon()")
    watched = below(supervisor_of(session))
    assert len(watched) > before
    await session.restart()
    assert all_end(watched, 1)


async def test_code_that_forks_to_escape_ends_with_the_kernel(session, run):
    hop = (
        "import os, time\n"
        "for _ in range(10):\n"
        "    if os.fork() == 0:\n"
        "        while True:\n"
        "            os.setsid() if os.getpid() != os.getsid(0) else None\n"
        "            if os.fork() != 0:\n"
        "                time.sleep(0.01)\n"
        "                os._exit(0)\n"
    )
    await run(session, hop)
    workspace = str(session.layout.workspace)
    # They move on while one looks.
    assert any(len(hoppers(workspace)) > 1 for _ in range(100))
    old = session.kernel_pid
    await session.restart()
    # What runs there now is the new kernel.
    assert [process.pid for process in hoppers(workspace)] == [session.kernel_pid]
    assert session.kernel_pid != old


def hoppers(folder: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cwd() == folder:
                found.append(process)
    return found


@pytest.mark.parametrize("isolation", ["bubblewrap", "landlock", "none"])
async def test_shutdown_leaves_nothing(run, policy, isolation):
    session = await KernelSession.start(policy=policy.replace(isolation=isolation))
    await run(session, f"{DAEMON}\ndaemon()")
    watched = below(supervisor_of(session))
    private = session.layout.root
    assert private.stat().st_mode & 0o777 == 0o700
    await session.shutdown()
    await session.shutdown()
    assert all_end(watched, 1)
    assert not private.exists()
    assert not session.is_alive()


OWNER = f"""
import asyncio, json, sys
from kernel_sandbox import KernelSession, Policy

async def own():
    session = await KernelSession.start(policy=Policy(isolation=sys.argv[1]))
    async for _ in session.execute({DAEMON!r} + "daemon()"): pass
    cell = session.execute("print('busy', flush=True)\\nwhile True: pass")
    await anext(cell)
    print(json.dumps([session.kernel_pid, str(session.layout.root)]), flush=True)
    await asyncio.sleep(600)

# In a thread, as an agent does: its end must not be taken for the owner's.
asyncio.run(own())
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("isolation", ["bubblewrap", "landlock"])
def test_nothing_outlives_an_owner_however_it_dies(isolation: str, end: signal.Signals):
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, isolation],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert owner.stdout is not None
    try:
        _, private = json.loads(owner.stdout.readline())
        (supervisor,) = psutil.Process(owner.pid).children()
        watched = below(supervisor)
        assert len(watched) > 2
        os.kill(owner.pid, end)
        owner.wait(10)
        assert all_end(watched, 5)
        assert not Path(private).exists()
    finally:
        owner.kill()
        owner.stdout.close()
        owner.wait()


def test_a_kernel_outlives_the_thread_that_started_it(run, policy):
    made = []

    def start():
        made.append(asyncio.run(KernelSession.start(policy=policy)))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    (session,) = made
    time.sleep(0.2)
    assert asyncio.run(run(session, "6")).value == "6"
    asyncio.run(session.shutdown())


def held_by_us() -> tuple[int, int]:
    return threading.active_count(), len([*Path("/proc/self/fd").iterdir()])


def test_a_session_nobody_holds_any_more_lets_its_kernel_go(policy):
    before = held_by_us()
    session = asyncio.run(KernelSession.start(policy=policy))
    watched = processes(session.kernel_pid)
    private = session.layout.root
    del session
    assert all_end(watched, 5)
    assert not private.exists()
    deadline = time.monotonic() + 5
    while held_by_us() > before:
        assert time.monotonic() < deadline, "threads or descriptors are left"
        time.sleep(0.01)


def test_a_fork_of_the_owner_does_not_keep_the_kernel_alive():
    code = textwrap.dedent(
        """
        import asyncio, os, time, warnings
        from kernel_sandbox import KernelSession
        warnings.simplefilter("ignore")
        session = asyncio.run(KernelSession.start())
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
        print(session.kernel_pid, flush=True)
        os._exit(0)
        """
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert owner.stdout is not None
    try:
        watched = processes(int(owner.stdout.readline()))
        owner.wait(10)
        assert all_end(watched, 5)
    finally:
        os.killpg(owner.pid, signal.SIGKILL)
        owner.stdout.close()


async def test_a_cell_that_runs_at_shutdown_ends_with_a_result(policy):
    session = await KernelSession.start(policy=policy)
    cell = session.execute("print('begun', flush=True)\nwhile True: pass")
    await anext(cell)
    await session.shutdown()
    rest = [event async for event in cell]
    assert isinstance(rest[-1], ExecutionResult)
    assert rest[-1].status == "died"
