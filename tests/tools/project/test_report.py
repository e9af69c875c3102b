"""What tests tell comes from hostile code: whatever it is, a short text comes of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyst.tools.project.report import MOST_FAILURES, described, has_run

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)
_ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "outcome": st.sampled_from(["failed", "error", "passed", "started"]) | _JSON,
        "test": _JSON,
        "where": _JSON,
        "text": _JSON,
    },
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "exit": _JSON,
            "seconds": _JSON,
            "timed_out": _JSON,
            "output": _JSON,
            "entries": st.lists(_ENTRY | _JSON, max_size=30) | _JSON,
        },
    )
)
def test_whatever_is_told_is_worded(outcome: dict[str, object]) -> None:
    text = described(outcome)
    assert text
    assert len(text) < 15_000
    has_run(outcome)


def test_failures_are_told_shortly() -> None:
    entries = [
        {"outcome": "failed", "test": f"t{n}\x1b[2J", "where": "a.py:1", "text": "x" * 5000}
        for n in range(100)
    ]
    text = described({"exit": 1, "seconds": 1.5, "entries": entries, "output": "y" * 9000})
    assert text.startswith("100 failed in 1.5 s.\nFAILED t0\\u001b[2J at a.py:1\n")
    assert text.endswith(f"… and {100 - MOST_FAILURES} more failures.")
    assert len(text) < 8000
