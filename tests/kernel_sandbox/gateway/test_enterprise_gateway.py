"""Sessions whose kernels a real Enterprise Gateway runs.

It needs a jupyter_client from before kernel provisioners, so it lives in an environment of its
own, made once and kept in the user's cache.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import platformdirs
import pytest
from filelock import FileLock

from kernel_sandbox import Gateway, HandOff, KernelSession, Limits, Policy

from .conftest import TOKEN, GatewayServer

REQUIREMENTS = Path(__file__).with_name("enterprise-requirements.txt")


def environment() -> Path:
    """Return the environment's directory, after making it if it is not there."""
    key = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:16]
    cache = Path(platformdirs.user_cache_dir("jupyter-analyst")) / "test-environments"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"enterprise-gateway-{key}"
    with FileLock(f"{folder}.lock"):
        if not (folder / "made").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
            done = subprocess.run(
                [*pip, "--requirement", str(REQUIREMENTS)],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                pytest.skip(f"no environment for Enterprise Gateway: {done.stderr[-300:]}")
            (folder / "made").touch()
    return folder


@pytest.fixture(scope="module")
def enterprise(tmp_path_factory) -> Iterator[GatewayServer]:
    if sys.version_info >= (3, 13):
        pytest.skip("its pinned packages have no wheels for this Python")
    python = environment() / "bin" / "python"
    command = [
        *(str(python), "-m", "enterprise_gateway", "--EnterpriseGatewayApp.ip=127.0.0.1"),
        *("--EnterpriseGatewayApp.port={port}", f"--EnterpriseGatewayApp.auth_token={TOKEN}"),
        "--EnterpriseGatewayApp.list_kernels=True",
    ]
    # Nothing of the environment of these tests.
    plain = {name: "" for name in os.environ if name.startswith(("JUPYTER", "PYTHON", "KERNEL"))}
    server = GatewayServer(command, tmp_path_factory.mktemp("enterprise"), plain)
    yield server
    server.close()


@pytest.mark.timeout(400)
async def test_a_session_at_an_enterprise_gateway(enterprise, run):
    gateway = Gateway(url=enterprise.url, token=TOKEN, environment={"KERNEL_USERNAME": "somebody"})
    policy = Policy(limits=Limits(grace_seconds=2.0))
    async with await KernelSession.start(gateway=gateway, policy=policy) as session:
        assert (await run(session, "6 * 7")).value == "42"
        ran = await run(session, "import time\nwhile True: time.sleep(0.05)", deadline=0.5)
        assert (ran.result.status, ran.result.restarted) == ("timeout", False)
        assert await session.evaluate_json("x", code="x = 1 + 1") == 2
        # Its environment has no pandas: bytes still cross.
        await run(session, "kept = 1")
        await session.restart()
        assert (await run(session, "'kept' in globals()")).value == "False"
        with pytest.raises(Exception, match="cannot load frames"):
            await HandOff(session).hand_over("frame", pd.DataFrame({"a": [1]}))
    assert not enterprise.kernels()


@pytest.mark.timeout(400)
async def test_files_go_to_an_enterprise_gateway(enterprise, run, tmp_path):
    gateway = Gateway(url=enterprise.url, token=TOKEN, environment={"KERNEL_USERNAME": "somebody"})
    content = os.urandom(9_000_001)
    (tmp_path / "data.bin").write_bytes(content)
    async with await KernelSession.start(gateway=gateway) as session:
        path = await HandOff(session).send_file(tmp_path / "data.bin")
        code = f"import hashlib; hashlib.sha256(open({path!r}, 'rb').read()).hexdigest()"
        assert (await run(session, code)).value == repr(hashlib.sha256(content).hexdigest())
