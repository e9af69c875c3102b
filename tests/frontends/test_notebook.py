"""The magics in real kernels: what a notebook shows, keeps and survives.

The model is scripted; the session, the agent's kernel, the record and the front end are real.
"""

from __future__ import annotations

import asyncio
import re
import time

import nbformat
import pytest
from jupyter_client import KernelManager

from analyst.frontends.outputs import PLOTLY
from analyst.frontends.page import PageExporter

HOSTILE = "</details><script>alert(1)</script><img src=x onerror=alert(1)>"

CHART = """I draw it.
```python
import plotly.graph_objects as go
go.Figure(go.Bar(x=["a", "b"], y=df.x[:2]), layout_title_text="Bars").show()
```"""

TABLE_AND_IMAGE = """```python
import matplotlib.pyplot as plt
plt.plot(df.x)
plt.show()
top = df.head(2)
top
```"""

NOISE = f"""```python
import sys
print({HOSTILE!r} + "\\x1b[31mred\\x1b[0m")
from IPython.display import HTML, Javascript, display
display(HTML({HOSTILE!r}), Javascript("alert(1)"))
raise ValueError({HOSTILE!r})
```"""


@pytest.fixture(scope="module")
def played(tmp_path_factory, notebook_runner):
    """One notebook with some questions, executed as nbclient does."""
    directory = tmp_path_factory.mktemp("played")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CONFIG", "DATA"):
            patch.setenv(f"JUPYTER_{name}_DIR", str(directory / name))
        patch.setenv("ANALYST_DATA", str(directory / "analyst"))
        return notebook_runner(directory).run(
            [
                CHART,
                TABLE_AND_IMAGE,
                "FINAL: The mean is **2**.",
                NOISE,
                "```python\nchecked = True\n```",
                f"FINAL: {HOSTILE} done",
                "```python\nprint(len(top))\n```",
                "FINAL: 2",
            ],
            "import pandas as pd\ndf = pd.DataFrame({'x': [1, 2, 3], 'name': ['a', 'b', 'c']})",
            "before = set(dir())",
            "%%agent\nWhat is the mean of x in df? {x} $y 100%",
            "sorted(name for name in set(dir()) - before if not name.startswith('_'))",
            "%%agent --out r\n" + HOSTILE,
            "(r.status, r.text, type(r.figures), list(r.frames))",
            "%%agent --quiet\nhow many in top?",
            "%agent history",
            "%agent reset",
        )


def shapes(cell):
    order = (PLOTLY, "image/png", "text/html", "text/plain")
    return [next(m for m in order if m in output["data"]) for output in cell.outputs]


def test_outputs_stand_inline_in_the_order_of_the_run(played):
    assert shapes(played[2]) == [
        "text/html",  # step 1
        PLOTLY,
        "text/html",  # step 2
        "image/png",
        "text/html",  # the table
        "text/html",  # the answer
    ]


def test_the_chart_is_data_that_stays_interactive(played):
    chart = played[2].outputs[1]["data"]
    assert chart[PLOTLY]["layout"]["title"]["text"] == "Bars"
    assert chart[PLOTLY]["data"][0]["type"] == "bar"


def test_everything_has_a_text_for_front_ends_without_html(played):
    for cell in played:
        for output in cell.outputs:
            assert output["output_type"] == "stream" or output["data"]["text/plain"]


def test_no_widget_and_no_script_is_left_in_the_notebook(played):
    for cell in played:
        for output in cell.outputs:
            assert not [m for m in output.get("data", {}) if "widget" in m or "javascript" in m]
            shown = output.get("data", {}).get("text/html", "")
            for tag in re.findall(r"<[^>]*>", re.sub(r'srcdoc="[^"]*"', "", shown)):
                assert not re.match(r"<(script|img)", tag)
                assert not re.search(r"\son\w+=", tag)


def test_the_users_namespace_is_as_before(played):
    assert played[3].outputs[0]["data"]["text/plain"] == "['before']"


def test_out_is_the_only_name_that_is_made(played):
    shown = played[5].outputs[0]["data"]["text/plain"]
    assert "'ok'" in shown
    assert "done" in shown


def test_the_agents_variables_survive_from_cell_to_cell(played):
    assert "2" in played[6].outputs[0]["data"]["text/plain"]


def test_quiet_shows_no_steps(played):
    assert "<details" not in str(played[6].outputs)
    assert "<details" in str(played[2].outputs)


def test_the_history_lists_the_questions(played):
    assert "What is the mean of x in df? {x} $y 100%" in played[7].outputs[0]["text"]


def test_the_saved_notebook_shows_the_run_without_a_kernel(played):
    notebook = nbformat.v4.new_notebook(cells=played)
    notebook = nbformat.reads(nbformat.writes(notebook), as_version=4)
    page, _ = PageExporter().from_notebook_node(notebook)
    assert "<strong>2</strong>" in page
    assert page.count("Plotly.newPlot(") >= 1
    assert "text/html" not in notebook.cells[2].outputs[1]["data"]
    assert "data:image/png;base64" in page
    assert "Step 1" in page


