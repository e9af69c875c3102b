"""A kernel for someone else's code, kept usable: the door of this package.

A session runs one cell at a time, ends what does not end by itself, replaces its kernel when it
dies, and says so. It works in any event loop, also in several one after another.
"""

from __future__ import annotations

import asyncio
import dataclasses
import enum
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from kernel_sandbox.directories import Layout, remove_abandoned
from kernel_sandbox.errors import KernelStartError
from kernel_sandbox.evaluation import evaluation_content, json_value, reply_of, values_of
from kernel_sandbox.keeper import KernelKeeper
from kernel_sandbox.kernelspecs import CURRENT
from kernel_sandbox.limits import Limits
from kernel_sandbox.outputs import ErrorOutput, ExecutionResult, MimeBundle, Output
from kernel_sandbox.policy import Policy
from kernel_sandbox.request import Finished, Request
from kernel_sandbox.results import result_of, unpublished_error
from kernel_sandbox.turnstile import Turnstile

if TYPE_CHECKING:
    from kernel_sandbox.gateway.rest import Gateway


class Unset(enum.Enum):
    """Tells that an argument was not given, where ``None`` has a meaning."""

    UNSET = enum.auto()


UNSET = Unset.UNSET


@dataclass(frozen=True, slots=True)
class _End:
    """How a request ended, as the kernel told it and as the caller is told."""

    finished: Finished
    result: ExecutionResult


