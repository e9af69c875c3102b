"""Tables of notebooks' kernels: listed and handed over, idle and busy, without a trace."""

from __future__ import annotations

import contextlib
import queue
import time
from pathlib import Path

import pytest

FRAMES = """
import datetime, numpy as np, pandas as pd, polars as pl, pyarrow as pa
df = pd.DataFrame(
    {
        "a": [1, 2, 3],
        "c": pd.Categorical(["x", "y", "x"]),
        "t": pd.date_range("2024-03-30", periods=3, tz="Europe/Berlin"),
    },
    index=pd.Index([10, 20, 30], name="key"),
)
people = pl.DataFrame({"n": [1, 2], "s": ["ä", None]})
table = pa.table({"z": pa.array([1.5, 2.5], pa.float32())})
matrix = np.arange(6).reshape(2, 3)
vector = np.arange(6)
_hidden = df
series = df["a"]
wide = pd.DataFrame(np.zeros((1, 300)))
"""
NAMES = {"df", "people", "table", "matrix", "wide"}


@pytest.fixture(scope="module")
def kernel(server, notebook_kernel):
    kernel = notebook_kernel(server)
    kernel.run(FRAMES)
    return kernel


def test_frames_are_listed_with_kind_shape_and_columns(kernel):
    frames = kernel.frames()
    assert set(frames) == NAMES
    assert {name: one["kind"] for name, one in frames.items()} == {
        "df": "pandas",
        "people": "polars",
        "table": "arrow",
        "matrix": "numpy",
        "wide": "pandas",
    }
    assert frames["df"]["shape"] == [3, 3]
    assert frames["df"]["columns"][1:] == [
        ["c", "category"],
        ["t", "datetime64[us, Europe/Berlin]"],
    ]
    assert frames["people"]["columns"] == [["n", "Int64"], ["s", "String"]]
    assert frames["table"]["columns"] == [["z", "float"]]
    assert frames["wide"]["shape"] == [1, 300]
    assert len(frames["wide"]["columns"]) == 200
    assert all(one["bytes"] > 0 for one in frames.values())


def test_frames_are_listed_while_a_cell_runs(kernel):
    with kernel.busy():
        began = time.monotonic()
        assert set(kernel.frames()) == NAMES
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("busy", [False, True])
def test_listing_and_taking_leave_no_name_and_no_history(server, kernel, busy):
    kernel.run("'an earlier output'")
    look = "sorted(globals()), len(In), len(Out), _, __, _i, _ii, get_ipython().execution_count"
    before = kernel.value(look)
    subshells = "len(get_ipython().kernel.shell_channel_thread.manager.list_subshell())"
    modules = "'_kernel_sandbox_codec' in __import__('sys').modules"
    trigger = "'trigger' in vars(get_ipython().events)"
    with kernel.busy() if busy else contextlib.nullcontext():
        kernel.frames()
        assert given(server, kernel, "df") == "df"
    assert kernel.value(look) == before
    assert kernel.value(subshells) == "0"
    assert kernel.value(modules) == "False"
    assert kernel.value(trigger) == "False"


def test_figures_of_a_running_cell_are_left_alone(kernel):
    kernel.run("%matplotlib inline\nimport matplotlib.pyplot as plt")
    code = (
        "import time\nfigure = plt.figure()\nplt.plot([1, 2])\ntime.sleep(2)\n"
        "open_then = len(plt.get_fignums())"
    )
    asked = kernel.client.execute(code, store_history=False)
    time.sleep(0.7)
    kernel.frames()
    kernel.reply_to(asked)
    shown = []
    with contextlib.suppress(queue.Empty):
        while True:
            message = kernel.client.get_iopub_msg(timeout=1)
            if message["msg_type"] == "display_data":
                shown.append(message["parent_header"]["msg_id"])
    assert shown == [asked]
    assert kernel.value("open_then") == "1"


