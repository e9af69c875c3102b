"""Frames to a real kernel and back."""

from __future__ import annotations

import asyncio
import errno
import os

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from kernel_sandbox import (
    HandOff,
    HandOffError,
    KernelSession,
    Limits,
    Policy,
    UnserialisableFrameError,
    UntrustedResultError,
)


@pytest.fixture
def hand(session):
    return HandOff(session)


SALES = pd.DataFrame(
    {
        "when": pd.date_range("2024-01-01", periods=4, tz="Europe/Berlin"),
        "shop": pd.Categorical(["a", "b", "a", None]),
        "sold": pd.array([1, None, 3, 4], dtype="Int64"),
        "notes": pd.Series([["x"], {"k": (1,)}, None, "text"], dtype=object),
    },
    index=pd.MultiIndex.from_product([["u", "v"], [1, 2]], names=["k", None]),
)


async def test_a_frame_goes_over_and_comes_back_the_same(session, run, hand):
    handed = await hand.hand_over("sales", SALES)
    assert (handed.name, handed.rows, handed.columns, handed.sent) == ("sales", 4, 4, True)
    assert handed.changes == ()
    assert handed.bytes > 0
    pd.testing.assert_frame_equal(await hand.fetch_frame("sales"), SALES)
    assert (await run(session, "int(sales['sold'].sum())")).value == "8"


async def test_neither_side_sees_what_the_other_changes(session, run, hand):
    frame = pd.DataFrame({"a": [1, 2]})
    await hand.hand_over("frame", frame)
    await run(session, "frame.loc[0, 'a'] = 100; frame['b'] = 5")
    assert frame.equals(pd.DataFrame({"a": [1, 2]}))
    pd.testing.assert_frame_equal(
        await hand.fetch_frame("frame"), pd.DataFrame({"a": [100, 2], "b": [5, 5]})
    )


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (pd.Series([1, 2], name="s"), "Series"),
        (np.arange(6).reshape(2, 3), "ndarray"),
        (np.array(["a", "b"]), "ndarray"),
        (pl.DataFrame({"a": [1, 2]}), "DataFrame"),
        (pl.Series("s", [1, 2]), "Series"),
        (pa.table({"a": [1, 2]}), "Table"),
    ],
)
async def test_each_kind_of_table_arrives_as_its_own_kind(session, run, hand, value, kind):
    await hand.hand_over("given", value)
    assert (await run(session, "type(given).__name__")).value == repr(kind)
    assert len(await hand.fetch_frame("given")) == 2


async def test_a_frame_that_is_there_is_not_sent_again_but_restored(session, run, hand):
    first = await hand.hand_over("again", SALES)
    await run(session, "again['sold'] = 0; other = 1")
    second = await hand.hand_over("again", SALES.copy())
    assert (first.sent, second.sent) == (True, False)
    assert first.fingerprint == second.fingerprint
    pd.testing.assert_frame_equal(await hand.fetch_frame("again"), SALES)
    assert (await run(session, "other")).value == "1"
    changed = SALES.assign(sold=pd.array([1, None, 3, 5], dtype="Int64"))
    third = await hand.hand_over("again", changed)
    assert third.sent
    assert third.fingerprint != first.fingerprint
    assert len([*session.layout.inbox.iterdir()]) >= 1


async def test_a_replaced_kernel_gets_its_frames_again(session, run, hand):
    await hand.hand_over("lost", SALES)
    await session.restart()
    assert (await run(session, "'lost' in globals()")).value == "False"
    handed = await hand.hand_over("lost", SALES)
    assert not handed.sent
    pd.testing.assert_frame_equal(await hand.fetch_frame("lost"), SALES)
    os.kill(session.kernel_pid, 9)
    while session.is_alive():  # noqa: ASYNC110 - its end comes from outside
        await asyncio.sleep(0.005)
    pd.testing.assert_frame_equal((await hand_over_and_fetch(hand, SALES)), SALES)


async def hand_over_and_fetch(hand, frame):
    await hand.hand_over("again", frame)
    return await hand.fetch_frame("again")


async def test_fingerprints_tell_names_types_labels_and_content_apart(hand):
    variants = [
        pd.DataFrame({"a": [1, 2]}),
        pd.DataFrame({"b": [1, 2]}),
        pd.DataFrame({"a": [1, 3]}),
        pd.DataFrame({"a": [1.0, 2.0]}),
        pd.DataFrame({"a": [1, 2]}, index=[1, 2]),
        pd.DataFrame({"a": [1, 2]}, dtype="Int64"),
    ]
    prints = [(await hand.hand_over("f", frame)).fingerprint for frame in variants]
    assert len({*prints}) == len(variants)
    assert (await hand.hand_over("g", variants[0])).fingerprint == prints[0]


async def test_changes_are_told_on_both_ways(session, run, hand):
    handed = await hand.hand_over("odd", pd.DataFrame({"x": [len, 1], "y": [1, 2]}))
    assert handed.changes == (
        "Column 'x': 1 value is kept as text only (builtin_function_or_method).",
    )
    await run(session, "odd['z'] = [print, 2]")
    fetched = await hand.fetch("odd")
    assert [change.split()[1] for change in fetched.changes] == ["'z':"]
    assert fetched.frame["z"][0] == "<built-in function print>"


