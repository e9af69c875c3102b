"""What came out of tests, in words for the model: the counts, and each failure with its place.

Here: a pure function on what the sandbox told, which is hostile input and taken as text only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from analyst.tools.files.paths import visible
from analyst.tools.observation import clean, cut_tail

MOST_FAILURES = 10
_LONGEST_TEST = 200
_LONGEST_TEXT = 600
_MOST_TAIL = 2000
_ORDER = ("failed", "error", "passed", "skipped", "xfailed", "xpassed")
_ENDS = (0, 1, 2, 5)
"""Exit codes of pytest that its reports account for."""

_NO_TESTS = 5


def described(outcome: Mapping[str, Any]) -> str:
    """Word what the runner returned."""
    entries = [one for one in _listed(outcome.get("entries")) if isinstance(one, Mapping)]
    counts = Counter(str(one.get("outcome")) for one in entries)
    seconds = outcome.get("seconds")
    took = f" in {seconds:g} s" if isinstance(seconds, int | float) else ""
    lines = []
    counted = ", ".join(f"{counts[one]} {one}" for one in _ORDER if counts[one])
    counted = counted.replace(" error", " with an error")
    if counted:
        lines.append(f"{counted}{took}.")
    elif outcome.get("exit") == _NO_TESTS:
        lines.append("No tests were found.")
    else:
        lines.append(f"The command ended with exit code {outcome.get('exit')}{took}.")
    if outcome.get("timed_out"):
        lines.append(f"It was ended for want of time{_running(entries)}.")
    elif counted and outcome.get("exit") not in _ENDS:
        lines.append(f"It ended with exit code {outcome.get('exit')}{_running(entries)}.")
    failures = [one for one in entries if one.get("outcome") in ("failed", "error")]
    for one in failures[:MOST_FAILURES]:
        lines += _failure(one)
    if len(failures) > MOST_FAILURES:
        lines.append(f"… and {len(failures) - MOST_FAILURES} more failures.")
    if not counted or (not failures and outcome.get("exit") not in (0, _NO_TESTS)):
        output = clean(str(outcome.get("output", ""))).strip()
        if output:
            lines.append(cut_tail(visible(output), _MOST_TAIL))
    return "\n".join(lines)


def has_run(outcome: Mapping[str, Any]) -> bool:
    """Tell whether tests ran to their end, whatever came out of them."""
    if outcome.get("timed_out"):
        return False
    code = outcome.get("exit")
    return code in (0, _NO_TESTS) or (code == 1 and bool(outcome.get("entries")))


def _failure(one: Mapping[str, Any]) -> list[str]:
    where = str(one.get("where") or "")
    place = f" at {visible(where[:_LONGEST_TEST])}" if where else ""
    test = visible(str(one.get("test"))[:_LONGEST_TEST])
    text = visible(str(one.get("text") or ""))[:_LONGEST_TEXT]
    kind = "FAILED" if one.get("outcome") == "failed" else "ERROR"
    return [f"{kind} {test}{place}", *(f"    {line}" for line in text.split("\n") if line)]


def _running(entries: list[Mapping[str, Any]]) -> str:
    """Say which test ran last, if it did not end."""
    ended = {str(one.get("test")) for one in entries if one.get("outcome") != "started"}
    started = [str(one.get("test")) for one in entries if one.get("outcome") == "started"]
    if not started or started[-1] in ended:
        return ""
    return f", while {visible(started[-1][:_LONGEST_TEST])} ran"


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
