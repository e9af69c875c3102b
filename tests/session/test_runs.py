"""Whole runs with a real kernel; the model is scripted, the code really runs."""

from __future__ import annotations

import asyncio
import itertools
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analyst.llm.completion import CompletionRequest, ModelUnreachableError, NativeToolCall
from analyst.llm.scripted import ScriptedModel, ScriptedReply
from analyst.record import events
from analyst.record.events import Usage
from analyst.record.log import read_run
from analyst.record.prompts import rebuild_messages
from analyst.session import RunInProgressError
from analyst.settings import UnknownSettingError

from .conftest import MakeSession
from .reading import collect, of_kind, the_answer

FRAME = pd.DataFrame({"region": ["north", "south", "north"], "qty": [1.0, 2.0, 4.0]})


def code(source: str) -> str:
    return f"```python\n{source}\n```"


async def test_a_question_is_computed_shown_and_recorded(
    make_session: MakeSession, tmp_path: Path
) -> None:
    session = make_session([code("print(df['qty'].mean().round(3))"), "FINAL: The mean is 2.333."])
    stream = await collect(session, "What is the mean qty?", data={"df": FRAME})
    assert the_answer(stream).text == "The mean is 2.333."
    finished = stream[-1]
    assert isinstance(finished, events.RunFinished)
    assert (finished.status, finished.steps) == ("ok", 2)
    assert [event.seq for event in stream] == list(range(len(stream)))
    (handed,) = of_kind(stream, events.DataHandedOver)
    assert (handed.data[0].name, handed.data[0].rows) == ("df", 3)
    record = read_run(stream[0].run_id, directory=tmp_path / "data")
    assert record.events == stream
    messages = rebuild_messages(record, 1)
    assert [m["role"] for m in messages][-3:] == ["user", "assistant", "user"]
    assert "2.333" in messages[-1]["content"]


async def test_files_of_the_code_are_told_and_copied(
    make_session: MakeSession, tmp_path: Path
) -> None:
    write = "df.to_csv('report.csv')\nprint(len(df))"
    session = make_session([code(write), "FINAL: 3 rows.", code("print(2 + 2)"), "FINAL: 4."])
    stream = await collect(session, "Write a report", data={"df": FRAME})
    (note,) = [note for note in of_kind(stream, events.Note) if note.code == "files_written"]
    assert "report.csv" in note.text
    assert await session.save_file("report.csv", Path("copy.csv")) == tmp_path / "copy.csv"
    assert pd.read_csv(tmp_path / "copy.csv")["qty"].sum() == 7
    stream = await collect(session, "And now?")
    assert not [note for note in of_kind(stream, events.Note) if note.code == "files_written"]


async def test_the_profile_goes_first_and_holds_no_rows(make_session: MakeSession) -> None:
    session = make_session([code("print(1)"), "FINAL: 1"])
    frame = pd.DataFrame({"name": [f"person {i}" for i in range(20)], "x": range(20)})
    await collect(session, "Who?", data={"people": frame})
    request = scripted(session).requests[0]
    asked = request.messages[-1]["content"]
    assert re.match(r"\[data \w{8}]\npeople: 20 rows x 2 columns\n- 'name' text", asked)
    assert asked.endswith("Who?")
    assert "person 15" not in asked


async def test_rows_go_to_the_model_only_when_the_user_opts_in(make_session: MakeSession) -> None:
    session = make_session([code("print(1)"), "FINAL: 1"], settings={"show_rows": "yes"})
    await collect(session, "What?", data={"df": FRAME})
    assert "north,1.0" in scripted(session).requests[0].messages[-1]["content"]


async def test_named_values_end_the_run_without_a_further_request(
    make_session: MakeSession,
) -> None:
    session = make_session([code("mean_qty = df['qty'].mean()\nprint(mean_qty)")])
    stream = await collect(
        session, "Mean qty, rounded to 2 decimals?", data={"df": FRAME}, values=["mean_qty"]
    )
    assert the_answer(stream).values == {"mean_qty": 2.33}
    assert the_answer(stream).complete


