"""Tools that do not keep to what a tool is: their calls fail, and the run goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from analyst.record import events
from analyst.tools.analysis_kernel import DataLostError
from analyst.tools.function_tool import function_tool
from analyst.tools.registry import (
    Prepared,
    ToolDefaults,
    ToolError,
    ToolItem,
    ToolNotice,
    ToolOutput,
    ToolResult,
    TransientToolError,
)
from analyst.tools.risk import Risk
from kernel_sandbox import KernelSandboxError

from .calling import Bench, finished

SAFE = Risk("safe", "It is safe.")


class Odd(ToolDefaults):
    """Does what it is told in each part of a tool; ``times`` says how often it ran."""

    name = "odd"
    description = "Be odd."
    parameters: Mapping[str, Any] = {"type": "object", "properties": {}}

    def __init__(
        self,
        *items: Any,
        judging: Any = SAFE,
        preparing: Any = None,
        pure: bool = False,
    ) -> None:
        self.items, self.judging, self.preparing = items, judging, preparing
        self.pure = pure
        self.times = 0

    def judge(self, arguments: Mapping[str, Any]) -> Risk:
        if isinstance(self.judging, Exception):
            raise self.judging
        return self.judging

    async def prepare(self, arguments: Mapping[str, Any]) -> Prepared:
        if isinstance(self.preparing, Exception):
            raise self.preparing
        return self.preparing or Prepared(arguments=arguments)

    async def run(self, arguments: Mapping[str, Any]) -> AsyncIterator[ToolItem]:
        self.times += 1
        assert self.times < 6, "it is run for ever"
        for item in self.items:
            if isinstance(item, BaseException):
                raise item
            yield item


NOTICE = ToolNotice(code="odd", text="Hm.")
DONE = ToolResult(status="ok", observation="done")


@pytest.mark.parametrize("pure", [False, True])
async def test_a_stream_without_a_result_is_an_error_and_runs_once(pure: bool):
    tool = Odd(NOTICE, pure=pure)
    bench = Bench(tool)
    stream = await bench.run(("odd", {}))
    (ended,) = finished(stream)
    assert (ended.status, ended.observation) == ("error", "The tool gave no result.")
    assert tool.times == 1
    assert [one.code for one in stream if isinstance(one, events.Note)] == ["odd"]


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (ToolError("There is no such table."), "There is no such table."),
        (KeyError("x"), "odd failed: KeyError: 'x'"),
        (ValueError(), "odd failed: ValueError"),
        (RuntimeError("a\n" + "b" * 5000), "odd failed: RuntimeError: a bbb"),
        (TimeoutError(), "odd failed: TimeoutError"),
        (SystemExit(2), "odd failed: SystemExit: 2"),
    ],
)
async def test_what_a_tool_raises_is_its_result(raised: BaseException, said: str):
    tool = Odd(NOTICE, raised)
    (ended,) = finished(await Bench(tool).run(("odd", {})))
    assert (ended.status, tool.times) == ("error", 1)
    assert ended.observation.startswith(said)
    assert len(ended.observation) < 400


async def test_others_beside_one_that_fails_come_to_their_end():
    good = function_tool(lookup, pure=True, judge=lambda _: SAFE)
    stream = await Bench(Odd(KeyError("x"), pure=True), good).run(("odd", {}), ("lookup", {}))
    assert {one.call_id: one.status for one in finished(stream)} == {"c0": "error", "c1": "ok"}


async def lookup() -> str:
    """Look something up."""
    await asyncio.sleep(0.05)
    return "found"


async def test_a_result_stands_whatever_comes_after_it():
    for after in (KeyError("x"), TransientToolError("Busy.")):
        (ended,) = finished(await Bench(Odd(DONE, after, pure=True)).run(("odd", {})))
        assert (ended.status, ended.observation) == ("ok", "done")


@pytest.mark.parametrize(
    "item",
    [
        ToolResult(status="ok", observation=None),  # type: ignore[arg-type]
        ToolResult(status="fine", observation="x"),  # type: ignore[arg-type]
        ToolOutput(output="text"),  # type: ignore[arg-type]
    ],
)
async def test_what_is_no_result_and_no_output_is_an_error(item: ToolItem):
    (ended,) = finished(await Bench(Odd(item)).run(("odd", {})))
    assert ended.status == "error"
    assert ended.observation.startswith("odd failed: TypeError: ")


async def test_an_error_of_a_function_is_a_result():
    def fail() -> str:
        """Fail."""
        return {}["absent"]

    def end_early() -> str:
        """Fail by what threads cannot hand on."""
        return next(iter(()))

    for function in (fail, end_early):
        tool = function_tool(function, judge=lambda _: SAFE)
        (ended,) = finished(await Bench(tool).run((tool.name, {})))
        assert ended.status == "error"
        assert ended.observation.startswith(f"{tool.name} failed: ")


@pytest.mark.parametrize("judging", [KeyError("x"), None, Risk("harmless", "")])  # type: ignore[arg-type]
async def test_judging_that_fails_is_asked_about(judging: Any):
    tool = Odd(DONE, judging=judging)
    stream = await Bench(tool).run(("odd", {}))
    (decided,) = [one for one in stream if isinstance(one, events.PermissionDecided)]
    assert (decided.decision, decided.level) == ("ask", "risky")
    assert (finished(stream)[0].status, tool.times) == ("refused", 0)


@pytest.mark.parametrize(
    ("preparing", "said"),
    [
        (ToolError("There is no such file."), "There is no such file."),
        (KeyError("x"), "odd could not be prepared, so it was not run: KeyError: 'x'"),
        ("text", "odd could not be prepared, so it was not run: TypeError: "),
    ],
)
async def test_what_cannot_be_prepared_is_refused(preparing: Any, said: str):
    tool = Odd(DONE, preparing=preparing)
    (ended,) = finished(await Bench(tool).run(("odd", {})))
    assert (ended.status, tool.times) == ("refused", 0)
    assert ended.observation.startswith(said)


@pytest.mark.parametrize(
    "schema", [{"type": "objekt"}, {"$ref": "#/absent"}, {"required": 5}, {"pattern": "("}]
)
async def test_a_schema_that_is_none_refuses_the_call(schema: dict[str, Any]):
    tool = Odd(DONE)
    tool.parameters = {"properties": {"a": schema}, **schema}
    (ended,) = finished(await Bench(tool).run(("odd", {"a": "b"})))
    assert (ended.status, tool.times) == ("refused", 0)
    assert ended.observation.startswith("The arguments of odd cannot be checked: ")


@pytest.mark.parametrize("raised", [KernelSandboxError("No kernel."), DataLostError("No data.")])
async def test_a_lost_kernel_and_lost_data_still_end_the_run(raised: Exception):
    with pytest.raises(type(raised)):
        await Bench(Odd(raised)).run(("odd", {}))
    with pytest.raises(type(raised)):
        await Bench(Odd(DONE, preparing=raised)).run(("odd", {}))


async def test_a_stopped_call_is_no_failed_one():
    with pytest.raises(asyncio.CancelledError):
        await Bench(Odd(asyncio.CancelledError())).run(("odd", {}))
