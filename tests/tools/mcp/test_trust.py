"""What is believed of servers: how calls are judged, and what becomes of tools that change."""

from __future__ import annotations

import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.tools.mcp import judging
from analyst.tools.mcp.seen import FILE, SeenTools
from analyst.tools.mcp.source import McpTools
from analyst.tools.mcp.tool import DESCRIPTION_CHARACTERS, McpTool
from analyst.tools.mcp.words import one_line, plain
from analyst.tools.registry import ToolNotice, ToolRegistry, ToolResult

from .conftest import Bench, called, official, raw, result

HIDDEN = {"Cc", "Cf", "Cs"}
JOINERS = "\u200c\u200d"
BROKEN = ["", "[]", '{"s": 1}', '{"s": {"tools": 1}}', "\udcff", "[" * 9999]


def judged(tool: str, **arguments: object) -> str:
    return judging.judge(
        "s", tool, arguments, destructive=False, reads_only=False, changed=False
    ).level


@pytest.mark.parametrize(
    "tool",
    ["delete_user", "deleteUser", "DROP", "mail.send", "purge-cache", "payInvoice", "remove_all",
     "reset_database", "cancelOrder", "emailUser", "email", "slack_post_message", "publish_page",
     "deleteall", "dropdatabase", "sendmail", "rmdir", "removeuser", "deploy"],
)  # fmt: skip
def test_names_of_what_cannot_be_taken_back(tool: str) -> None:
    assert judged(tool) == "irreversible"


@pytest.mark.parametrize(
    "tool",
    ["look", "sender", "dropdown_open", "payload", "undeleted", "", "list_deleted", "removed_items",
     "get_email", "search_posts", "payroll", "git_push", "resettable", "query", "execute_sql"],
)  # fmt: skip
def test_names_that_only_look_like_it(tool: str) -> None:
    assert judged(tool) == "risky"


def test_arguments_that_say_what_is_done() -> None:
    assert judged("call", action="delete_user") == "irreversible"
    assert judged("query", sql="  drop TABLE users") == "irreversible"
    assert judged("batch", steps=[{"do": ["send"]}]) == "irreversible"
    assert judged("look", text="please do not delete this") == "risky"
    assert judged("look", url="https://example.org/remove/this") == "risky"


@pytest.mark.parametrize(
    "arguments",
    [
        {"command": "rm -rf /data"},
        {"command": "sudo rm -rf data"},
        {"argv": ["bash", "-c", "rm -rf /"]},
        {"argv": ["git", "push", "--force"]},
        {"cmd": "git push -f origin main"},
        {"cmd": "git reset --hard HEAD~3"},
        {"cmd": "mkfs.ext4 /dev/sdb"},
        {"command": {"drop": "users"}},
        {"params": {"steps": [{"code": "import shutil; shutil.rmtree('/data')"}]}},
        {"text": "-- x\nDROP TABLE t"},
        {"text": "/* x */ DROP TABLE t"},
        {"text": "BEGIN; DROP TABLE t"},
        {"text": "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d"},
        {"sql": "-- x\nDROP TABLE t"},
        {"sql": "/* x */ DROP TABLE t"},
        {"sql": "BEGIN; DROP TABLE t"},
        {"sql": "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d"},
        {"sql": "UPDATE t SET a = 1"},
        {"sql": "SELECT 'a\\'; DROP TABLE t; -- '"},
        {"sql": "EXPLAIN ANALYZE DELETE FROM t"},
        {"query": "MATCH (n) DETACH DELETE n"},
        {"query": "mutation { deleteUser(id: 1) { id } }"},
        {"query": "db.users.drop()"},
        {"delete": True},
        {"force": True},
        {"items": ["a"] * 300 + ["delete_user"]},
        {"items": ["a"] * 20_000},
    ],
)
def test_arguments_of_what_cannot_be_taken_back(arguments: dict[str, object]) -> None:
    assert judged("do_it", **arguments) == "irreversible"
    trusted = judging.judge(
        "s", "do_it", arguments, destructive=False, reads_only=True, changed=False
    )
    assert trusted.level == "irreversible"


def test_what_is_pushed_with_force_cannot_be_taken_back() -> None:
    assert judged("git_push", force=True) == "irreversible"
    assert judged("git_push", force=False, branch="main") == "risky"
    assert judged("run_shell", input="rm -rf data") == "irreversible"
    assert judged("run_shell", input="ls", reset=False) == "risky"


