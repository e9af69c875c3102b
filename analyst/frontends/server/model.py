"""Which model answers, what is missing for it, and choosing another.

Here: the settings as the server's runs see them, and sentences about the model. Not here: the
fetching of the embedded model (:mod:`analyst.frontends.server.pulling`), and how the choice comes
about (:mod:`analyst.llm.router`). Functions block for a moment: they are called in a thread.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from analyst._version import __version__
from analyst.frontends.server.errors import RefusedError
from analyst.llm.endpoint import Endpoint
from analyst.llm.router import ModelChoice, choose_model
from analyst.llm.weights import ModelState, list_models
from analyst.private_logging import hide_queries_of
from analyst.settings import Settings, SettingsError, display_url
from kernel_sandbox.errors import NoIsolationError

LIST_SECONDS = 5.0
MOST_LISTED = 500
_MOST_LIST_BYTES = 2_000_000
_CHOSEN_BY = ("model", "base_url", "api_key")


class ModelDesk:
    """The settings file, and the key that only this process knows. Usable from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: SecretStr | None = None

    def settings(self) -> Settings:
        """Return the settings as they are now; raises :class:`SettingsError`."""
        settings = Settings.load()
        return settings.updated({"api_key": self._key}) if self._key else settings

    def choose(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Store another choice of ``model`` and ``base_url``, and hold ``api_key``.

        Raises :class:`SettingsError` and :class:`RefusedError`.
        """
        odd = [name for name in wanted if name not in _CHOSEN_BY]
        if odd or any(not isinstance(one, str | None) for one in wanted.values()):
            raise RefusedError(f"Choose a model by {', '.join(_CHOSEN_BY)}, each of them a text.")
        with self._lock:
            before = Settings.load()
            plain = {name: value for name, value in wanted.items() if name != "api_key"}
            settings = before.updated(plain)
            key = str(wanted.get("api_key") or "").strip()
            if key:
                self._key = SecretStr(key)
            elif "api_key" in wanted or settings.base_url != before.base_url:
                # A key belongs to the host it was given for.
                self._key = None
            settings.save()
        return {"chosen": self.chosen(), "key_set": self.key_set()}

    def key_set(self) -> bool:
        """Whether there is a key at all."""
        try:
            return choose_model({}, self.settings(), os.environ).key is not None
        except SettingsError:
            return self._key is not None

    def chosen(self) -> dict[str, Any]:
        """Say which model the next run asks, and why; ``problem`` says why it cannot be asked."""
        try:
            choice = choose_model({}, self.settings(), os.environ)
        except SettingsError as error:
            return {
                "model": None,
                "reason": None,
                "protocol": None,
                "embedded": False,
                "base_url": None,
                "problem": str(error),
            }
        return {
            "model": choice.model,
            "reason": choice.reason,
            "protocol": choice.protocol,
            "embedded": choice.embedded,
            "base_url": display_url(choice.base_url) if choice.base_url else None,
            "problem": None,
        }

    def status(self) -> dict[str, Any]:
        """Say all that the next run would go by, and what is missing for it."""
        chosen, embedded = self.chosen(), described_weights(list_models()[0])
        try:
            settings = self.settings()
        except SettingsError:
            settings = Settings()
        isolation = _isolation(settings)
        missing = [chosen["problem"], isolation["problem"]]
        if chosen["embedded"] and embedded["state"] in {"absent", "partial", "wrong size"}:
            missing.append(f"{embedded['title']} is not on this machine yet; it has to be fetched.")
        return {
            "version": __version__,
            "model": chosen,
            "embedded": embedded,
            "isolation": isolation,
            "missing": [sentence for sentence in missing if sentence],
            "settings": settings.public(),
        }

    def models(self) -> dict[str, Any]:
        """Say which models can be chosen; asks the endpoint for its list."""
        endpoint = None
        try:
            choice = choose_model({}, self.settings(), os.environ)
        except SettingsError:
            choice = None
        if choice is not None and not choice.embedded:
            endpoint = _listed_by(choice)
        return {
            "chosen": self.chosen(),
            "key_set": self.key_set(),
            "embedded": [described_weights(state) for state in list_models()],
            "endpoint": endpoint,
        }


def described_weights(state: ModelState) -> dict[str, Any]:
    """Say what is here of an embedded model."""
    return {
        "name": state.entry.name,
        "title": state.entry.title,
        "state": state.state,
        "bytes": state.bytes,
        "total": state.entry.bytes,
    }


def _isolation(settings: Settings) -> dict[str, Any]:
    from kernel_sandbox.confinement.backends import choose  # noqa: PLC0415 - tries what works

    if settings.gateway_url is not None:
        return {"backend": "gateway", "words": "the gateway's matter", "problem": None}
    try:
        backend = choose(settings.isolation)
    except NoIsolationError as error:
        return {"backend": None, "words": "none is possible here", "problem": str(error)}
    return {"backend": backend.name, "words": backend.described, "problem": None}


def _listed_by(choice: ModelChoice) -> dict[str, Any]:
    """Ask an endpoint which models it has."""
    import httpx  # noqa: PLC0415 - slow, and rarely needed

    endpoint = Endpoint(base_url=choice.base_url or "", api_key=choice.key)
    found: dict[str, Any] = {"base_url": endpoint.shown, "models": [], "problem": None}
    if not endpoint.key_is_sendable:
        return found | {"problem": "The key holds characters that no key has; set it again."}
    hide_queries_of(endpoint.address)
    try:
        answer = httpx.get(
            endpoint.address.rstrip("/") + "/models",
            params=endpoint.query,
            headers={"Authorization": endpoint.authorization},
            timeout=LIST_SECONDS,
            trust_env=not endpoint.is_loopback,
        )
        answer.raise_for_status()
        if len(answer.content) > _MOST_LIST_BYTES:
            return found | {"problem": f"{endpoint.shown} sent no list of models."}
        names = sorted(str(one["id"])[:200] for one in answer.json()["data"])
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        return found | {"problem": f"{endpoint.shown} answered {status} when asked for its models."}
    except httpx.HTTPError:
        return found | {"problem": f"{endpoint.shown} cannot be reached."}
    except (ValueError, KeyError, TypeError):
        return found | {"problem": f"{endpoint.shown} sent no list of models."}
    return found | {"models": names[:MOST_LISTED]}
