"""The end of a server, and what the next one shows."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import time

import psutil
import pytest


def test_a_restarted_server_goes_on_with_the_same_numbers(start_server):
    server = start_server()
    conversation = server.conversation()
    server.ask(conversation, deltas=5)
    server.ask_when_idle(conversation, deltas=2)
    server_events(server, conversation, count=2)
    before = server_events(server, conversation, count=2)
    server.stop()
    server.start()
    listed = server.get("conversations").json()["conversations"]
    assert [one["id"] for one in listed] == [conversation]
    after = server_events(server, conversation, until="note")
    assert [(one.number, one.event) for one in after[:-1]] == [
        (one.number, one.event) for one in before
    ]
    assert after[-1].event["code"] == "kernel_lost"
    last = after[-1].number
    assert server.ask(conversation)["number"] == last + 1
    assert server.events(conversation, after=last)[0].number == last + 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_the_end_cut_off_says_so(start_server, number):
    server = start_server()
    conversation = server.conversation()
    asked = server.ask(conversation, replies=2, deltas=3, hang=True)
    server.events(conversation, until="model_responded")
    server.stop(number)
    server.start()
    events = server_events(server, conversation, until="kernel_lost")
    ends = [one.event for one in events if one.type == "run_finished"]
    assert [(one["run_id"], one["status"]) for one in ends] == [(asked["run_id"], "stopped")]
    codes = [one.event["code"] for one in events if one.type == "note"]
    assert codes == (["kernel_lost"] if number == signal.SIGTERM else ["cut_off", "kernel_lost"])
    assert [one.number for one in events] == sorted({one.number for one in events})
    again = server_events(server, conversation, until="kernel_lost")
    assert again == events


def test_numbers_of_a_private_run_are_not_used_again(start_server):
    server = start_server()
    conversation = server.conversation()
    server.ask(conversation)
    server.ask_when_idle(conversation, more={"overrides": {"private": True}})
    last = server_events(server, conversation, count=2)[-1].number
    server.stop()
    server.start()
    events = server_events(server, conversation, until="kernel_lost")
    assert len([one for one in events if one.type == "run_started"]) == 1
    assert server.ask(conversation)["number"] > last


def test_the_file_of_a_conversation_is_private_and_holds_no_words_of_a_run(start_server):
    server = start_server()
    conversation = server.conversation(title="A title")
    server.ask(conversation, secret="xyzzy")
    server_events(server, conversation)
    (file,) = (server.data / "conversations").glob("*.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    kept = json.loads(file.read_text())
    assert kept["title"] == "A title"
    assert "xyzzy" not in file.read_text()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"title": 1}', b"\xff" * 10])
def test_a_damaged_file_is_left_out(start_server, damage):
    server = start_server()
    conversation = server.conversation()
    good = server.conversation()
    server.stop()
    (server.data / "conversations" / f"{conversation}.json").write_bytes(damage)
    server.start()
    listed = server.get("conversations").json()["conversations"]
    assert [one["id"] for one in listed] == [good]
    assert server.get(f"conversations/{conversation}/events").status_code == 404


def test_the_end_leaves_no_process_and_comes_soon(start_server):
    server = start_server(session="real")
    conversation = server.conversation()
    server.ask_text(conversation, "Count.\n```python\nprint(6 * 7)\n```")
    events = server.events(conversation)
    assert any(one.type == "output" and "42" in str(one.event) for one in events)
    children = psutil.Process(server.process.pid).children(recursive=True)
    assert children
    assert server.stop() < 20
    psutil.wait_procs(children, timeout=10)
    assert [one for one in children if one.is_running()] == []


def test_the_end_in_mid_run_leaves_no_process(start_server):
    server = start_server(session="real")
    conversation = server.conversation()
    server.ask_text(conversation, "Wait.\n```python\nimport time\ntime.sleep(60)\n```")
    server.events(conversation, until="tool_call_started")
    time.sleep(0.5)
    children = psutil.Process(server.process.pid).children(recursive=True)
    server.stop(signal.SIGKILL)
    psutil.wait_procs(children, timeout=15)
    assert [one for one in children if one.is_running()] == []
    server.start()
    events = server_events(server, conversation, until="kernel_lost")
    assert "cut_off" in [one.event.get("code") for one in events]


def test_the_extension_loads_by_its_name(start_server):
    server = start_server(extensions="{'analyst.frontends.server': True}")
    assert server.get("status").json()["running"] == 0


def test_importing_the_extension_brings_no_agent(package_environment):
    code = (
        "import jupyter_server.serverapp, sys\n"
        "import analyst.frontends.server.app\n"
        "heavy = {'pydantic', 'pandas', 'openai', 'analyst.session', 'kernel_sandbox'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=package_environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


def server_events(server, conversation, until="run_finished", count=1):
    """Read up to the ``count``-th event of a type, or note of a code."""
    found = []
    with server.stream(conversation) as stream:
        for event in stream:
            found.append(event)
            if until in (event.type, event.event.get("code")):
                count -= 1
                if not count:
                    return found
    return found


def test_kernels_of_idle_conversations_are_ended_when_there_are_too_many(start_server):
    server = start_server(session="real", arguments=("--AnalystServer.most_kernels=2",))
    conversations = [server.conversation() for _ in range(4)]
    for conversation in conversations:
        server.ask_text(conversation, "Count.\n```python\nkept = 1\nprint(kept)\n```")
        server.run_of(conversation)
    codes = {
        conversation: [one.event.get("code") for one in server.run_of(conversation)]
        for conversation in conversations
    }
    assert ["kernel_lost" in codes[one] for one in conversations] == [True, True, False, False]
    frames = [server.get(f"conversations/{one}/frames").status_code for one in conversations]
    assert frames == [200] * 4
    # It goes on with a new kernel.
    server.ask_text(conversations[0], "Look.\n```python\nprint('kept' in globals())\n```")
    outputs = [one.event for one in server.run_of(conversations[0]) if one.type == "output"]
    assert outputs[-1]["output"]["text"] == "False\n"


def test_two_servers_do_not_ask_in_one_conversation(start_server, tmp_path):
    first = start_server()
    second = start_server(
        directory=tmp_path / "other", environment={"ANALYST_DATA": str(first.data)}
    )
    conversation = first.conversation()
    first.ask(conversation, deltas=2)
    first.run_of(conversation)
    first.ask(conversation, hang=True)
    seen = server_events(second, conversation, until="kernel_lost")
    assert [one.event["code"] for one in seen if one.type == "note"] == ["elsewhere", "kernel_lost"]
    asked = {"question": "{}"}
    answer = second.post(f"conversations/{conversation}/ask", asked)
    assert answer.status_code == 409
    assert "another Jupyter server" in answer.json()["message"]
    first.stop()
    # Now it is free, and the second goes on with all that the first did.
    number = second.ask(conversation)["number"]
    events = server_events(second, conversation, count=3)
    assert [one.event["status"] for one in events if one.type == "run_finished"] == [
        "ok",
        "stopped",
        "ok",
    ]
    assert [one.number for one in events] == sorted({one.number for one in events})
    assert events[-1].number > number
