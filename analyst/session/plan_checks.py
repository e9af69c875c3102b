"""Which checks of answers a planned run does, and which of those that were asked for it does not.

Not here: the checks (:mod:`analyst.agent.verify`), and which a plain run does
(:mod:`analyst.session.composition`).
"""

from __future__ import annotations

from analyst.session.models import Work
from analyst.settings import Settings

_OF_STEPS = ("grounding", "silent_errors")


def settings_for(work: Work, settings: Settings) -> Settings:
    """Return the settings by which a planned run's steps, or its answer, are checked."""
    # A whole answer may be reviewed; a step of one is not. A plan is not carried out twice.
    kept = [
        one
        for one in settings.checks
        if one in _OF_STEPS or (one == "critic" and work == "synthesis")
    ]
    return settings.updated({"checks": tuple(kept) or "none", "careful": False})


def left_out(settings: Settings, *, named_values: bool) -> list[str]:
    """Return in words which checks that were asked for are not done."""
    found = ["the second computation (second)"] if "second" in settings.checks else []
    found += ["the further computations (careful)"] if settings.careful else []
    if named_values and "critic" in settings.checks:
        found.append("the review (critic), which is of answers in words")
    return found