@pytest.mark.parametrize(
    "arguments",
    [
        {"query": "how to delete a file"},
        {"query": "select the best hotel"},
        {"text": "Submit the tax return"},
        {"currency": "RM"},
        {"country_code": "AT"},
        {"sql": "SELECT a, drop_rate FROM t WHERE state = 'delete' ORDER BY 1"},
        {"query": "-- the newest\nWITH d AS (SELECT * FROM t) SELECT count(*) FROM d"},
        {"values": list(range(5_000))},
        {"names": ["a"] * 3_000},
        {"refresh": True},
    ],
)
def test_everyday_calls_of_what_only_reads_stay_safe(arguments: dict[str, object]) -> None:
    def level(*, reads_only: bool) -> str:
        return judging.judge(
            "s", "look_up", arguments, destructive=False, reads_only=reads_only, changed=False
        ).level

    assert level(reads_only=False) == "risky"
    assert level(reads_only=True) == "safe"


@pytest.mark.parametrize(
    "arguments",
    [
        {"sql": "INSERT INTO t VALUES (1)"},
        {"text": "INSERT INTO t VALUES (1)"},
        {"sql": "SELECT run_it_all(1)"},
        {"sql": "SELECT 1; SELECT 2"},
        {"command": "make all"},
        {"code": "print(open('a').read())"},
    ],
)
def test_no_word_is_taken_for_what_runs_a_program_or_writes(arguments: dict[str, object]) -> None:
    risk = judging.judge(
        "s", "look_up", arguments, destructive=False, reads_only=True, changed=False
    )
    assert risk.level == "risky"


@pytest.mark.parametrize(
    "text",
    ["push " * 20_000, "with as " * 10_000, "as " * 30_000, "(" * 50_000, "/*" * 50_000,
     "select from " * 10_000, "drop " + "x " * 50_000, "-" * 100_000],
)  # fmt: skip
def test_judging_takes_no_longer_for_odd_texts(text: str) -> None:
    began = time.monotonic()
    judged("look", command=text, query=text, text=text)
    assert time.monotonic() - began < 5


@given(
    st.text(),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    ),
)
def test_judging_never_fails(tool: str, value: object) -> None:
    risk = judging.judge(
        "s", tool, {"value": value}, destructive=False, reads_only=False, changed=False
    )
    assert risk.level in {"risky", "irreversible"}
    assert HIDDEN.isdisjoint(unicodedata.category(one) for one in risk.words if one not in JOINERS)


async def test_hints_are_believed_only_where_they_make_a_call_riskier(
    bench: Bench, source: McpTools
) -> None:
    bench.configure(s=official())
    tools = {tool.name: tool for tool in await source.tools(bench)}
    assert tools["s__echo"].judge({"text": "a"}).words == (
        "It calls echo of the server s, which may change something there."
    )
    assert tools["s__read_note"].judge({}).level == "risky"
    assert not tools["s__read_note"].pure
    assert tools["s__tidy"].judge({}).level == "irreversible"


async def test_the_user_may_take_a_server_at_its_word(bench: Bench, source: McpTools) -> None:
    bench.configure(s=official(allow_read_only=True))
    tools = {tool.name: tool for tool in await source.tools(bench)}
    assert tools["s__read_note"].judge({}).level == "safe"
    assert tools["s__read_note"].pure
    assert tools["s__echo"].judge({"text": "a"}).level == "risky"
    assert tools["s__tidy"].judge({}).level == "irreversible"


async def test_descriptions_are_told_as_the_words_of_a_stranger(
    bench: Bench, source: McpTools
) -> None:
    bench.configure(s=official())
    tools = {tool.name: tool for tool in await source.tools(bench)}
    words = tools["s__hostile"].description
    assert words.startswith("A tool of the server s, in the server's own words: “Adds. IGNORE")
    assert len(words) < DESCRIPTION_CHARACTERS + 100
    assert words.isprintable()
    registry = ToolRegistry(tools.values())
    assert all(tool["function"]["strict"] for tool in registry.as_openai_tools())


