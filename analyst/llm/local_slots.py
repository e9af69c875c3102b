"""The embedded server's slots: each keeps the cached prompt of one conversation.

A session leases a slot and names it in its requests (``id_slot``). Left to itself the server
gives a new conversation the slot whose prompt is most like it, which, as all begin alike, is
that of another session, and the two push each other's prompts out at every turn.

Here: leases, and the warm start of a slot with the messages that every conversation begins
with. Not here: requests of the agent (:mod:`analyst.llm.client`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from filelock import FileLock, Timeout

from analyst.llm.local_runtime import runtime_directory

if TYPE_CHECKING:
    import httpx

    from analyst.llm.local import LocalEndpoint

_KEPT_PREFIXES = 6
_READ_SECONDS = 300.0


class SlotLease:
    """A slot of the server, this session's until it is released, forgotten, or its process ends.

    ``number`` is what requests name as ``id_slot``. When all are taken the lease is ``shared``
    with another session: both work, and read their prompts anew when they take turns.
    """

    def __init__(self, number: int, lock: FileLock | None) -> None:
        self.number = number
        self._lock = lock

    @property
    def shared(self) -> bool:
        """Whether another session has the slot too."""
        return self._lock is None

    def release(self) -> None:
        """Give the slot back; doing it twice does no harm."""
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def lease_slot(slots: int) -> SlotLease:
    """Lease one of the server's ``slots``; never waits."""
    runtime = runtime_directory()
    for number in range(slots):
        lock = FileLock(runtime / f"slot-{number}.lock", thread_local=False)
        with contextlib.suppress(Timeout):
            lock.acquire(timeout=0)
            return SlotLease(number, lock)
    return SlotLease(secrets.randbelow(slots), None)


@dataclass(frozen=True, kw_only=True)
class WarmStart:
    """A slot that begins with the given messages. ``restored``: read from disk, not computed."""

    tokens: int
    restored: bool
    seconds: float


async def warm(
    endpoint: LocalEndpoint, messages: Sequence[Mapping[str, Any]], *, slot: int
) -> WarmStart | None:
    """Put the messages that every conversation begins with into a slot's cache.

    The first time they are computed, and kept on disk; after that, across restarts of the
    server, reading them takes milliseconds. What the slot held before is lost, so this is for
    a lease that is new, or a server that is. Returns None if the server would not: a warm
    start saves time, and nothing depends on it.
    """
    import httpx  # noqa: PLC0415

    began = time.monotonic()
    store = _PrefixStore(Path(endpoint.prefix_directory))
    name = _prefix_name(endpoint, messages)
    client = httpx.AsyncClient(
        base_url=endpoint.base_url.removesuffix("/v1"),
        headers={"Authorization": f"Bearer {endpoint.api_key.get_secret_value()}"},
        timeout=httpx.Timeout(5.0, read=_READ_SECONDS),
        trust_env=False,
    )
    async with client:
        try:
            tokens = await _restore(client, name, slot) if store.has(name) else 0
            restored = tokens > 0
            if not restored:
                store.discard(name)
                tokens = await _compute(client, messages, slot)
                # Under another name first: what is cut short must not be taken for a prefix.
                partial = f"{name}.{secrets.token_hex(4)}"
                try:
                    await _save(client, partial, slot)
                    store.keep(partial, name)
                finally:
                    store.discard(partial)
        except (httpx.HTTPError, OSError, ValueError, KeyError):
            return None
    return WarmStart(tokens=tokens, restored=restored, seconds=time.monotonic() - began)


class _PrefixStore:
    """The directory in which the server leaves prompt caches, some tens of megabytes each."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def has(self, name: str) -> bool:
        file = self._directory / name
        if not file.is_file():
            return False
        os.utime(file)
        return True

    def discard(self, name: str) -> None:
        (self._directory / name).unlink(missing_ok=True)

    def keep(self, partial: str, name: str) -> None:
        (self._directory / partial).replace(self._directory / name)
        files = sorted(self._directory.glob("*.prefix"), key=lambda file: file.stat().st_mtime)
        for file in files[:-_KEPT_PREFIXES]:
            file.unlink(missing_ok=True)


def _prefix_name(endpoint: LocalEndpoint, messages: Sequence[Mapping[str, Any]]) -> str:
    text = json.dumps([endpoint.build, [dict(message) for message in messages]], sort_keys=True)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.prefix"


async def _restore(client: httpx.AsyncClient, name: str, slot: int) -> int:
    response = await client.post(f"/slots/{slot}?action=restore", json={"filename": name})
    return int(response.json()["n_restored"]) if response.status_code == 200 else 0


async def _save(client: httpx.AsyncClient, name: str, slot: int) -> None:
    response = await client.post(f"/slots/{slot}?action=save", json={"filename": name})
    response.raise_for_status()


async def _compute(
    client: httpx.AsyncClient, messages: Sequence[Mapping[str, Any]], slot: int
) -> int:
    response = await client.post(
        "/v1/chat/completions",
        json={
            "messages": [dict(message) for message in messages],
            "max_tokens": 1,
            "temperature": 0,
            "cache_prompt": True,
            "id_slot": slot,
        },
    )
    response.raise_for_status()
    return int(response.json()["usage"]["prompt_tokens"])
