"""Which policy the agent's kernel gets, by the user's settings.

Not here: what a policy does (``kernel_sandbox``).
"""

from __future__ import annotations

from pathlib import Path

from analyst.settings import Settings
from kernel_sandbox import Policy

MIB = 1024 * 1024


def policy_for(settings: Settings) -> Policy:
    """Return the policy that ``settings`` ask for."""
    policy = Policy.preset(settings.sandbox).replace(
        isolation=settings.isolation,
        network=settings.network_hosts,
        read_only=tuple(map(Path, settings.read_folders)),
        cell_seconds=settings.cell_deadline_seconds,
    )
    if settings.memory_limit_mb:
        policy = policy.replace(memory=settings.memory_limit_mb * MIB)
    return policy
