"""What can go wrong around an evaluation, each as one sentence that says what to do.

Here: the typed errors of this room. Not here: failures of single questions, which are
results (:mod:`analyst.evals.outcome`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path


class EvaluationError(Exception):
    """An evaluation cannot start or go on; the message says what to do about it."""


class SuiteFormatError(EvaluationError):
    """The suite's files are missing or not in their documented format."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path}: {problem}")


class NoSuchQuestionError(EvaluationError):
    """Questions were asked for that the suite does not hold."""

    def __init__(self, missing: Sequence[object], known: Sequence[object], *, what: str) -> None:
        self.missing = tuple(missing)
        self.known = tuple(known)
        wanted = ", ".join(map(str, missing))
        held = ", ".join(map(str, known[:20])) + (", ..." if len(known) > 20 else "")
        super().__init__(f"The suite has no question of {what} {wanted}; it has {held}.")


class EmptySelectionError(EvaluationError):
    """Each filter fits some question, but no question fits all of them."""

    def __init__(self) -> None:
        super().__init__("No question fits all of --ids, --level and --limit; widen one of them.")


class ResultsExistError(EvaluationError):
    """The output directory holds results, and it was not said what to do with them."""

    def __init__(self, directory: Path, results: int) -> None:
        self.directory = directory
        self.results = results
        super().__init__(
            f"{directory} already holds {results} results: add --resume to go on from them, "
            "--fresh to delete them, or name another --output."
        )


class DifferentIdentityError(EvaluationError):
    """The output directory holds results of another suite, model, prompt or settings."""

    def __init__(self, directory: Path, changes: Mapping[str, tuple[object, object]]) -> None:
        self.directory = directory
        self.changes = dict(changes)
        told = "; ".join(f"{name} was {old}, now {new}" for name, (old, new) in changes.items())
        super().__init__(
            f"{directory} holds results that cannot be mixed with this evaluation ({told}): "
            "name another --output, or add --fresh to delete them."
        )


class OutputInUseError(EvaluationError):
    """Another process evaluates into the same output directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        super().__init__(
            f"Another evaluation is writing to {directory}: wait for it, or name another --output."
        )


class ForeignDirectoryError(EvaluationError):
    """The output directory holds files, but no evaluation."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        super().__init__(
            f"{directory} is not empty and holds no evaluation: name another --output."
        )


class ResultsUnreadableError(EvaluationError):
    """A file of an output directory is missing or is not what an evaluation writes."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        super().__init__(f"{path} {problem}; name the --output directory of an evaluation.")


class IncomparableError(EvaluationError):
    """Two evaluations have nothing that could be compared."""

    def __init__(self, a: Path, b: Path, why: str) -> None:
        self.a = a
        self.b = b
        super().__init__(f"{a} and {b} cannot be compared: {why}.")


class EvaluationAbortedError(EvaluationError):
    """Question after question failed for reasons outside the agent."""

    def __init__(self, failures: int, last: str) -> None:
        self.failures = failures
        self.last = last
        super().__init__(
            f"Stopped: {failures} questions in a row failed outside the agent. The last said: "
            f"{last} Mend that, then go on with --resume; the failed questions are asked again."
        )