def test_user_names_that_shadow_builtins_are_no_matter(kernel):
    kernel.run("exec = compile = list = dict = len = sorted = str = 1")
    try:
        assert set(kernel.frames()) == NAMES
    finally:
        kernel.run("del exec, compile, list, dict, len, sorted, str")


@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.parametrize("name", sorted(NAMES - {"wide"}))
def test_each_kind_of_table_goes_along_with_a_question(server, kernel, name, busy):
    with kernel.busy() if busy else contextlib.nullcontext():
        assert given(server, kernel, name) == name
    assert not [*Path("/tmp").glob("analyst-table-*")]


def test_a_table_that_is_gone_is_a_sentence(server, kernel):
    answer = ask_with(server, kernel.id, "nothing_here")
    assert answer.status_code == 404
    assert "no table nothing_here" in answer.json()["message"]


def test_a_kernel_that_is_gone_is_a_sentence(server):
    answer = server.get("kernels/1b8a6c2e-0000-0000-0000-000000000000/frames")
    assert answer.status_code == 404
    assert "start it again" in answer.json()["message"]


def test_a_kernel_without_pyarrow_is_a_sentence(server, notebook_kernel):
    kernel = notebook_kernel(server)
    kernel.run("import sys; sys.modules['pyarrow'] = None")
    kernel.run("import pandas as pd; df = pd.DataFrame({'a': [1]})")
    assert set(kernel.frames()) == {"df"}
    answer = ask_with(server, kernel.id, "df")
    assert answer.status_code == 400
    assert "%pip install pyarrow" in answer.json()["message"]


def test_polars_alone_is_enough(server, notebook_kernel):
    kernel = notebook_kernel(server)
    kernel.run("import sys; sys.modules['pyarrow'] = sys.modules['pandas'] = None")
    kernel.run("import polars as pl; people = pl.DataFrame({'a': [1], 's': ['x']})")
    assert given(server, kernel, "people") == "people"


def test_a_busy_kernel_without_subshells_is_a_sentence_soon(server, notebook_kernel):
    kernel = notebook_kernel(server)
    # As ipykernel 6 tells of itself.
    kernel.run(
        "kind = type(get_ipython().kernel)\nold = kind.kernel_info\n"
        "kind.kernel_info = property(lambda self: {\n"
        "    **old.fget(self), 'supported_features': []})"
    )
    kernel.run("import pandas as pd; df = pd.DataFrame({'a': [1]})")
    assert set(kernel.frames()) == {"df"}
    assert given(server, kernel, "df") == "df"
    with kernel.busy():
        began = time.monotonic()
        answer = server.get(f"kernels/{kernel.id}/frames")
        assert time.monotonic() - began < 5
        assert answer.status_code == 409
        assert "busy" in answer.json()["message"]


def test_a_kernel_that_dies_meanwhile_is_a_sentence(start_server, notebook_kernel):
    server = start_server()
    kernel = notebook_kernel(server)
    kernel.run(
        "import pandas as pd, os\n"
        "class Odd(pd.DataFrame):\n"
        "    @property\n"
        "    def shape(self):\n"
        "        os._exit(1)\n"
        "df = Odd({'a': [1]})"
    )
    answer = server.get(f"kernels/{kernel.id}/frames")
    assert answer.status_code in {404, 409}
    assert "kernel" in answer.json()["message"]


def ask_with(server, kernel_id, name):
    conversation = server.conversation()
    context = [{"kind": "frame", "kernel_id": kernel_id, "name": name}]
    return server.post(f"conversations/{conversation}/ask", {"question": "{}", "context": context})


def given(server, kernel, name):
    """Ask with a table and return what the session was given."""
    conversation = server.conversation()
    context = [{"kind": "frame", "kernel_id": kernel.id, "name": name}]
    server.ask(conversation, more={"context": context})
    notes = [one.event for one in server.events(conversation) if one.type == "note"]
    return notes[0]["text"]
