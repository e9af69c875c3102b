"""Which policy the agent's kernel gets, by the user's settings.

Not here: what a policy does (``kernel_sandbox``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from analyst.settings import Settings
from kernel_sandbox import Gateway, Policy

MIB = 1024 * 1024
TOKEN_VARIABLE = "JUPYTER_GATEWAY_AUTH_TOKEN"  # noqa: S105 - the name of one


def gateway_for(settings: Settings, environment: Mapping[str, str]) -> Gateway | None:
    """Return the gateway that ``settings`` name, with the token from the environment.

    Raises :class:`kernel_sandbox.KernelStartError` for an address that is none.
    """
    if settings.gateway_url is None:
        return None
    return Gateway(
        url=settings.gateway_url,
        token=environment.get(TOKEN_VARIABLE),
        environment={
            name: value for name, value in environment.items() if name == "KERNEL_USERNAME"
        },
    )


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
