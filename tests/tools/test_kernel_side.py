"""The helper module of the kernel, called here as a plain module."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analyst.tools.kernel_side import (
    cells,
    changes,
    frames,
    hints,
    profile,
    snapshots,
    texts,
    values,
)


@pytest.fixture(autouse=True)
def fresh_state() -> None:
    changes._seen.clear()
    snapshots._snapshot.clear()
    snapshots._before.clear()


def test_a_profile_of_many_rows_counts_what_few_rows_do_not_tell() -> None:
    rows = profile.FIRST_ROWS + 20
    frame = pd.DataFrame(
        {
            "code": [f"C{number}" for number in range(rows)],
            "late": ["early"] * profile.FIRST_ROWS + ["late"] * 20,
            "size": [1] * profile.FIRST_ROWS + list(range(20)),
        }
    )
    text = profile.describe("df", frame)
    assert f"'code' text over {profile.FIRST_ROWS} distinct: 'C0', 'C1', 'C2', …" in text
    assert "'late' text 2 distinct: 'early', 'late'" in text
    assert "'size' int64 0..19" in text


def test_a_profile_tells_names_types_nulls_ranges_and_a_few_values() -> None:
    frame = pd.DataFrame(
        {
            "price": [1.5, 2.5, None],
            "region": ["north", "south", "north"],
            "day": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-03-01"]),
            "count": [1, 2, 3],
            "ok": [True, False, True],
        }
    )
    text = profile.describe("sales", frame)
    assert text.splitlines()[0] == "sales: 3 rows x 5 columns"
    assert "'price' float64 1.5, 2.5, 1 null" in text
    assert "'region' text 2 distinct: 'north', 'south'" in text
    assert "2024-01-01" in text
    assert "'ok' bool" in text


def test_a_profile_holds_no_rows_unless_they_are_asked_for() -> None:
    frame = pd.DataFrame({"name": [f"person {i}" for i in range(50)], "x": range(50)})
    assert "person 40" not in profile.describe("df", frame)
    assert "person 4,4" in profile.describe("df", frame, rows=5)
    assert "person 40" not in profile.describe("df", frame, rows=5)


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (["1", "2.5", "30"], "(numbers as text; as numbers: pd.to_numeric(column))"),
        (["$1,204.50", "98%", "€3"], "signs"),
        (["2024-01-05", "2024-02-06", "2023-12-31"], "(dates as text)"),
        (["630308[495000-801000]", "12[10-14]", "7[1-9]"], "before other text"),
        (["1", "2", "n/a", "3"], "but also 'n/a'"),
        (["red", "green", "blue"], ""),
        (["3 Main Street", "14 High Street", "9 Low Road"], ""),
    ],
)
def test_text_columns_say_what_they_really_hold(held: list[str], words: str) -> None:
    line = profile.describe("df", pd.DataFrame({"c": held})).splitlines()[1]
    assert words in line
    if not words:
        assert "(" not in line


def test_wide_frames_are_cut_and_say_so() -> None:
    frame = pd.DataFrame(np.zeros((2, 300)), columns=[f"c{i}" for i in range(300)])
    text = profile.describe("df", frame)
    assert "260 more columns" in text
    assert len(text) < 4000


CELLS = st.one_of(
    st.none(), st.integers(), st.floats(), st.text(), st.lists(st.integers()), st.binary()
)


@given(st.lists(CELLS, max_size=5))
def test_no_column_whatever_breaks_a_profile(held: list[Any]) -> None:
    frame = pd.DataFrame({"c": pd.Series(held, dtype=object)})
    assert profile.describe("df", frame).startswith(f"df: {len(held)} rows x 1 columns")


def test_duplicate_and_odd_labels_do_not_break_anything() -> None:
    frame = pd.DataFrame([[1, 2, 3]], columns=["a", "a", ("t", 1)])
    namespace = {"df": frame}
    assert "'a'" in profile.describe("df", frame)
    assert changes.changes(namespace)[0]["new"]
    assert changes.changes(namespace) == []


def test_changes_name_new_columns_types_and_rows() -> None:
    namespace: dict[str, Any] = {"df": pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})}
    changes.changes(namespace)
    namespace["df"]["c"] = [1.0, 2.0]
    (entry,) = changes.changes(namespace)
    assert "'c' added (float64)" in entry["text"]
    namespace["small"] = namespace["df"][namespace["df"]["a"] > 1]
    (entry,) = changes.changes(namespace)
    assert entry["new"]
    assert "small: 1 rows x 3 columns" in entry["text"]


def test_a_lossy_conversion_raises_a_doubt_also_in_a_copy() -> None:
    text = pd.DataFrame({"n": [f"{i}[x]" for i in range(10)]})
    namespace: dict[str, Any] = {"df": text}
    changes.changes(namespace)
    converted = text.copy()
    converted["n"] = pd.to_numeric(converted["n"], errors="coerce")
    namespace["clean"] = converted
    (entry,) = changes.changes(namespace)
    assert "'n' had 0 nulls and now has 10" in entry["doubt"]
    namespace["df"] = converted.copy()
    assert any(entry["doubt"] for entry in changes.changes(namespace))


def test_dropping_rows_or_adding_columns_raises_no_doubt() -> None:
    namespace: dict[str, Any] = {"df": pd.DataFrame({"a": [1.0, None, 3.0]})}
    changes.changes(namespace)
    namespace["df"] = namespace["df"].dropna()
    namespace["df"]["lag"] = namespace["df"]["a"].shift()
    assert [entry["doubt"] for entry in changes.changes(namespace)] == [None]


def test_a_failed_try_is_rolled_back() -> None:
    namespace: dict[str, Any] = {"df": pd.DataFrame({"a": [1, 2]})}
    snapshots.begin(namespace, [])
    namespace["df"]["a"] = 0
    namespace["df"]["b"] = 1
    snapshots.roll_back(namespace)
    assert namespace["df"].to_dict("list") == {"a": [1, 2]}
    namespace["df"]["a"] = 5
    snapshots.roll_back(namespace)
    assert namespace["df"].to_dict("list") == {"a": [1, 2]}


def test_what_an_earlier_question_or_a_failed_try_left_is_no_answer() -> None:
    namespace: dict[str, Any] = {"total": 7.5}
    snapshots.begin(namespace, ["total", "share"])
    assert cells.report("x = 1", ["total", "share"], namespace)["values"] == {}
    namespace["share"] = 0.5
    assert cells.report("", ["share"], namespace)["values"] == {"share": 0.5}
    snapshots.roll_back(namespace)
    assert namespace == {"total": 7.5}
    assert cells.report("total = 7.5", ["total"], namespace)["values"] == {"total": 7.5}


def test_values_that_are_not_a_number_come_with_the_nulls_at_fault() -> None:
    frame = pd.DataFrame({"a": [1.0, None], "b": [1.0, 2.0], "c": [None, 1.0]})
    namespace: dict[str, Any] = {"df": frame}
    snapshots.begin(namespace, ["r"])
    namespace["r"] = float("nan")
    report = cells.report('r = pearsonr(df["a"], df["b"])[0]', ["r"], namespace)
    assert report["not_numbers"] == ["r"]
    assert report["null_rows"] == ["df = df.dropna(subset=['a'])"]


def test_names_that_only_the_last_print_uses_are_told() -> None:
    told = cells.before_cell("mean_x = 1\nprint(mean_x, mean_y)", {})
    assert told["unknown"] == ["mean_y"]
    assert cells.before_cell("print(len([1]), x)", {"x": 1})["unknown"] == []
    assert cells.before_cell("x = undefined", {})["unknown"] == []


def test_functions_that_code_takes_for_granted_are_imported() -> None:
    namespace: dict[str, Any] = {}
    told = cells.before_cell("r = pearsonr(a, b)\nkurtosis = 3", namespace)
    assert told["imported"] == ["pearsonr"]
    assert namespace["pearsonr"] is stats.pearsonr


def test_records_keep_whole_numbers_and_columns_their_type() -> None:
    frame = pd.DataFrame({"month": [1, 2], "mean": [2.5, 3.5]})
    assert values.plain(frame.loc[0]) == [1, 2.5]
    assert values.plain((np.float64(1.0), np.float64(2.5))) == [1, 2.5]
    assert str(values.plain(pd.Series([9.03, 9.0]))) == "[9.03, 9.0]"
    assert values.plain(pd.Index([3, 5])) == [3, 5]


def test_an_error_is_met_with_what_the_object_has(monkeypatch: pytest.MonkeyPatch) -> None:
    namespace: dict[str, Any] = {"stats": stats, "x": [1.0, 2.0]}
    for code, expected in [
        ("stats.anderson_result", ""),
        ("stats.pearson(x, x)", "pearsonr"),
        ("stats.skew(x, fisher=True)", "Call skew() without fisher="),
        ("1 + 'a'", ""),
        ("stats.SimpleImputer()", "Write: from sklearn.impute import SimpleImputer"),
        ("from scipy.stats import r2_score", "Write: from sklearn.metrics import r2_score"),
        ("from scipy.stats import nothing_known", "There is no nothing_known"),
    ]:
        try:
            exec(code, namespace)
        except (AttributeError, ImportError, TypeError) as error:
            monkeypatch.setattr("sys.last_value", error, raising=False)
        told = hints.hint(code, namespace)
        assert expected in told
        assert bool(told) is bool(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(2.5), 2.5),
        (np.array([3]), 3),
        (pd.Series([4]), 4),
        (pd.Timestamp("2024-01-02"), "2024-01-02"),
        (float("nan"), "nan"),
        (pd.Series([1.0, 2018.0, 88.5]), [1, 2018, 88.5]),
        ((1, np.int64(2)), [1, 2]),
        ({"a": np.float64(1.5)}, {"a": 1.5}),
        (pd.DataFrame({"a": [1, 2]}), None),
        (pd.DataFrame({"a": [1.0, 2, 4], "b": [2.0, 1, 5]}).corr().round(3), 0.839),
        (np.array([[1.0, 0.5], [0.5, 1.0]]), 0.5),
        (np.array([[1.0, 2.0], [2.0, 1.0]]), None),
        (np.array([[1, 0], [0, 1]]), None),
        (object(), None),
        (np.bool_(True), True),
    ],
)
def test_values_become_what_json_can_hold(value: Any, expected: Any) -> None:
    assert values.plain(value) == expected
    json.dumps(values.plain(value))


def test_the_result_of_a_test_stands_for_its_statistic() -> None:
    result = stats.pearsonr([1, 2, 3, 5], [2, 4, 5, 9])
    assert values.plain(result) == pytest.approx(float(result.statistic))


def test_only_named_plain_variables_are_values() -> None:
    namespace = {"mean": 2.5, "pd": pd, "frame": pd.DataFrame(), "other": 1}
    assert values.values(["mean", "pd", "frame", "absent"], namespace) == {"mean": 2.5}


def test_usual_libraries_are_imported_only_when_the_code_uses_them() -> None:
    namespace: dict[str, Any] = {}
    assert cells.prepare("np.mean([1]) + math.pi", namespace) == ["math", "np"]
    assert set(namespace) == {"math", "np"}
    assert cells.prepare("np.mean([1])", namespace) == []
    assert cells.prepare("for", namespace) == []


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "xlsx", "json", "jsonl", "csv.gz"])
def test_files_are_read_by_their_ending(tmp_path: Path, ending: str) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "ü"]})
    path = tmp_path / f"table.{ending}"
    match ending:
        case "csv" | "csv.gz":
            frame.to_csv(path, index=False)
        case "tsv":
            frame.to_csv(path, index=False, sep="\t")
        case "parquet":
            frame.to_parquet(path)
        case "xlsx":
            frame.to_excel(path, index=False)
        case "json":
            frame.to_json(path)
        case _:
            frame.to_json(path, orient="records", lines=True)
    namespace: dict[str, Any] = {}
    assert frames.load_file("df", str(path), namespace) == {
        "rows": 2,
        "columns": 2,
        "schema": [["a", "int64"], ["b", "str"]],
    }
    assert namespace["df"]["b"].tolist() == ["x", "ü"]


def test_a_file_that_is_not_utf8_is_read_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_bytes("name\nMüller\n".encode("latin-1"))
    namespace: dict[str, Any] = {}
    frames.load_file("df", str(path), namespace)
    assert namespace["df"]["name"].tolist() == ["Müller"]


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.docx"):
        frames.load_file("df", str(tmp_path / "a.docx"), {})


@pytest.mark.parametrize(
    ("held", "numbers"),
    [
        (["1", "2.5", "30"], [1, 2.5, 30]),
        (["$1,204.50", "98%", "€3"], [1204.5, 98, 3]),
        (["630308[495000-801000]", "12[10-14]", "7[1-9]"], [630308, 12, 7]),
        (["1", "2", "3", "n/a"], [1, 2, 3, None]),
    ],
)
def test_a_conversion_that_is_offered_really_converts(
    held: list[str], numbers: list[float | None]
) -> None:
    df = pd.DataFrame({"n of x": held})
    (line,) = texts.conversions('df["n of x"].max()', {"df": df})
    exec(line, {"df": df, "pd": pd})
    assert df["n of x"].tolist() == pytest.approx(numbers, nan_ok=True) or df["n of x"].isna().any()
    assert df["n of x"].dropna().tolist() == [n for n in numbers if n is not None]


@pytest.mark.parametrize(
    ("code", "forgets"),
    [
        ('df["n"].max()', True),
        ('df.groupby("g").agg({"n": "mean"})', True),
        ('df["n"].astype(float).max()', False),
        ('pd.to_numeric(df["n"]).mean()', False),
        ('df[df["n"] == "12"]', False),
        ("for", False),
    ],
)
def test_code_that_orders_number_texts_without_converting_is_noticed(
    code: str, forgets: bool
) -> None:
    assert texts.forgets_conversion(code) is forgets


def test_a_report_names_the_conversion_only_for_columns_the_code_uses() -> None:
    frame = pd.DataFrame({"n": ["1", "2"], "other": ["3", "4"], "name": ["a", "b"]})
    report = cells.report('print(df["n"].max(), df["name"])', [], {"df": frame})
    assert report["conversions"] == ["df['n'] = pd.to_numeric(df['n'])"]
    assert report["unconverted"]
    json.dumps(report)


def test_warming_ends_before_anything_else_imports(monkeypatch):
    begun, go_on, imported = threading.Event(), threading.Event(), []

    def slow_import(name):
        begun.set()
        go_on.wait(10)
        imported.append(name)

    monkeypatch.setattr(cells.importlib, "import_module", slow_import)
    monkeypatch.setattr(cells, "_enough", threading.Event())
    cells.warm(["first", "second"])
    begun.wait(10)
    threading.Timer(0.2, go_on.set).start()
    cells.settle()
    assert imported == ["first"]
    cells.settle()


def test_nulls_that_the_code_asks_about_are_not_left_out() -> None:
    frames = {"df": pd.DataFrame({"a": [1.0, None], "b": ["x", None]})}
    code = "p = df[df['b'].isnull()]['a'].mean()"
    assert hints.null_rows(code, frames) == ["df = df.dropna(subset=['a'])"]
    assert hints.null_rows("m = df['a'].fillna(0).mean()", frames) == []
