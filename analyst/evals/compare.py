"""Two evaluations of the same suite side by side: what flipped, and by how much.

Here: the comparison of two output directories. Not here: the sums over one
(:mod:`analyst.evals.report`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import comb
from pathlib import Path

from analyst.evals.errors import IncomparableError
from analyst.evals.report import Report, markdown_table
from analyst.evals.results import QuestionResult, read_identity, read_results


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two evaluations over the questions that both asked; A is before, B after.

    ``gained`` and ``lost`` are the pairs of results that flipped to right and to wrong.
    ``changes`` says what differs in how they were obtained, by dotted name.
    """

    a: Report
    b: Report
    gained: tuple[tuple[QuestionResult, QuestionResult], ...]
    lost: tuple[tuple[QuestionResult, QuestionResult], ...]
    only_a: tuple[int, ...]
    only_b: tuple[int, ...]
    changes: dict[str, tuple[object, object]]

    @property
    def p_value(self) -> float:
        """Return the exact two-sided sign test: how likely chance alone flips this unevenly."""
        return sign_test(len(self.gained), len(self.lost))

    def to_markdown(self) -> str:
        """Return the comparison for reading."""
        a, b = self.a, self.b
        rows: list[tuple[str, str, str, str]] = [
            _share("ABQ", a.accuracy.abq, b.accuracy.abq),
            _share("PSAQ", a.accuracy.psaq, b.accuracy.psaq),
            _share("UASQ", a.accuracy.uasq, b.accuracy.uasq),
            *(
                _share(f"ABQ {level}", a.by_level[level].abq, b.by_level[level].abq)
                for level in a.by_level
            ),
            _amount("seconds (mean)", a.seconds.mean, b.seconds.mean),
            _amount("seconds (median)", a.seconds.median, b.seconds.median),
            _amount("tokens (mean)", a.tokens.total, b.tokens.total),
            _amount("tokens in", a.tokens.input, b.tokens.input),
            _amount("tokens cached", a.tokens.cached, b.tokens.cached),
            _amount("tokens out", a.tokens.output, b.tokens.output),
            _amount("steps (mean)", a.steps.mean, b.steps.mean),
            *(_amount(name, a.outcomes[name], b.outcomes[name]) for name in a.outcomes),
            _amount("without a value", a.unanswered, b.unanswered),
        ]
        parts = [
            f"{a.accuracy.questions} questions asked by both"
            + _rest("A", self.only_a)
            + _rest("B", self.only_b)
            + ".",
            markdown_table(("", "A", "B", "B - A"), rows),
            f"Gained {len(self.gained)}, lost {len(self.lost)}; sign test: p = {self.p_value:.2g}.",
        ]
        flips = [("gained", *pair) for pair in self.gained] + [
            ("lost", *pair) for pair in self.lost
        ]
        if flips:
            parts.append(
                markdown_table(
                    ("flip", "id", "level", "A", "B", "run in A", "run in B"),
                    [
                        (flip, one.id, one.level, one.outcome, two.outcome, one.run_id, two.run_id)
                        for flip, one, two in flips
                    ],
                )
            )
        if self.changes:
            changes = [(name, old, new) for name, (old, new) in self.changes.items()]
            parts.append(markdown_table(("setting", "A", "B"), changes))
        return "\n\n".join(parts) + "\n"


def compare(a: Path, b: Path) -> Comparison:
    """Compare two output directories over the questions that both asked.

    Raises :class:`IncomparableError` when the suites differ or no question is common, and
    :class:`~analyst.evals.errors.ResultsUnreadableError` when one holds no evaluation.
    """
    identities = read_identity(a), read_identity(b)
    changes = identities[0].differences(identities[1])
    if changes.keys() & {"suite", "fingerprint"}:
        raise IncomparableError(a, b, "they are of different suites")
    results = read_results(a), read_results(b)
    common = [one for one in results[0] if one in results[1]]
    if not common:
        raise IncomparableError(a, b, "no question was asked by both")
    pairs = [(results[0][one], results[1][one]) for one in common]
    return Comparison(
        a=Report.over(identities[0], {one: results[0][one] for one in common}),
        b=Report.over(identities[1], {one: results[1][one] for one in common}),
        gained=tuple((one, two) for one, two in pairs if two.good and not one.good),
        lost=tuple((one, two) for one, two in pairs if one.good and not two.good),
        only_a=tuple(one for one in results[0] if one not in results[1]),
        only_b=tuple(one for one in results[1] if one not in results[0]),
        changes=changes,
    )


def sign_test(gained: int, lost: int) -> float:
    """Return the two-sided exact p-value of so uneven a split of fair flips (McNemar)."""
    flips = gained + lost
    tail = sum(comb(flips, count) for count in range(min(gained, lost) + 1))
    return min(1.0, 2 * tail / (1 << flips))


def _share(name: str, a: float, b: float) -> tuple[str, str, str, str]:
    return name, f"{a:.1%}", f"{b:.1%}", f"{100 * (b - a):+.1f} points"


def _amount(name: str, a: float, b: float) -> tuple[str, str, str, str]:
    return name, _number(a), _number(b), _number(b - a, sign="+")


def _number(value: float, *, sign: str = "") -> str:
    return f"{value:{sign}d}" if isinstance(value, int) else f"{value:{sign}.1f}"


def _rest(name: str, ids: Iterable[int]) -> str:
    listed = ", ".join(map(str, ids))
    return f"; only {name} asked {listed}" if listed else ""
