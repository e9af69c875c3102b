"""What analysts use works inside; what cannot is refused in words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from kernel_sandbox import DisplayData, ErrorOutput, KernelSession, Policy
from kernel_sandbox.confinement.backends import attempts

WORKS = {
    "numpy": "import numpy as np; float(np.linalg.norm(np.ones((300, 300)) @ np.ones((300, 300))))",
    "pandas": (
        "import pandas as pd; f = pd.DataFrame({'a': [1, 2], 'b': ['x', 'y']})\n"
        "f.to_csv('f.csv'); f.to_parquet('f.parquet'); f.to_excel('f.xlsx')\n"
        "pd.read_csv('f.csv'), pd.read_parquet('f.parquet'), pd.read_excel('f.xlsx')"
    ),
    "polars": "import polars as pl; pl.DataFrame({'a': [1, 2, 3]}).lazy().sum().collect().item()",
    "duckdb": (
        "import duckdb, pandas as pd; f = pd.DataFrame({'a': range(100000)})\n"
        "duckdb.sql('select sum(a) from f').fetchall()[0][0]"
    ),
    "pyarrow": (
        "import pyarrow as pa, pyarrow.parquet as pq\n"
        "pq.write_table(pa.table({'a': [1, 2]}), 'a.parquet')\n"
        "pq.read_table('a.parquet', memory_map=True).num_rows"
    ),
    "matplotlib": (
        "import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.savefig('p.png'); plt.show()\n"
        "import os; os.path.getsize('p.png') > 1000"
    ),
    "plotly": "import plotly.express as px; len(px.bar(x=[1], y=[2]).to_json()) > 100",
    "scikit-learn threads": (
        "from sklearn.ensemble import RandomForestClassifier as R; import numpy as np\n"
        "X = np.random.rand(200, 4); R(n_jobs=2).fit(X, X[:, 0] > 0.5).score(X, X[:, 0] > 0.5)"
    ),
    "scikit-learn processes": (
        "from sklearn.model_selection import cross_val_score as c; import numpy as np\n"
        "from sklearn.linear_model import LinearRegression as L; X = np.random.rand(60, 2)\n"
        "len(c(L(), X, X[:, 0], n_jobs=2, cv=3))"
    ),
    "statsmodels": (
        "import statsmodels.api as sm, numpy as np; x = np.arange(50.0)\n"
        "round(float(sm.OLS(2 * x + 1, sm.add_constant(x)).fit().params[1]), 6)"
    ),
    "scipy": "from scipy import stats; round(float(stats.norm.cdf(0)), 3)",
    "a shell command": (
        "out = !echo hello; echo there\nassert out == ['hello', 'there']\n!echo shown"
    ),
    "subprocess": "import subprocess; subprocess.run(['sh', '-c', 'echo 1 | cat'], check=True)",
    "threads": (
        "from concurrent.futures import ThreadPoolExecutor as P\n"
        "with P(4) as p: sum(p.map(abs, range(10)))"
    ),
    "temporary files": (
        "import tempfile, pathlib\n"
        "with tempfile.NamedTemporaryFile() as f: f.write(b'x')\n"
        "pathlib.Path('touched').touch(); import shutil; shutil.copy2('touched', 'copied')"
    ),
    "sqlite": "import sqlite3; sqlite3.connect('d.db').execute('create table t (a)')",
    "asyncio": "import asyncio; await asyncio.sleep(0.01)",
    "the user's name and home": (
        "import getpass, pathlib; getpass.getuser(), pathlib.Path.home().exists()"
    ),
    "reading about itself": (
        "import psutil, os; psutil.Process().memory_info().rss > 0, os.cpu_count()"
    ),
    "zip and tar": (
        "import shutil, os; os.makedirs('z', exist_ok=True); open('z/a', 'w').close()\n"
        "shutil.make_archive('z', 'gztar', 'z'); shutil.unpack_archive('z.tar.gz', 'out')"
    ),
}

WORKS_IN_NAMESPACES = {
    "multiprocessing": (
        "import multiprocessing as m, math\n"
        "with m.get_context('fork').Pool(2) as p: assert p.map(math.sqrt, [1, 4]) == [1, 2]"
    ),
    "multiprocessing by spawn": (
        "import multiprocessing as m, math\n"
        "with m.get_context('spawn').Pool(2) as p: assert p.map(math.sqrt, [1, 4]) == [1, 2]"
    ),
    "process pools": (
        "from concurrent.futures import ProcessPoolExecutor as P; import math\n"
        "with P(2) as p: list(p.map(math.sqrt, [1, 4]))"
    ),
    "a server on loopback": (
        "import socket; s = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(s.getsockname()).close()"
    ),
}


@pytest.fixture(scope="module", params=["bubblewrap", "landlock"])
def isolated(request) -> Iterator[KernelSession]:
    (attempt,) = attempts(request.param)
    if attempt.backend is None:
        pytest.skip(f"{attempt.name}: {attempt.why_not}")
    policy = Policy(isolation=request.param)
    session = asyncio.run(KernelSession.start(policy=policy))
    yield session
    asyncio.run(session.shutdown())


@pytest.mark.parametrize("name", [*WORKS, *WORKS_IN_NAMESPACES])
async def test_it_works_inside(isolated, run, name):
    code = {**WORKS, **WORKS_IN_NAMESPACES}[name]
    ran = await run(isolated, code, deadline=90)
    errors = [output.evalue for output in ran.outputs if isinstance(output, ErrorOutput)]
    if isolated.backend == "landlock" and name in WORKS_IN_NAMESPACES:
        assert ran.result.status == "error", "it works now: the documentation says it does not"
        assert "denied" in errors[0] or "not permitted" in errors[0] or "Permission" in errors[0]
        return
    assert ran.result.status == "ok", errors
    if name == "a shell command":
        assert "shown" in ran.stdout
    if name == "matplotlib":
        assert [1 for output in ran.outputs if isinstance(output, DisplayData)]
