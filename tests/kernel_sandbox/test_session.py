"""A session's life: starting, sharing, several at once, what its kernel may know."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
from pathlib import Path

import psutil
import pytest
from jupyter_client.manager import AsyncKernelManager

from kernel_sandbox import KernelSession, KernelStartError, Limits, Policy, SessionClosedError
from kernel_sandbox.directories import place
from kernel_sandbox.kernelspecs import SandboxKernelSpecManager
from kernel_sandbox.provisioner import SandboxProvisioner


async def test_the_kernel_is_the_running_interpreters(session, run):
    assert (await run(session, "import sys; sys.executable")).value == repr(sys.executable)


async def test_the_working_directory_is_the_one_given(session, run):
    (session.working_directory / "data.csv").write_text("a\n1\n")
    assert (await run(session, "open('data.csv').read()")).value == repr("a\n1\n")


async def test_no_module_of_the_working_directory_replaces_a_library(session, run):
    (session.working_directory / "statistics.py").write_text("raise RuntimeError('hijacked')")
    assert (await run(session, "import statistics; statistics.mean([1, 3])")).value == "2"


async def test_keys_do_not_reach_the_kernel(monkeypatch, run, policy):
    secret = "sk-not-for-the-kernel"
    for name in ("OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "MY_TOKEN", "JPY_API_TOKEN"):
        monkeypatch.setenv(name, secret)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("LC_TIME", "C")
    code = (
        "import os, pathlib\n"
        "own = pathlib.Path('/proc/self/environ').read_text()\n"
        "[os.environ.get('OMP_NUM_THREADS'), os.environ.get('LC_TIME'), os.environ.get('EXTRA'),\n"
        f" {secret!r} in own, {secret!r} in str(dict(os.environ))]"
    )
    async with await KernelSession.start(
        policy=policy.replace(environment={"EXTRA": "given"})
    ) as session:
        assert (await run(session, code)).value == "['1', 'C', 'given', False, False]"


async def test_the_users_start_up_files_do_not_run(monkeypatch, run, policy, tmp_path):
    startup = tmp_path / ".ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-mine.py").write_text("started_up = 1")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", str(startup / "00-mine.py"))
    async with await KernelSession.start(policy=policy) as session:
        assert (await run(session, "'started_up' in globals()")).value == "False"


async def test_temporary_files_are_private(session, run):
    place = (await run(session, "import tempfile; tempfile.gettempdir()")).value.strip("'")
    assert place.startswith(str(session.layout.root))


async def test_core_dumps_are_off_and_memory_is_limited(session, run):
    code = "from resource import *\n[getrlimit(RLIMIT_CORE), getrlimit(RLIMIT_DATA)]"
    memory = session.limits.memory
    assert (await run(session, code)).value == f"[(0, 0), ({memory}, {memory})]"


async def test_two_sessions_at_once_are_independent(session, run, policy):
    async with await KernelSession.start(policy=policy) as other:
        await asyncio.gather(run(session, "mine = 1"), run(other, "mine = 2"))
        slow = asyncio.create_task(run(session, "import time; time.sleep(0.5); mine"))
        quick = await run(other, "mine")
        assert quick.value == "2"
        assert not slow.done()
        assert (await slow).value == "1"
        assert other.layout.root != session.layout.root


async def test_calls_at_once_wait_for_each_other(session, run):
    await run(session, "order = []")
    code = "import time; order.append(({0}, 'in')); time.sleep(0.05); order.append(({0}, 'out'))"
    await asyncio.gather(*(run(session, code.format(number)) for number in range(4)))
    order = await session.evaluate_json("order")
    assert order == [[n, step] for n in range(4) for step in ("in", "out")]


def test_a_session_works_in_one_event_loop_after_another_and_in_threads(session, run):
    assert asyncio.run(run(session, "1")).value == "1"
    values = []
    threads = [
        threading.Thread(target=lambda n=n: values.append(asyncio.run(run(session, f"{n}")).value))
        for n in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(values) == ["0", "1", "2", "3", "4"]


def test_a_loop_that_ends_in_the_middle_of_a_cell_leaves_the_session_usable(session, run):
    async def begin():
        cell = session.execute("print('begun', flush=True)\nwhile True: pass")
        await anext(cell)

    asyncio.run(begin())
    assert asyncio.run(run(session, "2")).value == "2"


async def test_restart_gives_a_new_kernel(session, run):
    await run(session, "kept = 1")
    generation, pid = session.generation, session.kernel_pid
    await session.restart()
    assert session.generation == generation + 1
    assert session.kernel_pid != pid
    ran = await run(session, "'kept' in globals()")
    assert ran.value == "False"
    assert not ran.result.restarted


async def test_restart_ends_a_cell_that_runs(session):
    cell = session.execute("print('begun', flush=True)\nwhile True: pass")
    await anext(cell)
    restarting = asyncio.create_task(session.restart())
    rest = [event async for event in cell]
    await restarting
    assert rest[-1].status == "died"
    assert session.is_alive()


async def test_a_session_that_was_shut_down_says_so(policy):
    session = await KernelSession.start(policy=policy)
    await session.shutdown()
    with pytest.raises(SessionClosedError, match="start a new one"):
        await anext(session.execute("1"))
    with pytest.raises(SessionClosedError):
        await session.evaluate("", {})
    with pytest.raises(SessionClosedError):
        await session.restart()


async def test_a_missing_working_directory_is_told(tmp_path):
    with pytest.raises(KernelStartError, match="does not exist"):
        await KernelSession.start(cwd=tmp_path / "nowhere")


async def test_an_unknown_kernel_is_told_with_those_there_are():
    with pytest.raises(KernelStartError, match=r"no kernel named 'cobol'.*python3"):
        await KernelSession.start("cobol")


async def test_a_kernel_that_does_not_start_is_told_in_its_own_words(tmp_path):
    with pytest.raises(KernelStartError, match="exited with code") as raised:
        await KernelSession.start(policy=with_search_path(make_broken_kernel(tmp_path)))
    assert "this environment is broken" in str(raised.value)
    assert "this environment is broken" in raised.value.stderr
    assert raised.value.exit_code == 1


def with_search_path(folder: Path, **limits: float) -> Policy:
    """A policy whose kernels find modules in ``folder`` first."""
    return Policy(
        limits=Limits(**limits), read_only=(folder,), environment={"PYTHONPATH": str(folder)}
    )


def make_broken_kernel(folder):
    path = folder / "broken"
    path.mkdir()
    (path / "ipykernel_launcher.py").write_text("raise SystemError('this environment is broken')")
    return path


@pytest.fixture
def temporary(monkeypatch):
    """A directory for temporary files that no other test uses, with a short name."""
    with tempfile.TemporaryDirectory(prefix="t-", dir="/tmp") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


async def test_a_kernel_that_never_answers_is_told_and_ended(temporary, tmp_path):
    path = tmp_path / "mute"
    path.mkdir()
    (path / "ipykernel_launcher.py").write_text("import time; time.sleep(600)")
    with pytest.raises(KernelStartError, match=r"did not answer within 0\.5 seconds"):
        await KernelSession.start(policy=with_search_path(path, start_seconds=0.5))
    assert not private_directories()


def private_directories() -> set[Path]:
    return {*Path(place()).glob("ks-*")}


async def test_a_start_that_is_cancelled_leaves_nothing(temporary):
    ours = psutil.Process()
    before = {*ours.children()}
    for seconds in (0.0, 0.005, 0.02, 0.1, 0.2):
        start = asyncio.create_task(KernelSession.start())
        await asyncio.sleep(seconds)
        start.cancel()
        with pytest.raises(asyncio.CancelledError):
            await start
        assert {*ours.children()} == before
        assert not private_directories()


async def test_a_restart_that_fails_is_told_and_tried_again(monkeypatch, run, tmp_path):
    policy = Policy(limits=Limits(grace_seconds=0.1))
    stubborn = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: sum(range(9))"
    )
    async with await KernelSession.start(policy=policy) as session:
        monkeypatch.setattr(session._keeper, "_cwd", tmp_path / "gone")
        ran = await run(session, stubborn, deadline=0.1)
        assert ran.result.status == "timeout"
        assert ran.result.restarted
        assert "The new kernel failed" in ran.result.detail
        with pytest.raises(KernelStartError, match="does not exist"):
            await run(session, "1")
        monkeypatch.undo()
        after = await run(session, "2")
        assert after.value == "2"
        assert after.result.restarted


async def test_tcp_serves_where_sockets_in_files_do_not(monkeypatch, run, policy):
    monkeypatch.setattr("kernel_sandbox.provisioner._SOCKET_PATH_MAX", 5)
    with pytest.raises(KernelStartError, match="Set TMPDIR to a short one"):
        await KernelSession.start(policy=policy)
    async with await KernelSession.start(policy=policy.replace(isolation="none")) as session:
        assert (await run(session, "1 + 1")).value == "2"
        assert '"tcp"' in (session.layout.connections / "s0.json").read_text()


async def test_a_long_place_for_temporary_files_is_not_used(monkeypatch, run, policy, tmp_path):
    place = tmp_path / ("long" * 20)
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    async with await KernelSession.start(policy=policy) as session:
        assert (await run(session, "1 + 1")).value == "2"
        assert session.layout.root.parent == Path("/var/tmp")


async def test_a_folder_the_policy_grants_can_be_worked_in(run, policy, tmp_path):
    (tmp_path / "data.csv").write_text("a\n1\n")
    granted = policy.replace(read_only=(tmp_path,))
    async with await KernelSession.start(cwd=tmp_path, policy=granted) as session:
        assert (await run(session, "open('data.csv').read()")).value == repr("a\n1\n")
        assert (await run(session, "open('new', 'w')")).error.ename in {
            "OSError",
            "PermissionError",
        }
    granted = policy.replace(writable=(tmp_path,))
    async with await KernelSession.start(cwd=tmp_path, policy=granted) as session:
        await run(session, "open('new', 'w').write('x')")
    assert (tmp_path / "new").read_text() == "x"


async def test_a_folder_the_policy_does_not_grant_is_told(policy, tmp_path):
    with pytest.raises(KernelStartError, match="does not let it see"):
        await KernelSession.start(cwd=tmp_path, policy=policy)


async def test_any_jupyter_front_end_can_use_the_provisioner(tmp_path):
    manager = AsyncKernelManager(
        kernel_name="python3", kernel_spec_manager=SandboxKernelSpecManager()
    )
    manager.provisioner = SandboxProvisioner(kernel_spec=manager.kernel_spec, parent=manager)
    await manager.start_kernel(cwd=str(tmp_path))
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=30)
        reply = await client.execute("import os; os.environ['PYTHONSAFEPATH']", reply=True)
        assert reply["content"]["status"] == "ok"
        await manager.restart_kernel()
        await client.wait_for_ready(timeout=30)
        assert await manager.is_alive()
        private = Path(manager.provisioner.private_path)
        assert private in private_directories()
    finally:
        client.stop_channels()
        await manager.shutdown_kernel()
        client.context.destroy()
    assert private not in private_directories()
