"""Risk in words: computing is none, everything that reaches further is told, doubt counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.tools.risk import COMPUTES, judge


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
    ],
)
def test_computing_is_no_risk(code):
    risk = judge("python", {"code": code})
    assert (risk.risky, risk.words) == (False, COMPUTES)


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
    ],
)
def test_what_reaches_further_is_told(code, said):
    risk = judge("python", {"code": code})
    assert risk.risky
    assert said in risk.words


def test_hosts_and_missing_isolation_are_told():
    reached = judge("python", {"code": "import httpx"}, hosts=["example.org"])
    assert "example.org" in reached.words
    assert "not isolated" in judge("python", {"code": "1 + 1"}, isolated=False).words


def test_other_tools_are_risky_until_somebody_says_otherwise():
    assert judge("shell", {"command": "ls"}).risky
    assert judge("python", {"code": 7}).risky
    assert not judge("recall", {"question": "x"}).risky


@given(st.text(max_size=300))
def test_judging_never_fails(code):
    assert judge("python", {"code": code}).words
