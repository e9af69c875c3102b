"""Stop and approvals while ``%%agent`` blocks its kernel: by comm, by input, by policy."""

from __future__ import annotations

import time

import pytest
from jupyter_client import KernelManager

from analyst.frontends.cell_control import CONTROL, TARGET, CellControl, CellDecision

CALL = "```python\nkept = 41\nprint('kept is', kept + 1)\n```"
OTHER = "```python\nprint('other')\n```"
ASLEEP = "```python\nimport time\nprint('asleep', flush=True)\ntime.sleep(60)\n```"
DONE = "FINAL: It is kept."


class Cell:
    """A front end with one cell that runs; what is shown is collected."""

    def __init__(self, manager, client):
        self.manager = manager
        self.client = client
        self.shown = []
        self.asked = None

    def start(self, code, *, allow_stdin):
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
        message = self.client.session.msg(
            "execute_request", {**content, "allow_stdin": allow_stdin, "stop_on_error": True}
        )
        self.client.shell_channel.send(message)
        return message["header"]["msg_id"]

    def until(self, request, is_it):
        """Return the control data of the first message of the cell of which ``is_it`` holds."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            message = self.client.get_iopub_msg(timeout=30)
            if message["parent_header"].get("msg_id") != request:
                continue
            content = message["content"]
            self.shown.append(str(content))
            control = content.get("data", {}).get(CONTROL) if "data" in content else None
            if is_it(message, control):
                return control
        raise AssertionError("it never came")

    def finish(self, request):
        self.until(
            request,
            lambda m, _: m["msg_type"] == "status" and m["content"]["execution_state"] == "idle",
        )
        while True:
            reply = self.client.get_shell_msg(timeout=30)
            if reply["parent_header"].get("msg_id") == request:
                return reply["content"], "\n".join(self.shown)

    def subshell(self):
        self.client.control_channel.send(self.client.session.msg("create_subshell_request", {}))
        return self.client.get_control_msg(timeout=10)["content"]["subshell_id"]

    def say(self, subshell, data, *, comm_id="c1", first=False):
        """Speak on a comm as Lab does that opened it with a subshell."""
        content = {"comm_id": comm_id, "data": data}
        if first:
            content["target_name"] = TARGET
        message = self.client.session.msg("comm_open" if first else "comm_msg", content)
        message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)


@pytest.fixture
def cell_of(notebooks):
    managers = []

    def of(replies):
        manager = KernelManager(kernel_name="python3")
        manager.start_kernel(env=notebooks.environment(replies), cwd=str(notebooks.directory))
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=30)
        managers.append((manager, client))
        cell = Cell(manager, client)
        cell.finish(cell.start("%load_ext scripted_analyst", allow_stdin=False))
        return cell

    yield of
    for manager, client in managers:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def waits(_message, control):
    return bool(control and control["approval"])


def test_an_extension_decides_over_its_comm_while_the_cell_blocks(cell_of):
    cell = cell_of([CALL, OTHER, "FINAL: It was denied."])
    subshell = cell.subshell()
    request = cell.start("%%agent --approval ask\nq", allow_stdin=True)
    control = cell.until(request, lambda _, c: c is not None)
    cell.say(subshell, {"kind": "hello"}, first=True)
    if not control["approval"]:
        control = cell.until(request, waits)
    asked = control["approval"]
    assert "kept = 41" in asked["text"]
    assert "isolated kernel" in asked["words"]
    cell.say(subshell, {"kind": "approval", "call_id": "none such", "decision": "denied"})
    cell.say(
        subshell,
        {
            "kind": "approval",
            "call_id": asked["call_id"],
            "decision": "edited",
            "text": "kept = 1\nprint('kept is', kept + 1)",
        },
    )
    asked_again = cell.until(request, waits)["approval"]
    assert asked_again["call_id"] != asked["call_id"]
    cell.say(
        subshell,
        {"kind": "approval", "call_id": asked_again["call_id"], "decision": "denied"},
    )
    reply, shown = cell.finish(request)
    assert reply["status"] == "ok"
    assert "kept is 2" in shown
    assert "kept is 42" not in shown
    # The end has no buttons, so a saved notebook asks for none.
    assert CONTROL not in cell.shown[-2]


def test_an_extension_stops_a_cell_over_its_comm(cell_of):
    cell = cell_of([ASLEEP])
    subshell = cell.subshell()
    request = cell.start("%%agent\nq", allow_stdin=True)
    cell.until(request, lambda m, _: "asleep" in str(m["content"].get("data", "")))
    began = time.monotonic()
    cell.say(subshell, {"kind": "stop"}, first=True)
    reply, shown = cell.finish(request)
    assert time.monotonic() - began < 5
    assert reply["status"] == "ok"
    assert "Stopped: it was stopped" in shown


def test_without_an_extension_the_cell_asks_by_input(cell_of):
    cell = cell_of([CALL, DONE])
    request = cell.start("%%agent --approval ask\nq", allow_stdin=True)
    prompt = cell.client.get_stdin_msg(timeout=30)["content"]["prompt"]
    assert "isolated kernel" in prompt
    cell.client.input("what?")
    assert "Type y, n, a or e" in cell.client.get_stdin_msg(timeout=30)["content"]["prompt"]
    cell.client.input("y")
    reply, shown = cell.finish(request)
    assert reply["status"] == "ok"
    assert "kept is 42" in shown


def test_an_interrupt_while_input_asks_stops_the_run(cell_of):
    cell = cell_of([CALL, DONE])
    request = cell.start("%%agent --approval ask\nq", allow_stdin=True)
    cell.client.get_stdin_msg(timeout=30)
    cell.manager.interrupt_kernel()
    reply, shown = cell.finish(request)
    assert reply["status"] == "ok"
    assert "Stopped: it was stopped" in shown
    assert "kept is 42" not in shown


def test_where_nobody_can_be_asked_the_call_is_denied_and_said(notebooks, text_of):
    (cell,) = notebooks.run(
        [CALL, "FINAL: It was not allowed."],
        "%%agent --approval ask --no-strict\nq",
        allow_errors=True,
    )
    text = text_of(cell)
    assert "kept is 42" not in text
    assert "It was not allowed." in text


class Heard:
    """Keeps what it is told."""

    def __init__(self):
        self.told = []

    def stop(self):
        self.told.append("stop")
        return True

    def resolve_approval(self, decision):
        self.told.append(decision)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "stop",
        {},
        {"kind": "stop it"},
        {"kind": "approval"},
        {"kind": "approval", "call_id": 7, "decision": "approved"},
        {"kind": "approval", "call_id": "c", "decision": "all"},
        {"kind": "eval", "code": "1"},
    ],
)
def test_what_no_extension_says_is_dropped(data):
    heard = Heard()
    control = CellControl(heard)
    control._said({"content": {"data": data}})
    control._said({"content": None})
    control._said({})
    assert heard.told == []


def test_decisions_are_passed_on_as_they_are():
    heard = Heard()
    CellControl(heard)._said(
        {"content": {"data": {"kind": "approval", "call_id": "c", "decision": "edited", "text": 7}}}
    )
    assert heard.told == [CellDecision(call_id="c", decision="edited", text=None, always=False)]
