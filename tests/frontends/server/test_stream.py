"""Asking and reading: numbers, reconnecting, many readers, slow ones, stopping."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def test_asking_streams_events_with_growing_numbers(server):
    conversation = server.conversation()
    asked = server.ask(conversation, deltas=3)
    idle(server, conversation)
    events = server.events(conversation)
    assert [(one.number, one.type) for one in events] == [
        (1, "run_started"),
        (5, "model_responded"),
        (6, "answer"),
        (7, "run_finished"),
    ]
    assert events[0].event["run_id"] == asked["run_id"]
    assert events[0].number == asked["number"] == 1


def test_a_live_stream_has_every_number(server):
    conversation = server.conversation()
    with server.stream(conversation) as stream:
        server.ask(conversation, deltas=40, pause=0.002)
        numbers = []
        for event in stream:
            numbers.append(event.number)
            if event.type == "run_finished":
                break
    assert numbers == [*range(1, 45)]


def test_stop_ends_a_run_within_a_second(server):
    conversation = server.conversation()
    server.ask(conversation, hang=True)
    # It answers after a second at the latest, and says whether the run has ended by then.
    assert server.post(f"conversations/{conversation}/stop").json() == {"stopped": True}
    assert server.events(conversation)[-1].event["status"] == "stopped"
    assert server.get(f"conversations/{conversation}").json()["busy"] is False


def test_status_says_what_the_next_run_uses(server):
    status = server.get("status").json()
    assert status["model"]["embedded"] is True
    assert status["model"]["problem"] is None
    assert status["embedded"]["state"] == "absent"
    assert any("has to be fetched" in sentence for sentence in status["missing"])


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, 30), max_size=8), live=st.booleans())
def test_a_reader_that_is_cut_off_and_comes_back_misses_and_repeats_nothing(server, cuts, live):
    conversation = server.conversation()
    server.ask(conversation, replies=4, deltas=10, pause=0.001 if live else 0)
    if not live:
        idle(server, conversation)
    read = []
    for cut in [*cuts, None]:
        after = read[-1].number if read else 0
        with server.stream(conversation, after) as stream:
            for event in stream:
                read.append(event)
                if event.type == "run_finished" or (cut is not None and len(read) % cut == 0):
                    break
        if read[-1].type == "run_finished":
            break
    numbers = [one.number for one in read]
    assert numbers == sorted(set(numbers))
    whole = server.events(conversation)
    kept = [one for one in read if one.type != "message_delta"]
    assert kept == whole
    # What is missing are pieces of replies that are there as a whole.
    seen = {one.event["seq"] for one in read}
    assert {one.event["seq"] for one in whole} <= seen


def test_last_event_id_stands_in_for_after(server):
    conversation = server.conversation()
    server.ask(conversation)
    idle(server, conversation)
    headers = {"Authorization": f"token {server.token}", "Last-Event-ID": "6"}
    with (
        httpx.Client(base_url=server.url, headers=headers, trust_env=False) as client,
        client.stream("GET", f"conversations/{conversation}/events") as answer,
    ):
        ids = (line for line in answer.iter_lines() if line.startswith("id:"))
        assert next(ids) == "id: 7"


def test_two_readers_see_the_same(server):
    conversation = server.conversation()
    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(server.events, conversation) for _ in range(2)]
        server.ask(conversation, deltas=200, pause=0.001)
        first, second = (reader.result(30) for reader in readers)
    assert [one for one in first if one.type != "message_delta"] == [
        one for one in second if one.type != "message_delta"
    ]
    assert first[-1].number == second[-1].number == 204


def test_twenty_conversations_stream_at_once(server):
    conversations = [server.conversation() for _ in range(20)]

    def read(conversation):
        with server.stream(conversation) as stream:
            server.ask(conversation, replies=2, deltas=50, pause=0.002)
            return until_end(stream)

    with ThreadPoolExecutor(20) as pool:
        for found in pool.map(read, conversations):
            assert [one.number for one in found] == [*range(1, 106)]
            assert [one.event["seq"] for one in found] == [0, *range(2, 106)]
            assert len({one.event["run_id"] for one in found}) == 1


def test_a_reader_that_stands_still_costs_no_memory_and_holds_nobody_up(server):
    conversation = server.conversation()
    process = psutil.Process(server.process.pid)
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        address = f"/analyst/api/conversations/{conversation}/events"
        headers = f"Host: 127.0.0.1:{server.port}\r\nAuthorization: token {server.token}\r\n"
        slow.sendall(f"GET {address} HTTP/1.1\r\n{headers}\r\n".encode())
        time.sleep(0.3)
        # Pieces of 15 000 characters stay in the line: 60 MB go past the reader.
        server.ask(conversation, replies=100, deltas=1, output=["x", 15_000])
        idle(server, conversation)
        before = process.memory_info().rss
        for _ in range(40):
            server.ask(conversation, replies=100, deltas=1, output=["x", 15_000])
            idle(server, conversation)
        with_reader = process.memory_info().rss - before
        assert server.events(conversation)[-1].type == "run_finished"
        # The events themselves are kept, once.
        assert with_reader < 1.5 * 40 * 100 * 15_300


def test_an_output_of_50_mb_is_a_reference_that_can_be_fetched(server):
    conversation = server.conversation()
    server.ask(conversation, output=["0123456789", 5_000_000])
    events = server.events(conversation)
    output = next(one.event for one in events if one.type == "output")
    assert "text" not in output["output"]
    (reference,) = output["blobs"]
    answer = server.get(f"blobs/{reference['sha256']}")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == "0123456789" * 5_000_000


def test_what_a_private_run_told_is_on_no_disk(server):
    conversation = server.conversation()
    words = "a question that nobody may know"
    server.ask(
        conversation, output=[words, 10_000], note=words, more={"overrides": {"private": True}}
    )
    events = server.events(conversation)
    assert events[0].event["settings"]["private"] is True
    (reference,) = next(one.event for one in events if one.type == "output")["blobs"]
    assert server.get(f"blobs/{reference['sha256']}").text == words * 10_000
    for file in server.data.rglob("*"):
        assert not file.is_file() or words.encode() not in file.read_bytes(), file
    assert server.get(f"conversations/{conversation}").json()["title"] == ""


def test_a_second_question_waits_for_the_first(server):
    conversation = server.conversation()
    server.ask(conversation, hang=True)
    answer = server.post(f"conversations/{conversation}/ask", {"question": "{}"})
    assert answer.status_code == 409
    assert "stop it" in answer.json()["message"]
    server.post(f"conversations/{conversation}/stop")
    server.ask(conversation)


def test_an_approval_is_decided_once(server):
    conversation = server.conversation()
    server.ask(conversation, approve=True)
    server.events(conversation, until="approval_requested")
    address = f"conversations/{conversation}/approvals/call"
    assert server.post(address, {"decision": "maybe"}).status_code == 400
    assert server.post(address, {"decision": "edited"}).status_code == 400
    assert server.post(f"{address}x", {"decision": "approved"}).status_code == 409
    assert server.post(address, {"decision": "approved"}).status_code == 200
    assert server.post(address, {"decision": "denied"}).status_code == 409
    resolved = [one for one in server.events(conversation) if one.type == "approval_resolved"]
    assert [one.event["decision"] for one in resolved] == ["approved"]


def test_deleting_ends_the_run_the_stream_and_the_file(server):
    conversation = server.conversation()
    server.ask(conversation, hang=True)
    with server.stream(conversation) as stream:
        assert next(stream).type == "run_started"
        with server.client() as client:
            assert client.delete(f"conversations/{conversation}").status_code == 204
        assert [one.type for one in stream][-1:] in (["run_finished"], ["model_responded"])
    assert server.get(f"conversations/{conversation}").status_code == 404
    assert server.get(f"conversations/{conversation}/events").status_code == 404
    assert not [*server.data.rglob(f"{conversation}*")]
    listed = server.get("conversations").json()["conversations"]
    assert conversation not in [one["id"] for one in listed]


def test_renaming_and_listing(server):
    first, second = server.conversation(title="One"), server.conversation(notebook="a/b.ipynb")
    with server.client() as client:
        changed = client.patch(f"conversations/{first}", json={"title": " Two \n words "}).json()
    assert changed["title"] == "Two words"
    listed = server.get("conversations").json()["conversations"]
    assert [one["id"] for one in listed[:2]] == [second, first]
    assert listed[0]["notebook"] == "a/b.ipynb"


def test_a_run_that_breaks_off_by_a_defect_has_an_end(server):
    conversation = server.conversation()
    server.ask(conversation, defect=True)
    last = server.events(conversation)[-1].event
    assert last["status"] == "error"
    assert "the server's log may say more" in last["reason"]
    server.log.write_text(server.log.read_text().replace("Traceback", "Expected trace"))


def test_a_stream_says_now_and_then_that_it_lives(start_server):
    server = start_server(environment={"ANALYST_TEST_HEARTBEAT": "0.2"})
    conversation = server.conversation()
    with (
        server.client() as client,
        client.stream("GET", f"conversations/{conversation}/events") as answer,
    ):
        lines = (line for line in answer.iter_lines() if line)
        assert [next(lines) for _ in range(3)] == [": here", ": still here", ": still here"]


def test_streams_that_end_leave_nothing(server):
    conversation = server.conversation()
    process = psutil.Process(server.process.pid)
    before = process.num_fds()
    for _ in range(30):
        with server.stream(conversation):
            pass
    deadline = time.monotonic() + 5
    while process.num_fds() > before + 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.num_fds() <= before + 2


def until_end(stream):
    found = []
    for event in stream:
        found.append(event)
        if event.type == "run_finished":
            break
    return found


def idle(server, conversation):
    while server.get(f"conversations/{conversation}").json()["busy"]:
        time.sleep(0.01)
