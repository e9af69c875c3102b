"""Where a model answers: address and key, and how both may be shown.

Here: :class:`Endpoint`, and the removal of keys from text that
comes from a server. Not here: requests (:mod:`analyst.llm.client`) and the choice of an
endpoint (:mod:`analyst.llm.router`).
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from pydantic import SecretStr

from analyst.settings import display_url

NO_KEY = "none"
"""Sent as key to servers that want none: the OpenAI client insists on sending something."""

_LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1|.+\.localhost")
_KEY_SHAPES = re.compile(
    r"(?i)\b(?:sk|pk|rk|gsk|hf|xai|key)[-_][\w*.-]{6,}|(?<=bearer )[\w*.~+/=-]{6,}"
)
_SENDABLE_KEY = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An address that speaks the OpenAI API, and the key for it, if it wants one.

    ``base_url`` may carry credentials (sent as HTTP basic authentication) and a query (sent
    with each request); neither is ever shown. ``slot``: the embedded server's cache slot to use.
    """

    base_url: str
    api_key: SecretStr | None = None
    slot: int | None = None

    def __repr__(self) -> str:
        return f"Endpoint({self.shown!r}, key {'set' if self.api_key else 'not set'})"

    @property
    def shown(self) -> str:
        """The address as the user may see it."""
        return display_url(self.base_url)

    @property
    def address(self) -> str:
        """The address without credentials and query: what the OpenAI client is given."""
        parts = urlsplit(self.base_url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    @property
    def query(self) -> dict[str, str]:
        """The query of the address."""
        return dict(parse_qsl(urlsplit(self.base_url).query))

    @property
    def is_loopback(self) -> bool:
        """Whether the address is this machine, which no proxy stands before."""
        return bool(_LOOPBACK.fullmatch((urlsplit(self.base_url).hostname or "").lower()))

    @property
    def is_openai(self) -> bool:
        """Whether the address is OpenAI's own."""
        host = (urlsplit(self.base_url).hostname or "").lower()
        return host == "api.openai.com" or host.endswith(".api.openai.com")

    @property
    def key_is_sendable(self) -> bool:
        """Whether the key can stand in an HTTP header at all."""
        return self.api_key is None or bool(
            _SENDABLE_KEY.fullmatch(self.api_key.get_secret_value())
        )

    @property
    def authorization(self) -> str:
        """The ``Authorization`` header."""
        credentials = urlsplit(self.base_url).netloc.rpartition("@")[0]
        if credentials:
            return "Basic " + base64.b64encode(unquote(credentials).encode()).decode()
        return f"Bearer {self.api_key.get_secret_value() if self.api_key else NO_KEY}"

    def redact(self, text: str) -> str:
        """Return ``text`` of a server without our key and anything that looks like one."""
        secrets = [self.api_key.get_secret_value()] if self.api_key else []
        secrets += [part for part in self._credentials() if part]
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, "[key]")
        return _KEY_SHAPES.sub("[key]", text)

    def _credentials(self) -> list[str]:
        credentials, at, _ = urlsplit(self.base_url).netloc.rpartition("@")
        if not at:
            return list(self.query.values())
        password = credentials.partition(":")[2] or credentials
        return [credentials, password, unquote(password), *self.query.values()]
