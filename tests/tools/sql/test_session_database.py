"""Queries of the session's frames and files, in a real kernel."""

from __future__ import annotations

import asyncio
import time

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@pytest.fixture
async def sales(kernel):
    frame = pd.DataFrame({"region": ["north", "south", "north"], "price": [1.5, 2.0, None]})
    await kernel.hand_off.hand_over("sales", frame)
    return frame


async def test_a_frame_is_asked_by_its_name(ask, sales, kernel) -> None:
    asked = await ask(
        "SELECT region, sum(price) AS total FROM sales GROUP BY 1 ORDER BY 1", save_as="totals"
    )
    assert asked.result.status == "ok"
    assert asked.text.splitlines() == [
        "2 rows. Columns: region VARCHAR, total DOUBLE",
        "north | 1.5",
        "south | 2",
        "Kept as the frame totals.",
    ]
    (output,) = asked.outputs
    assert "<td>south</td><td>2</td>" in output.output["data"]["text/html"]
    kept = await kernel.hand_off.fetch_frame("totals")
    assert kept.to_dict("list") == {"region": ["north", "south"], "total": [1.5, 2.0]}
    assert (await ask("SELECT max(total) FROM totals")).text.endswith("\n2")


async def test_files_that_the_kernel_sees_are_asked_by_their_paths(ask, kernel, tmp_path) -> None:
    path = tmp_path / "numbers.csv"
    path.write_text("a,b\n1,x\n2,y\n")
    await kernel.hand_off.send_file(path)
    asked = await ask("SELECT sum(a) AS total FROM 'numbers.csv'")
    assert asked.text.splitlines()[-1] == "3"


async def test_the_query_is_data_and_never_code(ask, kernel) -> None:
    for text in (
        '"""; import os; os.abort()',
        "'''\\",
        "\\",
        "{0}",
        "%s",
        "'; x = 1 #",
        "\u2028\0",
    ):
        asked = await ask(f"SELECT 1 -- {text}")
        assert asked.result.status in {"ok", "error"}
    assert kernel.session.is_alive()


async def test_a_mistake_names_the_frames_there_are(ask, sales) -> None:
    asked = await ask("SELECT * FROM sale")
    assert asked.result.status == "error"
    assert not asked.result.computed
    assert "sales (region, price)" in asked.text
    assert "Traceback" not in asked.text
    assert '"region"' in (await ask("SELECT regon FROM sales")).text
    assert "syntax error" in (await ask("SELEC 1")).text


async def test_no_variable_but_the_users_can_be_named(ask) -> None:
    for name in ("query", "connection", "namespace", "helper"):
        assert "does not exist" in (await ask(f"FROM {name}")).text


async def test_what_queries_create_stays_for_later_ones(ask) -> None:
    await ask("CREATE OR REPLACE TABLE kept AS SELECT 7 AS seven")
    assert (await ask("FROM kept")).text.endswith("\n7")


async def test_after_a_mistake_in_a_transaction_queries_go_on(ask) -> None:
    await ask("BEGIN")
    assert (await ask("SELECT 1 / 'x'::INT")).result.status == "error"
    assert (await ask("SELECT 5")).text.endswith("\n5")


async def test_a_long_query_is_stopped_and_the_kernel_lives(ask, kernel) -> None:
    generation = kernel.session.generation
    begun = time.monotonic()
    asked = await ask("SELECT count(*) FROM range(10000000) a, range(10000000) b", seconds=1.0)
    assert asked.result.status == "timeout"
    assert time.monotonic() - begun < 10
    assert kernel.session.generation == generation
    assert (await ask("SELECT 1")).result.status == "ok"


async def test_a_cancelled_query_frees_the_kernel(ask) -> None:
    task = asyncio.create_task(ask("SELECT count(*) FROM range(10000000) a, range(10000000) b"))
    await asyncio.sleep(0.5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await ask("SELECT 1", seconds=10.0)).result.status == "ok"


async def test_rows_over_the_cap_are_left_out_and_that_is_doubted(ask, kernel) -> None:
    asked = await ask("SELECT range FROM range(1200000)", save_as="many")
    assert asked.text.startswith("more than 1000000 rows")
    assert "cut there" in asked.result.doubts[0]
    assert await kernel.session.evaluate_json("len(many)") == 1_000_000
    assert not (await ask("SELECT range FROM range(1000000)")).result.doubts


async def test_long_results_are_cut_for_the_model(ask) -> None:
    asked = await ask("SELECT range, repeat('x', 1000) AS long FROM range(1000)")
    assert len(asked.text) < 4000
    assert "more rows not shown" in asked.text
    html = asked.outputs[0].output["data"]["text/html"]
    assert html.count("<tr>") == 51
    assert "950 rows more" in html


async def test_values_of_all_kinds_are_shown(ask) -> None:
    asked = await ask(
        "SELECT NULL AS n, 'nan'::DOUBLE AS a, 'inf'::DOUBLE AS i, true AS t, uuid() AS u, "
        "DATE '2024-01-02' AS d, TIMESTAMP '2024-01-02 03:04:05' AS ts, [1, 2] AS l, "
        "{'a': 1} AS s, 'x'::BLOB AS b, 1.50::DECIMAL(5,2) AS m, INTERVAL 1 DAY AS iv, "
        "170141183460469231731687303715884105727::HUGEINT AS h, TIME '01:02:03' AS c"
    )
    assert asked.result.status == "ok"
    assert "2024-01-02 | 2024-01-02 03:04:05" in asked.text


async def test_no_rows_is_a_result(ask) -> None:
    asked = await ask("SELECT 1 AS a WHERE false")
    assert asked.text == "0 rows. Columns: a INTEGER"


@pytest.mark.parametrize("name", ["1a", "a b", "class", "_hidden", "a;b", "é" * 3, "x" * 65])
async def test_a_result_is_kept_only_under_a_variables_name(ask, name) -> None:
    asked = await ask("SELECT 1", save_as=name)
    assert asked.result.status == "refused"
    assert "variable's name" in asked.text


async def test_extensions_are_neither_fetched_nor_loaded_by_themselves(ask) -> None:
    asked = await ask("SELECT * FROM 'https://example.org/a.csv'")
    assert "requires the extension httpfs" in asked.text
    assert "locked" in (await ask("SET autoload_known_extensions = true")).text


async def test_a_kernel_without_duckdb_is_a_sentence(ask, kernel) -> None:
    await kernel.session.evaluate("import sys; sys.modules['duckdb'] = None", {})
    try:
        assert "The kernel has no DuckDB" in (await ask("SELECT 1")).text
    finally:
        await kernel.session.evaluate("import sys; del sys.modules['duckdb']", {})


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(name=st.text(min_size=1, max_size=60).filter(lambda one: "\0" not in one))
def test_columns_may_have_any_name(name, tools, call) -> None:
    if any(0xD800 <= ord(sign) <= 0xDFFF for sign in name):
        return
    quoted = name.replace('"', '""')
    asked = asyncio.run(
        call(tools()[0], query=f'SELECT 1 AS "{quoted}", 2 AS "<b>&\'", 3 AS "<b>&\'"')
    )
    assert asked.result.status == "ok"
    assert len(asked.text.splitlines()) == 2
    assert "<b>" not in asked.outputs[0].output["data"]["text/html"]
