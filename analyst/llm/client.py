"""Asking a model over an OpenAI-compatible endpoint: streaming, retries, timeouts.

Here: :class:`OpenAIModel`. What failures mean stands in :mod:`analyst.llm.failures`, which
parameters an endpoint takes in :mod:`analyst.llm.dialect`, how chunks become a reply in
:mod:`analyst.llm.assembly`. Not here: which model is asked (:mod:`analyst.llm.router`).

Exceptions of the OpenAI client hold the request, and a server's answer may echo the key. So
none of them leaves this module, not even as the context of one of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from analyst.llm.assembly import RepliesAssembler, ReplyAssembler
from analyst.llm.completion import (
    Completion,
    CompletionRequest,
    ModelAuthenticationError,
    ModelError,
    ModelRequestError,
    ModelUnreachableError,
    RequestRetried,
    StreamItem,
    TextDelta,
)
from analyst.llm.dialect import Dialect, without_surrogates
from analyst.llm.endpoint import Endpoint
from analyst.llm.failures import Failure, FailureJudge
from analyst.llm.retry import EMBEDDED_TIMEOUTS, RetryPolicy, Timeouts
from analyst.llm.sampling import whole_reply
from analyst.private_logging import hide_queries_of

if TYPE_CHECKING:
    from openai import AsyncOpenAI

EndpointHook = Callable[[], Awaitable[Endpoint]]
"""Called before each attempt; makes sure that a server answers and says where."""

_SECONDS_FOR_TRAILER = 5.0
"""How long after the reply's end the message with the usage may take."""

_SECONDS_FOR_MODEL_LIST = 5.0
_LISTED_MODELS = 6


