"""The model of a session: chosen by settings and environment, made ready, kept from run to run.

Not here: what is said to it (:mod:`analyst.agent`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

from analyst.agent import prompts
from analyst.llm.completion import LanguageModel, Message
from analyst.llm.embedded import EmbeddedModel
from analyst.llm.router import ModelChoice, build_model, choose_model
from analyst.settings import Settings

_OPTIONS = ("model", "base_url", "protocol")


class SessionModels:
    """Chooses and keeps the model; ``given`` and ``protocol`` override the choice."""

    def __init__(
        self, given: LanguageModel | None, protocol: Literal["native", "fenced"] | None
    ) -> None:
        self.given = given
        self._protocol = protocol
        self._embedded = EmbeddedModel()
        self._model: LanguageModel | None = None
        self._key: tuple[str, str | None, str | None] | None = None

    def choose(self, settings: Settings, overrides: Mapping[str, Any]) -> ModelChoice:
        """Return the choice for a run; raises :class:`analyst.settings.SettingsError`."""
        if self.given is not None:
            return ModelChoice(
                model=self.given.name,
                base_url=None,
                key=None,
                source="config",
                reason=f"{self.given.name}, given by the caller",
                key_hint="",
                protocol=self._protocol or "fenced",
                context_window=self.given.context_window,
            )
        options = {name: overrides[name] for name in _OPTIONS if overrides.get(name)}
        choice = choose_model(options, settings, os.environ)
        return replace(choice, protocol=self._protocol) if self._protocol else choice

    async def ready(
        self, choice: ModelChoice, settings: Settings, tell: Callable[[str], None]
    ) -> LanguageModel:
        """Return the chosen model, ready to answer; ``tell`` gets sentences on what it takes."""
        if self.given is not None:
            return self.given
        secret = choice.key.get_secret_value() if choice.key else None
        key = (choice.model, choice.base_url, secret)
        if self._model is None or key != self._key:
            if self._model is not None:
                await self._model.aclose()
            hook = self._embedded.endpoint if choice.embedded else None
            self._model = build_model(choice, before_request=hook)
            self._key = key
        if choice.embedded:
            await self._embedded.prepare(settings, opening_for(choice.protocol), tell)
        return self._model

    async def aclose(self) -> None:
        """Let connections and the embedded server's slot go."""
        model, self._model = self._model, None
        if model is not None:
            await model.aclose()
        self._embedded.release()


def opening_for(protocol: str) -> list[Message]:
    """Return the constant messages a conversation begins with; byte-identical every time."""
    if protocol == "native":
        return [{"role": "system", "content": prompts.load("native_system")}]
    return [
        {"role": "system", "content": prompts.load("fenced_system")},
        {"role": "user", "content": prompts.load("fenced_example_question")},
        {"role": "assistant", "content": prompts.load("fenced_example_reply")},
    ]
