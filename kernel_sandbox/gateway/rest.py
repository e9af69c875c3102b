"""A gateway's REST interface: starting, looking after and ending kernels.

Not here: talking to a kernel (:mod:`kernel_sandbox.gateway.connection`).
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from kernel_sandbox.errors import KernelStartError

_FORBIDDEN = (401, 403)
_END_TRIES = 20
_END_PAUSE = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    """A Jupyter Kernel Gateway or Enterprise Gateway.

    ``url``: its address, as ``https://host:8888``, with a path if it is served below one.
    ``token``: what it was started with; it is sent in a header, to the websocket too, and appears
    in no text. ``headers``: more of them. ``ca_file``: certificates to trust besides the
    system's; ``verify``: ``False`` trusts any. ``environment``: variables for its kernels;
    Enterprise Gateway passes those that begin with ``KERNEL_``. ``seconds``: for each request;
    starting a kernel gets the session's ``start_seconds``.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: str | None = None
    verify: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 20.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise KernelStartError(
                "A gateway's url is an address such as https://host:8888, with no user or "
                "password in it; a token goes by itself."
            )
        object.__setattr__(self, "url", self.url.rstrip("/"))

    @property
    def place(self) -> str:
        """The host and port, for people."""
        return urlsplit(self.url).netloc

    def all_headers(self) -> dict[str, str]:
        """Return what is sent with each request."""
        token = {} if self.token is None else {"Authorization": f"token {self.token}"}
        return {**token, **self.headers}

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return what certificates are checked by; ``None`` for plain http.

        Raises :class:`KernelStartError`.
        """
        if not self.url.startswith("https"):
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise KernelStartError(
                f"The gateway's ca_file cannot be used: {error.strerror or error}."
            ) from error
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class RestClient:
    """Requests to one gateway. Every method blocks, and may be called from any thread."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        context = gateway.ssl_context()
        self._http = httpx.Client(
            base_url=gateway.url,
            headers=gateway.all_headers(),
            timeout=gateway.seconds,
            verify=context if context is not None else True,
            trust_env=False,
        )

    def start(self, kernel_name: str, *, seconds: float) -> str:
        """Start a kernel and return its id; raises :class:`KernelStartError`."""
        body = {"name": kernel_name, "env": dict(self.gateway.environment)}
        answer = self._ask("POST", "/api/kernels", json=body, timeout=seconds)
        if answer.status_code == 201:
            return str(answer.json()["id"])
        known = self.kernel_names()
        if known is not None and kernel_name not in known:
            raise KernelStartError(
                f"The gateway at {self.gateway.place} has no kernel named {kernel_name!r}; there "
                f"are: {', '.join(known) or 'none'}."
            )
        raise KernelStartError(
            f"The gateway at {self.gateway.place} did not start a kernel: {_reason(answer)}"
        )

    def kernel_names(self) -> list[str] | None:
        """Return the names of its kernelspecs, ``None`` if it does not tell."""
        try:
            found = self._ask("GET", "/api/kernelspecs").json()["kernelspecs"]
        except (KernelStartError, ValueError, KeyError, TypeError):
            return None
        return sorted(found) if isinstance(found, dict) else None

    def default_kernel(self) -> str:
        """Return the name of the kernel it starts by itself."""
        try:
            return str(self._ask("GET", "/api/kernelspecs").json()["default"])
        except (ValueError, KeyError, TypeError):
            return "python3"

    def is_there(self, kernel_id: str) -> bool | None:
        """Return whether it has the kernel; ``None`` when it cannot be asked now."""
        try:
            answer = self._http.get(_path(kernel_id))
        except httpx.HTTPError:
            return None
        if answer.status_code == 200:
            try:
                return bool(answer.json().get("execution_state") != "dead")
            except ValueError:
                return True
        return False if answer.status_code == 404 else None

    def interrupt(self, kernel_id: str) -> None:
        """Interrupt a kernel; what goes wrong is left to the deadline of the request."""
        self._try("POST", f"{_path(kernel_id)}/interrupt")

    def end(self, kernel_id: str) -> None:
        """End a kernel; one that is gone is no error.

        Asked again for a while, since a gateway that just starts it anew does not end it.
        """
        for _ in range(_END_TRIES):
            answer = self._try("DELETE", _path(kernel_id))
            if answer is None or answer.status_code in {*_FORBIDDEN, 404}:
                return
            if self.is_there(kernel_id) is not True:
                return
            time.sleep(_END_PAUSE)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _try(self, method: str, path: str) -> httpx.Response | None:
        try:
            return self._http.request(method, path)
        except (httpx.HTTPError, RuntimeError):
            # Nobody is there any more, or the client was closed meanwhile.
            return None

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        place = self.gateway.place
        try:
            answer = self._http.request(method, path, **options)
        except httpx.TimeoutException:
            raise KernelStartError(f"The gateway at {place} does not answer in time.") from None
        except httpx.TransportError as error:
            if "CERTIFICATE" in str(error).upper():
                raise KernelStartError(
                    f"The certificate of the gateway at {place} is not trusted; give its ca_file."
                ) from None
            raise KernelStartError(
                f"There is no gateway at {place}, or it cannot be reached: {error}."
            ) from None
        if answer.status_code in _FORBIDDEN:
            said = _reason(answer)
            raise KernelStartError(
                f"The gateway at {place} refuses: {said} Check its token"
                f"{'' if self.gateway.token else ', of which none was given'}."
            )
        if answer.status_code == 404 and method == "POST":
            raise KernelStartError(
                f"There is no gateway at {self.gateway.url}; its url may need a path."
            )
        return answer


def _path(kernel_id: str) -> str:
    return f"/api/kernels/{quote(kernel_id, safe='')}"


def _reason(answer: httpx.Response) -> str:
    try:
        found = answer.json()
        text = found.get("message") or found.get("reason") or answer.reason_phrase
    except (ValueError, AttributeError):
        text = answer.reason_phrase
    return f"{str(text)[:300].rstrip('.')} ({answer.status_code})."
