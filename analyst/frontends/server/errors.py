"""What the routes refuse, and which status any error has. Messages are for the user."""

from __future__ import annotations


class RefusedError(Exception):
    """The user can put it right; the message is one sentence that says how."""

    status = 400


class NotThereError(RefusedError):
    """What was named is not there."""

    status = 404


class BusyError(RefusedError):
    """Something else is going on, or was decided."""

    status = 409


def status_of(error: BaseException) -> int | None:
    """Return the status for an error whose message is for the user, ``None`` for a defect."""
    if isinstance(error, RefusedError):
        return error.status
    # Late: these bring the agent, which by now is there or did not raise the error.
    from analyst.frontends.errors import FrontEndError  # noqa: PLC0415
    from analyst.llm.completion import ModelError  # noqa: PLC0415
    from analyst.memory.errors import FindingsError, UnknownFindingError  # noqa: PLC0415
    from analyst.record.log import RunLogError  # noqa: PLC0415
    from analyst.record.runs import RunLookupError  # noqa: PLC0415
    from analyst.session import RunInProgressError  # noqa: PLC0415
    from analyst.settings import SettingsError  # noqa: PLC0415
    from kernel_sandbox import KernelSandboxError  # noqa: PLC0415

    if isinstance(error, RunInProgressError):
        return 409
    if isinstance(error, UnknownFindingError | RunLookupError | RunLogError):
        return 404
    known = FrontEndError, SettingsError, ModelError, FindingsError, KernelSandboxError
    return 400 if isinstance(error, known) else None
