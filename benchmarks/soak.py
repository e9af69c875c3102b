"""Open, use and end many sessions in random ways, and see that nothing is left of them.

    python benchmarks/soak.py [SESSIONS]

Sessions live in owners, processes of their own, several at a time in each. They end by shutdown,
by kill -9 of the kernel, of its supervisor, or of the owner; a part leaves daemons behind. At the
end no process, directory, socket or descriptor may be left.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from kernel_sandbox import ExecutionResult, KernelSession, Policy
from kernel_sandbox.directories import place, remove_abandoned

IN_AN_OWNER = 10
DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: time.sleep(3600)
    os._exit(0)
"""


async def use(session: KernelSession, code: str) -> str:
    async for event in session.execute(code, deadline=30):
        if isinstance(event, ExecutionResult):
            return event.status
    return ""


async def live_once(rng: random.Random) -> None:
    """Open a session, use it, and end it in some way."""
    isolation = rng.choice(["bubblewrap", "bubblewrap", "landlock"])
    session = await KernelSession.start(policy=Policy(isolation=isolation))
    await use(session, rng.choice(["1 + 1", "open('f', 'w').write('x' * 10000)", DAEMON]))
    kernel = session.kernel_pid
    assert kernel is not None
    way = rng.choice(["shutdown", "kernel", "supervisor", "restart", "busy", "drop"])
    if way == "kernel":
        os.kill(kernel, signal.SIGKILL)
        assert await use(session, "2") in {"ok", "died"}
    elif way == "supervisor":
        supervisor = psutil.Process(kernel)
        while "supervise.py" not in " ".join(supervisor.cmdline()):
            parent = supervisor.parent()
            assert parent is not None
            supervisor = parent
        supervisor.kill()
        assert await use(session, "2") in {"ok", "died"}
    elif way == "restart":
        await session.restart()
    elif way == "busy":
        cell = session.execute("while True: pass")
        task = asyncio.ensure_future(anext(cell))
        await asyncio.sleep(0.05)
        task.cancel()
    if way != "drop":
        await session.shutdown()


async def own(seed: int, sessions: int) -> None:
    """Be an owner; half of them are killed by the parent in the middle."""
    rng = random.Random(seed)
    before = psutil.Process().num_fds()
    for _ in range(0, sessions, 2):
        await asyncio.gather(live_once(rng), live_once(rng))
        print("two", flush=True)
    gc.collect()
    await asyncio.sleep(1.0)
    left = psutil.Process().num_fds() - before
    print(f"descriptors {left}", flush=True)


def left_behind() -> list[str]:
    found = [str(path) for path in Path(place()).glob("ks-*")]
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if "ipykernel_launcher" in line or "supervise.py" in line or "bwrap" in line:
            found.append(f"{process.pid} {line[:100]}")
    return found


def main(sessions: int) -> int:
    rng = random.Random(1)
    before = set(left_behind())
    began = time.monotonic()
    descriptors = 0
    owners = sessions // IN_AN_OWNER
    for number in range(owners):
        owner = subprocess.Popen(
            [sys.executable, __file__, "own", str(number), str(IN_AN_OWNER)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert owner.stdout is not None
        killed_after = rng.choice([None, None, None, 2])
        pairs = 0
        for line in owner.stdout:
            pairs += line == "two\n"
            if line.startswith("descriptors"):
                descriptors = max(descriptors, int(line.split()[1]))
            if pairs == killed_after:
                owner.kill()
                break
        owner.stdout.close()
        if owner.wait() != 0 and killed_after is None:
            print(f"owner {number} failed")
            return 1
        if number % 10 == 9:
            print(f"{(number + 1) * IN_AN_OWNER} sessions, {time.monotonic() - began:.0f} s")
    deadline = time.monotonic() + 10
    while (left := set(left_behind()) - before) and time.monotonic() < deadline:
        time.sleep(0.1)
    # What a killed owner and its killed supervisor left is for the next start to sweep.
    for path in Path(place()).glob("ks-*"):
        os.utime(path, (time.time() - 3600,) * 2)
    swept = remove_abandoned()
    left = set(left_behind()) - before
    print(f"{sessions} sessions in {time.monotonic() - began:.0f} s")
    print(f"left: {sorted(left) or 'nothing'}; swept at the next start: {len(swept)} directories")
    print(f"descriptors left in an owner: {descriptors}")
    return 1 if left or descriptors > 0 else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["own"]:
        asyncio.run(own(int(sys.argv[2]), int(sys.argv[3])))
    else:
        sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