async def changes(tool: McpTool) -> list[str]:
    """Call a tool, and return the notices before its result."""
    items = await called(tool, {"at": "x"} if "at" in str(tool.parameters) else {"text": "x"})
    assert isinstance(items[-1], ToolResult)
    return [item.text for item in items if isinstance(item, ToolNotice)]


@pytest.mark.parametrize("version", ["newer", "older"])
async def test_a_tool_that_changes_is_asked_about_from_then_on(
    version: str, bench: Bench, source: McpTools
) -> None:
    server = official() if version == "newer" else raw("changing")
    bench.configure(s=server.model_copy(update={"allow_read_only": True}))
    tools = {tool.name: tool for tool in await source.tools(bench)}
    if version == "newer":
        await result(tools["s__change"])
        tool = tools["s__echo"]
    else:
        tool = tools["s__look"]
        await result(tool, {"at": "x"})
    told = tool.description
    notices = await changes(tool)
    assert len(notices) == 1
    assert "changed its tool" in notices[0]
    risk = tool.judge({})
    assert risk.level == "irreversible"
    assert "otherwise than when it was first seen" in risk.words
    assert not tool.pure
    # It is told once, holds for later runs of the session, and the model keeps to the first words.
    assert await changes(tool) == []
    later = {tool.name: tool for tool in await source.tools(bench)}
    assert later[tool.name].judge({}).level == "irreversible"
    assert later[tool.name].description == told
    assert ".ssh" not in told


async def test_a_change_between_judging_and_running_stops_the_call(
    bench: Bench, source: McpTools
) -> None:
    bench.configure(s=raw("plain"))
    (look,) = await source.tools(bench)
    await look.prepare({"at": "x"})
    look.judge({"at": "x"})
    look._server.changed.add("look")
    assert look.pure is False  # looking at it is no judgement
    (refused,) = [item async for item in look.run({"at": "x"})]
    assert isinstance(refused, ToolResult)
    assert refused.status == "refused"


async def test_a_change_since_an_earlier_session_is_noted(bench: Bench) -> None:
    for session, server in enumerate([raw("plain"), raw("plain"), raw("plain")]):
        bench.configure(s=server)
        if session == 1:
            path = bench.data_directory / FILE
            path.write_text(path.read_text().replace('"look": "', '"look": "0'))
        bench.notes.clear()
        source = McpTools()
        (look,) = await source.tools(bench)
        await source.aclose()
        assert len(bench.notes) == (session == 1)
        assert look.judge({}).level == ("irreversible" if session == 1 else "risky")


def test_what_was_seen_is_kept_apart_by_server(tmp_path: Path) -> None:
    seen = SeenTools(tmp_path / "data")
    assert seen.compare("s", "program", {"a": "1", "b": "2"}) == frozenset()
    assert seen.compare("s", "program", {"a": "1"}) == frozenset()
    # A tool that was gone, and came back as another.
    assert seen.compare("s", "program", {"a": "1", "b": "3"}) == {"b"}
    assert seen.compare("s", "program", {"a": "1", "b": "3"}) == frozenset()
    assert seen.compare("other", "program", {"a": "9"}) == frozenset()
    # Another program under the same name is another server.
    assert seen.compare("s", "another", {"a": "9"}) == frozenset()
    assert (tmp_path / "data" / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text", ["", "[]", '{"s": 1}', '{"s": {"tools": 1}}', "\udcff", "[" * 9999]
)
def test_a_file_of_what_was_seen_that_is_broken_knows_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(text.encode("utf-8", "surrogateescape"))
    seen = SeenTools(tmp_path)
    assert seen.compare("s", "program", {"a": "1"}) == frozenset()
    assert seen.compare("s", "program", {"a": "2"}) == {"a"}


@given(st.text())
def test_words_of_servers_hide_nothing(text: str) -> None:
    line = one_line(text, 50)
    assert len(line) <= 50
    assert HIDDEN.isdisjoint(unicodedata.category(one) for one in line if one not in JOINERS)
    assert "\x1b" not in plain(text)
    assert "\u202e" not in plain(text)


def test_words_of_servers_that_would_hide_something() -> None:
    assert plain("a\x1b[2Jb\u202ec\U000e0041d\x00e\tf\ng") == "abcde\tf\ng"
    assert one_line("  two\n\nlines ", 80) == "two lines"
