"""What can go wrong with a kernel, as exceptions that carry facts.

Each message is one or two sentences for a person: what happened, and what to do. How a cell
ended is not an exception but an :class:`~kernel_sandbox.outputs.ExecutionResult`.
"""

from __future__ import annotations


class KernelSandboxError(Exception):
    """Base of all errors of this package."""


class KernelStartError(KernelSandboxError):
    """A kernel did not start. ``stderr`` holds the end of what it wrote, ``exit_code`` its code."""

    def __init__(self, message: str, *, stderr: str = "", exit_code: int | None = None) -> None:
        super().__init__(message)
        self.stderr = stderr
        self.exit_code = exit_code


class PolicyError(KernelSandboxError, ValueError):
    """A policy makes no sense; the message says which part and what to write."""


class NoIsolationError(KernelStartError):
    """The machine cannot isolate a kernel as the policy wants; the message says what to do."""


class KernelDiedError(KernelSandboxError):
    """The kernel's process ended while something was asked of it."""


class KernelTimeoutError(KernelSandboxError):
    """Helper code did not end in time. ``seconds`` is the deadline it had."""

    def __init__(self, message: str, *, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class SessionClosedError(KernelSandboxError):
    """The session was shut down; start a new one."""


class EvaluationError(KernelSandboxError):
    """Helper code raised in the kernel; ``ename``, ``evalue``, ``traceback`` are as in Jupyter."""

    def __init__(self, *, ename: str, evalue: str, traceback: tuple[str, ...] = ()) -> None:
        super().__init__(f"{ename}: {evalue}" if evalue else ename)
        self.ename = ename
        self.evalue = evalue
        self.traceback = traceback


class HandOffError(KernelSandboxError):
    """Data did not cross between host and kernel. ``name`` is the variable."""

    def __init__(self, message: str, *, name: str) -> None:
        super().__init__(message)
        self.name = name


class UnserialisableFrameError(HandOffError):
    """The object cannot be handed to the kernel at all."""


class UntrustedResultError(HandOffError):
    """What came out of the kernel was refused unread or half read: it is not what it must be."""
