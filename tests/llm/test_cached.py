"""Kept replies: given again to exactly the same requests, and to nothing else."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyst.llm.cached import CachedModel, request_key
from analyst.llm.completion import (
    Completion,
    CompletionRequest,
    ModelUnreachableError,
    NativeToolCall,
    StreamItem,
    TextDelta,
)
from analyst.llm.reply_store import KeptReply, ReplyStore
from analyst.llm.sampling import whole_reply
from analyst.llm.scripted import ScriptedModel, ScriptedReply
from analyst.record.events import Usage

REQUEST = CompletionRequest(
    messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Mean?"}],
    seed=0,
)


def cached(directory: Path, *replies: object, where: str = "https://host/v1") -> CachedModel:
    return CachedModel(ScriptedModel(replies), ReplyStore(directory=directory), where=where)  # type: ignore[arg-type]


async def played(model: CachedModel, request: CompletionRequest = REQUEST) -> list[StreamItem]:
    return [item async for item in model.complete(request)]


def files_in(directory: Path) -> list[Path]:
    return list(directory.iterdir())


async def reply(model: CachedModel, request: CompletionRequest = REQUEST) -> Completion:
    last = (await played(model, request))[-1]
    assert isinstance(last, Completion)
    return last


async def test_an_equal_request_is_not_sent_again(tmp_path: Path) -> None:
    usage = Usage(input=120, output=30, cached=20)
    slow = ScriptedReply(text="FINAL: 3", usage=usage, seconds_before=0.05)
    first = await reply(cached(tmp_path, slow))
    assert first.replayed is None
    assert first.usage == usage
    # Another process, whose model has nothing to say: only the file can answer.
    items = await played(cached(tmp_path))
    again = items[-1]
    assert isinstance(again, Completion)
    assert "".join(item.text for item in items if isinstance(item, TextDelta)) == "FINAL: 3"
    assert (again.text, again.finish_reason) == ("FINAL: 3", "stop")
    assert again.usage == Usage(input=120, output=0, cached=120)
    assert again.replayed == usage
    assert again.replayed_seconds == first.seconds >= 0.05


class WritesTogether(ScriptedModel):
    """Plays several replies to one request, as a server that writes them together does."""

    async def complete_many(self, request: CompletionRequest, count: int) -> Sequence[Completion]:
        replies = [await whole_reply(self, request) for _ in range(count)]
        return [replace(reply, seconds=6.0) for reply in replies]


async def test_replies_written_together_are_kept_together(tmp_path: Path) -> None:
    store = ReplyStore(directory=tmp_path)
    asked = CachedModel(WritesTogether(["a", "b", "c"]), store, where="here")
    first = await asked.complete_many(REQUEST, 2)
    silent = CachedModel(WritesTogether([]), store, where="here")
    again = await silent.complete_many(REQUEST, 2)
    assert [one.text for one in again] == [one.text for one in first] == ["a", "b"]
    assert all(one.replayed is not None for one in again)
    assert [one.replayed_seconds for one in again] == [3.0, 3.0]
    # They are no replies to one request alone, nor to three.
    assert (await reply(asked)).text == "c"
    with pytest.raises(AssertionError):
        await silent.complete_many(REQUEST, 3)


async def test_replies_that_were_cut_are_not_kept_together(tmp_path: Path) -> None:
    store = ReplyStore(directory=tmp_path)
    cut = ScriptedReply(text="filtered", finish_reason="content_filter")
    await CachedModel(WritesTogether(["a", cut]), store, where="here").complete_many(REQUEST, 2)
    assert not files_in(tmp_path)


async def test_a_model_that_writes_one_after_the_other_keeps_each_by_its_seed(
    tmp_path: Path,
) -> None:
    await cached(tmp_path, "a", "b").complete_many(REQUEST, 2)
    assert [one.text for one in await cached(tmp_path).complete_many(REQUEST, 2)] == ["a", "b"]
    assert (await reply(cached(tmp_path), replace(REQUEST, seed=1))).text == "b"


async def test_calls_come_back_as_they_were(tmp_path: Path) -> None:
    calls = (
        NativeToolCall("call_1", "python", '{"code": "1"}'),
        NativeToolCall("2", "sql", "{oops"),
    )
    await reply(cached(tmp_path, ScriptedReply(tool_calls=calls)))
    assert (await reply(cached(tmp_path))).tool_calls == calls


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, seed=1),
        replace(REQUEST, seed=None),
        replace(REQUEST, temperature=0.3),
        replace(REQUEST, max_tokens=1023),
        replace(REQUEST, stop=("\n",)),
        replace(REQUEST, grammar="root ::= 'a'"),
        replace(REQUEST, tools=[{"type": "function", "function": {"name": "python"}}]),
        replace(REQUEST, messages=[*REQUEST.messages, {"role": "user", "content": ""}]),
        replace(REQUEST, messages=[REQUEST.messages[0], {"role": "user", "content": "Mean? "}]),
        replace(REQUEST, messages=[*reversed(REQUEST.messages)]),
    ],
)
async def test_whatever_decides_a_reply_makes_another_request(
    tmp_path: Path, other: CompletionRequest
) -> None:
    model = cached(tmp_path, "one", "two")
    await reply(model)
    assert (await reply(model, other)).text == "two"


def test_models_and_places_are_told_apart() -> None:
    keys = {
        request_key(REQUEST, model=model, where=where)
        for model in ("a", "b")
        for where in ("https://a", "https://b", "")
    }
    assert len(keys) == 6


def test_names_that_json_would_run_together_have_no_key() -> None:
    strange = replace(REQUEST, messages=[{1: "x"}])  # type: ignore[dict-item]
    assert request_key(strange, model="m", where="") is None
    unwritable = replace(REQUEST, messages=[{"role": object()}])
    assert request_key(unwritable, model="m", where="") is None
    assert request_key(replace(REQUEST, temperature=float("nan")), model="m", where="") is None


async def test_what_failed_or_was_cut_is_not_kept(tmp_path: Path) -> None:
    broken = ScriptedReply(text="half of", fails_with=ModelUnreachableError("gone"))
    with pytest.raises(ModelUnreachableError):
        await reply(cached(tmp_path, broken))
    await reply(cached(tmp_path, ScriptedReply(text="filtered", finish_reason="content_filter")))
    await reply(cached(tmp_path, ScriptedReply(text=" ")))
    assert not files_in(tmp_path)
    # A reader that stops in the middle keeps nothing either.
    stream = cached(tmp_path, "a long reply, of which only the beginning is read").complete(REQUEST)
    await anext(stream)
    await stream.aclose()
    assert not files_in(tmp_path)


async def test_half_of_a_surrogate_pair_is_no_trouble(tmp_path: Path) -> None:
    asked = replace(REQUEST, messages=[{"role": "user", "content": "\ud83d"}])
    model = cached(tmp_path, "fine \udc00")
    assert (await reply(model, asked)).text == "fine \udc00"
    again = await reply(model, asked)
    assert again.replayed is not None
    assert again.text == "fine \udc00"


async def test_files_are_private_and_hold_no_request(tmp_path: Path) -> None:
    store = tmp_path / "data" / "replies"
    secret = replace(REQUEST, messages=[{"role": "user", "content": "salary of Ada Byron"}])
    await reply(cached(store, "FINAL: done"), secret)
    (file,) = files_in(store)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.stat().st_mode) == 0o700
    assert b"Ada" not in file.read_bytes()


async def test_a_damaged_entry_is_asked_anew_and_mended(tmp_path: Path) -> None:
    await reply(cached(tmp_path, "right"))
    (file,) = files_in(tmp_path)
    whole = file.read_bytes()
    for damaged in (whole[:-3], b"", b"[]", b"null", whole.replace(b"right", b"wrong"), b"\xff"):
        file.write_bytes(damaged)
        found = await reply(cached(tmp_path, "right"))
        assert (found.text, found.replayed) == ("right", None)
        assert (await reply(cached(tmp_path))).text == "right"


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_no_bytes_of_a_file_raise(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    directory = tmp_path_factory.mktemp("replies")
    (directory / f"{'0' * 64}.json").write_bytes(data)
    assert ReplyStore(directory=directory).get("0" * 64) is None


def kept(text: str) -> KeptReply:
    return KeptReply(text=text, finish_reason="stop", usage=Usage())


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    store = ReplyStore(directory=tmp_path, most_entries=10)
    keys = [f"{number:064x}" for number in range(11)]
    for age, key in enumerate(keys[:10]):
        store.put(key, kept(key))
        os.utime(tmp_path / f"{key}.json", (1000 + age, 1000 + age))
    assert store.get(keys[0]) is not None  # now it is the one used last
    store.put(keys[10], kept("new"))
    assert len(list(tmp_path.iterdir())) == 9
    assert store.get(keys[0]) is not None
    assert store.get(keys[10]) is not None
    assert store.get(keys[1]) is None


def test_the_store_stays_within_its_bytes(tmp_path: Path) -> None:
    store = ReplyStore(directory=tmp_path, most_bytes=20_000)
    other = tmp_path / "notes.txt"
    other.write_text("x" * 30_000)
    for number in range(60):
        store.put(f"{number:064x}", kept("word " * 200))
    sizes = [file.stat().st_size for file in tmp_path.glob("*.json")]
    assert len(sizes) >= 5
    assert sum(sizes) <= 20_000
    assert other.exists()
    assert not store.put("f" * 64, kept("x" * 5_000))


async def test_a_store_that_cannot_be_written_costs_nothing_else(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    model = cached(in_the_way / "replies", "one", "two")
    assert (await reply(model)).text == "one"
    assert (await reply(model)).text == "two"
