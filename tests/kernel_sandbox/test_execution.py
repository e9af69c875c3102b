"""Cells that behave: each kind of output, as it comes."""

from __future__ import annotations

import asyncio
import base64
import json
import time

import pytest

from kernel_sandbox import (
    ClearOutput,
    DisplayData,
    ErrorOutput,
    EvaluationError,
    ExecuteResult,
    ExecutionResult,
    KernelSession,
    KernelTimeoutError,
    Stream,
)


async def test_the_value_of_the_last_expression_is_yielded(session, run):
    ran = await run(session, "6 * 7")
    assert [type(output) for output in ran.outputs] == [ExecuteResult]
    assert ran.value == "42"
    assert ran.result.status == "ok"
    assert ran.outputs[0].execution_count == ran.result.execution_count
    assert not ran.result.restarted
    assert ran.result.detail is None


async def test_both_streams_are_told_apart(session, run):
    ran = await run(session, "import sys; print('out'); print('err', file=sys.stderr)")
    assert {(o.name, o.text) for o in ran.outputs} == {("stdout", "out\n"), ("stderr", "err\n")}


async def test_output_of_a_subprocess_is_captured(session, run):
    ran = await run(session, "import subprocess; done = subprocess.run(['echo', 'from below'])")
    assert "from below" in ran.stdout


async def test_outputs_come_while_the_cell_runs(session):
    code = "import time\nprint('early', flush=True)\ntime.sleep(1.0)\nprint('late')"
    started = time.monotonic()
    arrived = [(time.monotonic() - started, event) async for event in session.execute(code)]
    (early, first), *_, (end, result) = arrived
    assert first == Stream("stdout", "early\n")
    assert early < 0.6
    assert end >= 1.0
    assert isinstance(result, ExecutionResult)


async def test_an_exception_is_an_error_output_and_the_status(session, run):
    ran = await run(session, "1 / 0")
    assert ran.error.ename == "ZeroDivisionError"
    assert any("1" in line for line in ran.error.traceback)
    assert ran.result.status == "error"


async def test_a_syntax_error_is_an_error_output(session, run):
    ran = await run(session, "def broken(:")
    assert ran.error.ename == "SyntaxError"
    assert ran.result.status == "error"


async def test_displays_can_be_updated_and_cleared(session, run):
    ran = await run(
        session,
        "from IPython.display import clear_output, display\n"
        "handle = display('first', display_id='chart')\n"
        "handle.update('second')\n"
        "clear_output(wait=True)\n",
    )
    first, second, clear = ran.outputs
    assert (first.display_id, first.update) == ("chart", False)
    assert (second.display_id, second.update) == ("chart", True)
    assert second.data["text/plain"] == "'second'"
    assert clear == ClearOutput(wait=True)


async def test_a_matplotlib_figure_comes_as_png(session, run):
    ran = await run(session, "import matplotlib.pyplot as plt\nlines = plt.plot([1, 2, 4])")
    (figure,) = [o for o in ran.outputs if isinstance(o, DisplayData)]
    assert base64.b64decode(figure.data["image/png"]).startswith(b"\x89PNG")


async def test_a_plotly_figure_comes_as_its_specification(session, run):
    ran = await run(session, "import plotly.express as px\npx.bar(x=['a', 'b'], y=[1, 2])")
    (figure,) = [o for o in ran.outputs if isinstance(o, DisplayData | ExecuteResult)]
    specification = figure.data["application/vnd.plotly.v1+json"]
    assert specification["data"][0]["type"] == "bar"
    assert json.dumps(specification)


async def test_a_frame_comes_as_html_and_text(session, run):
    ran = await run(session, "import pandas as pd\npd.DataFrame({'x': [1, 2]})")
    data = ran.outputs[-1].data
    assert "<table" in data["text/html"]
    assert "x" in data["text/plain"]


async def test_markdown_and_json_keep_their_types(session, run):
    ran = await run(
        session,
        "from IPython.display import JSON, Markdown, display\n"
        "display(Markdown('**b**'), JSON({'a': [1, None]}))",
    )
    markdown, tree = ran.outputs
    assert markdown.data["text/markdown"] == "**b**"
    assert tree.data["application/json"] == {"a": [1, None]}


