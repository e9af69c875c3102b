"""How replies become actions: both protocols, the JSON form, and the usual slips."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.agent.action import FinalAnswer, MalformedActionError, ToolCall
from analyst.agent.protocol import FencedProtocol, NativeProtocol, Situation
from analyst.llm.completion import Completion, NativeToolCall
from analyst.tools.registry import ToolResult

FENCED = FencedProtocol()
NATIVE = NativeProtocol()


def read_code(text: str) -> str:
    (action,) = FENCED.read(Completion(text=text))
    assert isinstance(action, ToolCall)
    assert action.tool == "python"
    return str(action.arguments["code"])


def read_final(text: str) -> str:
    (action,) = FENCED.read(Completion(text=text))
    assert isinstance(action, FinalAnswer)
    return action.text


@pytest.mark.parametrize(
    "text",
    [
        "```python\nprint(1)\n```",
        "```py\nprint(1)\n```",
        "```Python\nprint(1)\n```\nThis prints one.",
        "Here is the code:\n\n```python\nprint(1)\n```",
        "```python\nprint(1)",
        "```\nprint(1)\n```",
        "~~~python\nprint(1)\n~~~",
        "````python\nprint(1)\n````",
        "  ```python\n  print(1)\n  ```",
        "```python\r\nprint(1)\r\n```",
        "<code>\nprint(1)\n</code>",
        "<python>print(1)</python>",
        "<code>print(1)",
        "print(1)",
        ">>> print(1)",
        "```python\n>>> print(1)\n```",
        '{"type": "tool", "tool": "python", "arguments": {"code": "print(1)"}}',
        '```json\n{"type": "tool", "tool": "python", "arguments": {"code": "print(1)"}}\n```',
        '<tool_call>{"name": "python", "arguments": {"code": "print(1)"}}</tool_call>',
        '{"name": "python", "arguments": "{\\"code\\": \\"print(1)\\"}"}',
        '{"name": "python", "arguments": "print(1)"}',
        "{'type': 'tool', 'tool': 'python', 'arguments': {'code': 'print(1)',}}",
        'I call {"tool": "python", "args": {"code": "print(1)"}}',
    ],
)
def test_fenced_reads_code_however_it_is_wrapped(text: str) -> None:
    assert read_code(text) == "print(1)"


def test_only_the_first_block_counts_and_what_follows_it_was_made_up() -> None:
    text = "```python\nprint(1)\n```\nOutput: 1\nFINAL: It is 1.\n```python\nprint(2)\n```"
    assert read_code(text) == "print(1)"


def test_a_block_of_another_language_is_no_code() -> None:
    assert read_code("```text\na table\n```\n```python\nprint(1)\n```") == "print(1)"


def test_a_fence_without_language_must_hold_python() -> None:
    assert read_code("```\nwhat I will do\n```\n\n```python\nprint(1)\n```") == "print(1)"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("FINAL: The mean is 3.", "The mean is 3."),
        ("The output says so.\nFINAL: 3", "3"),
        ("**FINAL:** 3", "3"),
        ("Final answer: 3", "3"),
        ("FINAL: 3\n```python\nprint(1)\n```", "3\n```python\nprint(1)\n```"),
        ('{"type": "final", "answer": "3"}', "3"),
    ],
)
def test_fenced_reads_the_final_answer(text: str, answer: str) -> None:
    assert read_final(text) == answer


@pytest.mark.parametrize(
    "text", ["", "  \n ", "Let me think about it.", "42", "FINAL:", "{}", "```python\n```"]
)
def test_what_is_neither_code_nor_answer_gets_one_clear_correction(text: str) -> None:
    with pytest.raises(MalformedActionError, match=r"(?s)```python.*FINAL:"):
        FENCED.read(Completion(text=text))


def test_a_json_action_without_a_tool_says_what_is_missing() -> None:
    with pytest.raises(MalformedActionError, match="names no tool"):
        FENCED.read(Completion(text='{"type": "tool", "arguments": {}}'))


def test_native_reads_calls_in_order() -> None:
    calls = (
        NativeToolCall("a", "python", '{"code": "x = 1"}'),
        NativeToolCall("b", "python", '{"code": "print(x)"}'),
    )
    actions = NATIVE.read(Completion(text="", tool_calls=calls))
    assert [a.arguments["code"] for a in actions if isinstance(a, ToolCall)] == [
        "x = 1",
        "print(x)",
    ]


def test_native_takes_code_in_place_of_arguments() -> None:
    reply = Completion(text="", tool_calls=(NativeToolCall("a", "python", "print(1)"),))
    (action,) = NATIVE.read(reply)
    assert isinstance(action, ToolCall)
    assert action.arguments == {"code": "print(1)"}
    assert action.salvaged


def test_native_takes_plain_text_as_the_answer() -> None:
    (action,) = NATIVE.read(Completion(text="The mean is **3**."))
    assert action == FinalAnswer(text="The mean is **3**.")


def test_native_broken_arguments_are_corrected_by_name() -> None:
    reply = Completion(text="", tool_calls=(NativeToolCall("a", "sql", "select ("),))
    with pytest.raises(MalformedActionError, match="sql"):
        NATIVE.read(reply)


def test_native_messages_answer_every_call_by_its_id() -> None:
    reply = Completion(text="", tool_calls=(NativeToolCall("a", "python", '{"code": "1"}'),))
    actions = NATIVE.read(reply)
    message = NATIVE.reply_message(reply, actions)
    assert message["tool_calls"][0]["id"] == "a"
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"code": "1"}
    call = actions[0]
    assert isinstance(call, ToolCall)
    result = ToolResult(status="ok", observation="1")
    observation = NATIVE.observation_message(call, Situation(result=result))
    assert (observation["role"], observation["tool_call_id"]) == ("tool", "a")


PIECES = st.sampled_from(
    ["```python\n", "```", "\n", "FINAL:", "print(1)",
     '{"type":', '"tool"', "}", "<code>", "</code>",
     "<tool_call>", "~~~", "x = [", "é", "\x00", '"arguments": {', "In [1]: ", ">>> ", "\\", "'''"]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(PIECES, max_size=12).map("".join)))
def test_no_reply_whatever_raises_anything_but_a_correction(text: str) -> None:
    for protocol in (FENCED, NATIVE):
        try:
            actions = protocol.read(Completion(text=text))
        except MalformedActionError:
            continue
        else:
            assert actions
            assert all(isinstance(action, ToolCall | FinalAnswer) for action in actions)


@given(st.text(max_size=200))
def test_no_native_arguments_whatever_raise_anything_but_a_correction(arguments: str) -> None:
    reply = Completion(text="", tool_calls=(NativeToolCall("a", "python", arguments),))
    try:
        (action,) = NATIVE.read(reply)
    except MalformedActionError:
        return
    assert isinstance(action, ToolCall)
    assert isinstance(action.arguments, dict)


PLAIN = st.characters(exclude_categories=["Cs"], exclude_characters="`~\r\x00")


@given(st.text(alphabet=PLAIN, min_size=1))
def test_code_in_a_fence_arrives_as_it_was_written(body: str) -> None:
    code = f"value = {body!r}\nprint(value)"
    assert read_code(f"```python\n{code}\n```") == code
