"""Asking and reading: numbers, reconnecting, many readers, slow ones, stopping."""

from __future__ import annotations

import time


def test_asking_streams_events_with_growing_numbers(server):
    conversation = server.conversation()
    asked = server.ask(conversation, deltas=3)
    while server.get(f"conversations/{conversation}").json()["busy"]:
        time.sleep(0.01)
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
    began = time.monotonic()
    assert server.post(f"conversations/{conversation}/stop").json() == {"stopped": True}
    assert time.monotonic() - began < 1
    assert server.events(conversation)[-1].event["status"] == "stopped"
    assert server.get(f"conversations/{conversation}").json()["busy"] is False


def test_status_says_what_the_next_run_uses(server):
    status = server.get("status").json()
    assert status["model"]["embedded"] is True
    assert status["model"]["problem"] is None
    assert status["embedded"]["state"] == "absent"
    assert any("has to be fetched" in sentence for sentence in status["missing"])
