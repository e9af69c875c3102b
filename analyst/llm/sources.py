"""Where the model's file comes from: a file the user names, and the Hugging Face hub.

A source brings a partial file, which is always a prefix of the wanted one, to full length.
So a pull that one source began, another can finish. Here: the protocol and two sources; the
third is :mod:`analyst.llm.package_index`. Not here: hashes and final names, which
:mod:`analyst.llm.weights` alone decides.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from analyst.llm.catalogue import CatalogueEntry
from analyst.llm.weights_errors import SourceUnavailableError, WrongWeightsError

Report = Callable[[int], None]
"""Told how many bytes of the whole file are there now."""

BLOCK_BYTES = 1024 * 1024
CONNECT_SECONDS = 4.0
STALL_SECONDS = 20.0
ATTEMPTS_WITHOUT_PROGRESS = 3


class Source(Protocol):
    """Something that delivers the file."""

    @property
    def name(self) -> str:
        """The source in words, as it stands in a sentence."""
        ...

    def fetch(self, entry: CatalogueEntry, partial: Path, report: Report) -> None:
        """Bring ``partial`` to the entry's length, going on from what it holds.

        Raises :class:`SourceUnavailableError` when it cannot, keeping what arrived, and lets
        :class:`OSError` of the local disk through.
        """
        ...


class LocalFile:
    """A file the user named."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

    def fetch(self, entry: CatalogueEntry, partial: Path, report: Report) -> None:
        """Copy the file; raises :class:`WrongWeightsError` at once if its size is wrong."""
        try:
            size = self.path.stat().st_size
        except OSError as error:
            raise SourceUnavailableError(self.name, error.strerror or "unreadable") from error
        if not self.path.is_file():
            raise SourceUnavailableError(self.name, "not a file")
        if size != entry.bytes:
            raise WrongWeightsError(
                self.path,
                f"{size:,} bytes instead of {entry.bytes:,}",
                f"the file wanted is {entry.filename} of {entry.hub_repository}",
            )
        try:
            origin = self.path.open("rb")
        except OSError as error:
            raise SourceUnavailableError(self.name, error.strerror or "unreadable") from error
        done = 0
        with origin, partial.open("wb") as target:
            while block := origin.read(BLOCK_BYTES):
                target.write(block)
                done += len(block)
                report(done)


class HubFile:
    """The official repository on the Hugging Face hub, at its pinned revision.

    Endpoint, proxies, certificates, token and offline mode are those that ``huggingface_hub``
    is configured with. Its own download function keeps nothing of an interrupted transfer and
    retries an unreachable hub for long, so the bytes are streamed here, through its session.
    """

    def __init__(self, *, endpoint: str | None = None) -> None:
        self.endpoint = endpoint

    @property
    def name(self) -> str:
        """The hub."""
        return "Hugging Face hub"

    def fetch(self, entry: CatalogueEntry, partial: Path, report: Report) -> None:
        """Take the file from the hub's cache on this machine, or stream it from the hub."""
        from huggingface_hub import hf_hub_url, try_to_load_from_cache  # noqa: PLC0415

        cached = try_to_load_from_cache(
            entry.hub_repository, entry.filename, revision=entry.hub_revision
        )
        if isinstance(cached, str) and Path(cached).stat().st_size == entry.bytes:
            LocalFile(Path(cached)).fetch(entry, partial, report)
            return
        url = hf_hub_url(
            entry.hub_repository,
            entry.filename,
            revision=entry.hub_revision,
            endpoint=self.endpoint,
        )
        self._probe(entry, url)
        failures = 0
        while (have := _size(partial)) < entry.bytes:
            try:
                self._stream(entry, url, partial, report)
            except SourceUnavailableError:
                failures = 0 if _size(partial) > have else failures + 1
                if failures >= ATTEMPTS_WITHOUT_PROGRESS:
                    raise

    def _probe(self, entry: CatalogueEntry, url: str) -> None:
        from huggingface_hub import get_hf_file_metadata  # noqa: PLC0415

        with self._transport_errors():
            metadata = get_hf_file_metadata(url, timeout=CONNECT_SECONDS, endpoint=self.endpoint)
        if metadata.size is not None and metadata.size != entry.bytes:
            raise SourceUnavailableError(
                self.name, f"offers {metadata.size:,} bytes instead of {entry.bytes:,}"
            )

    def _stream(self, entry: CatalogueEntry, url: str, partial: Path, report: Report) -> None:
        from huggingface_hub import get_session  # noqa: PLC0415
        from huggingface_hub.utils import (  # type: ignore[attr-defined]  # no __all__ there  # noqa: PLC0415
            build_hf_headers,
        )

        have = _size(partial)
        headers = build_hf_headers()
        headers["Accept-Encoding"] = "identity"
        if have:
            headers["Range"] = f"bytes={have}-"
        with (
            self._transport_errors(),
            get_session().stream(
                "GET", url, headers=headers, timeout=STALL_SECONDS, follow_redirects=True
            ) as response,
        ):
            if response.status_code not in (200, 206):
                raise SourceUnavailableError(self.name, f"answered {response.status_code}")
            # A server that ignores the range sends the file from its beginning.
            resumed = response.status_code == 206
            done = have if resumed else 0
            with partial.open("r+b" if resumed else "wb") as target:
                target.seek(done)
                # In the sizes in which it comes: what is gathered first is lost when it is cut.
                for block in response.iter_bytes():
                    done += len(block)
                    if done > entry.bytes:
                        raise SourceUnavailableError(self.name, "sent more than the file")
                    target.write(block)
                    report(done)
        if done < entry.bytes:
            raise SourceUnavailableError(self.name, "the connection was cut")

    @contextlib.contextmanager
    def _transport_errors(self) -> Iterator[None]:
        """Turn what the hub's HTTP library raises into :class:`SourceUnavailableError`."""
        from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled  # noqa: PLC0415

        try:
            yield
        except SourceUnavailableError:
            raise
        except OfflineModeIsEnabled as error:
            raise SourceUnavailableError(self.name, "offline mode is set") from error
        except HfHubHTTPError as error:
            status = getattr(error.response, "status_code", "an error")
            raise SourceUnavailableError(self.name, f"answered {status}") from error
        except OSError:
            raise
        except Exception as error:
            if not _is_http_error(error):
                raise
            raise SourceUnavailableError(self.name, _in_words(error)) from error


def _is_http_error(error: BaseException) -> bool:
    # The hub's library moved from httpx to httpx2; both call the base class HTTPError.
    return any(
        kind.__name__ == "HTTPError" and kind.__module__.startswith("httpx")
        for kind in type(error).__mro__
    )


def _in_words(error: Any) -> str:
    name = type(error).__name__
    if "Timeout" in name:
        return "no answer in time"
    if name in ("ConnectError", "ProxyError"):
        return "no connection"
    return "the connection was cut"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