class _AttemptFailedError(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class OpenAIModel:
    """A model behind an OpenAI-compatible endpoint; a :class:`LanguageModel`.

    ``embedded`` says that the endpoint is the server of the embedded model, which takes
    grammars and is asked to keep its prompt cache. ``before_request`` is awaited before each
    attempt and gives the endpoint anew, so that a server that died is started again.
    ``key_hint`` names where the user sets the key, for error messages. ``name`` is what the
    user sees if it is not ``model``. One object serves concurrent requests.
    """

    def __init__(
        self,
        *,
        model: str,
        endpoint: Endpoint,
        name: str | None = None,
        context_window: int = 32_768,
        embedded: bool = False,
        before_request: EndpointHook | None = None,
        key_hint: str = "OPENAI_API_KEY",
        timeouts: Timeouts | None = None,
        retries: RetryPolicy | None = None,
    ) -> None:
        self._model = model
        self._name = name or model
        self._endpoint = endpoint
        self._context_window = context_window
        self._embedded = embedded
        self._before_request = before_request
        self._key_hint = key_hint
        self._timeouts = timeouts or (EMBEDDED_TIMEOUTS if embedded else Timeouts())
        self._retries = retries or RetryPolicy()
        self._dialect = Dialect(embedded=embedded, openai=endpoint.is_openai)
        self._client: AsyncOpenAI | None = None
        self._client_of: tuple[Endpoint, asyncio.AbstractEventLoop] | None = None
        self._retired: list[AsyncOpenAI] = []

    def __repr__(self) -> str:
        return f"OpenAIModel({self._name!r} at {self._endpoint.shown})"

    @property
    def name(self) -> str:
        """The model's name."""
        return self._name

    @property
    def context_window(self) -> int:
        """Tokens that prompt and reply may hold together."""
        return self._context_window

    async def prepare(self) -> None:
        """Load the client library ahead of the first request, off the event loop."""
        if "openai" not in sys.modules:
            await asyncio.to_thread(importlib.import_module, "openai.resources.chat")

    async def complete(self, request: CompletionRequest) -> AsyncGenerator[StreamItem, None]:
        """Stream one reply; its last item is a :class:`Completion`.

        Raises :class:`ModelError` or a subclass, with a sentence for the user.
        """
        started = time.monotonic()
        await self.prepare()
        attempt, key_renewed = 1, False
        while True:
            first_token: float | None = None
            failure: Failure | None = None
            reply = ReplyAssembler()
            try:
                async with contextlib.aclosing(self._attempt(request, reply)) as deltas:
                    async for text in deltas:
                        if first_token is None:
                            first_token = time.monotonic() - started
                        if text:
                            yield TextDelta(text)
            except _AttemptFailedError as err:
                failure = err.failure
            if failure is None:
                yield reply.completion(
                    seconds=time.monotonic() - started, seconds_to_first_token=first_token
                )
                return
            if failure.status == 401 and self._before_request is not None and not key_renewed:
                key_renewed = True  # another server of ours may have taken the address over
            elif not failure.retriable or attempt >= self._retries.attempts:
                raise await self._final_error(failure)
            wait = self._wait(attempt + 1, failure)
            if wait > self._retries.longest_obeyed:
                raise failure.error
            attempt += 1
            yield RequestRetried(attempt=attempt, wait_seconds=wait, reason=failure.reason)
            await asyncio.sleep(wait)

    async def complete_many(self, request: CompletionRequest, count: int) -> Sequence[Completion]:
        """Return ``count`` replies, by seeds from the request's own upwards.

        The embedded server reads the prompt once and writes them together, which on a processor
        takes little longer than one; other endpoints are sent as many requests at once. Raises
        as :meth:`complete` does.
        """
        if self._embedded:
            await self.prepare()
            try:
                return await self._together(request, count)
            except _AttemptFailedError:
                pass  # one after the other works wherever one works
        seeds = range(request.seed or 0, (request.seed or 0) + count)
        replies = (whole_reply(self, replace(request, seed=seed)) for seed in seeds)
        if self._embedded:
            return [await reply for reply in replies]
        return await asyncio.gather(*replies)

    async def _together(self, request: CompletionRequest, count: int) -> list[Completion]:
        started = time.monotonic()
        await self._renew_endpoint()
        judge = self._judge()
        client = await self._connect()
        parameters = self._dialect.parameters(self._model, request, slot=self._endpoint.slot)
        replies = RepliesAssembler(count)
        try:
            async with asyncio.timeout(self._timeouts.first_token):
                stream = await client.chat.completions.create(**parameters, n=count)
            try:
                chunk: Any = True
                while chunk is not None:
                    async with asyncio.timeout(self._timeouts.between_chunks):
                        chunk = await anext(stream, None)
                    replies.add(chunk)
            finally:
                await _close_quietly(stream)
        except TimeoutError:
            raise _AttemptFailedError(judge.lost("it did not reply in time")) from None
        except Exception as err:  # what is not judged is raised again
            failure = judge.judge(err)
            if failure is None:
                raise
            raise _AttemptFailedError(failure) from None
        if not replies.complete:
            raise _AttemptFailedError(judge.lost("the reply was cut off"))
        return replies.completions(seconds=time.monotonic() - started)

    def _wait(self, attempt: int, failure: Failure) -> float:
        lost = failure.status in (None, 401)
        if attempt == 2 and lost and self._before_request is not None:
            return 0.0  # the hook itself waits for the server
        return self._retries.wait_before(attempt, failure.retry_after)

    async def _attempt(
        self, request: CompletionRequest, reply: ReplyAssembler
    ) -> AsyncGenerator[str, None]:
        """Send the request once; yields text, empty for generated things that are not shown."""
        await self._renew_endpoint()
        judge = self._judge()
        client = await self._connect()
        clock = _Clock(self._timeouts)
        failure: Failure | None = None
        try:
            exchange = self._exchange(client, request, reply, judge, clock)
            async with contextlib.aclosing(exchange) as texts:
                async for text in texts:
                    yield text
        except _AttemptFailedError as err:
            failure = err.failure
        except TimeoutError:
            failure = judge.lost(clock.silence(reply))
        except Exception as err:  # what is not judged is raised again
            failure = judge.judge(err)
            if failure is None:
                raise
        # A reply that came to its end is whole, whatever happened to the connection after.
        if failure is not None and reply.finish_reason is None:
            raise _AttemptFailedError(failure)

    async def _exchange(
        self,
        client: AsyncOpenAI,
        request: CompletionRequest,
        reply: ReplyAssembler,
        judge: FailureJudge,
        clock: _Clock,
    ) -> AsyncGenerator[str, None]:
        async with asyncio.timeout(clock.remaining(reply)):
            stream = await self._open(client, request, judge)
        if self._dialect.drops("stop"):
            reply.stop_at(request.stop)
        try:
            while not reply.stopped:
                async with asyncio.timeout(clock.remaining(reply)):
                    chunk = await anext(stream, None)
                if chunk is None:
                    break
                begun = reply.generated
                text = reply.add(chunk)
                if text or reply.generated != begun:
                    yield text
            if held := reply.flush():
                yield held
            if reply.finish_reason is None:
                raise _AttemptFailedError(self._cut(stream, reply, judge))
        finally:
            await _close_quietly(stream)

    async def _open(
        self, client: AsyncOpenAI, request: CompletionRequest, judge: FailureJudge
    ) -> Any:
        """Send the request, leaving out what the endpoint turns out not to take."""
        import openai  # noqa: PLC0415 - see prepare()

        parameters = self._dialect.parameters(self._model, request, slot=self._endpoint.slot)
        while True:
            try:
                return await client.chat.completions.create(**parameters)
            except UnicodeEncodeError:
                parameters = without_surrogates(parameters)
                continue
            except (openai.BadRequestError, openai.UnprocessableEntityError) as err:
                failure = judge.judge(err)
            if failure is None or not self._dialect.adapt(
                parameters, failure.parameter, failure.details
            ):
                break
            parameters = self._dialect.parameters(self._model, request, slot=self._endpoint.slot)
        raise _AttemptFailedError(failure or judge.lost("it refused the request"))

    def _cut(self, stream: Any, reply: ReplyAssembler, judge: FailureJudge) -> Failure:
        content_type = str(stream.response.headers.get("content-type", "")).partition(";")[0]
        if reply.chunks == 0 and content_type in ("text/html", "application/json", "text/plain"):
            return judge.no_stream(content_type)
        return judge.lost("the reply was cut off")

    def _judge(self) -> FailureJudge:
        return FailureJudge(
            model=self._name,
            endpoint=self._endpoint,
            key_hint=self._key_hint,
            embedded=self._embedded,
        )

    async def _renew_endpoint(self) -> None:
        if self._before_request is None:
            return
        try:
            self._endpoint = await self._before_request()
        except ModelError:
            raise
        except Exception as err:  # noqa: BLE001 - whatever kept the server from starting
            sentence = self._endpoint.redact(str(err)) or type(err).__name__
        else:
            return
        raise ModelUnreachableError(sentence)

    async def _connect(self) -> AsyncOpenAI:
        """Return the client for the endpoint; connections belong to one event loop."""
        loop = asyncio.get_running_loop()
        if self._client is not None and self._client_of == (self._endpoint, loop):
            return self._client
        if not self._endpoint.key_is_sendable:
            raise ModelAuthenticationError(
                f"The key in {self._key_hint} holds characters that no key has, such as spaces "
                "or line ends: set it again."
            )
        if self._client is not None:
            self._retired.append(self._client)  # requests may still be under way on it
        self._client = _make_client(self._endpoint, self._timeouts)
        self._client_of = (self._endpoint, loop)
        return self._client

    async def _final_error(self, failure: Failure) -> ModelError:
        if failure.status != 404 or self._client is None:
            return failure.error
        try:
            async with asyncio.timeout(_SECONDS_FOR_MODEL_LIST):
                page = await self._client.models.list()
            served = sorted(str(model.id) for model in page.data)
        except Exception:  # noqa: BLE001 - the list is a courtesy on top of the error
            return failure.error
        if not served or self._model in served:
            return failure.error
        more = ", ..." if len(served) > _LISTED_MODELS else ""
        return ModelRequestError(
            f"{self._endpoint.shown} has no model {self._model}; it has "
            f"{', '.join(served[:_LISTED_MODELS])}{more}. Choose one with "
            "%agent config model=... or ANALYST_MODEL."
        )

    async def aclose(self) -> None:
        """Let connections go; the object can be used again."""
        clients = [*self._retired, *([self._client] if self._client else [])]
        self._client, self._client_of, self._retired = None, None, []
        for client in clients:
            await _close_quietly(client)


class _Clock:
    """Keeps the time limits of one attempt."""

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._started = time.monotonic()

    def remaining(self, reply: ReplyAssembler) -> float:
        """Return how many seconds the next thing may take."""
        if reply.finish_reason is not None:
            return min(_SECONDS_FOR_TRAILER, self._timeouts.between_chunks)
        if reply.generated:
            return self._timeouts.between_chunks
        return max(0.0, self._started + self._timeouts.first_token - time.monotonic())

    def silence(self, reply: ReplyAssembler) -> str:
        """Return in words which limit was passed."""
        if reply.generated:
            return f"it fell silent for {self._timeouts.between_chunks:g} s within its reply"
        return f"it did not begin to reply within {self._timeouts.first_token:g} s"


def _make_client(endpoint: Endpoint, timeouts: Timeouts) -> AsyncOpenAI:
    import openai  # noqa: PLC0415 - see prepare()

    options: dict[str, Any] = {}
    if endpoint.is_loopback:
        # A proxy of the environment would be handed a request that is for this machine.
        options["http_client"] = openai.DefaultAsyncHttpxClient(trust_env=False)
    if endpoint.query:
        hide_queries_of(endpoint.address)
    client = openai.AsyncOpenAI(
        base_url=endpoint.address,
        api_key=endpoint.api_key.get_secret_value() if endpoint.api_key else "none",
        # Given outright, because OPENAI_CUSTOM_HEADERS could put another endpoint's here.
        default_headers={"Authorization": endpoint.authorization},
        default_query=endpoint.query or None,
        max_retries=0,
        timeout=openai.Timeout(
            connect=timeouts.connect, read=None, write=timeouts.connect, pool=timeouts.connect
        ),
        **options,
    )
    if not endpoint.is_openai:
        client.organization = client.project = None
    return client


async def _close_quietly(closable: Any) -> None:
    """Close a stream or client; a connection that is already broken is closed."""
    with contextlib.suppress(Exception):
        await closable.close()
