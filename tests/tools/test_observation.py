"""What the model sees of a cell: cut by meaning, honest about what is missing."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import plotly.express as px
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.tools.observation import (
    clean,
    cut_head,
    cut_tail,
    describe_bundle,
    describe_error,
    observe,
)


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def error(name: str, message: str, *frames: str) -> dict[str, Any]:
    return {"output_type": "error", "ename": name, "evalue": message, "traceback": list(frames)}


def test_success_keeps_the_head_and_says_how_much_is_missing() -> None:
    text = "\n".join(f"line {i}" for i in range(5000))
    seen = observe([stream(text)], "code")
    assert seen.startswith("line 0\n")
    assert "characters not shown" in seen
    assert seen.endswith("line 4999")
    assert len(seen) < 3000


def test_an_error_keeps_the_tail_and_the_users_own_line() -> None:
    code = "a = 1\nb = a / 0"
    frame = "Cell In[3], line 2\n      1 a = 1\n----> 2 b = a / 0"
    library = "File /lib/python/site-packages/x.py:10\n---> 10 raise Error"
    seen = observe(
        [stream("x" * 5000), error("ZeroDivisionError", "division by zero", frame, library)], code
    )
    assert "line 2: b = a / 0" in seen
    assert seen.endswith("ZeroDivisionError: division by zero")
    assert "site-packages" not in seen
    assert len(seen) < 1000


def test_silence_is_said_so_that_the_model_does_not_believe_it_saw_a_result() -> None:
    assert "No output" in observe([], "x = 1")
    assert "print()" in observe([stream("warning", "stderr")], "x = 1")


def test_charts_are_named_and_small_ones_told() -> None:
    figure = {"data": [{"type": "bar", "x": ["a", "b"], "y": [1.5, 2.25]}], "layout": {}}
    seen = observe(
        [
            {
                "output_type": "display_data",
                "data": {"application/vnd.plotly.v1+json": figure},
                "metadata": {},
            }
        ],
        "fig.show()",
    )
    assert "interactive chart is shown to the user" in seen
    assert "bar: a: 1.5, b: 2.25" in seen


def test_a_chart_is_told_from_the_typed_arrays_that_plotly_writes() -> None:
    frame = pd.DataFrame({"k": ["a", "b"], "n": [3, 4], "v": [1.5, 2.25]})
    for x, expected in (("k", "a: 1.5, b: 2.25"), ("n", "3: 1.5, 4: 2.25")):
        figure = json.loads(px.line(frame, x=x, y="v").to_json())
        assert "bdata" in figure["data"][0]["y"]
        seen = describe_bundle({"application/vnd.plotly.v1+json": figure})
        assert expected in seen


@pytest.mark.parametrize(
    "broken",
    [{"bdata": "AAAA"}, {"dtype": "f8", "bdata": "!"}, {"dtype": "nonsense", "bdata": "AAAA"}, 7],
)
def test_a_chart_whose_arrays_cannot_be_read_is_only_named(broken: object) -> None:
    figure = {"data": [{"type": "bar", "x": ["a"], "y": broken}]}
    seen = describe_bundle({"application/vnd.plotly.v1+json": figure})
    assert seen == "[an interactive chart is shown to the user]"


def test_large_charts_are_not_poured_into_the_context() -> None:
    figure = {"data": [{"type": "scatter", "x": list(range(1000)), "y": list(range(1000))}]}
    bundle = {"output_type": "display_data", "data": {"application/vnd.plotly.v1+json": figure}}
    assert len(observe([bundle], "")) < 200


def test_an_image_hides_its_text_form() -> None:
    bundle = {
        "output_type": "display_data",
        "data": {"image/png": "AAAA", "text/plain": "<Figure>"},
    }
    assert observe([bundle], "") == "[an image is shown to the user]"


def test_colours_and_overwritten_progress_bars_are_dropped() -> None:
    assert clean("\x1b[31mred\x1b[0m 10%\r 50%\r100%\ndone") == "100%\ndone"


def test_changed_frames_follow_the_output() -> None:
    assert observe([stream("3\n")], "", changes=["new t: 2 rows x 1 columns: 'a'"]).endswith("'a'")


def test_a_long_error_message_is_cut() -> None:
    assert len(describe_error(error("ValueError", "y" * 10_000), "")) < 700


@given(st.text(max_size=6000), st.integers(50, 400))
def test_cuts_stay_near_their_limit_and_keep_their_end(text: str, limit: int) -> None:
    for cut in (cut_head(text, limit), cut_tail(text, limit)):
        assert len(cut) <= max(limit, 0) + 60
        if len(text) <= limit:
            assert cut == text


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "output_type": st.sampled_from(
                    ["stream", "display_data", "execute_result", "error"]
                ),
                "text": st.text(max_size=50),
                "data": st.dictionaries(st.text(max_size=20), st.text(max_size=50), max_size=3),
                "ename": st.text(max_size=10),
                "evalue": st.text(max_size=50),
                "traceback": st.lists(st.text(max_size=50), max_size=2),
            }
        ),
        max_size=5,
    ),
    st.text(max_size=80),
)
def test_no_outputs_whatever_break_an_observation(outputs: list[dict[str, Any]], code: str) -> None:
    assert observe(outputs, code)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("text", ["x" * 8_000_000, ("x" * 99 + "\r") * 80_000, "\x1b[" * 2_000_000])
def test_floods_take_time_in_proportion(text: str) -> None:
    """A line of megabytes without an end once took hours."""
    seen = observe([{"output_type": "stream", "name": "stdout", "text": text}], "print(x)")
    assert len(seen) < 5_000


@pytest.mark.parametrize(
    ("text", "seen"),
    [("1%\r2%\r\nnext", "2%\nnext"), ("a\r\nb", "a\nb"), ("10%\r100%\r", "100%"), ("\r", "")],
)
def test_what_was_overwritten_is_not_seen(text: str, seen: str) -> None:
    assert clean(text) == seen
