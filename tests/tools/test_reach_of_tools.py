"""All tools that run in a kernel judge by the same: what that kernel may reach."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyst.session import workspace
from analyst.settings import Settings
from analyst.tools.analysis_kernel import AnalysisKernel
from analyst.tools.python import PythonTool
from analyst.tools.sql import sql_tools
from kernel_sandbox import Gateway, KernelSession, Policy

GATEWAY = Gateway(url="https://gateway.example.org")


@pytest.fixture(params=[Policy(), Policy(network=("h.example",)), Policy(isolation="none")])
def behind_a_gateway(request: pytest.FixtureRequest) -> Iterator[AnalysisKernel]:
    # Never started: what is asked about is judged before, and also while none runs.
    session = KernelSession(kernel_name="python3", cwd=None, policy=request.param, gateway=GATEWAY)
    yield AnalysisKernel(session)
    asyncio.run(session.shutdown())


@pytest.mark.parametrize(
    ("query", "level"),
    [
        ("SELECT a FROM df", "safe"),
        ("COPY df TO 's3://bucket/x'", "risky"),
        ("INSTALL httpfs", "risky"),
        ("SELECT * FROM read_text('/etc/passwd')", "risky"),
    ],
)
def test_a_query_behind_a_gateway(behind_a_gateway: AnalysisKernel, query: str, level: str) -> None:
    tool = sql_tools(behind_a_gateway, {}, deadline_seconds=5)[0]
    assert tool.judge({"query": query}).level == level


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("print(df.a.mean())", "safe"),
        ("df.to_csv('a.csv')", "contained"),
        ("df.to_csv('s3://bucket/x')", "risky"),
        ("print(open('/etc/passwd').read())", "risky"),
        ("import os\nprint(os.environ)", "risky"),
    ],
)
def test_code_behind_a_gateway(behind_a_gateway: AnalysisKernel, code: str, level: str) -> None:
    risk = PythonTool(behind_a_gateway, deadline_seconds=5).judge({"code": code})
    assert risk.level == level
    assert "isolated kernel" not in risk.words


@pytest.mark.parametrize(
    ("options", "level"),
    [
        ({}, "safe"),
        ({"network_hosts": ("h.example",)}, "risky"),
        ({"isolation": "none"}, "risky"),
        ({"gateway_url": "https://gateway.example.org"}, "risky"),
        ({"gateway_url": "https://gateway.example.org", "isolation": "none"}, "risky"),
    ],
)
def test_tests_of_a_project(tmp_path: Path, options: dict[str, object], level: str) -> None:
    tool = workspace.testing_tool(tmp_path, Settings().model_copy(update=options))
    assert tool.judge({"tests": []}).level == level
