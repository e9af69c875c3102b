"""How risky a call of a server's tool is, by what is known of it.

A server's hints are its own word: they can make a call riskier, but less risky only where the
user's configuration takes that server's word. Here: the rule. Not here: what the words of a call
say (:mod:`analyst.tools.mcp.deeds`), and who is then asked (:mod:`analyst.tools.permissions`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analyst.tools.mcp.deeds import deeds_of
from analyst.tools.mcp.words import one_line
from analyst.tools.risk import Risk


def judge(
    server: str,
    tool: str,
    arguments: Mapping[str, Any],
    *,
    destructive: bool,
    reads_only: bool,
    changed: bool,
) -> Risk:
    """Return the risk of a call. Never raises.

    ``tool``: as the server calls it. ``destructive``: the server hints at it. ``reads_only``: the
    server says so, and the user takes its word, which no call is believed for that runs a program
    or a query that may do more. ``changed``: the tool is not what it was when it
    was first seen.
    """
    call = f"It calls {one_line(tool, 80)} of the server {server}"
    if changed:
        return Risk(
            "irreversible",
            f"{call}, which describes it otherwise than when it was first seen: "
            "it may do something else now.",
        )
    if destructive:
        return Risk("irreversible", f"{call}, which says that this may destroy something.")
    deeds = deeds_of(tool, arguments)
    if deeds.grave:
        return Risk("irreversible", f"{call} {deeds.grave}, which cannot be taken back.")
    if reads_only and not deeds.runs:
        return Risk("safe", f"{call}, which says that this only reads.")
    return Risk("risky", f"{call}, which may change something there.")
