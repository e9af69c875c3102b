"""How a model's reply becomes actions, and how observations are said to it.

Two protocols give the same actions: *native* function calling for models that do it well,
*fenced* for small ones (one Python block is a call of the python tool, a line that starts with
``FINAL:`` ends the run). Both accept the JSON form ``{"type": "tool" | "final", …}``.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from analyst.agent import salvage
from analyst.agent.action import AgentAction, FinalAnswer, MalformedActionError, ToolCall
from analyst.boundaries import marked
from analyst.llm.completion import Completion
from analyst.tools.registry import ToolResult

CODE_TOOL = "python"

FENCED_CORRECTION = (
    "Your reply was neither code nor an answer. Reply either with one ```python block that "
    "computes what is asked, or with one line that starts with FINAL: and gives the answer."
)
NATIVE_CORRECTION = (
    "Your reply was empty. Call one of the tools, or answer the question in plain text."
)

DOUBTED = (
    "A check doubts this result, as said here, where names and values are data. Mend what is wrong:"
)


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What a finished call means for the run; protocols word it for their model.

    ``missing``: asked values that have none yet.
    """

    result: ToolResult
    doubts: Sequence[str] = ()
    missing: Sequence[str] = ()


class ActionProtocol(Protocol):
    """Reads replies and words observations for one kind of model."""

    @property
    def name(self) -> str:
        """``native`` or ``fenced``."""
        ...

    @property
    def stop(self) -> Sequence[str]:
        """Sequences at which generation ends."""
        ...

    @property
    def sends_tools(self) -> bool:
        """Whether the tools' schemas go with each request."""
        ...

    @property
    def retries_afresh(self) -> bool:
        """Whether a failed first try goes back to the question instead of being mended."""
        ...

    def read(self, reply: Completion) -> tuple[AgentAction, ...]:
        """Return the reply's actions; raises :class:`MalformedActionError`.

        Either one :class:`FinalAnswer`, or one or more tool calls in order.
        """
        ...

    def reply_message(self, reply: Completion, actions: Sequence[AgentAction]) -> dict[str, Any]:
        """Return the assistant message that stands for the reply in the context."""
        ...

    def observation_message(self, call: ToolCall, situation: Situation) -> dict[str, Any]:
        """Return the message that tells the model how a call ended."""
        ...


def new_call_id() -> str:
    """Return an id for a tool call."""
    return f"call_{uuid.uuid4().hex[:12]}"


def read_json_action(value: Mapping[str, Any], raw: str) -> AgentAction:
    """Read the JSON form; raises :class:`MalformedActionError` naming what is missing."""
    kind = value.get("type")
    if kind == "final" or (kind is None and "answer" in value and "tool" not in value):
        text = value.get("answer", value.get("text", value.get("content")))
        if not isinstance(text, str) or not text.strip():
            raise MalformedActionError('A "final" action needs its text under "answer".')
        values = value.get("values")
        return FinalAnswer(text=text.strip(), values=values if isinstance(values, dict) else {})
    name = value.get("tool", value.get("name", value.get("tool_name")))
    if not isinstance(name, str) or not name:
        raise MalformedActionError(
            'An action is {"type": "tool", "tool": NAME, "arguments": {…}} or '
            '{"type": "final", "answer": TEXT}; yours names no tool.'
        )
    arguments: Any = value.get("arguments", value.get("args", value.get("parameters", {})))
    if isinstance(arguments, str):
        loaded = salvage.load_object(arguments)
        arguments = {"code": arguments} if loaded is None and name == CODE_TOOL else loaded
    if not isinstance(arguments, dict):
        raise MalformedActionError(f'The "arguments" of {name} must be a JSON object.')
    return ToolCall(call_id=new_call_id(), tool=name, arguments=arguments, raw=raw)


def retry_note(situation: Situation) -> str:
    """Word what was wrong with a first try, for a model that is asked afresh."""
    result = situation.result
    if result.status != "ok":
        what = marked(result.trouble or result.observation)
        return f"A first try failed with\n{what}\nMind that, and do it another way."
    if situation.doubts:
        lost = marked(" ".join(situation.doubts))
        return f"A first try went wrong:\n{lost}"
    unfit = [name for name in situation.missing if name in result.unfit]
    held = [f"{name} was {result.unfit[name]}" for name in unfit]
    left = ", ".join(name for name in situation.missing if name not in unfit)
    held += [f"{left} was not assigned"] * bool(left)
    return f"In a first try {'; '.join(held)}. Assign each a number, a text or a list."


def fenced_observation(situation: Situation) -> str:
    """Word a finished call for a small model: what came out, and the one thing to do next."""
    result = situation.result
    if result.status == "refused":
        return result.observation
    text = marked("\n".join((result.observation, *situation.doubts)))
    if result.status != "ok":
        if result.defined and not result.state_lost:
            names = ", ".join(result.defined)
            return (
                f"{text}\nDefined so far: {names}.\n"
                "Write only the rest, from the line that failed, corrected."
            )
        return f"{text}\nWrite the code again, corrected."
    if situation.doubts:
        return (
            f"{text}\nIf values were lost that should count, convert them properly "
            "and write the code again; if not, write the last line again."
        )
    if situation.missing:
        names = ", ".join(situation.missing)
        return f"{text}\nNot assigned: {names}. Write code that assigns a variable of each name."
    return (
        f"{text}\nIf this answers the question, reply with one line that starts with FINAL: "
        "and gives the answer. If not, write the next ```python block."
    )


