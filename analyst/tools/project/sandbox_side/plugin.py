"""A plugin of pytest that tells, line by line, how tests end: as JSON, beside the project.

A test that is ended with its process has told all that was before it.
"""

from __future__ import annotations

import json
import os
from typing import Any

REPORT = "ANALYST_REPORT"
MOST_LINES = 12
MOST_CHARACTERS = 1000
MOST_DETAILED = 50

_state: dict[str, Any] = {"file": None, "detailed": 0}


def pytest_configure(config: Any) -> None:
    """Begin to tell, but not in the workers of pytest-xdist, whose reports come here too."""
    path = os.environ.get(REPORT)
    if path and not hasattr(config, "workerinput"):
        _state["file"] = open(path, "a", encoding="utf-8")  # noqa: PTH123, SIM115


def pytest_collectreport(report: Any) -> None:
    """Tell of files that cannot be collected."""
    if report.failed:
        _tell({"outcome": "error", "test": report.nodeid, **_detail(report)})


def pytest_runtest_logstart(nodeid: str) -> None:
    """Tell that a test begins."""
    _tell({"outcome": "started", "test": nodeid})


def pytest_runtest_logreport(report: Any) -> None:
    """Tell how a part of a test ended."""
    expected = hasattr(report, "wasxfail")
    if report.failed:
        outcome = "failed" if report.when == "call" else "error"
        _tell({"outcome": outcome, "test": report.nodeid, **_detail(report)})
    elif report.skipped:
        _tell({"outcome": "xfailed" if expected else "skipped", "test": report.nodeid})
    elif report.when == "call":
        _tell({"outcome": "xpassed" if expected else "passed", "test": report.nodeid})


def _tell(entry: dict[str, Any]) -> None:
    file = _state["file"]
    if file is not None:
        file.write(json.dumps(entry) + "\n")
        file.flush()


def _detail(report: Any) -> dict[str, Any]:
    """Return where a report failed, and the lines that say how."""
    _state["detailed"] += 1
    if _state["detailed"] > MOST_DETAILED:
        return {}
    try:
        lines = str(report.longrepr).splitlines()
        said = [line[1:].strip() for line in lines if line.startswith("E ")] or lines[-MOST_LINES:]
        text = "\n".join(said[:MOST_LINES])[:MOST_CHARACTERS]
        return {"where": _where(report.longrepr), "text": text}
    except Exception:  # noqa: BLE001 - telling must not fail a test
        return {}


def _where(longrepr: Any) -> str:
    """Return the innermost line of the project that led to a failure."""
    places = []
    for entry in getattr(getattr(longrepr, "reprtraceback", None), "reprentries", ()):
        place = getattr(entry, "reprfileloc", None)
        if place is not None:
            places.append((str(place.path), int(place.lineno)))
    crash = getattr(longrepr, "reprcrash", None)
    if crash is not None:
        places.append((str(crash.path), int(crash.lineno)))
    here = os.getcwd()  # noqa: PTH109
    for path, number in reversed(places):
        inside = os.path.relpath(os.path.abspath(path), here)  # noqa: PTH100
        if not inside.startswith(".."):
            return f"{inside}:{number}"
    return f"{places[-1][0]}:{places[-1][1]}" if places else ""
