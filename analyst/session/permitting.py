"""The permissions of a run: the user's rules, the project's, the cell's, and an administrator's.

Here: putting them together; the most restrictive wins. Not here: what a rule means
(:mod:`analyst.tools.permissions`).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from jupyter_core.paths import ENV_CONFIG_PATH, SYSTEM_CONFIG_PATH
from traitlets import Enum, List, Unicode
from traitlets.config import Config, Configurable
from traitlets.config.loader import ConfigFileNotFound, JSONFileConfigLoader, PyFileConfigLoader

from analyst.configuration import Configuration, ConfigurationError, PermissionRule
from analyst.settings import Settings
from analyst.tools.permissions import Mode, Permissions, Rule, Verdict

ADMIN_FILES = ("jupyter_analyst_config.json", "jupyter_analyst_config.py")
"""Read from Jupyter's system and environment directories, never from the user's."""

_OURS = "AnalystPermissions"
_MODES: Sequence[Mode] = ("plan", "ask", "risky", "auto")
"""From the strictest to the freest."""


class AnalystPermissions(Configurable):
    """What an administrator caps, in ``/etc/jupyter/jupyter_analyst_config.py`` or the like."""

    deny = List(Unicode(), help="tools that never run; patterns with * and ?").tag(config=True)
    ask = List(Unicode(), help="tools that are always asked about").tag(config=True)
    most = Enum(list(_MODES), "auto", help="the freest mode that users may choose").tag(config=True)
    unattended = Enum(
        ["deny", "approve"], "approve", help="'deny': users approve nothing where nobody is there"
    ).tag(config=True)


def permissions(
    settings: Settings,
    configuration: Configuration,
    *,
    given: Mapping[str, Verdict] | None = None,
    admin: AnalystPermissions | None = None,
) -> Permissions:
    """Put the permissions of a run together. ``given``: those of the cell, by tool pattern.

    Raises :class:`analyst.configuration.ConfigurationError`.
    """
    cap = admin if admin is not None else admin_cap()
    rules = [
        *_rules(configuration.permissions, "your rules"),
        *_rules(configuration.project_permissions, "the project's rules"),
        *(
            Rule(tool=tool, decision=decision, where={}, source="this cell's options")
            for tool, decision in (given or {}).items()
        ),
        *(
            Rule(tool=tool, decision="deny", where={}, source="the administrator")
            for tool in cap.deny
        ),
        *(
            Rule(tool=tool, decision="ask", where={}, source="the administrator", always=True)
            for tool in cap.ask
        ),
    ]
    strictest = min(_MODES.index(settings.approval), _MODES.index(cap.most))
    approves = settings.approval_unattended == cap.unattended == "approve"
    return Permissions(
        mode=_MODES[strictest],
        rules=tuple(rules),
        unattended="approve" if approves else "deny",
    )


def held_as_before(
    settings: Settings,
    rules: Mapping[str, Verdict],
    limits: Sequence[tuple[str, Mapping[str, str]]],
) -> tuple[Settings, dict[str, Verdict]]:
    """Return mode and rules for a run that goes on with others: as strict as each of them was.

    ``limits``: the mode and the rules of each.
    """
    modes: list[Mode] = [settings.approval]
    held = dict(rules)
    for approval, given in limits:
        modes += [one for one in _MODES if one == approval]
        for tool, decision in given.items():
            if decision in ("ask", "deny") and held.get(tool) != "deny":
                held[tool] = "deny" if decision == "deny" else "ask"
    return settings.updated({"approval": min(modes, key=_MODES.index)}), held


def admin_cap(folders: Sequence[str | Path] | None = None) -> AnalystPermissions:
    """Read what an administrator capped; raises :class:`ConfigurationError` for a broken file.

    Of several files the most restrictive counts in each thing. A file that cannot be read must not
    free what it was meant to hold.
    """
    found: list[AnalystPermissions] = []
    for folder in folders or (*ENV_CONFIG_PATH, *SYSTEM_CONFIG_PATH):
        for name in ADMIN_FILES:
            kind = JSONFileConfigLoader if name.endswith(".json") else PyFileConfigLoader
            try:
                # Each by itself: who may write in one place must not free what another holds.
                found.append(_read(kind(name, path=str(folder))))
            except ConfigFileNotFound:
                continue
            except (Exception, SystemExit) as error:  # noqa: BLE001 - it is a program, and may raise anything
                raise ConfigurationError(
                    f"{Path(folder) / name}, the administrator's file, cannot be read: {error}."
                ) from None
    return AnalystPermissions(
        deny=[tool for one in found for tool in one.deny],
        ask=[tool for one in found for tool in one.ask],
        unattended="deny" if any(one.unattended == "deny" for one in found) else "approve",
        most=_MODES[min((_MODES.index(one.most) for one in found), default=len(_MODES) - 1)],
    )


def _read(loader: JSONFileConfigLoader | PyFileConfigLoader) -> AnalystPermissions:
    config = Config()
    config.merge(loader.load_config())
    for section, traits in config.items():
        if section != _OURS and _looks_like_ours(section):
            raise ValueError(f"it has no section {section}; that is called {_OURS}")
        if section == _OURS:
            known = AnalystPermissions.class_trait_names(config=True)
            for trait in traits:
                if trait not in known:
                    raise ValueError(f"{_OURS} has no {trait}; there are {', '.join(known)}")
    return AnalystPermissions(config=config)


def _looks_like_ours(section: str) -> bool:
    """Tell whether a section is meant for what is capped here, and not for an application."""
    name = section.casefold()
    is_ours = "permis" in name and name.startswith(("analys", "permis"))
    return is_ours or bool(difflib.get_close_matches(name, [_OURS.casefold()], cutoff=0.8))


def _rules(found: Sequence[PermissionRule], source: str) -> list[Rule]:
    return [
        Rule(tool=rule.tool, decision=rule.decision, where=rule.where, source=source)
        for rule in found
    ]