def test_a_failed_run_fails_the_cell_where_nobody_can_be_asked(notebooks, text_of):
    cells = notebooks.run(
        [{"fails_with": "nobody answers"}, "```python\n1/0\n```"],
        "%%agent\nq",
        "%%agent --no-strict --max-steps 1\nq",
        allow_errors=True,
    )
    assert "Failed: nobody answers" in text_of(cells[0])
    failure = cells[0].outputs[-1]
    assert failure["ename"] == "RunFailedError"
    assert failure["traceback"] == ["The agent's run did not end well (error): nobody answers"]
    assert "Not finished" in text_of(cells[1])
    assert "ZeroDivisionError" in text_of(cells[1])
    assert not [output for output in cells[1].outputs if output["output_type"] == "error"]


async def test_two_notebooks_at_once_have_two_sessions(notebooks):
    reply = "```python\nimport os\nprint('place', os.getcwd())\nprint({mark})\n```"
    environments = [
        notebooks.environment([reply.format(mark=mark), f"FINAL: {mark}"], name=f"{mark}.json")
        for mark in ("11", "22")
    ]
    books = [notebooks.notebook("%%agent\nq") for _ in environments]

    async def execute(number):
        # jupyter_client picks ports before the kernel binds them: two at once may get the same.
        await asyncio.sleep(1.5 * number)
        await notebooks.client(books[number]).async_execute(env=environments[number])

    await asyncio.gather(*map(execute, range(2)))
    shown = [str(book.cells[1].outputs) for book in books]
    places = [re.search(r"place (\S+?)\\n", text)[1] for text in shown]
    assert places[0] != places[1]
    assert "11" in shown[0]
    assert "22" in shown[1]


class Kernel:
    """A kernel that a person drives: cells are run, interrupted and looked at."""

    def __init__(self, manager, client):
        self.manager = manager
        self.client = client

    def start(self, code):
        return self.client.execute(code, allow_stdin=True)

    def until(self, request, wanted):
        """Read outputs of ``request`` until one holds ``wanted``."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            message = self.client.get_iopub_msg(timeout=30)
            if message["parent_header"].get("msg_id") == request and wanted in str(
                message["content"]
            ):
                return
        raise AssertionError(f"{wanted!r} was not shown")

    def finish(self, request):
        """Return the reply and all that was still shown."""
        shown = []
        while True:
            message = self.client.get_iopub_msg(timeout=30)
            if message["parent_header"].get("msg_id") != request:
                continue
            content = message["content"]
            if message["msg_type"] == "status" and content["execution_state"] == "idle":
                break
            shown.append(str(content))
        reply = self.client.get_shell_msg(timeout=30)
        while reply["parent_header"].get("msg_id") != request:
            reply = self.client.get_shell_msg(timeout=30)
        return reply["content"], "\n".join(shown)

    def run(self, code):
        return self.finish(self.start(code))


@pytest.fixture
def kernel_of(notebooks):
    kernels = []

    def of(replies):
        manager = KernelManager(kernel_name="python3")
        manager.start_kernel(env=notebooks.environment(replies), cwd=str(notebooks.directory))
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=30)
        kernel = Kernel(manager, client)
        kernels.append(kernel)
        kernel.run("%load_ext scripted_analyst")
        return kernel

    yield of
    for kernel in kernels:
        kernel.client.stop_channels()
        kernel.manager.shutdown_kernel(now=True)


@pytest.fixture
def stop_in_subshell():
    """Run ``%agent stop`` as a front end does while the kernel is busy."""

    def stop(client, subshell):
        content = {"code": "%agent stop", "silent": False, "store_history": False}
        message = client.session.msg("execute_request", {**content, "allow_stdin": False})
        message["header"]["subshell_id"] = subshell
        client.shell_channel.send(message)

    return stop


def test_stopping_is_clean_and_leaves_both_kernels_usable(kernel_of, stop_in_subshell):
    asleep = "import time\nprint('asleep', flush=True)\ntime.sleep(60)\n```"
    kernel = kernel_of(
        [
            "```python\nkept = 41\n" + asleep,
            {"text": "never read to its end", "seconds_before": 60},
            "```python\n" + asleep,
            "```python\nprint('kept is', kept + 1)\n```",
            "FINAL: still here",
        ]
    )
    client = kernel.client
    client.control_channel.send(client.session.msg("create_subshell_request", {}))
    subshell = client.get_control_msg(timeout=10)["content"]["subshell_id"]
    for waits_for, stop in (
        ("asleep", kernel.manager.interrupt_kernel),
        ("the model is reading", kernel.manager.interrupt_kernel),
        ("asleep", lambda: stop_in_subshell(client, subshell)),
    ):
        request = kernel.start("%%agent\nq")
        kernel.until(request, waits_for)
        began = time.monotonic()
        stop()
        reply, shown = kernel.finish(request)
        assert time.monotonic() - began < 10
        assert reply["status"] == "ok"
        assert "Stopped: it was stopped" in shown
        assert "Traceback" not in shown
    assert "'text/plain': '42'" in kernel.run("6 * 7")[1]
    reply, shown = kernel.run("%%agent\nq")
    assert "kept is 42" in shown
    assert "still here" in shown
