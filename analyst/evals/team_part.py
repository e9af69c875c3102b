"""What the report of an evaluation says of a team: a row a role. Not here: the sums themselves."""

from __future__ import annotations

from collections.abc import Mapping

from analyst.record.team_report import RoleSums

TEAM_HEAD = (
    *("role", "turns", "failed", "tokens", "of them cached", "seconds"),
    *("objections", "upheld", "approvals", "decisions"),
)


def team_rows(sums: Mapping[str, RoleSums]) -> list[tuple[object, ...]]:
    """Return the cells of the table under :data:`TEAM_HEAD`."""
    return [
        (
            *(role, one.turns, one.failed, one.usage.total, one.usage.cached),
            *(f"{one.seconds:.1f}", one.objections, one.upheld, one.approvals, one.decisions),
        )
        for role, one in sums.items()
    ]
