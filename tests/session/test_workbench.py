"""What lives in a kernel, kept beside the record and brought back into another kernel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from analyst.session.workbench import KernelWorkbench
from analyst.tools.analysis_kernel import AnalysisKernel
from analyst.tools.python import PythonTool
from analyst.tools.registry import ToolResult
from kernel_sandbox import KernelSession

MAKING = """
import numpy as np, pandas as pd
from collections import Counter
df = pd.DataFrame({'a': [1, 2], 'b': ['x', None]}, index=pd.Index([5, 7], name='k'))
wide = pd.DataFrame({('u', 1): [1.5], ('u', 2): [2.5]})
days = pd.DataFrame({'d': pd.to_datetime(['2020-01-01', None]), 'c': pd.Categorical(['p', 'q'])})
named = pd.Series([1.0, 2.0], index=['p', 'q'], name='s')
bare = pd.Series([1, 2, 3])
row = np.array([1, 2, 3])
grid = np.arange(6.0).reshape(2, 3)
pair = (1, {'k': [2.5, None]})
big = np.float64(2.5)
def double(x):
    return 2 * x
"""
CHECKING = """
import pandas.testing as t
t.assert_frame_equal(
    df, pd.DataFrame({'a': [1, 2], 'b': ['x', None]}, index=pd.Index([5, 7], name='k'))
)
t.assert_frame_equal(wide, pd.DataFrame({('u', 1): [1.5], ('u', 2): [2.5]}))
assert str(days.dtypes['c']) == 'category' and days['d'].isna().tolist() == [False, True]
t.assert_series_equal(named, pd.Series([1.0, 2.0], index=['p', 'q'], name='s'))
t.assert_series_equal(bare, pd.Series([1, 2, 3]))
assert row.shape == (3,) and row.tolist() == [1, 2, 3] and grid.shape == (2, 3)
assert pair == (1, {'k': [2.5, None]}) and type(big) is np.float64
assert Counter('aab')['a'] == 2
print('all is back')
"""


@pytest.fixture
async def kernel() -> AsyncIterator[AnalysisKernel]:
    async with await KernelSession.start() as session:
        yield AnalysisKernel(session)


async def run(kernel: AnalysisKernel, code: str) -> str:
    async for item in PythonTool(kernel, deadline_seconds=60).run({"code": code}):
        if isinstance(item, ToolResult):
            assert item.status == "ok", item.observation
            return item.observation
    raise AssertionError


async def test_everything_comes_back_into_another_kernel(
    kernel: AnalysisKernel, tmp_path: Path
) -> None:
    bench = KernelWorkbench(kernel, tmp_path / "kept")
    await run(kernel, MAKING)
    kept = await bench.keep()
    assert {one.name for one in kept if one.digest is None} == {"double"}
    await kernel.session.restart()
    assert await bench.restore_if_lost() == (
        "The agent's kernel was replaced; what the finished steps left is back, but double is lost."
    )
    assert await bench.restore_if_lost() == ""
    assert (await run(kernel, CHECKING)).startswith("all is back")
    # What has not changed is not kept a second time.
    assert [one.digest for one in await bench.keep() if one.name == "df"] == [
        one.digest for one in kept if one.name == "df"
    ]
    assert oct((tmp_path / "kept").stat().st_mode)[-3:] == "700"
    bench.forget()
    assert not (tmp_path / "kept").exists()


async def test_only_what_changed_is_kept_anew_and_data_of_files_not_at_all(
    kernel: AnalysisKernel, tmp_path: Path
) -> None:
    await run(kernel, "import pandas as pd\ndf = pd.DataFrame({'a': [1, 2]})\nx = 1")
    bench = KernelWorkbench(kernel, tmp_path, loaded=["df"], given=["df"])
    first = {one.name: one.digest for one in await bench.keep()}
    assert first["df"] == "loaded"
    assert [one.name for one in await bench.news()] == ["pd", "x"]
    await run(kernel, "df['b'] = 2\ny = 2")
    second = {one.name: one.digest for one in await bench.keep()}
    assert second["df"] not in (None, "loaded")
    assert second["x"] == first["x"]
    assert [one.name for one in await bench.news()] == ["pd", "df", "x", "y"]


async def test_a_lost_file_loses_what_was_in_it_and_says_so(
    kernel: AnalysisKernel, tmp_path: Path
) -> None:
    await run(kernel, "import pandas as pd\ndf = pd.DataFrame({'a': [1]})\nx = 1")
    bench = KernelWorkbench(kernel, tmp_path)
    kept = await bench.keep()
    digests = {one.name: str(one.digest) for one in kept}
    (tmp_path / digests["df"]).write_bytes(b"torn")
    assert await bench.restore(kept) == ["df"]


async def test_checks_are_evaluated_where_they_only_compute(
    kernel: AnalysisKernel, tmp_path: Path
) -> None:
    bench = KernelWorkbench(kernel, tmp_path)
    await run(kernel, "x = [1, 2]")
    checks = ["len(x) == 2", "len(x) == 3", "x[5] > 1", "x is sorted", "open('f', 'w')"]
    assert await bench.trouble(checks) == [
        "It does not hold that len(x) == 3.",
        "The check x[5] > 1 failed: IndexError: list index out of range.",
    ]


async def test_without_a_place_nothing_is_kept(kernel: AnalysisKernel) -> None:
    bench = KernelWorkbench(kernel, None)
    await run(kernel, "x = 1")
    assert [one.digest for one in await bench.keep()] == [None]
    bench.forget()
