"""Prompts are logged by what they add, and can be told in full again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.record.events import Prompt
from analyst.record.prompts import PromptUnavailableError, rebuild_messages, shared_prefix


def say(*texts: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text} for text in texts]


def logged(conversations: list[list[dict[str, str]]]) -> list[Prompt]:
    events, before = [], []
    for request, messages in enumerate(conversations):
        prefix = shared_prefix(before, messages)
        events.append(
            Prompt(
                run_id="r",
                seq=request,
                t=0,
                request=request,
                prefix=prefix,
                messages=tuple(messages[prefix:]),
            )
        )
        before = messages
    return events


def test_a_growing_context_is_stored_once():
    events = logged([say("a"), say("a", "b"), say("a", "b", "c", "d")])
    assert [len(event.messages) for event in events] == [1, 1, 2]
    assert [event.prefix for event in events] == [0, 1, 2]
    assert rebuild_messages(events, 2) == say("a", "b", "c", "d")


def test_a_compacted_context_is_stored_whole():
    events = logged([say("a", "b", "c"), say("a", "summary")])
    assert events[1].prefix == 0
    assert rebuild_messages(events, 1) == say("a", "summary")


def test_a_lost_prompt_is_told_not_guessed():
    events = logged([say("a"), say("a", "b"), say("a", "b", "c"), say("new")])
    with pytest.raises(PromptUnavailableError, match="request 2"):
        rebuild_messages([events[0], *events[2:]], 2)
    assert rebuild_messages([events[0], *events[2:]], 3) == say("new")
    with pytest.raises(PromptUnavailableError, match="request 7"):
        rebuild_messages(events, 7)


def test_a_prompt_is_not_put_together_with_the_one_before_the_lost_one():
    events = logged([say("a", "b", "c"), say("summary"), say("summary", "d")])
    with pytest.raises(PromptUnavailableError):
        rebuild_messages([events[0], events[2]], 2)


@given(
    conversations=st.lists(st.lists(st.sampled_from("ab"), max_size=4), min_size=1, max_size=6),
    lost=st.sets(st.integers(0, 5)),
)
def test_what_is_rebuilt_is_what_was_sent(conversations, lost):
    sent = [say(*texts) for texts in conversations]
    events = [event for event in logged(sent) if event.request not in lost]
    for request, messages in enumerate(sent):
        try:
            rebuilt = rebuild_messages(events, request)
        except PromptUnavailableError:
            assert lost
        else:
            assert rebuilt == messages
