"""Which parameters an endpoint takes: learned from what it refuses.

Endpoints that call themselves OpenAI-compatible differ in the parameters they accept, and say
so by a 400 or 422. Here: the parameters of a request, and what to leave out after such an
answer. Not here: sending (:mod:`analyst.llm.client`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from analyst.llm.completion import CompletionRequest

_OPTIONAL = ("stream_options", "seed", "temperature", "stop", "strict")
_LIMITS = ("max_completion_tokens", "max_tokens")
_REFUSAL = re.compile(
    r"unsupported|not support|unknown|unrecogni[sz]ed|unexpected|not permitted|not allowed|"
    r"extra (?:inputs|fields|forbidden)|extra_forbidden|invalid|no such|additional propert|"
    r"does not (?:accept|allow)|only the default|deprecated|instead",
    re.IGNORECASE,
)


class Dialect:
    """The parameters one endpoint takes for one model.

    Starts with everything and forgets, one by one, what the endpoint refuses. Each thing is
    forgotten once, so a series of refusals ends.
    """

    def __init__(self, *, embedded: bool, openai: bool) -> None:
        self._embedded = embedded
        self._limit = "max_completion_tokens" if openai else "max_tokens"
        self._limit_swapped = False
        self._dropped: set[str] = set()

    def drops(self, parameter: str) -> bool:
        """Whether ``parameter`` is no longer sent."""
        return parameter in self._dropped

    def parameters(
        self, model: str, request: CompletionRequest, *, slot: int | None = None
    ) -> dict[str, Any]:
        """Return the arguments for ``chat.completions.create``.

        ``slot`` is the embedded server's slot that holds the conversation's prompt cache.
        """
        optional: dict[str, Any] = {
            "temperature": request.temperature,
            "stream_options": {"include_usage": True},
        }
        if request.seed is not None:
            optional["seed"] = request.seed
        if request.stop:
            optional["stop"] = list(request.stop)
        parameters: dict[str, Any] = {
            "model": model,
            "messages": [dict(message) for message in request.messages],
            "stream": True,
            self._limit: request.max_tokens,
        }
        parameters |= {k: v for k, v in optional.items() if k not in self._dropped}
        if request.tools:
            parameters["tools"] = [self._tool(tool) for tool in request.tools]
        if self._embedded:
            parameters["extra_body"] = {"cache_prompt": True}
            if slot is not None and not request.aside:
                parameters["extra_body"]["id_slot"] = slot
            if request.grammar is not None:
                parameters["extra_body"]["grammar"] = request.grammar
        return parameters

    def _tool(self, tool: Mapping[str, Any]) -> dict[str, Any]:
        function = tool.get("function")
        if "strict" not in self._dropped or not isinstance(function, Mapping):
            return dict(tool)
        return {**tool, "function": {k: v for k, v in function.items() if k != "strict"}}

    def adapt(self, sent: Mapping[str, Any], parameter: str | None, message: str) -> bool:
        """Learn from a refusal; true when the request is worth sending again.

        ``parameter`` is what the endpoint names as the culprit, if it does; ``message`` is
        its whole answer. Only what was ``sent`` can be the culprit.
        """
        if parameter is None and not _REFUSAL.search(message):
            return False
        for name in _LIMITS:
            blamed = name in sent and self._blames(name, parameter, message)
            if blamed and not self._limit_swapped:
                self._limit_swapped = True
                self._limit = _LIMITS[1 - _LIMITS.index(name)]
                return True
        for name in _OPTIONAL:
            if name in self._dropped or not self._blames(name, parameter, message):
                continue
            if name in sent or (name == "strict" and "tools" in sent):
                self._dropped.add(name)
                return True
        return False

    @staticmethod
    def _blames(name: str, parameter: str | None, message: str) -> bool:
        if parameter is not None:
            return bool(re.search(rf"\b{name}\b", parameter))
        return bool(re.search(rf"\b{name}\b", message))


def without_surrogates(value: Any) -> Any:
    """Return JSON-like ``value`` with lone surrogates, which UTF-8 cannot carry, replaced.

    Outputs of user code can hold them, and so can what the model is told about outputs.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {without_surrogates(k): without_surrogates(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [without_surrogates(item) for item in value]
    return value