async def test_a_failed_first_try_is_retried_afresh_on_untouched_data(
    make_session: MakeSession,
) -> None:
    session = make_session(
        [
            code("df['qty'] = 0\nprint(df['quantity'])"),
            code("total = df['qty'].sum()\nprint(total)"),
        ]
    )
    stream = await collect(session, "Total qty?", data={"df": FRAME}, values=["total"])
    assert the_answer(stream).values == {"total": 7}
    first, second = scripted(session).requests
    assert len(first.messages) == len(second.messages)
    assert "There is no 'quantity'; there is 'qty'." in second.messages[-1]["content"]
    assert second.temperature > first.temperature


async def test_a_native_model_gets_its_error_and_goes_on(make_session: MakeSession) -> None:
    session = make_session(
        [
            NativeToolCall("a", "python", '{"code": "print(missing_name)"}'),
            NativeToolCall("b", "python", '{"code": "print(df.shape)"}'),
            "There are **3** rows.",
        ],
        protocol="native",
    )
    stream = await collect(session, "How many rows?", data={"df": FRAME})
    assert the_answer(stream).text == "There are **3** rows."
    assert [c.status for c in of_kind(stream, events.ToolCallFinished)] == ["error", "ok"]
    last = scripted(session).requests[-1]
    assert last.tools
    assert [m["role"] for m in last.messages[-4:]] == ["assistant", "tool", "assistant", "tool"]
    assert "(3, 2)" in last.messages[-1]["content"]


async def test_an_unknown_tool_and_wrong_arguments_are_refused_in_words(
    make_session: MakeSession,
) -> None:
    session = make_session(
        [
            NativeToolCall("a", "pyhton", '{"code": "print(1)"}'),
            NativeToolCall("b", "python", '{"source": "print(1)"}'),
            "I could not.",
        ],
        protocol="native",
    )
    stream = await collect(session, "What?")
    refused = of_kind(stream, events.ToolCallFinished)
    assert [call.status for call in refused] == ["refused", "refused"]
    assert "Did you mean python?" in refused[0].observation
    assert "'code' is a required property" in refused[1].observation


async def test_variables_and_conversation_live_on_to_the_next_question(
    make_session: MakeSession,
) -> None:
    session = make_session(
        [
            code("doubled = df['qty'] * 2\nprint(doubled.sum())"),
            "FINAL: 14",
            code("print(doubled.max())"),
            "FINAL: 8",
        ]
    )
    await collect(session, "Sum of the doubled qty?", data={"df": FRAME})
    stream = await collect(session, "And the largest?")
    assert the_answer(stream).text == "8"
    third = scripted(session).requests[2].messages
    assert (
        third[: len(scripted(session).requests[1].messages)]
        == scripted(session).requests[1].messages
    )
    assert third[-1]["content"] == "And the largest?"


async def test_unchanged_data_is_not_described_twice(make_session: MakeSession) -> None:
    session = make_session([code("print(1)"), "FINAL: 1", code("print(2)"), "FINAL: 2"])
    await collect(session, "One?", data={"df": FRAME})
    await collect(session, "Two?", data={"df": FRAME})
    assert scripted(session).requests[2].messages[-1]["content"] == "Two?"
    changed = FRAME.assign(extra=1)
    scripted(session)._replies += [code("print(3)"), "FINAL: 3"]
    await collect(session, "Three?", data={"df": changed})
    assert "'extra'" in scripted(session).requests[4].messages[-1]["content"]


async def test_reset_forgets_variables_and_conversation(make_session: MakeSession) -> None:
    session = make_session(
        [code("x = 41\nprint(x)"), "FINAL: 41", code("print('x' in dir())"), "FINAL: no"]
    )
    await collect(session, "Set x.")
    await session.reset()
    stream = await collect(session, "Is x there?")
    (finished,) = of_kind(stream, events.ToolCallFinished)
    assert finished.observation.startswith("False")
    assert "Set x." not in str(scripted(session).requests[2].messages)


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("max_steps", 2, "limit of 2 steps"),
        ("max_tokens_per_run", 500, "limit of 500 tokens"),
    ],
)
async def test_a_budget_ends_in_an_honest_partial_answer(
    make_session: MakeSession, setting: str, value: int, words: str
) -> None:
    replies = [code(f"print('part {i}', 7 * {i})") for i in range(10)]
    session = make_session(replies, settings={setting: value})
    stream = await collect(session, "How?", data={"df": FRAME}, values=["never"])
    answer = the_answer(stream)
    assert not answer.complete
    assert words in answer.text
    assert "Not computed: never." in answer.text
    finished = stream[-1]
    assert isinstance(finished, events.RunFinished)
    assert (finished.status, words in str(finished.reason)) == ("partial", True)


