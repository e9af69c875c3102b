"""Who of a team speaks next, and why; or why nobody does any more.

Here: rules on what stands on the blackboard, nothing else, so that the same board always gives the
same turn. Not here: the turns (:mod:`analyst.agent.team.turns`).

Whoever is mentioned comes first, then whoever asked for an answer; else the usual order: plan,
search, discuss, compute, review. An objection goes back to whoever computed; a second one, to the
mended result, to the arbiter. An approval ends it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from analyst.agent.budget import normal_form
from analyst.agent.checks.agreement import agreeing
from analyst.agent.team.blackboard import Blackboard, Entry
from analyst.agent.team.roles import USER, Role


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A role's turn. ``about``: the result to speak of; ``answers``: the entry that called it."""

    role: Role
    reason: str
    about: int | None = None
    answers: int | None = None


@dataclass(frozen=True, kw_only=True)
class End:
    """Nobody speaks any more. ``result``: the number of the result that is the answer."""

    reason: str
    result: int | None


@dataclass(frozen=True, kw_only=True)
class Coordinator:
    """Picks the turns.

    ``rounds``: most turns of each role. ``searching``: the roles that have something to search.
    ``in_words``: whether the answer is to be put into words by a role that writes.
    """

    roles: Sequence[Role]
    rounds: int
    searching: Collection[str] = ()
    in_words: bool = True

    def next(self, board: Blackboard, *, spent: str | None = None) -> Turn | End:
        """Return whose turn it is. ``spent``: the budget that is used up, as a clause."""
        standing = _standing(board)
        if spent is not None:
            return End(reason=f"Nothing is left of the budget: {spent}.", result=standing)
        if standing is None and any(one.failed for one in self._computed(board)):
            return End(reason="No result was found.", result=None)
        found = (
            self._settled(board)
            or next(self._called(board), None)
            or self._asked_back(board)
            or (self._begin(board) if standing is None else self._go_on(board))
        )
        if isinstance(found, End) and found.result is not None and self.in_words:
            writer = next(self._able("write", board), None)
            if writer is not None and not board.by(writer.name):
                reason = "The result stands and is to be put into words."
                return Turn(role=writer, reason=reason, about=found.result)
        return found

    def _settled(self, board: Blackboard) -> End | None:
        """Return the end that an approval, a decision or a repetition makes."""
        results = board.results
        if not results:
            return None
        latest = results[-1]
        since = [one for one in board.entries if one.number > latest.number]
        for one in since:
            if one.kind == "decision":
                return End(reason=f"The {one.role} decided.", result=one.about)
        for earlier in results[:-1]:
            if _objections(board, earlier) and is_same(earlier, latest):
                reason = f"Nothing new: the {latest.role} stands by the result."
                return End(reason=reason, result=earlier.number)
        said = [one for one in since if one.about == latest.number and not one.failed]
        approving = [one.role for one in said if one.kind == "approval"]
        waiting = next(self._reviewers(board, latest), None)
        if approving and waiting is None and not _objections(board, latest):
            return End(reason=f"The {' and the '.join(approving)} approved.", result=latest.number)
        return None

    def _called(self, board: Blackboard) -> Iterator[Turn]:
        """Yield the turns that mentions ask for, the oldest first."""
        calls = [(0, USER, name) for name in board.asked]
        for entry in board.entries:
            if entry.kind not in ("approval", "decision") and not entry.failed:
                calls += [(entry.number, entry.role, name) for name in entry.mentions]
        for number, caller, name in calls:
            role = next((one for one in self.roles if one.name == name), None)
            spoke = any(one.number > number for one in board.by(name))
            if role is None or spoke or not self._may_speak(role, board):
                continue
            yield Turn(
                role=role,
                reason=f"The {caller} asks for the {name}.",
                about=_standing(board),
                answers=number or None,
            )

    def _asked_back(self, board: Blackboard) -> Turn | None:
        """Return the turn of whoever computes and got the answer that it asked for."""
        last = board.last
        asking = board.entry(last.answers) if last is not None else None
        if last is None or asking is None or last.kind in ("objection", "approval"):
            return None
        for role in self._able("compute", board):
            if role.name == asking.role and asking.kind == "result":
                return Turn(role=role, reason=f"The {last.role} answered the {role.name}.")
        return None

    def _begin(self, board: Blackboard) -> Turn | End:
        """Return the next turn of the usual order while there is no result."""
        for role in self._able("plan", board):
            if not board.by(role.name):
                return Turn(role=role, reason="There is no plan yet.")
        for role in self._able("search", board):
            if not board.by(role.name) and role.name in self.searching:
                return Turn(role=role, reason="There is something to search.")
        for role in self._able("discuss", board):
            if not board.by(role.name):
                return Turn(role=role, reason=f"The {role.name} is heard before the work begins.")
        for role in self._able("compute", board):
            return Turn(role=role, reason="Nothing is computed yet.")
        return End(reason="Nobody is left who computes.", result=None)

    def _go_on(self, board: Blackboard) -> Turn | End:
        """Return the next turn of the usual order once there is a result."""
        latest = board.results[-1]
        objections = _objections(board, latest)
        if not objections:
            for role in self._reviewers(board, latest):
                reason = f"Result {latest.number} is not reviewed."
                return Turn(role=role, reason=reason, about=latest.number)
            return End(reason="There is a result, and nobody objects.", result=latest.number)
        objector = objections[0].role
        objected = [one for one in board.results if _objections(board, one)]
        if len(objected) > 1:
            for role in self._able("decide", board):
                reason = f"The {objector} objects again, to the mended result."
                return Turn(role=role, reason=reason, about=latest.number)
            if any(one.failed for one in self._by(board, "decide")):
                reason = "Nobody could decide, so the first result stands."
                return End(reason=reason, result=objected[0].number)
        for role in self._able("compute", board):
            if role.name == latest.role:
                reason = f"The {objector} objects to result {latest.number}."
                return Turn(role=role, reason=reason, about=latest.number)
        return End(reason="Each had its turns; an objection stands.", result=latest.number)

    def _reviewers(self, board: Blackboard, result: Entry) -> Iterator[Role]:
        """Yield who is to review a result and has not."""
        for role in self._able("review", board):
            if not any(one.number > result.number for one in board.by(role.name)):
                yield role

    def _may_speak(self, role: Role, board: Blackboard) -> bool:
        """Tell whether a mention can give a role its turn now."""
        latest = board.results[-1] if board.results else None
        if not self._is_able(role, board) or role.does in ("decide", "write"):
            return False
        if role.does == "review":
            return latest is not None and role in self._reviewers(board, latest)
        return role.does != "search" or role.name in self.searching

    def _able(self, does: str, board: Blackboard) -> Iterator[Role]:
        """Yield the roles for some work that may speak now."""
        return (one for one in self.roles if one.does == does and self._is_able(one, board))

    def _is_able(self, role: Role, board: Blackboard) -> bool:
        said = board.by(role.name)
        if len(said) >= self.rounds or any(one.failed for one in said):
            return False
        return board.last is None or board.last.role != role.name

    def _by(self, board: Blackboard, does: str) -> list[Entry]:
        names = {one.name for one in self.roles if one.does == does}
        return [one for one in board.entries if one.role in names]

    def _computed(self, board: Blackboard) -> list[Entry]:
        return self._by(board, "compute")


def is_same(one: Entry, other: Entry) -> bool:
    """Tell whether two results are the same: all values, or the words, or the code."""
    if one.values or other.values:
        names = sorted({*one.values, *other.values})
        return len(agreeing(one.values, other.values, names)) == len(names)
    if " ".join(one.text.split()) == " ".join(other.text.split()):
        return True
    return bool(one.code) and normal_form(one.code) == normal_form(other.code)


def _objections(board: Blackboard, result: Entry) -> list[Entry]:
    return [one for one in board.entries if one.kind == "objection" and one.about == result.number]


def _standing(board: Blackboard) -> int | None:
    """Return the result that is the answer so far."""
    results = board.results
    return results[-1].number if results else None
