"""Who works in a team: the usual roles, and what a configuration makes of them.

Here: a role's words, tools and model as data. Not here: what a turn of it is
(:mod:`analyst.agent.team.turns`), and when it has one (:mod:`analyst.agent.team.coordinator`).
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, replace

from analyst import configuration
from analyst.agent import prompts
from analyst.configuration import ConfigurationError
from analyst.record.events import TeamWork

USER = "user"
"""Who asked; no role is called so."""


@dataclass(frozen=True, kw_only=True)
class Role:
    """One who works in a team.

    ``tools``: names or patterns of the tools that it may call, of those that the run has; ``None``
    means all. ``model``: by its name; ``None`` means the one that is configured for such work.
    ``is_given``: its words are the user's own, and not the usual ones.
    """

    name: str
    does: TeamWork
    prompt: str = ""
    tools: tuple[str, ...] | None = None
    model: str | None = None
    is_given: bool = False

    def may_use(self, tool: str) -> bool:
        """Tell whether the role may call a tool."""
        return self.tools is None or any(fnmatch.fnmatchcase(tool, one) for one in self.tools)


LOOKING_UP = ("recall", "knowledge", "web_*")
"""What the researcher searches with."""


def usual_roles() -> tuple[Role, ...]:
    """Return the roles of a team that is not configured, in the order in which they speak."""
    return (
        Role(name="planner", does="plan", prompt=prompts.load("team_planner"), tools=()),
        Role(
            name="researcher",
            does="search",
            prompt=prompts.load("team_researcher"),
            tools=LOOKING_UP,
        ),
        Role(name="analyst", does="compute", prompt=prompts.load("team_analyst")),
        Role(name="reviewer", does="review", prompt=prompts.load("team_reviewer"), tools=()),
        Role(name="arbiter", does="decide", prompt=prompts.load("team_arbiter"), tools=()),
    )


def team_of(configured: Mapping[str, configuration.Role]) -> tuple[Role, ...]:
    """Return the team: the usual roles, each as configured, and further ones after them.

    A role that ``does`` nothing is left out; a further one that does not say what it does joins
    the discussion, and has no tools but those it is given unless it computes. Raises
    :class:`ConfigurationError` where nobody is left to compute.
    """
    roles = {role.name: role for role in usual_roles()}
    left_out = {name for name, one in configured.items() if one.does == "none"}
    for name, one in configured.items():
        if name == USER:
            raise ConfigurationError(f"roles.{USER}: that is whoever asks; name the role otherwise")
        does = None if one.does == "none" else one.does
        role = roles.get(name) or further_role(name, does or "discuss")
        role = replace(role, does=does or role.does)
        if one.prompt.strip():
            role = replace(role, prompt=one.prompt.strip(), is_given=True)
        if one.tools is not None:
            role = replace(role, tools=one.tools)
        roles[name] = replace(role, model=one.model or role.model)
    team = tuple(role for name, role in roles.items() if name not in left_out)
    if not any(role.does == "compute" for role in team):
        raise ConfigurationError('roles: nobody computes; give a role does = "compute".')
    return team


def further_role(name: str, does: TeamWork) -> Role:
    """Return a role that is not one of the usual ones, before it is configured."""
    tools = {"compute": None, "search": LOOKING_UP}
    return Role(name=name, does=does, tools=tools.get(does, ()))