async def test_the_time_budget_cuts_a_model_that_does_not_answer(make_session: MakeSession) -> None:
    never = ScriptedReply(text="x" * 100, hold=asyncio.Event())
    session = make_session([never], settings={"max_seconds": 1.5})
    stream = await collect(session, "How?")
    assert "1.5 seconds" in the_answer(stream).text
    assert stream[-1].t < 5


async def test_repeated_code_is_not_run_again_and_ends_the_run(make_session: MakeSession) -> None:
    session = make_session([code("print(1)")] * 6)
    stream = await collect(session, "How?")
    calls = of_kind(stream, events.ToolCallFinished)
    assert [call.status for call in calls][:2] == ["ok", "refused"]
    assert "same code again and again" in the_answer(stream).text


async def test_malformed_replies_get_a_correction_each_and_then_an_honest_end(
    make_session: MakeSession,
) -> None:
    session = make_session(["Let me think.", "Hm.", "I wonder."])
    stream = await collect(session, "How?")
    notes = [n for n in of_kind(stream, events.Note) if n.code == "malformed_action"]
    assert len(notes) == 3
    assert "neither code nor an answer" in the_answer(stream).text
    assert "no code ran" in the_answer(stream).text


async def test_numbers_without_code_are_sent_back_once(make_session: MakeSession) -> None:
    session = make_session(
        ["FINAL: The mean is 2.9.", code("print(df['qty'].mean())"), "FINAL: It is 2.33."]
    )
    stream = await collect(session, "Mean?", data={"df": FRAME})
    assert the_answer(stream).text == "It is 2.33."
    assert [n.code for n in of_kind(stream, events.Note)].count("not_computed") == 1


async def test_a_placeholder_is_no_answer(make_session: MakeSession) -> None:
    session = make_session(
        [
            code("x = 1"),
            "FINAL: It is [insert value].",
            code("print(df['qty'].sum())"),
            "FINAL: It is 7.",
        ]
    )
    stream = await collect(session, "Sum?", data={"df": FRAME})
    assert the_answer(stream).text == "It is 7."


async def test_a_formula_is_no_placeholder(make_session: MakeSession) -> None:
    answer = r"$\bar{x} = \frac{x}{n}$ is 7 for $s_{value}$ in $\{x : x > 3\}$."
    session = make_session([code("print(df['qty'].sum())"), f"FINAL: {answer}"])
    stream = await collect(session, "Sum?", data={"df": FRAME})
    assert the_answer(stream).text == answer


async def test_a_model_that_cannot_be_reached_ends_the_run_in_words(
    make_session: MakeSession,
) -> None:
    session = make_session([ModelUnreachableError("Nobody answers at host; check base_url.")])
    stream = await collect(session, "What?")
    finished = stream[-1]
    assert isinstance(finished, events.RunFinished)
    assert (finished.status, finished.reason) == (
        "error",
        "Nobody answers at host; check base_url.",
    )
    scripted(session)._replies += [code("print(1)"), "FINAL: 1"]
    stream = await collect(session, "And now?")
    assert the_answer(stream).text == "1"
    roles = [m["role"] for m in scripted(session).requests[-1].messages]
    assert "user,user" not in ",".join(roles)