async def test_what_cannot_be_handed_over_is_told(hand):
    with pytest.raises(UnserialisableFrameError, match=r"'thing' cannot be handed.*dict") as raised:
        await hand.hand_over("thing", {"a": 1})
    assert raised.value.name == "thing"
    with pytest.raises(HandOffError, match="not a name"):
        await hand.hand_over("not a name", SALES)
    with pytest.raises(HandOffError, match="not a name"):
        await hand.hand_over("class", SALES)


async def test_what_cannot_be_fetched_is_told(session, run, hand):
    with pytest.raises(HandOffError, match="no variable 'nowhere'"):
        await hand.fetch_frame("nowhere")
    await run(session, "text = 'x'; cube = __import__('numpy').zeros((2, 2, 2))")
    with pytest.raises(HandOffError, match=r"builtins\.str, not a table"):
        await hand.fetch_frame("text")
    with pytest.raises(HandOffError, match="3 dimensions"):
        await hand.fetch_frame("cube")


async def test_hand_overs_leave_no_names(session, run, hand):
    before = await session.evaluate_json("sorted(globals())")
    await hand.hand_over("only_this", SALES)
    await hand.fetch_frame("only_this")
    after = await session.evaluate_json("sorted(globals())")
    assert {*after} - {*before} <= {"only_this"}


async def test_a_forged_result_is_refused(session, run, hand):
    await hand.hand_over("honest", SALES)
    forge = (
        "import os, sys\n"
        "inside = sys.modules['_kernel_sandbox_codec.inside']\n"
        "globals().setdefault('real', inside.save)\n"
        "def save(namespace, name, path):\n"
        "    {}\n"
        "    return {{'rows': 1, 'columns': 1, 'changes': [7, 'x' * 10_000]}}\n"
        "inside.save = save"
    )
    try:
        for act, why in [
            ("os.symlink('/etc/hostname', path)", "left no readable file"),
            ("os.mkfifo(path)", "not a regular file"),
            ("open(path, 'wb').write(b'ARROW1' + os.urandom(1000))", "refused"),
            ("open(path, 'wb').truncate(2_000_000_000)", "larger than the limit"),
            ("pass", "left no readable file"),
        ]:
            await run(session, forge.format(act))
            with pytest.raises(UntrustedResultError, match=why):
                await hand.fetch_frame("honest")
    finally:
        await run(session, "inside.save = real")
    pd.testing.assert_frame_equal(await hand.fetch_frame("honest"), SALES)


async def test_a_frame_over_the_kernels_memory_is_told_and_the_kernel_lives(run):
    policy = Policy(limits=Limits(memory=300_000_000))
    async with await KernelSession.start(policy=policy) as session:
        hand = HandOff(session)
        objects = pd.DataFrame({"x": pd.Series(np.arange(5_000_000), dtype=object)})
        with pytest.raises(HandOffError, match="memory limit"):
            await hand.hand_over("big", objects)
        await hand.hand_over("small", SALES)
        assert session.generation == 0
        # What need not be copied fits, and is told to be read-only.
        handed = await hand.hand_over("wide", pd.DataFrame(np.ones((1_500_000, 10))))
        assert "cannot be changed in place" in handed.changes[0]
        assert (await run(session, "float(wide[3].sum())")).value == "1500000.0"
        assert (await run(session, "wide.loc[0, 0] = 5")).result.status == "error"


async def test_a_frame_over_the_limit_is_not_fetched(run):
    policy = Policy(limits=Limits(frame_bytes=1_000_000))
    async with await KernelSession.start(policy=policy) as session:
        await run(
            session, "import numpy, pandas; big = pandas.DataFrame(numpy.zeros((100_000, 4)))"
        )
        with pytest.raises(UntrustedResultError, match="larger than the limit"):
            await HandOff(session).fetch_frame("big")
        assert not [*session.layout.outbox.iterdir()]


async def test_a_full_disk_is_told(monkeypatch, hand, session):
    def full(*_: object, **__: object):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pyarrow.ipc.new_file", full)
    with pytest.raises(HandOffError, match=r"No space left on device\. Free some space"):
        await hand.hand_over("frame", SALES)
    monkeypatch.undo()
    assert (await hand.hand_over("frame", SALES)).sent


async def test_files_for_the_kernel_are_private(session, hand):
    await hand.hand_over("frame", SALES)
    for path in session.layout.inbox.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600


async def test_geometry_crosses_with_its_reference_system(session, run, hand):
    gpd = pytest.importorskip("geopandas")
    from geopandas.testing import assert_geodataframe_equal
    from shapely.geometry import LineString, Point

    frame = gpd.GeoDataFrame(
        {"name": ["a", "b", "c"], "other": gpd.GeoSeries([Point(0, 1), None, Point(2, 3)])},
        geometry=[Point(1, 2), LineString([(0, 0), (1, 1)]), None],
        crs="EPSG:4326",
    )
    handed = await hand.hand_over("places", frame)
    assert handed.changes == ()
    seen = await run(session, "type(places).__name__, places.crs.to_epsg(), places.geometry.name")
    assert seen.value == "('GeoDataFrame', 4326, 'geometry')"
    assert_geodataframe_equal(await hand.fetch_frame("places"), frame)


async def test_a_forged_geometry_is_refused(session, run, hand):
    pytest.importorskip("geopandas")
    await run(
        session,
        "import geopandas\n"
        "forged = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy([1], [2]))\n"
        "geopandas.GeoSeries.to_wkb = lambda self: __import__('pandas').Series([b'\\x01nonsense'])",
    )
    with pytest.raises(UntrustedResultError, match="geometry cannot be read"):
        await hand.fetch_frame("forged")
    await session.restart()
