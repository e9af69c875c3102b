"""What code in a kernel may reach, by the kernel's policy and by where it runs.

One answer for all tools whose calls run in a kernel. Not here: what some code does
(:mod:`analyst.tools.risk`), and what holds it (``kernel_sandbox``).
"""

from __future__ import annotations

from dataclasses import dataclass

from kernel_sandbox import Policy

ELSEWHERE = "what its gateway lets it"


@dataclass(frozen=True, slots=True)
class Reach:
    """What code in a kernel may reach.

    ``hosts``: the hosts, or words for them. ``isolated``: whether a sandbox holds it. ``private``:
    whether it surely sees no files and no keys but those that it was given.
    """

    hosts: tuple[str, ...] = ()
    isolated: bool = True
    private: bool = True


def reach_of(policy: Policy, *, elsewhere: bool) -> Reach:
    """Return what a kernel under ``policy`` may reach; ``elsewhere``: a gateway runs it."""
    if elsewhere:
        # Of the policy only limits go there: what holds the code is not ours to say.
        return Reach(hosts=(ELSEWHERE,), private=False)
    if policy.isolation == "none":
        return Reach(isolated=False, private=False)
    return Reach(hosts=policy.network)
