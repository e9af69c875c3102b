"""The models of a session: chosen by settings and configuration, made ready, kept between runs.

Here: which model does which work, and the models as objects. Not here: what is said to them
(:mod:`analyst.agent`), or how one choice comes about (:mod:`analyst.llm.router`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from analyst.agent import prompts
from analyst.configuration import Configuration, ConfigurationError, Price
from analyst.llm.cached import CachedModel
from analyst.llm.catalogue import CATALOGUE, DEFAULT_MODEL
from analyst.llm.completion import LanguageModel, Message
from analyst.llm.embedded import EmbeddedModel
from analyst.llm.known_models import default_protocol, known_context_window
from analyst.llm.reply_store import ReplyStore
from analyst.llm.router import EMBEDDED_NAMES, ModelChoice, build_model, choose_model
from analyst.record.files import data_directory
from analyst.settings import Settings, SettingsError

Work = Literal["plan", "synthesis", "step", "critic", "plain"]
"""What a model is needed for: to plan and conclude, a step of a plan, to review, or a run
without a plan."""

REPLIES_FOLDER = "replies"
"""Where kept replies are, in the data directory."""

_OPTIONS = ("model", "base_url", "protocol")
_MOST_OPEN = 6
_ROLE_OF: Mapping[Work, Literal["strong", "cheap", "critic"]] = {
    "plan": "strong",
    "synthesis": "strong",
    "step": "cheap",
    "critic": "critic",
}

_Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class ReadyModel:
    """A model that answers, and how it came to be the one: its protocol, its window, why."""

    model: LanguageModel
    choice: ModelChoice


class SessionModels:
    """Chooses and keeps the models.

    ``given`` and ``protocol`` override the choice. ``named`` holds models by the names that a
    configuration may use; a name that is there is not looked for elsewhere. ``directory``: where
    replies are kept, if they are (default: the user's data directory).
    """

    def __init__(
        self,
        given: LanguageModel | None,
        protocol: Literal["native", "fenced"] | None,
        *,
        directory: Path | None = None,
    ) -> None:
        self.given = given
        self.named: dict[str, LanguageModel] = {}
        self._protocol = protocol
        self._directory = directory
        self._embedded = EmbeddedModel()
        self._models: dict[tuple[str, str | None, str | None], LanguageModel] = {}

    def choose(self, settings: Settings, overrides: Mapping[str, Any]) -> ModelChoice:
        """Return the choice for a run; raises :class:`analyst.settings.SettingsError`."""
        if self.given is not None:
            return self._brought(self.given, "given by the caller", self._protocol or "fenced")
        options = {name: overrides[name] for name in _OPTIONS if overrides.get(name)}
        choice = choose_model(options, settings, os.environ)
        return replace(choice, protocol=self._protocol) if self._protocol else choice

    def choose_for(
        self, work: Work, choice: ModelChoice, settings: Settings, configuration: Configuration
    ) -> ModelChoice:
        """Return which model does some work of a run whose own model is ``choice``.

        That is the run's model where none is configured for the work, and where a cell chose the
        run's model: what a cell says is meant for all its work. Raises
        :class:`analyst.settings.SettingsError` for one that cannot be reached.
        """
        role = _ROLE_OF.get(work)
        name = getattr(configuration.models, role) if role is not None else None
        if choice.source == "cell":
            return choice
        return self.choose_named(name, choice, settings, why=f"for the {work}, by models.{role}")

    def choose_named(
        self, name: str | None, choice: ModelChoice, settings: Settings, *, why: str
    ) -> ModelChoice:
        """Return the choice of a model by its name, at the endpoint that the run's model has.

        Without a name it is the run's own. ``why`` ends the sentence that tells the choice.
        Raises :class:`analyst.settings.SettingsError`.
        """
        if name is None or name == choice.model:
            return choice
        if name in self.named:
            brought = self._brought(self.named[name], why, self._protocol or choice.protocol)
            return replace(brought, model=name)
        if self.given is not None:
            return choice
        if choice.embedded or name.lower() in EMBEDDED_NAMES:
            found = choose_model({"model": name}, settings, os.environ)
        else:
            found = replace(
                choice,
                model=name,
                protocol=default_protocol(name),
                context_window=settings.context_window or known_context_window(name),
            )
            if settings.protocol != "auto":
                found = replace(found, protocol=settings.protocol)
        protocol = self._protocol or found.protocol
        return replace(found, protocol=protocol, source="config", reason=f"{name}, {why}")

    async def ready(self, choice: ModelChoice, settings: Settings, tell: _Tell) -> LanguageModel:
        """Return the chosen model, ready to answer; ``tell`` gets sentences on what it takes."""
        model, where = self._brought_for(choice), "brought by the caller"
        if model is None:
            model = await self._built(choice)
            where = DEFAULT_MODEL.sha256 if choice.embedded else choice.base_url or ""
            if choice.embedded:
                await self._embedded.prepare(settings, opening_for(choice.protocol), tell)
        if not settings.response_cache or settings.private:
            return model
        store = ReplyStore(directory=(self._directory or data_directory()) / REPLIES_FOLDER)
        return CachedModel(model, store, where=where)

    async def ready_for(
        self,
        work: Work,
        choice: ModelChoice,
        *,
        settings: Settings,
        configuration: Configuration,
        tell: _Tell,
        name: str | None = None,
    ) -> ReadyModel:
        """Return the model for some work of a run whose own model is ``choice``.

        See :meth:`choose_for`; ``name`` goes before what is configured for the work. Raises
        :class:`~analyst.configuration.ConfigurationError` for one that cannot be reached with the
        settings, and what :meth:`ready` raises.
        """
        try:
            if name is None or choice.source == "cell":
                chosen = self.choose_for(work, choice, settings, configuration)
            else:
                chosen = self.choose_named(name, choice, settings, why="by its role")
        except SettingsError as error:
            raise ConfigurationError(f"The model for the {work}: {error}") from error
        return ReadyModel(model=await self.ready(chosen, settings, tell), choice=chosen)

    async def aclose(self) -> None:
        """Let connections and the embedded server's slot go."""
        models, self._models = [*self._models.values()], {}
        for model in models:
            await model.aclose()
        self._embedded.release()

    def _brought_for(self, choice: ModelChoice) -> LanguageModel | None:
        """Return the model that the caller brought for a choice, if it did."""
        return self.named.get(choice.model, self.given)

    @staticmethod
    def _brought(
        model: LanguageModel, why: str, protocol: Literal["native", "fenced"]
    ) -> ModelChoice:
        return ModelChoice(
            model=model.name,
            base_url=None,
            key=None,
            source="config",
            reason=f"{model.name}, {why}",
            key_hint="",
            protocol=protocol,
            context_window=model.context_window,
        )

    async def _built(self, choice: ModelChoice) -> LanguageModel:
        secret = choice.key.get_secret_value() if choice.key else None
        key = (choice.model, choice.base_url, secret)
        model = self._models.pop(key, None)
        if model is None:
            hook = self._embedded.endpoint if choice.embedded else None
            model = build_model(choice, before_request=hook)
        self._models[key] = model  # the one used last stands last
        while len(self._models) > _MOST_OPEN:
            await self._models.pop(next(iter(self._models))).aclose()
        return model


def prices_for(configuration: Configuration, settings: Settings) -> dict[str, Price]:
    """Return the prices that hold for a run: as configured, and nothing for embedded models.

    Who neither gave a price nor limits the cost is told of no money: then there are none.
    """
    if not configuration.prices and settings.max_cost is None:
        return {}
    free = Price(input=0, output=0)
    return {entry.title: free for entry in CATALOGUE} | dict(configuration.prices)


def opening_for(protocol: str) -> list[Message]:
    """Return the constant messages a conversation begins with; byte-identical every time."""
    if protocol == "native":
        return [{"role": "system", "content": prompts.load("native_system")}]
    return [
        {"role": "system", "content": prompts.load("fenced_system")},
        {"role": "user", "content": prompts.load("fenced_example_question")},
        {"role": "assistant", "content": prompts.load("fenced_example_reply")},
    ]