async def test_stop_ends_within_a_second_and_leaves_the_kernel_usable(
    make_session: MakeSession,
) -> None:
    session = make_session(
        [code("kept = 5\nimport time\ntime.sleep(60)"), code("print(kept)"), "FINAL: 5"]
    )
    stream: list[events.Event] = []
    sleeping = asyncio.Event()

    async def ask() -> None:
        async for event in session.ask("Sleep."):
            stream.append(event)
            if isinstance(event, events.ToolCallStarted):
                sleeping.set()

    asking = asyncio.create_task(ask())
    await sleeping.wait()
    await asyncio.sleep(0.3)
    before = stream[-1].t
    await session.stop()
    await asking
    finished = stream[-1]
    assert isinstance(finished, events.RunFinished)
    assert finished.status == "stopped"
    assert finished.t - before < 3
    again = await collect(session, "What was kept?")
    assert the_answer(again).text == "5"


async def test_closing_the_iterator_stops_the_run(
    make_session: MakeSession, tmp_path: Path
) -> None:
    session = make_session([ScriptedReply(text="x" * 100, hold=asyncio.Event())])
    stream = session.ask("What?")
    first = await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    record = read_run(first.run_id, directory=tmp_path / "data")
    assert isinstance(record.events[-1], events.RunFinished)
    assert record.events[-1].status == "stopped"


async def test_one_question_at_a_time(make_session: MakeSession) -> None:
    session = make_session([ScriptedReply(text="x" * 100, hold=asyncio.Event())])
    stream = session.ask("What?")
    await anext(stream)
    with pytest.raises(RunInProgressError, match="stop it first"):
        await anext(session.ask("And?"))
    await stream.aclose()  # type: ignore[attr-defined]


async def test_an_unknown_setting_is_refused_before_anything_starts(
    make_session: MakeSession,
) -> None:
    session = make_session([])
    with pytest.raises(UnknownSettingError, match="max_steps"):
        await collect(session, "What?", overrides={"max_stebs": 3})


async def test_a_dead_kernel_gets_its_data_back_and_the_model_is_told(
    make_session: MakeSession,
) -> None:
    session = make_session(
        [
            NativeToolCall("a", "python", '{"code": "import os; os._exit(1)"}'),
            NativeToolCall("b", "python", '{"code": "print(df.shape)"}'),
            "3 rows",
        ],
        protocol="native",
    )
    stream = await collect(session, "How many?", data={"df": FRAME})
    died, after = of_kind(stream, events.ToolCallFinished)
    assert died.status == "died"
    assert "variables" in died.observation
    assert (after.status, "(3, 2)" in after.observation) == ("ok", True)


async def test_code_that_runs_too_long_is_interrupted_and_said(make_session: MakeSession) -> None:
    session = make_session(
        [NativeToolCall("a", "python", '{"code": "while True: pass"}'), "It took too long."],
        protocol="native",
        settings={"cell_deadline_seconds": 1},
    )
    stream = await collect(session, "Loop.")
    (call,) = of_kind(stream, events.ToolCallFinished)
    assert call.status == "timeout"
    assert "1 second" in call.observation


async def test_a_chart_of_too_much_is_met_with_how_to_show_less(make_session: MakeSession) -> None:
    drawing = "px.scatter(x=list(range(4_000_000)), y=list(range(4_000_000))).show()"
    session = make_session([code(drawing), "FINAL: None."], settings={"memory": False})
    stream = await collect(session, "Draw it.", data={"df": FRAME})
    (call,) = of_kind(stream, events.ToolCallFinished)
    assert call.status == "error"
    assert "a sample of a few thousand rows" in call.observation


async def test_a_frame_that_cannot_be_handed_over_is_told_and_loses_nothing(
    make_session: MakeSession,
) -> None:
    session = make_session([code("print(1)"), "FINAL: 1"])
    stream = await collect(session, "What?", data={"df": object()})
    finished = stream[-1]
    assert isinstance(finished, events.RunFinished)
    assert finished.status == "error"
    assert "df could not be handed over" in str(finished.reason)
    assert the_answer(await collect(session, "What?", data={"df": FRAME})).text == "1"