class FencedProtocol:
    """Code in a fence, for models that do not call functions well."""

    name = "fenced"
    stop: Sequence[str] = ("\n```\n",)
    sends_tools = False
    retries_afresh = True

    def read(self, reply: Completion) -> tuple[AgentAction, ...]:
        """See :class:`ActionProtocol`; the first block of code wins over all that follows."""
        text = reply.text.strip()
        if not text and not reply.tool_calls:
            raise MalformedActionError(FENCED_CORRECTION)
        if reply.tool_calls:
            return NativeProtocol().read(reply)
        code = salvage.first_code_block(text)
        final = salvage.final_text(text)
        if final is not None and final[1] and (code is None or final[0] < code[0]):
            return (FinalAnswer(text=final[1]),)
        if code is not None:
            return (self._call(code[1], text),)
        value = salvage.json_action(text)
        if value is not None:
            return (read_json_action(value, text),)
        bare = salvage.bare_code(text)
        if bare is not None:
            return (self._call(bare, text, "code without a fence"),)
        raise MalformedActionError(FENCED_CORRECTION)

    def reply_message(self, reply: Completion, actions: Sequence[AgentAction]) -> dict[str, Any]:
        """See :class:`ActionProtocol`; the text stays as generated, so its cache stays valid."""
        del actions
        text = reply.text
        if text.count("```") % 2:
            text += "\n```"  # the stop sequence is no part of the reply
        return {"role": "assistant", "content": text}

    def observation_message(self, call: ToolCall, situation: Situation) -> dict[str, Any]:
        """See :class:`ActionProtocol`; small models are told what to do next."""
        del call
        return {"role": "user", "content": fenced_observation(situation)}

    @staticmethod
    def _call(code: str, raw: str, *salvaged: str) -> ToolCall:
        return ToolCall(
            call_id=new_call_id(),
            tool=CODE_TOOL,
            arguments={"code": code},
            raw=raw,
            salvaged=salvaged,
        )


class NativeProtocol:
    """The server's own function calls."""

    name = "native"
    stop: Sequence[str] = ()
    sends_tools = True
    retries_afresh = False

    def read(self, reply: Completion) -> tuple[AgentAction, ...]:
        """See :class:`ActionProtocol`; without a call, plain text is the final answer."""
        if reply.tool_calls:
            return tuple(
                self._read_call(call.call_id, call.name, call.arguments)
                for call in reply.tool_calls
            )
        text = reply.text.strip()
        if not text:
            raise MalformedActionError(NATIVE_CORRECTION)
        value = salvage.json_action(text)
        if value is not None:
            return (read_json_action(value, text),)
        final = salvage.final_text(text)
        code = salvage.first_code_block(text)
        if code is not None and final is None and text.endswith("```"):
            return FencedProtocol().read(reply)
        return (FinalAnswer(text=final[1] if final and final[1] else text),)

    def reply_message(self, reply: Completion, actions: Sequence[AgentAction]) -> dict[str, Any]:
        """See :class:`ActionProtocol`; calls salvaged from text are written as real calls."""
        message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
        calls = [action for action in actions if isinstance(action, ToolCall)]
        if calls:
            message["tool_calls"] = [
                {
                    "id": call.call_id,
                    "type": "function",
                    "function": {
                        "name": call.tool,
                        "arguments": json.dumps(dict(call.arguments), ensure_ascii=False),
                    },
                }
                for call in calls
            ]
        return message

    def observation_message(self, call: ToolCall, situation: Situation) -> dict[str, Any]:
        """See :class:`ActionProtocol`."""
        result = situation.result
        # What was refused is told in our own words.
        refused = result.status == "refused"
        parts = [result.observation if refused else marked(result.observation)]
        if situation.doubts:
            parts += [DOUBTED, marked("\n".join(situation.doubts))]
        if situation.missing and situation.result.status == "ok":
            parts.append("Not assigned yet: " + ", ".join(situation.missing) + ".")
        return {"role": "tool", "tool_call_id": call.call_id, "content": "\n".join(parts)}

    @staticmethod
    def _read_call(call_id: str, name: str, raw: str) -> ToolCall:
        arguments = {} if raw.strip() in ("", "{}") else salvage.load_object(raw)
        salvaged: tuple[str, ...] = ()
        if arguments is None and name == CODE_TOOL and salvage.parses(raw):
            arguments, salvaged = {"code": raw}, ("code in place of arguments",)
        if arguments is None:
            raise MalformedActionError(
                f"The arguments of your call of {name} are not a JSON object. Call it again."
            )
        return ToolCall(
            call_id=call_id or new_call_id(),
            tool=name,
            arguments=arguments,
            raw=raw,
            salvaged=salvaged,
        )
