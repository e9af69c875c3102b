"""Which model is asked, where, with which key, and why.

Here: the choice, a pure function of options, settings and environment, and the model object
that follows from it. Not here: starting the embedded server (:mod:`analyst.llm.local`).

The order is: option on the cell, setting, environment, embedded model. Model and address are
looked up separately, each in that order. A key never goes to a host that only a cell names:
notebooks travel, and running one must not send the reader's key to its writer's server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

from analyst.llm.catalogue import DEFAULT_MODEL, find_model
from analyst.llm.client import EndpointHook, OpenAIModel
from analyst.llm.endpoint import Endpoint
from analyst.llm.known_models import default_protocol, known_context_window
from analyst.llm.retry import RetryPolicy, Timeouts
from analyst.llm.weights_errors import UnknownModelError
from analyst.settings import Settings, SettingsError, display_url

OPENAI_URL = "https://api.openai.com/v1"
"""Where a key without an address belongs."""

DEFAULT_OPENAI_MODEL = "gpt-5.4-mini"
"""Asked when there is an endpoint or a key, and no model was chosen."""

EMBEDDED_CONTEXT_WINDOW = 16_384
"""Tokens the embedded server is started for, at least."""

KEY_VARIABLE = "OPENAI_API_KEY"
URL_VARIABLE = "OPENAI_BASE_URL"
MODEL_VARIABLE = "ANALYST_MODEL"
EMBEDDED_NAMES = ("embedded", "local")
"""What the model that runs on this machine is called besides its own name."""

Source = Literal["cell", "config", "environment", "embedded"]


class ModelChoiceError(SettingsError):
    """The settings name a model that cannot be reached with them."""


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """The model to ask. ``base_url`` is None for the embedded model, whose server knows it.

    ``source`` is where the model's name came from; ``embedded`` there means by default.
    ``base_url`` may hold credentials; ``reason``, the sentence for the user, shows it without.
    ``key_hint`` names where the key is set.
    """

    model: str
    base_url: str | None = field(repr=False)
    key: SecretStr | None = field(repr=False)
    source: Source
    reason: str
    key_hint: str
    protocol: Literal["native", "fenced"]
    context_window: int

    @property
    def embedded(self) -> bool:
        """Whether the model runs on this machine, in our own server."""
        return self.base_url is None


@dataclass(frozen=True)
class _Sources:
    cell: Mapping[str, object]
    config: Settings
    environ: Mapping[str, str]

    def first(self, name: str, option: str, variable: str) -> _Setting | None:
        if cell := str(self.cell.get(name) or "").strip():
            return _Setting(cell, "cell", f"{option} on the cell")
        if configured := str(getattr(self.config, name) or "").strip():
            return _Setting(configured, "config", "%agent config")
        if exported := self.environ.get(variable, "").strip():
            return _Setting(exported, "environment", variable)
        return None

    def protocol(self, default: Literal["native", "fenced"]) -> Literal["native", "fenced"]:
        for asked in (self.cell.get("protocol"), self.config.protocol):
            if asked == "native":
                return "native"
            if asked == "fenced":
                return "fenced"
        return default


@dataclass(frozen=True)
class _Setting:
    value: str
    source: Source
    named: str


def choose_model(
    cell_options: Mapping[str, object], config: Settings, environ: Mapping[str, str]
) -> ModelChoice:
    """Choose; ``cell_options`` may hold ``model``, ``base_url`` and ``protocol``.

    Raises :class:`ModelChoiceError` when there is no way to reach the model that was named.
    """
    sources = _Sources(cell_options, config, environ)
    model = sources.first("model", "--model", MODEL_VARIABLE)
    url = sources.first("base_url", "--base-url", URL_VARIABLE)
    key, key_hint = _key(config, environ)
    entry = _embedded_name(model, url)
    if entry is not None:
        assert model is not None
        reason = f"embedded {entry}, chosen by {model.named}"
        return _embedded(entry, model.source, reason, sources)
    if model is None and url is None and key is None:
        reason = f"embedded {DEFAULT_MODEL.title}: no model configured and no {KEY_VARIABLE} set"
        return _embedded(DEFAULT_MODEL.title, "embedded", reason, sources)
    if url is None and key is None:
        assert model is not None
        raise ModelChoiceError(
            f"{model.named} names {model.value}, but there is no way to reach it: set "
            f"{KEY_VARIABLE}, or {URL_VARIABLE} for a server that wants no key, or choose the "
            "model 'embedded'."
        )
    where = display_url(_checked(url)) if url else OPENAI_URL
    reason = f"{model.value if model else DEFAULT_OPENAI_MODEL} at {where}"
    reason += f" ({url.named})" if url else ""
    reason += f", chosen by {model.named}" if model else _default_reason(url)
    if key is not None and url is not None and not _may_have_key(url, config, environ):
        reason += f"; without a key, because the one in {key_hint} is not for that host"
        key = None
        key_hint = "%agent config, together with base_url, as a cell's own address gets no key"
    name = model.value if model else DEFAULT_OPENAI_MODEL
    return ModelChoice(
        model=name,
        base_url=url.value if url else OPENAI_URL,
        key=key,
        source=model.source if model else (url.source if url else "environment"),
        reason=reason,
        key_hint=key_hint,
        protocol=sources.protocol(default_protocol(name)),
        context_window=config.context_window or known_context_window(name),
    )


def build_model(
    choice: ModelChoice,
    *,
    before_request: EndpointHook | None = None,
    timeouts: Timeouts | None = None,
    retries: RetryPolicy | None = None,
) -> OpenAIModel:
    """Return the model that was chosen.

    The embedded one needs ``before_request``, which sees to its server and says where it is;
    raises :class:`ValueError` without it.
    """
    if choice.base_url is None and before_request is None:
        raise ValueError("the embedded model has no address of its own: give before_request")
    endpoint = Endpoint(base_url=choice.base_url or "http://127.0.0.1", api_key=choice.key)
    return OpenAIModel(
        model=choice.model,
        endpoint=endpoint,
        context_window=choice.context_window,
        embedded=choice.embedded,
        before_request=before_request,
        key_hint=choice.key_hint,
        timeouts=timeouts,
        retries=retries,
    )


def _key(config: Settings, environ: Mapping[str, str]) -> tuple[SecretStr | None, str]:
    if config.api_key is not None:
        return config.api_key, "%agent config api_key=..."
    exported = environ.get(KEY_VARIABLE, "").strip()
    return (SecretStr(exported) if exported else None), KEY_VARIABLE


def _embedded_name(model: _Setting | None, url: _Setting | None) -> str | None:
    """Return the title of the embedded model that is meant, or None."""
    if model is None:
        return None
    if model.value.lower() in EMBEDDED_NAMES:
        return DEFAULT_MODEL.title
    if url is not None:
        return None  # a server may have a model of the same name
    try:
        return find_model(model.value).title
    except UnknownModelError:
        return None


def _embedded(title: str, source: Source, reason: str, sources: _Sources) -> ModelChoice:
    return ModelChoice(
        model=title,
        base_url=None,
        key=None,
        source=source,
        reason=reason,
        key_hint=KEY_VARIABLE,
        protocol=sources.protocol("fenced"),
        context_window=sources.config.context_window or EMBEDDED_CONTEXT_WINDOW,
    )


def _default_reason(url: _Setting | None) -> str:
    given = f"{url.named} is set" if url else f"{KEY_VARIABLE} is set"
    return f", the default model: {given} and no model chosen"


def _checked(url: _Setting) -> str:
    try:
        parts = urlsplit(url.value)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ModelChoiceError(f"{url.named} is no address such as https://host/v1.")
    return url.value


def _may_have_key(url: _Setting, config: Settings, environ: Mapping[str, str]) -> bool:
    """Whether the user's key may go to ``url``: not if only a cell names its host."""
    if url.source != "cell":
        return True
    trusted = [config.base_url, environ.get(URL_VARIABLE, "").strip(), OPENAI_URL]
    return _origin(url.value) in [_origin(known) for known in trusted if known]


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    try:
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        port = None
    return parts.scheme, (parts.hostname or "").lower(), port