async def test_a_single_file_becomes_df(make_session: MakeSession, tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("region,qty\nnorth,3\nsouth,4\n")
    session = make_session([code("print(df['qty'].sum())"), "FINAL: 7"])
    stream = await collect(session, "Sum?", files=[Path("sales.csv")])
    assert the_answer(stream).text == "7"
    assert "df: 2 rows" in scripted(session).requests[0].messages[-1]["content"]


async def test_several_files_get_names_of_their_own_and_the_model_is_told_which(
    make_session: MakeSession, tmp_path: Path
) -> None:
    (tmp_path / "sales.csv").write_text("qty\n3\n")
    (tmp_path / "2024 costs.csv").write_text("cost\n1\n")
    session = make_session(
        [code("print(sales['qty'][0] - data_2024_costs['cost'][0])"), "FINAL: 2"]
    )
    stream = await collect(session, "Profit?", files=[Path("sales.csv"), Path("2024 costs.csv")])
    assert the_answer(stream).text == "2"
    asked = scripted(session).requests[0].messages[-1]["content"]
    assert "data_2024_costs (read from 2024 costs.csv): 1 rows" in asked


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("absent.csv", None, "No such file"),
        ("empty.csv", "", "No columns"),
        ("x.docx", "a", r".docx"),
    ],
)
async def test_files_that_cannot_be_read_are_told(
    make_session: MakeSession, tmp_path: Path, name: str, content: str | None, words: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    session = make_session([])
    stream = await collect(session, "Sum?", files=[Path(name)])
    finished = stream[-1]
    assert isinstance(finished, events.RunFinished)
    assert (finished.status, words in str(finished.reason)) == ("error", True)


async def test_the_context_is_append_only_within_a_run_that_works(
    make_session: MakeSession,
) -> None:
    session = make_session([code("print(1)"), code("print(2)"), code("print(3)"), "FINAL: 3"])
    await collect(session, "Count.")
    requests = scripted(session).requests
    for before, after in itertools.pairwise(requests):
        assert list(after.messages[: len(before.messages)]) == list(before.messages)


async def test_a_number_that_no_code_computed_is_put_to_the_model_once_and_marked(
    make_session: MakeSession,
) -> None:
    replies = [code("print(df['qty'].mean())"), "FINAL: It is 7.77.", "FINAL: It is still 7.77."]
    off = {"memory": False}
    session = make_session(replies, settings=off)
    stream = await collect(session, "What is the mean qty?", data={"df": FRAME})
    notes = [note.text for note in of_kind(stream, events.Note) if note.code == "not_grounded"]
    assert notes == ["Not in any output: 7.77.", "Not in any output: 7.77."]
    assert the_answer(stream).text == "It is still 7.77."
    assert the_answer(stream).ungrounded == ("7.77",)
    replies[1:] = ["FINAL: It is 7.77.", code("print(2 * 3.885)"), "FINAL: It is 7.77."]
    session = make_session(replies, settings=off)
    stream = await collect(session, "What is the mean qty?", data={"df": FRAME})
    assert len([one for one in of_kind(stream, events.Note) if one.code == "not_grounded"]) == 1
    assert the_answer(stream).ungrounded == ()


async def test_a_number_that_was_marked_is_no_ground_for_the_next_answer(
    make_session: MakeSession,
) -> None:
    mean = code("print(df['qty'].mean())")
    marked = "FINAL: It is 2.33, or 7.77."
    session = make_session(
        [mean, marked, mean, marked, code("print('ok')"), *["FINAL: 7.77 and 2.33."] * 4]
    )
    await collect(session, "What is the mean qty?", data={"df": FRAME})
    stream = await collect(session, "Which two numbers did you give?")
    assert the_answer(stream).ungrounded == ("7.77",)


async def test_numbers_are_grounded_without_data_too_once_something_ran(
    make_session: MakeSession,
) -> None:
    session = make_session([code("print(12345)"), *["FINAL: It came to 99,999."] * 2])
    stream = await collect(session, "Simulate it.")
    assert the_answer(stream).ungrounded == ("99,999",)


async def test_compaction_tells_the_model_which_variables_live(make_session: MakeSession) -> None:
    full = ScriptedReply(text=code("kept = 41\nprint(kept)"), usage=Usage(input=16_000, output=50))
    session = make_session([full, "FINAL: 41"])
    stream = await collect(session, "Keep a number.", data={"df": FRAME})
    assert len(of_kind(stream, events.ContextCompacted)) == 1
    *_, question, step, observation = scripted(session).requests[1].messages
    asked = str(question["content"])
    assert "kept: int = 41" in asked
    assert "df: DataFrame (3, 2)" in asked
    assert asked.endswith("Keep a number.")
    assert "kept = 41" in str(step["content"])
    assert "41" in str(observation["content"])


async def test_two_sessions_run_side_by_side(make_session: MakeSession) -> None:
    one = make_session([code("who = 1\nprint(who)"), "FINAL: 1"])
    two = make_session([code("who = 2\nprint(who)"), "FINAL: 2"])
    streams = await asyncio.gather(collect(one, "Who?"), collect(two, "Who?"))
    assert [the_answer(stream).text for stream in streams] == ["1", "2"]


async def test_no_key_of_the_environment_reaches_the_kernel(
    make_session: MakeSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-the-user")
    monkeypatch.setenv("MY_TOKEN", "another-secret")
    session = make_session([code("import os\nprint(sorted(os.environ.items()))"), "FINAL: seen"])
    stream = await collect(session, "Show the environment.")
    everything = "".join(event.model_dump_json() for event in stream)
    assert "PATH" in everything
    assert "secret" not in everything


def scripted(session: Any) -> ScriptedModel:
    model = session.models.given
    assert isinstance(model, ScriptedModel)
    return model


async def test_the_question_reaches_the_model_verbatim(make_session: MakeSession) -> None:
    question = 'What is {x} in `{{y}}`, "100 %" $HOME %s\n\\n?'

    def check(request: CompletionRequest) -> str:
        assert request.messages[-1]["content"] == question
        return "FINAL: nothing"

    await collect(make_session([check]), question)


async def test_number_texts_used_as_numbers_are_converted_first(make_session: MakeSession) -> None:
    frame = pd.DataFrame({"deaths": ["9[1-20]", "100[90-110]", "23[1-30]"]})
    session = make_session([code("most = df['deaths'].max()\nprint(most)")])
    stream = await collect(session, "Most deaths?", data={"df": frame}, values=["most"])
    assert the_answer(stream).values == {"most": 100}
    (note,) = [one for one in of_kind(stream, events.Note) if one.code == "code_mended"]
    assert "df['deaths']" in note.text


async def test_number_texts_compared_as_text_are_noticed_and_tried_again(
    make_session: MakeSession,
) -> None:
    frame = pd.DataFrame({"deaths": ["9[1-20]", "100[90-110]", "23[1-30]"]})
    session = make_session(
        [
            code("most = max(df['deaths'])\nprint(most)"),
            code(
                'n = df["deaths"].str.extract(r"^(\\d+)")[0].astype(float)\n'
                "most = n.max()\nprint(most)"
            ),
        ]
    )
    stream = await collect(session, "Most deaths?", data={"df": frame}, values=["most"])
    assert the_answer(stream).values == {"most": 100}
    assert "doubt" in [note.code for note in of_kind(stream, events.Note)]
    assert "str.extract" in scripted(session).requests[1].messages[-1]["content"]


async def test_the_same_failing_code_again_is_asked_afresh_and_hotter(
    make_session: MakeSession,
) -> None:
    wrong = code("total = df['quantity'].sum()")
    session = make_session([wrong, wrong, code("total = df['qty'].sum()")])
    stream = await collect(session, "Total qty?", data={"df": FRAME}, values=["total"])
    assert the_answer(stream).values == {"total": 7}
    first, second, third = scripted(session).requests
    assert len(third.messages) == len(first.messages)
    assert "There is no 'quantity'" in third.messages[-1]["content"]
    assert third.temperature > second.temperature > first.temperature


async def test_what_looked_wrong_is_told_where_nothing_better_came(
    make_session: MakeSession,
) -> None:
    doubtful = code("total = df[df['region'] == 'North']['qty'].sum()")
    broken = [code(f"total = df['x{number}'].sum()") for number in range(3)]
    session = make_session([doubtful, *broken])
    stream = await collect(session, "Total qty?", data={"df": FRAME}, values=["total"])
    answer = the_answer(stream)
    assert (answer.complete, answer.values) == (False, {"total": 0})
