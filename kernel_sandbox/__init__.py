"""Kernels that run someone else's code: started apart, watched, stopped, and never orphaned.

:class:`KernelSession` is the door. Data crosses by :mod:`kernel_sandbox.handoff`.
"""

from kernel_sandbox.errors import (
    EvaluationError,
    HandOffError,
    KernelDiedError,
    KernelSandboxError,
    KernelStartError,
    KernelTimeoutError,
    NoIsolationError,
    PolicyError,
    SessionClosedError,
    UnserialisableFrameError,
    UntrustedResultError,
)
from kernel_sandbox.gateway import Gateway
from kernel_sandbox.handoff import FetchedFrame, HandedFrame, HandOff
from kernel_sandbox.limits import Limits
from kernel_sandbox.outputs import (
    ClearOutput,
    DisplayData,
    ErrorOutput,
    ExecuteResult,
    ExecutionResult,
    Output,
    Stream,
    to_nbformat,
)
from kernel_sandbox.policy import Policy
from kernel_sandbox.pool import KernelPool, shared_pool
from kernel_sandbox.session import KernelSession
from kernel_sandbox.workspace import Workspace, WrittenFile

__all__ = [
    "ClearOutput",
    "DisplayData",
    "ErrorOutput",
    "EvaluationError",
    "ExecuteResult",
    "ExecutionResult",
    "FetchedFrame",
    "Gateway",
    "HandOff",
    "HandOffError",
    "HandedFrame",
    "KernelDiedError",
    "KernelPool",
    "KernelSandboxError",
    "KernelSession",
    "KernelStartError",
    "KernelTimeoutError",
    "Limits",
    "NoIsolationError",
    "Output",
    "Policy",
    "PolicyError",
    "SessionClosedError",
    "Stream",
    "UnserialisableFrameError",
    "UntrustedResultError",
    "Workspace",
    "WrittenFile",
    "shared_pool",
    "to_nbformat",
]