class KernelSession:
    """A kernel in a process of its own; make one with :meth:`start`.

    Outputs are yielded as they come. Everything may be called from any event loop; calls that
    run code wait for each other.
    """

    def __init__(
        self,
        *,
        kernel_name: str,
        cwd: Path | None,
        policy: Policy,
        gateway: Gateway | None,
    ) -> None:
        self.policy = policy
        self.gateway = gateway
        self._cwd = cwd
        self._turn = Turnstile()
        self._keeper = KernelKeeper(kernel_name, cwd=cwd, policy=policy, gateway=gateway)
        self._finalizer = weakref.finalize(self, self._keeper.let_go)
        self._finalizer.atexit = False
        self._current: Request | None = None

    @classmethod
    async def start(
        cls,
        kernel_name: str = CURRENT,
        *,
        policy: Policy | None = None,
        cwd: Path | None = None,
        gateway: Gateway | None = None,
    ) -> Self:
        """Start a kernel and return when it answers.

        ``kernel_name``: an installed kernelspec; by default the running interpreter's ipykernel,
        which needs none. ``policy``: what it may do. ``cwd``: its working directory, by default
        the workspace in its private directory; another one must be among what the policy lets it
        see. ``gateway``: where the kernel runs instead of on this machine; then of the policy
        only times and the limits on what comes back are kept from here. Raises
        :class:`~kernel_sandbox.errors.KernelStartError`.
        """
        session = cls(
            kernel_name=kernel_name,
            cwd=None if cwd is None else cwd.absolute(),  # noqa: ASYNC240 - asks nothing
            policy=policy or Policy(),
            gateway=gateway,
        )
        try:
            await session._keeper.launch()
        except BaseException:
            await session.shutdown()
            raise
        _sweep_once()
        return session

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.shutdown()

    @property
    def limits(self) -> Limits:
        """The policy's limits."""
        return self.policy.limits

    @property
    def layout(self) -> Layout:
        """The session's own directory (mode 0700): inbox, outbox, workspace."""
        return self._keeper.directory.layout

    @property
    def working_directory(self) -> Path:
        """Where the kernel works."""
        return self._cwd or self.layout.workspace

    @property
    def isolation(self) -> str:
        """How the kernel is isolated, or that it is not, as a part of a sentence."""
        kernel = self._keeper.kernel
        return "no kernel runs" if kernel is None else kernel.isolation

    @property
    def backend(self) -> str:
        """The name of what isolates it: "bubblewrap", "landlock", "none"; "" while none runs."""
        return "" if self._keeper.kernel is None else self._keeper.kernel.backend

    @property
    def generation(self) -> int:
        """How often the kernel was replaced. Variables of an older generation are gone."""
        return self._keeper.generation

    @property
    def kernel_pid(self) -> int | None:
        """The kernel's process id, ``None`` while there is no kernel."""
        return None if self._keeper.kernel is None else self._keeper.kernel.pid

    def is_alive(self) -> bool:
        """Whether the kernel's process runs. The next call that needs it starts a dead one."""
        return self._keeper.alive

    async def execute(
        self, code: str, *, deadline: float | Unset | None = UNSET
    ) -> AsyncIterator[Output | ExecutionResult]:
        """Run ``code`` as a cell; yield its outputs as they come, and last how it ended.

        After ``deadline`` seconds (by default the limits' ``cell_seconds``) it is interrupted,
        and if it does not end within the grace of the limits the kernel is killed and started
        anew. Leaving the iteration early (closing the generator, cancelling the task) interrupts
        the cell too. Nothing else runs in the session until the iteration is finished or closed.
        It raises
        :class:`~kernel_sandbox.errors.SessionClosedError`, and
        :class:`~kernel_sandbox.errors.KernelStartError` when a new kernel was needed and did not
        start.
        """
        if isinstance(deadline, Unset):
            deadline = self.limits.cell_seconds
        async with self._turn, aclosing(self._run(_cell(code), deadline=deadline)) as events:
            async for event in events:
                yield event.result if isinstance(event, _End) else event

    async def evaluate(
        self,
        code: str,
        expressions: Mapping[str, str],
        *,
        deadline: float | None = 30.0,
    ) -> dict[str, MimeBundle]:
        """Run Python helper ``code`` beside the user's variables and return some values.

        ``code`` sees the variables of the kernel, but what it assigns is its own and gone
        afterwards; so are its prints. ``expressions`` are then evaluated where ``code`` ran; the
        result maps their names to MIME bundles (``text/plain`` is the ``repr``). Neither the
        history nor ``_`` change. Raises :class:`~kernel_sandbox.errors.EvaluationError` when the
        code or an expression raises, :class:`~kernel_sandbox.errors.KernelTimeoutError`,
        :class:`~kernel_sandbox.errors.KernelDiedError`.
        """
        content = evaluation_content(code, expressions)
        end, raised = await self._complete(content, deadline=deadline)
        return values_of(end.finished, end.result, expressions, raised=raised, deadline=deadline)

    async def evaluate_json(
        self, expression: str, *, code: str = "", deadline: float | None = 30.0
    ) -> Any:
        """Return the value of one expression that JSON can write; see :meth:`evaluate`."""
        text = f"__import__('json').dumps({expression})"
        values = await self.evaluate(code, {"value": text}, deadline=deadline)
        return json_value(values["value"])

    async def exchange(
        self,
        msg_type: str,
        content: Mapping[str, Any],
        buffers: list[bytes],
        *,
        deadline: float | None = 60.0,
    ) -> tuple[dict[str, Any], tuple[bytes, ...]]:
        """Send a request of another kind with binary parts; return the reply and its parts.

        For handlers that were put into the kernel. Raises what :meth:`evaluate` raises.
        """
        end, _ = await self._complete(
            content, deadline=deadline, msg_type=msg_type, buffers=buffers
        )
        return reply_of(end.finished, end.result, deadline=deadline), end.finished.buffers

    async def interrupt(self) -> None:
        """Interrupt the cell that runs, if one does; its result then has status "interrupted".

        A cell that does not end within the grace of the limits costs the kernel.
        """
        kernel, current = self._keeper.kernel, self._current
        if kernel is not None and current is not None and not current.finished.done():
            kernel.connection.stop(current, "interrupted")

    async def restart(self) -> None:
        """Replace the kernel by a new one. A cell that runs ends with status "died"."""
        if self._keeper.kernel is not None:
            self._keeper.kernel.stop_soon()
        async with self._turn:
            self._keeper.check_open()
            await self._keeper.replace()

    async def shutdown(self) -> None:
        """End the kernel with everything below it, and remove the private directory.

        Can be called again. A cell that runs ends with status "died".
        """
        await self._keeper.end()
        self._finalizer.detach()

    def abandon(self) -> None:
        """End the session without waiting for it; safe in any thread."""
        self._finalizer()

    async def _run(
        self,
        content: Mapping[str, Any],
        *,
        deadline: float | None,
        msg_type: str = "execute_request",
        buffers: list[bytes] | None = None,
    ) -> AsyncGenerator[Output | _End]:
        """Yield the outputs of a request, and last its end. Leaving early interrupts it."""
        kernel, replaced = await self._keeper.ready(self._current)
        request = self._current = kernel.request(
            content, deadline=deadline, msg_type=msg_type, buffers=buffers
        )
        raised = False
        try:
            while not isinstance(event := await request.next_event(), Finished):
                raised = raised or isinstance(event, ErrorOutput)
                yield event
        finally:
            if not request.finished.done():
                kernel.connection.stop(request, "abandoned")
        if not raised and (lost := unpublished_error(event)) is not None:
            yield lost
        result = result_of(
            event, deadline=deadline, output_bytes=self.limits.output_bytes, replaced=replaced
        )
        if event.killed and not self._keeper.closed:
            try:
                await self._keeper.replace()
            except KernelStartError as error:
                detail = (
                    f"{result.detail} The new kernel failed: {error} The next code tries again."
                )
                result = dataclasses.replace(result, detail=detail)
        yield _End(event, result)

    async def _complete(
        self, content: Mapping[str, Any], *, deadline: float | None, **how: Any
    ) -> tuple[_End, ErrorOutput | None]:
        """Return the end of a request, and the last error among its outputs."""
        raised = end = None
        async with self._turn, aclosing(self._run(content, deadline=deadline, **how)) as events:
            async for event in events:
                if isinstance(event, ErrorOutput):
                    raised = event
                elif isinstance(event, _End):
                    end = event
        assert end is not None
        return end, raised


def _cell(code: str) -> dict[str, Any]:
    return {
        "code": code,
        "silent": False,
        "store_history": True,
        "user_expressions": {},
        "allow_stdin": False,
        "stop_on_error": False,
    }


_swept = False


def _sweep_once() -> None:
    """Remove what owners of old left, once in the life of this process, beside other work."""
    global _swept  # noqa: PLW0603
    if not _swept:
        _swept = True
        asyncio.get_running_loop().run_in_executor(None, remove_abandoned)
