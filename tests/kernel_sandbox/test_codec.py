"""Frames through the codec and back: the same, or changed in a way that is told."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import uuid
import zoneinfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kernel_sandbox.codec.cells import CellWriter, loads
from kernel_sandbox.codec.frames import NotAFrameError, decode, encode


def through(value):
    """Encode, write to Arrow IPC, read and decode."""
    encoded = encode(value)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, encoded.table.schema) as writer:
        writer.write_table(encoded.table)
    with pa.ipc.open_stream(sink.getvalue()) as reader:
        return decode(reader.read_all()), encoded


def assert_same(frame):
    back, encoded = through(frame)
    assert encoded.changes == ()
    pd.testing.assert_frame_equal(back, frame)


class Colour(enum.Enum):
    RED = 1


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no")


EXACT = {
    "numbers": [1, 2, 3],
    "floats with missing": [1.5, float("nan"), float("inf")],
    "text with missing": ["a", "é", None],
    "object text": pd.Series(["a", None, "b"], dtype=object),
    "object text with nan": pd.Series(["a", float("nan"), "b"], dtype=object),
    "object integers with none": pd.Series([1, None, 3], dtype=object),
    "object booleans": pd.Series([True, None, False], dtype=object),
    "huge integers": pd.Series([2**70, 1, -(2**80)], dtype=object),
    "mixed": pd.Series([1, "a", 2.5], dtype=object),
    "lists": pd.Series([[1, "a"], [], None], dtype=object),
    "dicts": pd.Series([{"a": 1}, {"b": [None]}, {}], dtype=object),
    "odd dicts": pd.Series([{1: 2}, {"$": 1}, {(1, 2): {3}}], dtype=object),
    "tuples and sets": pd.Series([(1, 2), {1}, frozenset({"x"})], dtype=object),
    "missing of three kinds": pd.Series([None, float("nan"), pd.NaT], dtype=object),
    "bytes": [b"a", b"\xff", b""],
    "mixed text and bytes": pd.Series(["a", b"a", None], dtype=object),
    "dates": [dt.date(2020, 1, 1), dt.date(1, 1, 1), dt.date(9999, 12, 31)],
    "times": [dt.time(1, 2), dt.time(23, 59, 59, 5), dt.time(0)],
    "datetimes as objects": pd.Series([dt.datetime(2020, 1, 1), None, 1], dtype=object),  # noqa: DTZ001
    "durations as objects": pd.Series([dt.timedelta(1, 2, 3), 1, None], dtype=object),
    "decimals": [decimal.Decimal("1.10"), decimal.Decimal(0), decimal.Decimal("-3.5")],
    "uuids": [uuid.UUID(int=1), uuid.UUID(int=2), uuid.UUID(int=3)],
    "booleans": [True, False, True],
    "nullable integers": pd.array([1, None, 3], dtype="Int64"),
    "nullable small integers": pd.array([1, None, 3], dtype="UInt8"),
    "nullable booleans": pd.array([True, None, False], dtype="boolean"),
    "nullable floats": pd.array([1.5, None, 3], dtype="Float32"),
    "nullable strings": pd.array(["a", None, "b"], dtype="string[python]"),
    "arrow strings": pd.array(["a", None, "b"], dtype="string[pyarrow]"),
    "arrow integers": pd.array([1, None, 3], dtype="int32[pyarrow]"),
    "categories": pd.Categorical(["a", None, "b"], categories=["b", "a", "unused"], ordered=True),
    "object categories": pd.Categorical(
        ["a", "b", "a"], dtype=pd.CategoricalDtype(pd.Index(["a", "b"], dtype=object))
    ),
    "number categories": pd.Categorical([1, 2, 1]),
    "interval categories": pd.cut([1, 5, 9], 2),
    "mixed categories": pd.Categorical([1, "a", 1]),
    "categories all missing": pd.Categorical([None, None, None], categories=["a"]),
    "moments": pd.to_datetime(["2020-01-01", None, "2021-06-01"]),
    "moments in seconds": pd.Series(
        np.array(["9999-01-01", "NaT", "1600-01-01"], dtype="datetime64[s]")
    ),
    "moments in a zone": pd.to_datetime(["2020-01-01", None, "2020-07-01"]).tz_localize(
        "Europe/Berlin"
    ),
    "moments in utc": pd.to_datetime(["2020-01-01", None, "2020-07-01"]).tz_localize("UTC"),
    "durations": pd.to_timedelta([1, None, 3], unit="s"),
    "periods": pd.PeriodIndex(["2020-01", None, "2020-03"], freq="M"),
    "quarters": pd.PeriodIndex(["2020Q1", "2020Q2", "2020Q3"], freq="Q-MAR"),
    "intervals": pd.arrays.IntervalArray.from_tuples([(0, 1), (1, 2), (5, 7)], closed="left"),
    "intervals with missing": pd.arrays.IntervalArray.from_tuples([(0.0, 1.0), None, (5.0, 7.0)]),
    "complex": [1 + 2j, 0j, complex(float("nan"), 1)],
    "small floats": np.array([1, 2, 3], dtype=np.float16),
    "big unsigned": np.array([1, 2**64 - 1, 3], dtype=np.uint64),
    "arrays in cells": pd.Series([np.arange(2), None, 5], dtype=object),
    "lone surrogates": pd.Series(["\ud800", "a", None], dtype=object),
}


@pytest.mark.parametrize("kind", EXACT)
def test_a_column_comes_back_as_it_was(kind):
    frame = pd.DataFrame({"x": EXACT[kind]})
    if kind == "arrays in cells":
        back, encoded = through(frame)
        assert encoded.changes == ()
        np.testing.assert_array_equal(back["x"][0], np.arange(2))
        assert back["x"][0].dtype == np.arange(2).dtype
        assert list(back["x"][1:]) == [None, 5]
    else:
        assert_same(frame)


FRAMES = {
    "duplicate labels": pd.DataFrame([[1, "a"], [2, "b"]], columns=["x", "x"]),
    "integer labels": pd.DataFrame([[1, 2]], columns=[10, 20]),
    "mixed labels": pd.DataFrame([[1, 2, 3, 4]], columns=[1, "1", None, (1, 2)]),
    "label that is a number twice": pd.DataFrame([[1, 2]], columns=[1.5, 1.5]),
    "labels of time": pd.DataFrame([[1, 2]], columns=pd.to_datetime(["2020-01-01", "2021-01-01"])),
    "labels of periods": pd.DataFrame(
        [[1, 2]], columns=pd.PeriodIndex(["2020-01", "2020-02"], freq="M")
    ),
    "labels in levels": pd.DataFrame(
        [[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 1)], names=["k", None])
    ),
    "named labels": pd.DataFrame([[1, 2]], columns=pd.Index(["a", "b"], name=("n", 1))),
    "text index": pd.DataFrame({"x": [1, 2]}, index=pd.Index(["a", "b"], name="key")),
    "index in levels": pd.DataFrame(
        {"x": [1, 2]},
        index=pd.MultiIndex.from_arrays(
            [pd.Categorical(["a", "b"]), pd.to_datetime(["2020-01-01", "2020-01-02"])],
            names=[None, 5],
        ),
    ),
    "regular times": pd.DataFrame(
        {"x": range(5)}, index=pd.date_range("2020-01-01", periods=5, freq="6h", tz="UTC")
    ),
    "stepped index": pd.DataFrame({"x": [1, 2]}, index=pd.RangeIndex(10, 14, 2, name="i")),
    "object index": pd.DataFrame({"x": [1, 2]}, index=pd.Index([1, "a"], dtype=object)),
    "nothing": pd.DataFrame(),
    "no columns": pd.DataFrame(index=pd.RangeIndex(3)),
    "no columns but an index": pd.DataFrame(index=["a", "b"]),
    "no rows": pd.DataFrame({"a": pd.Series([], dtype="int64"), "b": pd.Series([], dtype=object)}),
    "no rows of odd categories": pd.DataFrame({"a": pd.Categorical([], categories=[1, "x"])}),
    "no rows of intervals": pd.DataFrame({"a": pd.cut(pd.Series([1.0]), [0, 1, 2])}).iloc[:0],
    "no rows of categories": pd.DataFrame({"a": pd.Categorical([], categories=["x"])}),
    "no labels but levels": pd.DataFrame(columns=pd.MultiIndex.from_arrays([[], []])),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_comes_back_with_its_labels_and_index(kind):
    assert_same(FRAMES[kind])


def test_attributes_of_a_frame_come_too():
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"source": "here", "when": dt.date(2020, 1, 1)}
    assert through(frame)[0].attrs == frame.attrs


def test_what_becomes_text_is_told_by_column():
    frame = pd.DataFrame(
        {"fine": [1, 2, 3], "odd": [Colour.RED, Unprintable(), 3], "f": [len, None, None]}
    )
    back, encoded = through(frame)
    assert list(back["odd"]) == ["<Colour.RED: 1>", "<Unprintable>", 3]
    assert encoded.changes == (
        "Column 'odd': 2 values are kept as text only (Colour, Unprintable).",
        "Column 'f': 1 value is kept as text only (builtin_function_or_method).",
    )


def test_other_changes_are_told_too():
    frame = pd.DataFrame(
        {
            "sparse": pd.arrays.SparseArray([0, 0, 1]),
            "long": np.array([1, 2, 3], dtype=np.longdouble),
            "nested": pd.array([[1], None, [2, 3]], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
        }
    )
    back, encoded = through(frame)
    assert list(back["sparse"]) == [0, 0, 1]
    assert list(back["long"]) == [1, 2, 3]
    assert list(back["nested"][2]) == [2, 3]
    assert [change.split(": was ")[0] for change in encoded.changes] == [
        "Column 'sparse'",
        "Column 'long'",
        "Column 'nested'",
    ]


def test_a_value_that_contains_itself_becomes_text():
    loop = []
    loop.append(loop)
    frame = pd.DataFrame({"x": pd.Series([loop], dtype=object)})
    _, encoded = through(frame)
    assert len(encoded.changes) == 1


def test_what_comes_back_can_be_changed_in_place():
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": pd.array([1, None], dtype="Int64")})
    back, _ = through(frame)
    back.loc[0, "a"] = 10
    back.loc[0, "b"] = "z"
    back.loc[0, "c"] = 7
    back["a"].to_numpy()
    assert back.iloc[0].to_list() == [10, "z", 7]


def test_a_series_keeps_its_name_and_index():
    series = pd.Series([1.5, None], index=["a", "b"], name=("n", 1))
    pd.testing.assert_series_equal(through(series)[0], series)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(5),
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array([[True], [False]]),
        np.array(["a", "bcd"]),
        np.array([b"a", b"bcd"]),
        np.array([1 + 2j]),
        np.array([1 + 2j], dtype=np.complex64),
        np.array(["2020", "NaT"], dtype="datetime64[Y]"),
        np.array([1, 2], dtype="timedelta64[h]"),
        np.array([1, 2], dtype=">i4"),
        np.array([1, "a", None, (1, 2)], dtype=object),
        np.zeros((0, 3)),
        np.array([], dtype=np.int8),
    ],
    ids=lambda array: f"{array.dtype}-{array.shape}",
)
def test_an_array_comes_back_as_it_was(array):
    back, encoded = through(array)
    np.testing.assert_array_equal(back, array)
    assert back.dtype == array.dtype.newbyteorder("=")
    assert back.flags.writeable
    assert encoded.rows == array.shape[0]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"a": 1}, "dict"),
        (np.zeros((2, 2, 2)), "3 dimensions"),
        (np.zeros(2, dtype=[("a", "i4")]), "structured"),
        (np.ma.masked_array([1, 2], [True, False]), "masked"),
        (pl.LazyFrame({"a": [1]}), "collect"),
        (pl.col("a"), "polars"),
    ],
)
def test_what_is_no_table_is_refused_with_the_reason(value, why):
    with pytest.raises(NotAFrameError, match=why):
        encode(value)


def test_polars_frames_stay_polars_frames():
    frame = pl.DataFrame(
        {
            "a": [1, None],
            "s": ["x", None],
            "l": [[1], []],
            "c": pl.Series(["u", "v"], dtype=pl.Categorical),
            "t": [dt.datetime(2020, 1, 1, tzinfo=zoneinfo.ZoneInfo("UTC")), None],
        }
    )
    back, encoded = through(frame)
    assert back.equals(frame)
    assert encoded.changes == ()
    series = pl.Series("s", [1, 2])
    assert through(series)[0].equals(series)


def test_polars_objects_become_text():
    frame = pl.DataFrame({"o": pl.Series([uuid, None], dtype=pl.Object)})
    back, encoded = through(frame)
    assert back["o"][0].startswith("<module 'uuid'")
    assert back["o"][1] is None
    assert "text only" in encoded.changes[0]


def test_arrow_tables_stay_arrow_tables():
    table = pa.table({"a": [1, None], "n": [{"x": 1}, None]}).replace_schema_metadata({"k": "v"})
    back, _ = through(table)
    assert back.equals(table, check_metadata=True)
    batch = table.to_batches()[0]
    assert through(batch)[0].equals(table)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None))
    | st.binary(max_size=8)
    | st.dates()
    | st.datetimes().map(lambda moment: moment.replace(fold=0))
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.uuids()
    | st.complex_numbers(allow_nan=False)
)
HASHABLE = SCALARS | st.tuples(SCALARS, SCALARS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(HASHABLE, inner, max_size=3)
        | st.frozensets(HASHABLE, max_size=3)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_any_cell_comes_back_as_it_was(value):
    writer = CellWriter()
    back = loads(writer.dumps(value))
    assert writer.texts == 0
    assert type(back) is type(value)
    assert repr(back) == repr(value) or back == value


LABELS = st.text(max_size=2) | st.integers() | st.none() | st.tuples(st.integers(), st.text())


@given(
    rows=st.lists(st.tuples(st.floats(width=32), st.text(max_size=3), SCALARS, SCALARS)),
    labels=st.lists(LABELS, min_size=4, max_size=4),
    index=st.lists(SCALARS, min_size=0),
)
def test_any_frame_comes_back_as_it_was(rows, labels, index):
    columns = zip(*rows, strict=True) if rows else ((), (), (), ())
    frame = pd.DataFrame(
        {
            number: pd.Series(cells, dtype=dtype)
            for number, cells, dtype in zip(
                range(4), columns, ("float32", object, object, object), strict=True
            )
        }
    )
    objects = np.empty(4, dtype=object)
    objects[:] = labels
    frame.columns = pd.Index(objects, tupleize_cols=False)
    if len(index) >= len(frame):
        names = np.empty(len(frame), dtype=object)
        names[:] = index[: len(frame)]
        frame.index = pd.Index(names, dtype=object)
    back, encoded = through(frame)
    assert encoded.changes == ()
    assert list(back.dtypes) == list(frame.dtypes)
    assert repr(list(back.columns)) == repr(list(frame.columns))
    assert repr(list(back.index)) == repr(list(frame.index))
    for number in range(4):
        assert repr(list(back.iloc[:, number])) == repr(list(frame.iloc[:, number]))


@settings(max_examples=60)
@given(
    hnp.arrays(
        hnp.integer_dtypes() | hnp.floating_dtypes(sizes=(16, 32, 64)) | hnp.boolean_dtypes()
        | hnp.complex_number_dtypes(sizes=(64, 128)) | hnp.unicode_string_dtypes(max_len=4),
        hnp.array_shapes(max_dims=2, min_side=0, max_side=4),
    )
)  # fmt: skip
def test_any_array_comes_back_as_it_was(array):
    back, _ = through(array)
    assert back.shape == array.shape
    np.testing.assert_array_equal(back, array)


def test_a_datetime_among_dates_keeps_its_time():
    cells = [dt.date(2000, 1, 1), dt.datetime(2000, 1, 1, 12, 30)]  # noqa: DTZ001 - as users have them
    back, _ = through(pd.DataFrame({"when": pd.Series(cells, dtype=object)}))
    assert repr(list(back["when"])) == repr(cells)
