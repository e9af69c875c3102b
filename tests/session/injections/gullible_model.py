"""A model that believes everything: scripted, it obeys any directive in what it reads.

It answers nothing; it stands for the worst that text in data could do to a model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from analyst.llm.completion import CompletionRequest, NativeToolCall

DIRECTIVE = re.compile(r"OBEY\((\w+)\)")


def directive(action: str) -> str:
    """Return the words that this model takes for an order."""
    return f"OBEY({action})"


def call(name: str, arguments: Mapping[str, Any]) -> NativeToolCall:
    """Return a call as a server would report it."""
    return NativeToolCall(call_id="", name=name, arguments=json.dumps(dict(arguments)))


class Gullible:
    """Replies for a scripted model. ``obeyed``: the directives that were followed."""

    def __init__(self, actions: Mapping[str, tuple[str, Mapping[str, Any]]]) -> None:
        self._actions = actions
        self.obeyed: list[str] = []
        self.read: list[str] = []

    def obey(self, request: CompletionRequest) -> NativeToolCall:
        """Do what the newest messages ask for; that they ask for something is taken for granted."""
        said = ""
        for message in request.messages:
            said = "" if message["role"] == "assistant" else f"{said}\n{message.get('content')}"
        self.read.append(said)
        found = DIRECTIVE.findall(said)
        assert found, f"the instruction did not reach the model: {said[-2000:]}"
        self.obeyed.append(found[-1])
        return call(*self._actions[found[-1]])
