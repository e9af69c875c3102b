"""Which of the user's frames and files a question speaks of."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from analyst.frontends.errors import UnknownDataError
from analyst.frontends.user_data import files_for, frames_for, frames_of, without_files

FRAME = pd.DataFrame({"x": [1, 2]})


def names(question, named=(), **namespace):
    return list(frames_for(question, names=named, namespace=namespace))


def test_tables_of_all_libraries_are_seen_and_nothing_else():
    namespace = {
        "pandas_frame": FRAME,
        "column": FRAME.x,
        "polars_frame": pl.DataFrame({"x": [1]}),
        "polars_column": pl.Series([1]),
        "table": pa.table({"x": [1]}),
        "vector": np.arange(3),
        "matrix": np.eye(2),
        "scalar": np.array(3),
        "cube": np.zeros((2, 2, 2)),
        "number": 3,
        "library": pd,
        "_hidden": FRAME,
    }
    assert list(frames_of(namespace)) == [
        "pandas_frame",
        "column",
        "polars_frame",
        "polars_column",
        "table",
        "vector",
        "matrix",
    ]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("mean of sales?", ["sales"]),
        ("mean of `sales`", ["sales"]),
        ("sales.revenue by sales['year']", ["sales"]),
        ("Übersicht über sales, bitte", ["sales"]),
        ("presales and sales_old and df.sales", []),
        ("Sales figures", []),
        ("wholesales", []),
        ("sales2024", []),
    ],
)
def test_a_name_counts_as_a_whole_word(question, found):
    assert names(question, sales=FRAME) == found


def test_a_name_in_another_script_counts():
    assert names("Was ist der Mittelwert von größe?", größe=FRAME) == ["größe"]


def test_a_one_letter_name_needs_backticks():
    assert names("what is a good plot", a=FRAME) == []
    assert names("plot `a`", a=FRAME) == ["a"]


def test_frames_that_are_named_by_option_go_too_and_first():
    assert names("plot sales", ("_kept",), sales=FRAME, _kept=FRAME) == ["_kept", "sales"]


def test_an_unknown_name_lists_the_tables_there_are():
    with pytest.raises(UnknownDataError) as caught:
        names("q", ("salse",), sales=FRAME, costs=FRAME, n=3)
    assert str(caught.value) == (
        "There is no salse in this notebook. Did you mean sales? "
        "The tables there are: sales, costs."
    )


def test_a_name_that_is_no_table_says_what_it_is():
    with pytest.raises(UnknownDataError, match=r"n is no table but a int\. There are no tables"):
        names("q", ("n",), n=3)


def test_the_name_of_a_file_is_not_the_name_of_a_frame():
    assert names(without_files("read sales.csv now"), sales=FRAME) == []
    assert names(without_files("join sales with sales.csv"), sales=FRAME) == ["sales"]


def test_looking_imports_nothing(package_environment):
    program = (
        "import sys; from analyst.frontends.user_data import frames_of; frames_of({'a': 1});"
        "print({'pandas', 'numpy', 'polars', 'pyarrow'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=package_environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set()"


@pytest.fixture
def directory(tmp_path):
    folder = tmp_path / "here"
    (folder / "data").mkdir(parents=True)
    for name in ("sales.csv", "data/my costs.xlsx", "notes.txt", "data/a.parquet"):
        (folder / name).write_text("x")
    (tmp_path / "outside.csv").write_text("x")
    (folder / "link.csv").symlink_to(tmp_path / "outside.csv")
    return folder


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("mean in sales.csv?", ["sales.csv"]),
        ("Join sales.csv, data/a.parquet.", ["sales.csv", "data/a.parquet"]),
        ("open 'data/my costs.xlsx'!", ["data/my costs.xlsx"]),
        ("`sales.csv` and (sales.csv)", ["sales.csv"]),
        ("./sales.csv", ["sales.csv"]),
        ("read notes.txt", []),
        ("read nothere.csv", []),
        ("read ../outside.csv", []),
        ("read link.csv", []),
        ("read /etc/passwd.csv and data.csv\0.csv", []),
        ("x" * 5000 + ".csv", []),
    ],
)
def test_data_files_under_the_directory_are_found(directory, question, found):
    files = files_for(question, paths=(), directory=directory)
    assert files == tuple((directory / name).resolve() for name in found)


def test_a_file_given_by_option_may_lie_anywhere(directory):
    outside = directory.parent / "outside.csv"
    assert files_for("q", paths=[str(outside), "notes.txt"], directory=directory) == (
        outside,
        directory / "notes.txt",
    )


def test_a_missing_file_names_the_nearest(directory):
    with pytest.raises(UnknownDataError, match=r"no file slaes\.csv\. Did you mean sales\.csv\?"):
        files_for("q", paths=["slaes.csv"], directory=directory)
