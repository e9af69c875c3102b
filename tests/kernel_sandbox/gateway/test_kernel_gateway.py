"""Sessions whose kernels a real Kernel Gateway runs: the same as those of this machine."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import numpy as np
import pandas as pd
import psutil
import pytest

from kernel_sandbox import (
    Gateway,
    HandOff,
    HandOffError,
    KernelSession,
    KernelStartError,
    Limits,
    Policy,
    UntrustedResultError,
)
from kernel_sandbox.gateway import wire

from .conftest import TOKEN, kernel_gateway

LIMITS = Limits(grace_seconds=1.5, output_bytes=2_000_000, message_bytes=8 << 20)


@pytest.fixture
async def session(served):
    async with await KernelSession.start(
        gateway=served.gateway, policy=Policy(limits=LIMITS)
    ) as session:
        yield session
    deadline = time.monotonic() + 10
    while served.kernels():
        assert time.monotonic() < deadline, "a kernel is left at the gateway"
        await asyncio.sleep(0.05)


async def test_cells_run_and_outputs_stream(session, run):
    began = time.monotonic()
    code = "import time\nprint('first', flush=True)\ntime.sleep(0.6)\nprint('second')\n1 / 0"
    seen = [(time.monotonic() - began, event) async for event in session.execute(code)]
    assert "first" in str(seen[0][1])
    assert seen[-1][0] - seen[0][0] > 0.4
    assert seen[-1][1].status == "error"
    assert "ZeroDivisionError" in str(seen)
    assert (await run(session, "6 * 7")).value == "42"


async def test_written_files_are_listed_and_copied(session, run, tmp_path):
    workspace = HandOff(session).workspace
    before = await workspace.files()
    await run(session, "open('far report.csv', 'wb').write(b'x' * 9_000_000)")
    (written,) = {*await workspace.files()} - {*before}
    assert (written.name, written.bytes) == ("far report.csv", 9_000_000)
    saved = await workspace.save("far report.csv", tmp_path)
    assert saved.stat().st_size == 9_000_000
    with pytest.raises(UntrustedResultError, match="larger than the limit"):
        await workspace.read("far report.csv", max_bytes=1_000_000)
    with pytest.raises(HandOffError, match="wrote no file"):
        await workspace.read("nothing.csv")
    await run(session, "import os; os.unlink('far report.csv')")


async def test_helper_code_leaves_no_trace(session, run):
    await run(session, "x = 3")
    assert await session.evaluate_json("y", code="y = x + 1") == 4
    assert (await run(session, "'y' in globals()")).value == "False"


async def test_deadlines_interrupts_and_kills(session, run):
    await run(session, "kept = 1")
    ran = await run(session, "import time\nwhile True: time.sleep(0.05)", deadline=0.4)
    assert (ran.result.status, ran.result.restarted) == ("timeout", False)
    assert (await run(session, "kept")).value == "1"
    stubborn = (
        "import time\nwhile True:\n    try: time.sleep(5)\n    except KeyboardInterrupt: pass\n"
    )
    ran = await run(session, stubborn, deadline=0.4)
    assert (ran.result.status, ran.result.restarted) == ("timeout", True)
    assert "All variables are lost" in ran.result.detail
    assert (await run(session, "'kept' in globals()")).value == "False"
    assert session.generation == 1


async def test_floods_are_cut(session, run):
    ran = await run(session, "for n in range(200_000): print('x' * 100)")
    assert ran.result.status == "output_limit"
    assert (await run(session, "1")).value == "1"


async def test_a_kernel_that_dies_is_noticed_and_replaced(session, run):
    ran = await run(session, "import os; os._exit(3)")
    assert ran.result.status == "died"
    ran = await run(session, "2")
    assert (ran.value, ran.result.restarted) == ("2", True)


async def test_restart_and_isolation(session, run, served):
    await run(session, "kept = 1")
    await session.restart()
    assert (await run(session, "'kept' in globals()")).value == "False"
    assert session.backend == "gateway"
    assert f"127.0.0.1:{served.port}" in session.isolation
    assert "gateway's matter" in session.isolation


async def test_a_websocket_that_breaks_is_opened_again(session, run):
    await run(session, "kept = 1")
    connection = session._keeper.kernel.connection
    connection._call(lambda: connection._socket.sock.shutdown(2))
    assert (await run(session, "kept")).value == "1"
    cell = asyncio.create_task(run(session, "import time; time.sleep(1.5); kept + 1"))
    await asyncio.sleep(0.5)
    connection._call(lambda: connection._socket.sock.shutdown(2))
    ran = await cell
    assert ran.result.status == "ok" or "some outputs may be missing" in ran.result.detail
    assert (await run(session, "kept")).value == "1"
    assert session.generation == 0


FRAMES = {
    "numbers": pd.DataFrame(np.arange(20.0).reshape(5, 4), columns=list("abcd")),
    "odd": pd.DataFrame(
        {
            "c": pd.Categorical(["x", "y"]),
            "t": pd.to_datetime(["2026-01-01", None]),
            "o": [{1}, "a"],
        }
    ),
    "empty": pd.DataFrame(),
}


@pytest.mark.parametrize("name", FRAMES)
async def test_frames_go_there_and_come_back(session, run, name):
    hand = HandOff(session)
    handed = await hand.hand_over("frame", FRAMES[name])
    assert handed.rows == len(FRAMES[name])
    pd.testing.assert_frame_equal(await hand.fetch_frame("frame"), FRAMES[name])
    again = await hand.hand_over("frame", FRAMES[name])
    assert not again.sent
    await session.restart()
    await hand.hand_over("frame", FRAMES[name])
    assert (await run(session, "len(frame)")).value == str(len(FRAMES[name]))


async def test_a_large_frame_crosses_whole(session, run):
    frame = pd.DataFrame(np.random.default_rng(1).random((1_300_000, 10)))
    hand = HandOff(session)
    before = psutil.Process().memory_info().rss
    await hand.hand_over("big", frame)
    assert (await run(session, "big.shape")).value == "(1300000, 10)"
    back = await hand.fetch_frame("big")
    assert psutil.Process().memory_info().rss - before < 600 << 20
    np.testing.assert_array_equal(back.to_numpy(), frame.to_numpy())


async def test_a_frame_over_the_limit_is_refused(served, run):
    policy = Policy(limits=Limits(frame_bytes=1_000_000))
    async with await KernelSession.start(gateway=served.gateway, policy=policy) as session:
        await run(session, "import numpy, pandas; big = pandas.DataFrame(numpy.zeros((9**6, 4)))")
        with pytest.raises(UntrustedResultError, match="larger than the limit"):
            await HandOff(session).fetch_frame("big")


async def test_files_are_sent(session, run, tmp_path):
    (tmp_path / "t.csv").write_text("a\n5\n")
    path = await HandOff(session).send_file(tmp_path / "t.csv")
    assert (await run(session, f"open({path!r}).read()")).value == repr("a\n5\n")


async def test_the_older_protocol_serves_too(tmp_path, run):
    server = kernel_gateway(tmp_path, "--GatewayWebSocketConnection.kernel_ws_protocol=",
                            "--ZMQChannelsWebsocketConnection.kernel_ws_protocol=")  # fmt: skip
    try:
        async with await KernelSession.start(gateway=server.gateway) as session:
            assert not session._keeper.kernel.connection._v1
            assert (await run(session, "1 + 1")).value == "2"
            hand = HandOff(session)
            await hand.hand_over("frame", FRAMES["numbers"])
            pd.testing.assert_frame_equal(await hand.fetch_frame("frame"), FRAMES["numbers"])
    finally:
        server.close()


async def test_a_gateway_that_dies_is_told(tmp_path, run, monkeypatch):
    monkeypatch.setattr("kernel_sandbox.gateway.connection._GIVE_UP_SECONDS", 1.0)
    server = kernel_gateway(tmp_path)
    session = await KernelSession.start(gateway=server.gateway)
    kernels = psutil.Process(server.process.pid).children(recursive=True)
    cell = asyncio.create_task(run(session, "import time; time.sleep(60)", deadline=60))
    await asyncio.sleep(0.5)
    os.killpg(server.process.pid, signal.SIGKILL)
    ran = await cell
    assert ran.result.status == "died"
    assert "does not answer any more" in ran.result.detail
    with pytest.raises(KernelStartError, match="There is no gateway at"):
        await run(session, "1")
    await session.shutdown()
    server.close()
    for kernel in kernels:
        if kernel.is_running():
            kernel.kill()


async def test_what_is_wrong_with_a_gateway_is_told(served):
    def start(kernel="python3", **changes):
        given = {"url": served.url, "token": TOKEN, **changes}
        return KernelSession.start(kernel, gateway=Gateway(**given))

    with pytest.raises(KernelStartError, match=r"refuses: .*Check its token\."):
        await start(token="wrong")
    with pytest.raises(KernelStartError, match="of which none was given"):
        await start(token=None)
    with pytest.raises(KernelStartError, match=r"no kernel named 'cobol'; there are: .*python3"):
        await start("cobol")
    with pytest.raises(KernelStartError, match="its url may need a path"):
        await start(url=f"{served.url}/nowhere")
    with pytest.raises(KernelStartError, match=r"There is no gateway at 127\.0\.0\.1:9"):
        await start(url="http://127.0.0.1:9")
    with pytest.raises(KernelStartError, match=r"There is no gateway at|not answer in time"):
        await start(url=served.url.replace("http", "https"), seconds=1.0)
    with pytest.raises(KernelStartError, match="with no user or password in it"):
        Gateway(url="http://me:word@host")
    with pytest.raises(KernelStartError, match="ca_file cannot be used"):
        await start(url="https://127.0.0.1:9", ca_file="/no/such/file")


def test_the_token_is_in_no_text(served):
    assert TOKEN not in repr(served.gateway)


async def test_a_cancelled_start_leaves_no_kernel(served):
    before = set(served.kernels())
    for seconds in (0.0, 0.05, 0.3):
        start = asyncio.create_task(KernelSession.start(gateway=served.gateway))
        await asyncio.sleep(seconds)
        if start.done():
            # On a fast machine; nothing is left to cancel.
            await start.result().shutdown()
            continue
        start.cancel()
        with pytest.raises(asyncio.CancelledError):
            await start
    deadline = time.monotonic() + 15
    while set(served.kernels()) - before:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("v1", [True, False])
def test_messages_survive_both_protocols(v1):
    message = {
        "header": {"msg_id": "1", "msg_type": "x_request"},
        "parent_header": {"msg_id": "0"},
        "metadata": {},
        "content": {"a": "ü"},
    }
    for buffers in ([], [b"one", b"", b"\0" * 1000]):
        data = wire.encode(message, buffers, v1=v1)
        channel, found = wire.decode(data, v1=v1)
        assert (channel, found.msg_type, found.parent) == ("shell", "x_request", "0")
        assert (found.content, list(found.buffers)) == ({"a": "ü"}, buffers)
    broken = wire.encode(message, [b"x"], v1=v1)
    assert isinstance(broken, bytes)
    for cut in range(0, len(broken), 7):
        with pytest.raises(Exception, match=r"."):
            wire.decode(broken[:cut], v1=v1)
