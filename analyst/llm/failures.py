"""What went wrong with a request, judged from what the OpenAI client raised.

Here: which failures are worth a retry, and for those that are not (or no longer) the error
with a sentence for the user. Texts of servers pass :meth:`Endpoint.redact` first. Not here:
the retrying itself (:mod:`analyst.llm.client`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analyst.llm.completion import (
    ModelAuthenticationError,
    ModelError,
    ModelRateLimitError,
    ModelRequestError,
    ModelUnreachableError,
)
from analyst.llm.endpoint import Endpoint
from analyst.llm.retry import retry_after_seconds

_TOO_LONG = re.compile(
    r"context[_ ](?:length|size|window)|maximum context|prompt is too long|too many tokens|"
    r"input is too long|exceeds? the (?:available )?context|reduce the length",
    re.IGNORECASE,
)
_QUOTA = re.compile(r"insufficient_quota|exceeded your current quota|billing", re.IGNORECASE)
_NO_TOOLS = re.compile(
    r"does not support (?:tools|function)|tool.{0,40}not supported", re.IGNORECASE
)
_SHOWN = 300


class PromptTooLongError(ModelRequestError):
    """The prompt does not fit the model's window."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One failed attempt. ``error`` is what to raise if it is the last one.

    ``reason`` says it in a few words. ``retry_after`` is what the server asked for, in
    seconds. ``status`` is the HTTP status, if there was an answer; ``parameter`` and
    ``details`` are what the answer blames, for :class:`analyst.llm.dialect.Dialect`.
    """

    error: ModelError
    reason: str
    retriable: bool
    retry_after: float | None = None
    status: int | None = None
    parameter: str | None = None
    details: str = ""


@dataclass(frozen=True, kw_only=True)
class FailureJudge:
    """Judges failures of requests to one model at one endpoint.

    ``key_hint`` names where the key was set, or would be, in the words of the user's world.
    """

    model: str
    endpoint: Endpoint
    key_hint: str
    embedded: bool

    @property
    def _where(self) -> str:
        return "the embedded model's server" if self.embedded else self.endpoint.shown

    @property
    def _opening(self) -> str:
        """The same at the beginning of a sentence."""
        return self._where.replace("the ", "The ", 1) if self.embedded else self._where

    @property
    def _address_hint(self) -> str:
        if self.embedded:
            return "the analyst restarts it by itself; if this goes on, see its log"
        return (
            "check that the server runs and that the address is right "
            "(%agent config base_url=..., or OPENAI_BASE_URL)"
        )

    def judge(self, err: BaseException) -> Failure | None:
        """Return what ``err`` means; None when it is no failure of the endpoint."""
        import openai  # noqa: PLC0415 - half a second that a front end need not wait for

        if isinstance(err, openai.APIStatusError):
            headers = {name.lower(): value for name, value in err.response.headers.items()}
            return self._answered(err.status_code, err, headers)
        if isinstance(err, openai.APITimeoutError):
            return self.lost("it did not accept the connection in time")
        if isinstance(err, openai.APIConnectionError):
            return self._connection(err)
        if isinstance(
            err, openai.APIResponseValidationError | json.JSONDecodeError | UnicodeDecodeError
        ):
            return self.lost("it sent something that is no chat completion")
        if isinstance(err, openai.APIError):
            return self._answered(_status_in(err), err, {})
        if isinstance(err, OSError) or type(err).__module__.partition(".")[0] in _TRANSPORTS:
            return self._connection(err)
        return None

    def lost(self, what: str) -> Failure:
        """Judge a connection that could not be made or was cut; ``what`` says how."""
        return Failure(
            error=ModelUnreachableError(
                f"No answer from {self._where} for {self.model}: {what}; {self._address_hint}."
            ),
            reason=what,
            retriable=True,
        )

    def no_stream(self, content_type: str) -> Failure:
        """Judge an answer that is no stream of a chat completion at all."""
        what = f"it answered with {content_type} instead of a chat stream"
        error = ModelRequestError(
            f"{self._opening} does not speak the OpenAI chat API at this address: {what}; "
            "most base URLs end in /v1."
        )
        return Failure(error=error, reason=what, retriable=False)

    def _connection(self, err: BaseException) -> Failure:
        causes: list[str] = []
        cause: BaseException | None = err
        while cause is not None and len(causes) < 8:
            causes.append(f"{type(cause).__name__} {cause}")
            cause = cause.__cause__ or cause.__context__
        text = " ".join(causes)
        if re.search(r"certificate|SSL", text, re.IGNORECASE):
            what = "its certificate could not be verified"
            error = ModelUnreachableError(
                f"No answer from {self._where}: {what}; check the address, and SSL_CERT_FILE "
                "if your network has a certificate authority of its own."
            )
            return Failure(error=error, reason=what, retriable=False)
        if re.search(r"ConnectError|refused|attempts failed", text):
            known = re.search(r"Name or service|getaddrinfo|nodename|resolution", text)
            return self.lost("its host name is unknown" if known else "it refuses connections")
        return self.lost("the connection was lost")

    def _answered(self, status: int | None, err: Any, headers: Mapping[str, str]) -> Failure:
        code, details = str(getattr(err, "code", None) or ""), _details(err)
        said = self._said(err)
        retry_after = retry_after_seconds(headers)
        if status in (401, 403):
            return self._unauthorized(status, said)
        if status == 429 and _QUOTA.search(f"{code} {details}"):
            error: ModelError = ModelRateLimitError(
                f"{self._opening} says that the quota of your account is used up: "
                "look at its billing page, or choose another model."
            )
            return Failure(error=error, reason="quota used up", retriable=False, status=status)
        if status == 429:
            error = ModelRateLimitError(
                f"{self._opening} keeps refusing requests to {self.model} for too many at a time"
                f"{_asked(retry_after)}: wait a little, or choose another model."
            )
            return Failure(
                error=error,
                reason="too many requests (429)",
                retriable=True,
                retry_after=retry_after,
                status=status,
            )
        if _TOO_LONG.search(f"{code} {details}"):
            error = PromptTooLongError(
                f"The prompt is longer than {self.model} can read: start afresh with "
                f"%agent reset, hand over fewer frames, or choose a model with more room.{said}"
            )
            return Failure(error=error, reason="prompt too long", retriable=False, status=status)
        if status is None or status >= 500 or status in (408, 409, 425):
            what = f"it failed with status {status}" if status else "it reported a failure"
            error = ModelUnreachableError(
                f"No answer from {self._where} for {self.model}: {what}; "
                f"try again later or choose another model.{said}"
            )
            return Failure(
                error=error, reason=what, retriable=True, retry_after=retry_after, status=status
            )
        return self._refused(status, err, details, said)

    def _unauthorized(self, status: int, said: str) -> Failure:
        if self.embedded:
            sentence = "The embedded model's server refused its key; end it and ask again."
        elif status == 403:
            sentence = (
                f"{self._opening} does not let this key use {self.model}: choose another model, "
                f"or another key in {self.key_hint}.{said}"
            )
        elif self.endpoint.api_key is None and self.endpoint.address == self.endpoint.base_url:
            sentence = f"{self._opening} wants a key and none is set: set one in {self.key_hint}."
        else:
            sentence = f"{self._opening} refused the key: check the one in {self.key_hint}."
        return Failure(
            error=ModelAuthenticationError(sentence),
            reason=f"key refused ({status})",
            retriable=False,
            status=status,
        )

    def _refused(self, status: int, err: Any, details: str, said: str) -> Failure:
        if status == 404:
            sentence = (
                f"{self._opening} knows no model {self.model}, or is no OpenAI-compatible address: "
                "choose another with %agent config model=... or ANALYST_MODEL; most base URLs "
                f"end in /v1.{said}"
            )
        elif _NO_TOOLS.search(details):
            sentence = (
                f"{self.model} at {self._where} takes no function calls: "
                f"set %agent config protocol=fenced.{said}"
            )
        else:
            sentence = (
                f"{self._opening} refused the request to {self.model} with status {status}: "
                f"check the model's settings with %agent config.{said}"
            )
        parameter = getattr(err, "param", None)
        return Failure(
            error=ModelRequestError(sentence),
            reason=f"refused with status {status}",
            retriable=False,
            status=status,
            parameter=parameter if isinstance(parameter, str) and parameter else None,
            details=details,
        )

    def _said(self, err: Any) -> str:
        body = getattr(err, "body", None)
        message: Any = body.get("message") or body.get("detail") if isinstance(body, dict) else body
        if message is None:
            message = getattr(err, "message", "")
        if not message or re.match(r"\s*<", str(message)):
            return ""
        text = " ".join(self.endpoint.redact(str(message)).split())
        return f" It said: {text[:_SHOWN]}{'...' if len(text) > _SHOWN else ''}"


_TRANSPORTS = frozenset({"httpx", "httpx2", "httpcore", "httpcore2", "anyio"})


def _asked(retry_after: float | None) -> str:
    return f" (it asks to wait {retry_after:.0f} s)" if retry_after else ""


def _details(err: Any) -> str:
    return f"{getattr(err, 'message', '')} {getattr(err, 'body', '')}"


def _status_in(err: Any) -> int | None:
    """Return the HTTP status that an error inside a stream stands for, as far as it says."""
    try:
        status = int(str(getattr(err, "code", None)))
    except ValueError:
        kind = f"{getattr(err, 'code', '')} {getattr(err, 'type', '')}"
        if re.search(r"rate_limit", kind):
            return 429
        return 400 if re.search(r"invalid_request|exceed_context", kind) else None
    return status if 400 <= status < 600 else None
