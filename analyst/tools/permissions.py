"""What a call may do: allowed, asked about, or denied.

Here: rules by tool and argument, the modes, and how they come to one verdict; the most
restrictive wins. Not here: where rules are kept (:mod:`analyst.configuration`), how risky a call
is (:mod:`analyst.tools.risk`), and asking (:mod:`analyst.agent.approval`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from analyst.tools import rule_patterns
from analyst.tools.risk import Risk
from analyst.tools.rule_texts import fits, folded

Verdict = Literal["allow", "ask", "deny"]
Mode = Literal["plan", "ask", "risky", "auto"]
"""Before which calls the user is asked. ``plan``: nothing runs. ``ask``: all but look-ups.
``risky``: all that does more than compute. ``auto``: what leaves the sandbox."""

LOOK_UPS = frozenset({"recall", "knowledge", "ask_user"})
"""Tools that only read what is the user's own here, or ask; no mode asks about a safe call."""

_STRICTNESS: Mapping[Verdict, int] = {"allow": 0, "ask": 1, "deny": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Calls of ``tool`` whose arguments match ``where``, and what becomes of them.

    Both are patterns with ``*`` and ``?``. ``source`` says in words who made the rule. ``always``:
    what it asks about is asked about each time, by an approval for the conversation too.
    """

    tool: str
    decision: Verdict
    where: Mapping[str, str]
    source: str
    always: bool = False

    def matches(self, tool: str, arguments: Mapping[str, Any]) -> bool:
        """Tell whether this rule speaks of a call.

        An argument that is not there, or null, matches nothing in a rule that allows, and
        everything in one that restricts, so that a rule cannot be got round by leaving its
        argument out. Nor by capitals, which count in a rule that allows only, nor by a folder
        in which lies what the rule speaks of, nor by another spelling of an address.
        """
        if self.decision == "allow":
            return fits(tool, self.tool) and all(
                arguments.get(name) is not None
                and rule_patterns.allows(name, arguments[name], pattern)
                for name, pattern in self.where.items()
            )
        return fits(folded(tool), folded(self.tool)) and all(
            arguments.get(name) is None or rule_patterns.restricts(name, arguments[name], pattern)
            for name, pattern in self.where.items()
        )

    @property
    def said(self) -> str:
        """Who made the rule, and of what arguments it speaks."""
        where = ", ".join(f"{name} {pattern!r}" for name, pattern in self.where.items())
        return f"{self.source}, of {where}" if where else self.source


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What becomes of a call, why, and the risk that was seen in it.

    ``each_time``: if it asks, it asks about each such call, whatever was approved before.
    """

    verdict: Verdict
    why: str
    risk: Risk
    each_time: bool = False


@dataclass(frozen=True, kw_only=True)
class Permissions:
    """The rules and the mode of a run. ``unattended``: what becomes of what nobody can decide."""

    mode: Mode = "auto"
    rules: Sequence[Rule] = ()
    unattended: Literal["deny", "approve"] = "deny"

    def judge(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        risk: Risk,
        *,
        always: bool = False,
    ) -> Judgement:
        """Decide on a call. ``always``: the user approved the tool for this conversation."""
        spoken = [rule for rule in self.rules if rule.matches(tool, arguments)]
        strictest = max(spoken, key=lambda rule: _STRICTNESS[rule.decision], default=None)
        if strictest is not None and strictest.decision == "deny":
            return Judgement(verdict="deny", why=f"denied by {strictest.said}", risk=risk)
        looks_up = tool in LOOK_UPS and risk.level == "safe"
        if self.mode == "plan" and not looks_up:
            return Judgement(verdict="deny", why="only a plan was asked for", risk=risk)
        if risk.level == "irreversible":
            return Judgement(
                verdict="ask", why="it cannot be taken back", risk=risk, each_time=True
            )
        standing = next((rule for rule in spoken if rule.decision == "ask" and rule.always), None)
        if standing is not None:
            why = f"asked for by {standing.said}"
            return Judgement(verdict="ask", why=why, risk=risk, each_time=True)
        if strictest is not None and strictest.decision == "ask":
            if always:
                return Judgement(verdict="allow", why="approved for this conversation", risk=risk)
            return Judgement(verdict="ask", why=f"asked for by {strictest.said}", risk=risk)
        asks, why = self._asks(tool, risk)
        if not asks:
            return Judgement(verdict="allow", why=why, risk=risk)
        if always:
            return Judgement(verdict="allow", why="approved for this conversation", risk=risk)
        if strictest is not None and self.mode != "ask":
            return Judgement(verdict="allow", why=f"allowed by {strictest.source}", risk=risk)
        return Judgement(verdict="ask", why=why, risk=risk)

    def _asks(self, tool: str, risk: Risk) -> tuple[bool, str]:
        """Return whether the mode asks about a call, and why it does or does not."""
        if tool in LOOK_UPS and risk.level == "safe":
            return False, "it only looks something up"
        if self.mode == "ask":
            return True, "every call is asked about"
        if risk.level == "safe":
            return False, "it computes or reads"
        if risk.level == "contained":
            return self.mode == "risky", "the sandbox holds it"
        return True, "it leaves the sandbox or cannot be judged"
