"""Code that takes all it can get: the host stays as it is, and the limit is told."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator

import psutil
import pytest

from kernel_sandbox import ErrorOutput, ExecutionResult, KernelSession, Limits, Policy, Stream
from kernel_sandbox.confinement.backends import attempts
from kernel_sandbox.limits import MIB

SMALL = Policy(
    limits=Limits(
        memory=300 * MIB,
        processes=40,
        open_files=256,
        file_bytes=64 * MIB,
        disk_bytes=100 * MIB,
        temporary_bytes=32 * MIB,
        grace_seconds=1.0,
    )
)
ROOT = os.geteuid() == 0


@pytest.fixture(params=["bubblewrap", "landlock"])
async def small(request) -> AsyncIterator[KernelSession]:
    (attempt,) = attempts(request.param)
    if attempt.backend is None:
        pytest.skip(f"{attempt.name}: {attempt.why_not}")
    session = await KernelSession.start(policy=SMALL.replace(isolation=request.param))
    ours = psutil.Process()
    before = ours.memory_info().rss
    others = {*ours.children(recursive=True)} - {psutil.Process(session.kernel_pid)}
    others -= {*psutil.Process(session.kernel_pid).parents()}
    yield session
    root = session.layout.root
    await session.shutdown()
    assert not root.exists()
    assert {*ours.children(recursive=True)} <= others
    assert ours.memory_info().rss - before < 200 * MIB


async def play(session: KernelSession, code: str, deadline: float = 20):
    printed, errors = "", []
    async for event in session.execute(code, deadline=deadline):
        if isinstance(event, Stream):
            printed += event.text[:1000]
        elif isinstance(event, ErrorOutput):
            errors.append(event.ename)
        elif isinstance(event, ExecutionResult):
            return event, printed, errors
    raise AssertionError("no result")


async def is_usable(session: KernelSession) -> bool:
    result, printed, _ = await play(session, "print(6 * 7)")
    return result.status == "ok" and printed == "42\n"


async def test_a_fork_bomb(small):
    code = (
        "import os, time\n"
        "for _ in range(300):\n"
        "    if os.fork() == 0: time.sleep(60)\n"
        "time.sleep(10)"
    )
    result, _, _ = await play(small, code)
    assert result.status in {"died", "error"}
    # Whichever is passed first; each fork takes some memory.
    assert "and the limit is" in (result.detail or "")
    assert await is_usable(small)


async def test_a_fork_bomb_that_doubles(small):
    result, _, _ = await play(small, "import os\nwhile True:\n    os.fork()")
    assert result.status == "died"
    assert await is_usable(small)


async def test_a_thread_bomb(small):
    code = (
        "import threading, time\n"
        "threading.stack_size(65536)\n"
        "for _ in range(5000):\n"
        "    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "time.sleep(5)"
    )
    result, _, errors = await play(small, code)
    assert result.status in {"died", "error"}
    # A kernel that dies of it has no last words; why it died is told then.
    assert errors == ["RuntimeError"] or result.detail
    assert await is_usable(small)


async def test_a_memory_bomb_in_one_process(small):
    result, _, errors = await play(
        small, "kept = 1\nb = []\nwhile True: b.append(bytearray(10 << 20))"
    )
    assert (result.status, errors) == ("error", ["MemoryError"])
    generation = small.generation
    assert await is_usable(small)
    assert small.generation == generation


async def test_a_memory_bomb_over_many_processes(small):
    code = (
        "import os, time\n"
        "for _ in range(8):\n"
        "    if os.fork() == 0:\n"
        "        b = bytearray(b'x') * (100 << 20)\n"
        "        time.sleep(60)\n"
        "time.sleep(15)"
    )
    result, _, _ = await play(small, code)
    assert result.status == "died"
    assert "GiB of memory together, and the limit is 0.37 GiB" in result.detail
    assert await is_usable(small)


async def test_a_memory_bomb_of_shared_pages(small):
    code = "import mmap\nm = mmap.mmap(-1, 4 << 30)\nfor i in range(0, 4 << 30, 4096): m[i] = 1"
    result, _, errors = await play(small, code)
    assert result.status == "died" or errors
    assert await is_usable(small)


async def test_a_bomb_of_files_in_memory(small):
    code = (
        "for folder in ('/tmp', '/dev/shm'):\n"
        "    try:\n"
        "        with open(folder + '/big', 'wb') as f:\n"
        "            for _ in range(60): f.write(bytes(1 << 20))\n"
        "        print('wrote it all')\n"
        "    except OSError as error: print(error.strerror)\n"
    )
    result, printed, _ = await play(small, code)
    assert result.status == "ok"
    assert "wrote it all" not in printed


async def test_a_disk_bomb_of_many_files(small):
    code = (
        "import time\n"
        "for number in range(20):\n"
        "    with open(f'f{number}', 'wb') as f: f.write(bytes(20 << 20))\n"
        "time.sleep(15)"
    )
    result, _, _ = await play(small, code)
    assert result.status == "died"
    assert "of disk, and the limit is 0.10 GiB; they were removed" in result.detail
    assert await is_usable(small)
    assert not [*small.layout.workspace.iterdir()]


async def test_a_bomb_of_one_large_file(small):
    code = "with open('large', 'wb') as f:\n    while True: f.write(bytes(1 << 20))"
    result, _, errors = await play(small, code)
    assert (result.status, errors) == ("error", ["OSError"])


async def test_a_descriptor_bomb(small):
    code = (
        "import os\n"
        "opened = []\n"
        "try:\n"
        "    while True: opened.append(os.open('/dev/null', 0))\n"
        "except OSError as error:\n"
        "    for fd in opened: os.close(fd)\n"
        "    print(len(opened) < 256, error.strerror)\n"
    )
    _, printed, _ = await play(small, code)
    assert printed == "True Too many open files\n"
    assert await is_usable(small)


async def test_a_bomb_of_directories(small):
    code = (
        "import os\n"
        "home = os.getcwd()\n"
        "for _ in range(5000):\n"
        "    os.mkdir('d'); os.chdir('d')\n"
        "open('deep', 'w').close()\n"
        "os.chdir(home)\n"
        "os.mkdir('closed'); open('closed/x', 'w').close(); os.chmod('closed', 0)\n"
        "for name in ('a\\nb', 'c\\x1b[31m', '-rf', ' ', 'é\\udcff'):\n"
        "    open(name, 'w').close()\n"
    )
    result, _, errors = await play(small, code)
    assert (result.status, errors) == ("ok", [])


async def test_a_bomb_of_output(small):
    code = (
        "from IPython.display import display\n"
        "for _ in range(6): display({'text/html': 'x' * 50_000_000}, raw=True)"
    )
    result, _, _ = await play(small, code)
    assert result.status in {"output_limit", "died", "error"}
    assert await is_usable(small)


async def test_a_bomb_of_prints(small):
    result, _, _ = await play(small, "line = 'y' * 1_000_000\nfor _ in range(300): print(line)")
    assert result.status == "output_limit"
    assert await is_usable(small)


async def test_a_bomb_of_nested_json(small):
    code = (
        "from IPython.display import display\n"
        "deep = []\n"
        "for _ in range(900): deep = [deep]\n"
        "display({'application/json': deep, 'text/plain': 'shallow'}, raw=True)\n"
        "import json\n"
        "display({'application/json': json.loads('[' * 900 + ']' * 900)}, raw=True)"
    )
    await play(small, code)
    assert await is_usable(small)


async def test_a_bomb_that_ignores_signals(small):
    code = (
        "import os, signal, time\n"
        "def stay():\n"
        "    for number in range(1, 65):\n"
        "        try: signal.signal(number, signal.SIG_IGN)\n"
        "        except (OSError, ValueError): pass\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        stay(); time.sleep(600)\n"
        "    os._exit(0)\n"
        "stay()\n"
        "while True:\n"
        "    try: time.sleep(60)\n"
        "    except BaseException: pass"
    )
    start = time.monotonic()
    result, _, _ = await play(small, code, deadline=0.5)
    assert result.status == "timeout"
    assert result.restarted
    assert time.monotonic() - start < 10
    assert await is_usable(small)


async def test_bombs_side_by_side_do_not_reach_each_other():
    async with (
        await KernelSession.start(policy=SMALL) as bomber,
        await KernelSession.start(policy=SMALL) as bystander,
    ):
        bomb = asyncio.create_task(play(bomber, "import os\nwhile True: os.fork()"))
        for _ in range(5):
            assert await is_usable(bystander)
        result, _, _ = await bomb
        assert result.status == "died"
        assert bystander.generation == 0