async def test_variables_survive_from_cell_to_cell(session, run):
    await run(session, "kept = [1, 2]")
    assert (await run(session, "kept")).value == "[1, 2]"


async def test_code_that_awaits_runs(session, run):
    ran = await run(session, "import asyncio\nawait asyncio.sleep(0)\n'done'")
    assert ran.value == "'done'"


async def test_reading_stdin_is_a_clear_error_and_does_not_wait(session, run):
    ran = await run(session, "input('name? ')", deadline=10)
    assert ran.result.status == "error"
    assert ran.error.ename == "StdinNotImplementedError"
    assert "input" in ran.error.evalue
    assert (await run(session, "import sys; sys.__stdin__.read()", deadline=10)).value == "''"


async def test_outputs_after_the_end_of_a_cell_are_not_mixed_into_the_next(session, run):
    await run(
        session,
        "import pathlib, threading, time\n"
        "def late():\n"
        "    time.sleep(0.2)\n"
        "    print('late', flush=True)\n"
        "    pathlib.Path('said').touch()\n"
        "threading.Thread(target=late).start()",
    )
    # Another process makes the file: there is nothing to await.
    while not (session.working_directory / "said").exists():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    ran = await run(session, "print('mine')")
    assert ran.stdout == "mine\n"


async def test_an_empty_cell_ends_well(session, run):
    assert (await run(session, "")).result.status == "ok"


async def test_helper_code_sees_variables_and_leaves_no_trace(session, run):
    await run(session, "seen = 20")
    before = (await run(session, "sorted(globals())")).value
    values = await session.evaluate(
        "def double(x):\n    return factor * x\nfactor = 2\nprint('not shown')",
        {"twice": "double(seen)", "frame": "__import__('pandas').DataFrame({'a': [1]})"},
    )
    assert values["twice"]["text/plain"] == "40"
    assert "<table" in values["frame"]["text/html"]
    after = (await run(session, "sorted(globals())")).value
    assert _names(after) - _names(before) <= {f"_i{n}" for n in range(200)} | {
        f"_{n}" for n in range(200)
    }


def _names(text: str) -> set[str]:
    return set(text.strip("[]").replace("'", "").replace("\n", "").replace(" ", "").split(","))


async def test_helper_code_does_not_change_the_history(session, run):
    first = await run(session, "'before'")
    await session.evaluate("", {"n": "1 + 1"})
    second = await run(session, "_")
    assert second.value == "'before'"
    assert second.result.execution_count == first.result.execution_count + 1


async def test_errors_of_helper_code_are_raised_and_leave_no_trace(session, run):
    with pytest.raises(EvaluationError, match="no such thing") as raised:
        await session.evaluate("raise LookupError('no such thing')", {})
    assert raised.value.ename == "LookupError"
    with pytest.raises(EvaluationError, match="division"):
        await session.evaluate("", {"good": "1", "bad": "1 / 0"})
    assert (await run(session, "[n for n in globals() if 'sandbox' in n]")).value == "[]"


async def test_helper_code_has_a_deadline(session: KernelSession):
    with pytest.raises(KernelTimeoutError) as raised:
        await session.evaluate("while True: pass", {}, deadline=0.2)
    assert raised.value.seconds == 0.2
    assert await session.evaluate_json("[1, 'é', None]") == [1, "é", None]


async def test_a_value_that_json_cannot_write_is_an_evaluation_error(session: KernelSession):
    with pytest.raises(EvaluationError, match="not JSON serializable"):
        await session.evaluate_json("object()")


async def test_an_error_that_is_not_published_is_told_from_the_reply(session, run):
    ran = await run(session, "get_ipython()._showtraceback = lambda *_: None\n1 / 0")
    errors = [output for output in ran.outputs if isinstance(output, ErrorOutput)]
    assert [(one.ename, one.evalue) for one in errors] == [
        ("ZeroDivisionError", "division by zero")
    ]
    assert ran.result.status == "error"
