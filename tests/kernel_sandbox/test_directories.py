"""Private directories and what is left of them, and the small parts the session stands on."""

from __future__ import annotations

import asyncio
import os
import time

import pytest

from kernel_sandbox.confinement.plan import Plan
from kernel_sandbox.directories import Layout, PrivateDirectory, remove_abandoned
from kernel_sandbox.environment import kernel_environment
from kernel_sandbox.limits import GIB, Limits, machine_memory
from kernel_sandbox.supervisor import KernelExit, Supervisor
from kernel_sandbox.turnstile import Turnstile


def aged(path):
    os.utime(path, (time.time() - 3600,) * 2)
    return path


def test_a_private_directory_is_closed_to_others(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("kernel_sandbox.directories._LONGEST_PLACE", 1000)
    directory = PrivateDirectory()
    assert directory.path.parent == tmp_path
    for path in (directory.path, directory.layout.inbox, directory.layout.workspace):
        assert path.stat().st_mode & 0o777 == 0o700
    directory.remove()
    directory.remove()
    assert not directory.path.exists()


def test_only_directories_without_an_owner_are_swept(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("kernel_sandbox.directories._LONGEST_PLACE", 1000)
    used = PrivateDirectory()
    aged(used.path)
    left = tmp_path / "ks-left"
    (left / "inbox").mkdir(parents=True)
    (left / "owner").touch()
    aged(left)
    young = tmp_path / "ks-young"
    young.mkdir()
    (young / "owner").touch()
    foreign = tmp_path / "ks-not-ours"
    foreign.mkdir()
    (foreign / "file").touch()
    aged(foreign)
    empty = tmp_path / "ks-empty"
    empty.mkdir()
    aged(empty)
    link = tmp_path / "ks-link"
    link.symlink_to(left)
    assert {*remove_abandoned(tmp_path)} == {left, empty}
    assert {path.name for path in tmp_path.iterdir()} == {
        used.path.name,
        "ks-young",
        "ks-not-ours",
        "ks-link",
    }
    used.remove()


def test_the_environment_is_an_allow_list(tmp_path):
    source = {
        "PATH": "/bin",
        "HOME": "/home/me",
        "LC_ALL": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENAI_API_KEY": "sk-1",
        "LD_PRELOAD": "evil.so",
        "PYTHONPATH": "relative::/absolute",
        "PYTHONSTARTUP": "x.py",
    }
    extra = {"MINE": "1", "PATH": "/x"}
    environment = kernel_environment(source, layout=Layout(tmp_path), extra=extra)
    threads = str(min(8, os.cpu_count() or 1))
    assert environment == {
        "PATH": "/x",
        "HOME": str(tmp_path / "home"),
        "USER": "user",
        "LOGNAME": "user",
        "SHELL": "/bin/sh",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "NUMEXPR_MAX_THREADS": threads,
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": "/absolute",
        "PYTHONSAFEPATH": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "TMPDIR": str(tmp_path / "tmp"),
        "MIMALLOC_ARENA_EAGER_COMMIT": "0",
        "MINE": "1",
        "KERNEL_SANDBOX": str(tmp_path),
    }


def test_the_default_memory_limit_leaves_half_of_the_machine():
    assert Limits().memory == min(4 * GIB, machine_memory() // 2)


def test_the_memory_of_a_container_counts(monkeypatch, tmp_path):
    (tmp_path / "memory.max").write_text(f"{2 * GIB}\n")
    (tmp_path / "unlimited").write_text("max\n")
    monkeypatch.setattr(
        "kernel_sandbox.limits._CGROUP_LIMITS",
        (tmp_path / "memory.max", tmp_path / "unlimited", tmp_path / "missing"),
    )
    assert machine_memory() == 2 * GIB


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "it exited with code 0"),
        (-9, "it was killed by SIGKILL"),
        (-250, "it was killed by signal 250"),
        (None, "its process is gone"),
    ],
)
def test_an_exit_is_told_in_words(code, words):
    assert str(KernelExit(code, "")) == words


def test_the_end_of_stderr_is_kept_however_much_there_was():
    script = "yes chatter | head -c 5000000 >&2; printf 'the \\1 end' >&2; exit 7"
    command = Plan(command=["/bin/sh", "-c", script], watch={}, proxy=[])
    supervisor = Supervisor(command, environment={"PATH": os.environ["PATH"]})
    assert supervisor.wait(20)
    assert supervisor.poll() == 7
    assert supervisor.exit.stderr.endswith("chatter\nthe \1 end")
    assert len(supervisor.exit.stderr) < 10_000
    supervisor.close()


def test_a_program_that_is_not_there_is_told():
    command = Plan(command=["/no-such-program"], watch={}, proxy=[])
    supervisor = Supervisor(command, environment={"PATH": "/bin"})
    assert supervisor.wait(20)
    assert supervisor.poll() == 127
    assert "cannot run /no-such-program" in supervisor.exit.stderr
    supervisor.close()


async def test_the_turnstile_lets_one_in_at_a_time_in_order():
    turnstile = Turnstile()
    seen = []

    async def pass_through(number):
        async with turnstile:
            seen.append((number, "in"))
            await asyncio.sleep(0)
            seen.append((number, "out"))

    await asyncio.gather(*(pass_through(number) for number in range(5)))
    assert seen == [(n, step) for n in range(5) for step in ("in", "out")]


async def test_a_task_that_waits_for_itself_is_told(monkeypatch):
    monkeypatch.setattr("kernel_sandbox.turnstile._OWN_SECONDS", 0.05)
    turnstile = Turnstile()
    async with turnstile:
        with pytest.raises(RuntimeError, match="still iterates over an earlier cell"):
            async with turnstile:
                pass
    async with turnstile:
        pass


async def test_a_cancelled_wait_at_the_turnstile_does_not_block_the_others():
    turnstile = Turnstile()
    inside = asyncio.Event()
    leave = asyncio.Event()

    async def stay():
        async with turnstile:
            inside.set()
            await leave.wait()

    async def enter():
        async with turnstile:
            return "in"

    first = asyncio.create_task(stay())
    await inside.wait()
    impatient, patient = asyncio.create_task(enter()), asyncio.create_task(enter())
    await asyncio.sleep(0)
    leave.set()
    # Its turn has come by now, or comes with the cancellation; either way it must be passed on.
    await first
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    assert await asyncio.wait_for(patient, 5) == "in"
    assert await asyncio.wait_for(enter(), 5) == "in"


def test_a_kernel_that_is_ready_before_anybody_asks_is_not_waited_for():
    command = Plan(command=["/bin/sh", "-c", "printf ! >&3; sleep 60"], watch={}, proxy=[])
    supervisor = Supervisor(command, environment={"PATH": os.environ["PATH"]})
    # Long enough for both reports, that it runs and that it is ready, to stand in the pipe.
    time.sleep(1)
    began = time.monotonic()
    assert supervisor.wait_ready(20)
    assert time.monotonic() - began < 10
    supervisor.stop()
    assert supervisor.wait(20)
    supervisor.close()
