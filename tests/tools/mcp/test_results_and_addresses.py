"""Results of servers as they reach the model, and answers over HTTP that are not wanted."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import types

from analyst.configuration import McpServer
from analyst.tools.mcp.results import NOTHING, RESULT_CHARACTERS, items
from analyst.tools.mcp.source import McpTools
from analyst.tools.observation import ERROR_LIMIT
from analyst.tools.registry import ToolResult

from .conftest import Bench, result


def told(*blocks: types.ContentBlock, structured: Any = None, error: bool = False) -> ToolResult:
    found = types.CallToolResult(
        content=list(blocks), structured_content=structured, is_error=error
    )
    last = list(items(found))[-1]
    assert isinstance(last, ToolResult)
    return last


def text(words: str) -> types.TextContent:
    return types.TextContent(type="text", text=words)


def test_structured_results_are_told_once() -> None:
    assert told(text('{"a": 1}'), structured={"a": 1}).observation == '{"a": 1}'
    assert told(text("5"), structured={"result": 5}).observation == "5"
    assert told(text("x"), structured={"result": "x"}).observation == "x"
    assert told(text('{"result": {"b": 2}}'), structured={"result": {"b": 2}}).observation == (
        '{"result": {"b": 2}}'
    )
    assert told(text("1"), text("2"), structured={"result": [1, 2]}).observation == "1\n2"
    assert told(structured={"result": [1, 2]}).observation == "[\n 1,\n 2\n]"
    assert told(text("Two rows."), structured={"rows": 2}).observation == (
        'Two rows.\n{\n "rows": 2\n}'
    )


def test_what_is_empty_or_cannot_be_shown_is_said() -> None:
    assert told().observation == NOTHING
    assert told(text("  \n")).observation == NOTHING
    assert told(error=True).observation == "The tool failed and does not say why."
    sound = types.AudioContent(type="audio", data="AAAA", mime_type="audio/wav")
    assert told(sound).observation == "[sound, audio/wav: not played]"
    blob = types.BlobResourceContents(uri="file:///a.bin", blob="AAAAAAAA", mime_type=None)
    assert told(types.EmbeddedResource(type="resource", resource=blob)).observation == (
        "[file:///a.bin: 6 bytes, of an unknown kind, not shown]"
    )


@pytest.mark.parametrize(
    ("mime_type", "data"),
    [
        ("image/png", "no base64!"),
        ("image/png", "AAAA"),
        ("image/svg+xml", "PHN2Zy8+"),
        ("text/html", "PGI+"),
        ("image/png", "é"),
    ],
)
def test_images_that_are_none_are_not_shown(mime_type: str, data: str) -> None:
    image = types.ImageContent(type="image", data=data, mime_type=mime_type)
    assert told(image).observation == "[an image that cannot be shown]"
    assert len(list(items(types.CallToolResult(content=[image])))) == 1


@given(st.lists(st.text()), st.booleans(), st.none() | st.dictionaries(st.text(), st.integers()))
def test_results_are_short_and_hide_nothing(
    words: list[str], error: bool, structured: dict[str, int] | None
) -> None:
    found = told(*map(text, words), structured=structured, error=error)
    assert found.status == ("error" if error else "ok")
    assert 0 < len(found.observation) <= (ERROR_LIMIT if error else RESULT_CHARACTERS) + 100
    assert "\x1b" not in found.observation
    assert "\u202e" not in found.observation


def answers(request: dict[str, Any], tool_result: object) -> dict[str, object] | None:
    """Return what an honest older server answers."""
    results: dict[str, object] = {
        "initialize": {
            "protocolVersion": request.get("params", {}).get("protocolVersion"),
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "plain", "version": "0"},
        },
        "tools/list": {"tools": [{"name": "look", "inputSchema": {"type": "object"}}]},
        "tools/call": tool_result,
    }
    if "id" not in request:
        return None
    base = {"jsonrpc": "2.0", "id": request["id"]}
    if request["method"] not in results:
        return {**base, "error": {"code": -32601, "message": "Method not found"}}
    return {**base, "result": results[request["method"]]}


class _Handler(BaseHTTPRequestHandler):
    """Answers by what the test says a call gives."""

    spoil: ClassVar[Callable[[_Handler, bytes], None]]
    seen: ClassVar[list[dict[str, str]]]

    def do_POST(self) -> None:
        self.seen.append(dict(self.headers))
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = answers(request, {"content": [{"type": "text", "text": "looked"}]})
        if answer is None:
            self.send_response(202)
            self.end_headers()
            return
        body = json.dumps(answer).encode()
        if request["method"] == "tools/call":
            type(self).spoil(self, body)
        else:
            self.reply(body)

    def do_GET(self) -> None:
        self.send_response(405)
        self.end_headers()

    def reply(self, body: bytes, *, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def plain() -> Iterator[str]:
    """The address of a server that answers in plain JSON."""
    _Handler.seen = []
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}/mcp"
        served.shutdown()
        thread.join()


def too_long(handler: _Handler, body: bytes) -> None:
    handler.reply(body[:1] + b" " * 20_000_000 + body[1:])


def packed(handler: _Handler, body: bytes) -> None:
    handler.reply(gzip.compress(body), Content_Encoding="gzip")


def elsewhere(handler: _Handler, body: bytes) -> None:
    handler.reply(b"", status=307, Location="http://localhost:1/stolen")


def forbidden(handler: _Handler, body: bytes) -> None:
    handler.reply(b"", status=401)


def honest(handler: _Handler, body: bytes) -> None:
    handler.reply(body)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (honest, ""),
        (too_long, "its answer is too long"),
        (packed, "its answer is packed"),
        (elsewhere, "not followed"),
        (forbidden, "HTTP 401"),
    ],
)
async def test_answers_that_are_not_wanted(
    *,
    spoil: Callable[[_Handler, bytes], None],
    words: str,
    plain: str,
    bench: Bench,
    source: McpTools,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _Handler.spoil = spoil
    monkeypatch.setenv("KEY_OF_THEIRS", "an-important-key")
    bench.configure(p=McpServer(url=plain, headers={"Authorization": "Bearer ${KEY_OF_THEIRS}"}))
    (look,) = await source.tools(bench)
    found = await result(look)
    assert found.status == ("error" if words else "ok")
    assert words in found.observation
    assert "an-important-key" not in found.observation
    assert {one["Authorization"] for one in _Handler.seen} == {"Bearer an-important-key"}


async def test_the_query_of_an_address_is_in_no_log(
    plain: str, bench: Bench, source: McpTools, caplog: pytest.LogCaptureFixture
) -> None:
    _Handler.spoil = forbidden
    caplog.set_level("INFO")
    bench.configure(p=McpServer(url=f"{plain}?key=hidden-in-a-query"))
    (look,) = await source.tools(bench)
    found = await result(look)
    assert "hidden-in-a-query" not in found.observation
    assert plain in caplog.text
    assert "hidden-in-a-query" not in caplog.text


def says_terminated(handler: _Handler, body: bytes) -> None:
    error = {"code": -32600, "message": "Session terminated"}
    said = {"jsonrpc": "2.0", "id": json.loads(body)["id"], "error": error}
    handler.reply(json.dumps(said).encode())


def turned_away_once(handler: _Handler, body: bytes) -> None:
    type(handler).spoil = honest
    handler.send_response(404)
    handler.end_headers()


@pytest.mark.parametrize(
    ("spoil", "calls", "status"), [(says_terminated, 1, "error"), (turned_away_once, 2, "ok")]
)
async def test_only_what_was_turned_away_is_called_again(
    *,
    spoil: Callable[[_Handler, bytes], None],
    calls: int,
    status: str,
    plain: str,
    bench: Bench,
    source: McpTools,
) -> None:
    made: list[bytes] = []

    def counting(handler: _Handler, body: bytes) -> None:
        made.append(body)
        (spoil if len(made) == 1 or spoil is says_terminated else honest)(handler, body)
        type(handler).spoil = counting

    _Handler.spoil = counting
    bench.configure(p=McpServer(url=plain))
    (look,) = await source.tools(bench)
    found = await result(look)
    assert (len(made), found.status) == (calls, status)
