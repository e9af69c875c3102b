"""Risk in words: computing is none, everything that reaches further is told, doubt counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.tools.risk import COMPUTES, judge_code, unknown


@pytest.mark.parametrize(
    "code",
    [
        "print(df.groupby('a').b.mean())",
        "import pandas as pd\nimport numpy as np\nx = pd.to_datetime(df.d)\nprint(x.dt.year.max())",
        "import plotly.express as px\npx.bar(df, x='a', y='b').show()",
        "df = pd.read_csv('sales.csv')\nprint(df.shape)",
        "with open('notes.txt') as f:\n    print(f.read())",
        "values = [1, 2]\nvalues.remove(1)",
        "import json\nprint(json.loads('{}'))",
        "from sklearn.linear_model import LinearRegression\nLinearRegression().fit(X, y)",
        "print(df.query('price > @limit').shape, df['a'].str.replace('x', 'y'), df.copy())",
        "import duckdb\nprint(duckdb.sql('SELECT 1 AS a').df())",
        "frames = [pd.read_csv(name) for name in names]",
    ],
)
def test_computing_is_no_risk(code):
    risk = judge_code(code)
    assert (risk.level, risk.words) == ("safe", COMPUTES)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("df.to_csv('out.csv')", "writes files"),
        ("open('x', 'w').write('a')", "writes files"),
        ("open('x', mode=m)", "writes files"),
        ("Path('x').open('a')", "writes files"),
        ("fig.savefig('x.png')", "writes files"),
        ("import os\nos.remove('x')", "deletes files"),
        ("from shutil import rmtree\nrmtree('x')", "deletes files"),
        ("Path('x').unlink()", "deletes files"),
        ("import requests", "network"),
        ("from urllib.request import urlopen", "network"),
        ("pd.read_csv('https://example.org/x.csv')", "network"),
        ("import subprocess", "other programs"),
        ("import os\nos.system('ls')", "other programs"),
        ("import ctypes", "below Python"),
        ("eval('1')", "cannot be judged"),
        ("getattr(os, 'sys' + 'tem')('ls')", "cannot be judged"),
        ("().__class__.__bases__", "cannot be judged"),
        ("import importlib", "cannot be judged"),
        ("pd.read_pickle('x')", "pickled"),
        ("import pickle", "pickled"),
        ("!ls", "other programs"),
        ("%pip install x", "other programs"),
        ("this is no python at all", "not known"),
        ("x = 1\n" * 200_000, "too long"),
        ("import os as o\no.system('ls')", "other programs"),
        ("f = os.system\nf('ls')", "other programs"),
        ("pd.io.common.os.system('ls')", "other programs"),
        ("p = pd.io.common.os", "cannot be judged"),
        ("df.query('@pd.io.common.x(1)')", "cannot be judged"),
        ("get_ipython().getoutput('ls')", "other programs"),
        ("import asyncio\nasyncio.create_subprocess_shell('ls')", "other programs"),
        ("from os import *", "cannot be judged"),
        ("list(map(os.unlink, names))", "deletes files"),
        ("import os as o\no.remove('x')", "deletes files"),
        ("o = open\no('x', 'w')", "writes files"),
        ("open(*['x', 'w'])", "writes files"),
        ("open('x', **{'mode': 'w'})", "writes files"),
        ("import shutil as s\ns.move('a', 'b')", "writes files"),
        ("import duckdb\nduckdb.sql(\"COPY x TO 'y'\")", "writes files"),
        ("connection.execute(text)", "writes files"),
        ("np.load('x', allow_pickle=True)", "pickled"),
    ],
)
def test_what_reaches_further_is_told(code, said):
    risk = judge_code(code)
    assert risk.level == "contained"
    assert said in risk.words


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("print(df.a.mean())", "safe"),
        ("df.to_csv('x')", "contained"),
        ("pd.read_csv('sales.csv')", "safe"),
        ("import requests", "risky"),
        ("pd.read_csv('https://example.org/a')", "risky"),
        ("pd.read_csv(address)", "risky"),
        ("eval('1')", "risky"),
        ("!curl example.org", "risky"),
        ("no python at all", "risky"),
    ],
)
def test_what_may_use_a_network_that_is_there_leaves_the_sandbox(code, level):
    assert judge_code(code, hosts=["example.org"]).level == level


def test_the_environment_is_the_users_where_nothing_isolates():
    code = "import os\nprint(os.environ)"
    assert judge_code(code).level == "safe"
    assert judge_code(code, isolated=False).level == "risky"


def test_hosts_and_missing_isolation_are_told():
    reached = judge_code("import httpx", hosts=["example.org"])
    assert "example.org" in reached.words
    bare = judge_code("1 + 1", isolated=False)
    assert (bare.level, "not isolated" in bare.words) == ("contained", True)


def test_what_nothing_holds_or_nobody_can_judge_is_risky():
    assert judge_code("df.to_csv('out.csv')", isolated=False).level == "risky"
    assert judge_code(7).level == "risky"
    assert unknown("shell").level == "risky"


@given(st.text(max_size=300))
def test_judging_never_fails(code):
    assert judge_code(code).words


@pytest.mark.parametrize(
    "code",
    [
        "import psutil",
        "from some_helper import work",
        "import asyncio.subprocess as s",
        "import pandas as pd, marimo",
        "import antigravity",
    ],
)
def test_without_isolation_unknown_modules_are_risky_and_else_held(code: str) -> None:
    assert judge_code(code, isolated=False).level == "risky"
    assert judge_code(code).level == "safe"
    assert judge_code(code, hosts=["example.org"]).level == "risky"


def test_without_isolation_the_usual_libraries_are_not_asked_about() -> None:
    code = (
        "import pandas as pd\nimport plotly.express as px\nfrom sklearn.linear_model import Ridge\n"
        "from scipy import stats\nimport statsmodels.api as sm\nprint(pd.read_csv('x.csv').mean())"
    )
    assert judge_code(code, isolated=False).level == "contained"
