"""What a kernel may do: limits, isolation, files, network, environment.

Here: the statement and its forms (presets, JSON, words). Not here: how it is enforced
(:mod:`kernel_sandbox.confinement` and :mod:`kernel_sandbox.launcher`).
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, get_args

from kernel_sandbox.errors import PolicyError
from kernel_sandbox.limits import GIB, MIB, Limits, machine_memory

Isolation = Literal["auto", "bubblewrap", "landlock", "none"]
"""``auto``: the strongest this machine has, or refuse. ``none`` has to be asked for."""

_HOST = re.compile(
    r"(?P<host>(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?)"
    r"(:(?P<port>\d{1,5}))?",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What one kernel may do.

    ``network``: hosts it may reach, as ``example.org``, ``*.example.org`` or with ``:port``
    (else 80 and 443); none by default. They are reached through a proxy outside.
    ``read_only`` and ``writable``: folders or files of the host it sees, at their own paths.
    ``environment``: variables besides the allow-list; the code can read them.

    Raises :class:`~kernel_sandbox.errors.PolicyError` for what makes no sense.
    """

    limits: Limits = field(default_factory=Limits)
    isolation: Isolation = "auto"
    network: tuple[str, ...] = ()
    read_only: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.isolation not in get_args(Isolation):
            known = ", ".join(get_args(Isolation))
            raise PolicyError(f"There is no isolation {self.isolation!r}; there are: {known}.")
        for host in self.network:
            match = _HOST.fullmatch(host)
            if match is None or not 0 < int(match["port"] or 1) < 1 << 16:
                raise PolicyError(
                    f"{host!r} is no host for the network list; write example.org, "
                    "*.example.org or example.org:8080."
                )
        for name in ("read_only", "writable"):
            paths = tuple(Path(path).expanduser() for path in getattr(self, name))
            for path in paths:
                if not path.is_absolute():
                    raise PolicyError(f"{name} takes absolute paths, not {str(path)!r}.")
            object.__setattr__(self, name, paths)
        object.__setattr__(self, "network", tuple(host.lower() for host in self.network))
        object.__setattr__(self, "environment", dict(self.environment))

    def replace(self, **changes: Any) -> Self:
        """Return a policy that differs in ``changes``, which may name limits too."""
        limits = {key: value for key, value in changes.items() if key in _LIMITS}
        rest = {key: value for key, value in changes.items() if key not in _LIMITS}
        if limits:
            rest["limits"] = dataclasses.replace(rest.get("limits", self.limits), **limits)
        return dataclasses.replace(self, **rest)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values. The environment's values are in it: they may be secrets."""
        return {
            "limits": dataclasses.asdict(self.limits),
            "isolation": self.isolation,
            "network": [*self.network],
            "read_only": [str(path) for path in self.read_only],
            "writable": [str(path) for path in self.writable],
            "environment": dict(self.environment),
        }

    def public(self) -> dict[str, Any]:
        """Return it as JSON values that a record may hold: of variables the names only."""
        return {**self.to_dict(), "environment": sorted(self.environment)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_dict` wrote; what is missing is as by default.

        Raises :class:`~kernel_sandbox.errors.PolicyError`.
        """
        unknown = {*values} - {field_.name for field_ in dataclasses.fields(cls)}
        given = values.get("limits", {})
        unknown |= {*given} - _LIMITS
        if unknown:
            raise PolicyError(f"A policy has no {', '.join(sorted(map(repr, unknown)))}.")
        try:
            return cls(**{**values, "limits": Limits(**given)})
        except (TypeError, ValueError) as error:
            raise PolicyError(f"This is no policy: {error}") from error

    def key(self) -> str:
        """Return a text that is equal for equal policies."""
        return json.dumps(self.to_dict(), sort_keys=True)

    def describe(self) -> dict[str, str]:
        """Say each part in words, for people; values of the environment are left out."""
        limits = self.limits
        memory = _size(limits.memory)
        return {
            "memory": f"{memory} a process, {_size(limits.tree_memory)} in all",
            "processes": _number(limits.processes),
            "files": f"{_size(limits.file_bytes)} each, {_size(limits.disk_bytes)} in all",
            "cell time": _seconds(limits.cell_seconds),
            "processor time": f"{_seconds(limits.cpu_seconds)} a process",
            "output": f"{_size(limits.output_bytes)} a cell",
            "network": ", ".join(self.network) or "none",
            "reads": ", ".join(map(str, self.read_only)) or "no files of yours",
            "writes": ", ".join(map(str, self.writable)) or "its own workspace only",
            "environment": ", ".join(sorted(self.environment)) or "nothing of yours",
        }

    @classmethod
    def preset(cls, name: str) -> Self:
        """Return a named policy; raises :class:`~kernel_sandbox.errors.PolicyError`.

        ``default``; ``small``: for code one trusts least, or many kernels at once; ``large``:
        three quarters of the machine's memory and an hour a cell; ``unsandboxed``: with the
        limits of ``default``, but with the user's own rights.
        """
        if name not in PRESETS:
            raise PolicyError(f"There is no policy {name!r}; there are: {', '.join(PRESETS)}.")
        return cls().replace(**_preset(name))


BY_SESSIONS = frozenset({"cell time", "output"})
"""Parts of a policy that a :class:`KernelSession` keeps; other front ends have their own."""

PRESETS = ("default", "small", "large", "unsandboxed")

_LIMITS = {field_.name for field_ in dataclasses.fields(Limits)}


def _preset(name: str) -> dict[str, Any]:
    if name == "small":
        return {
            "memory": 1 * GIB,
            "processes": 64,
            "file_bytes": 256 * MIB,
            "disk_bytes": 512 * MIB,
            "temporary_bytes": 128 * MIB,
            "cpu_seconds": 300,
            "cell_seconds": 30.0,
            "output_bytes": 2 * MIB,
            "frame_bytes": 128 * MIB,
        }
    if name == "large":
        return {
            "memory": machine_memory() * 3 // 5,
            "processes": 1024,
            "open_files": 16384,
            "file_bytes": 50 * GIB,
            "disk_bytes": 100 * GIB,
            "temporary_bytes": 2 * GIB,
            "cpu_seconds": None,
            "cell_seconds": 3600.0,
            "frame_bytes": 8 * GIB,
        }
    return {"isolation": "none"} if name == "unsandboxed" else {}


def _size(size: int | None) -> str:
    if size is None:
        return "no limit"
    return f"{size / GIB:.3g} GiB" if size >= GIB else f"{size / MIB:.3g} MiB"


def _number(number: int | None) -> str:
    return "no limit" if number is None else str(number)


def _seconds(seconds: float | None) -> str:
    return "no limit" if seconds is None else f"{seconds:g} s"
