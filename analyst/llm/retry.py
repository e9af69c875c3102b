"""When a request is sent again, and how long each part of it may take.

Here: the two settings objects and the length of a wait. Not here: which failures are worth
a retry (:mod:`analyst.llm.failures`).
"""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long to wait, in seconds.

    ``first_token`` runs from sending the request to the first generated token, so it covers
    the reading of the prompt. ``between_chunks`` is the longest silence after that.
    """

    connect: float = 10.0
    first_token: float = 180.0
    between_chunks: float = 60.0


EMBEDDED_TIMEOUTS = Timeouts(connect=5.0, first_token=900.0, between_chunks=120.0)
"""A processor reads a full window of 16k tokens in minutes, and may have two users."""


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often a request is sent at most (``attempts``), and the waits between, in seconds.

    Waits double from ``first_wait`` to ``longest_wait``, each shortened by a random part so
    that many clients do not come back at once. A server that asks for more patience than
    ``longest_obeyed`` is not waited for.
    """

    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 20.0
    longest_obeyed: float = 60.0

    def wait_before(self, attempt: int, retry_after: float | None = None) -> float:
        """Return the seconds to wait before attempt ``attempt`` (2 is the first retry)."""
        if retry_after is not None:
            return retry_after
        whole = min(self.longest_wait, self.first_wait * 2.0 ** (attempt - 2))
        return whole * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Read how long a server asks to wait: seconds or a date; None when it does not say."""
    try:
        return max(0.0, float(headers["retry-after-ms"]) / 1000)
    except (KeyError, ValueError):
        pass
    asked = headers.get("retry-after", "")
    try:
        seconds = float(asked)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(asked).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError, OSError):
            return None
    return max(0.0, seconds) if seconds == seconds else None  # noqa: PLR0124 - not a number
