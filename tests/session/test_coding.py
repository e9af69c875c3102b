"""Work on a project: its tests fail, a file is edited on the user's word, its tests pass.

The model is scripted; kernel, sandbox, files and git are real.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analyst.frontends.options import parse_cell_line
from analyst.llm.completion import NativeToolCall
from analyst.record import events
from analyst.session import Session
from analyst.settings import InvalidSettingError, Settings

from .conftest import MakeSession
from .reading import of_kind, the_answer

WRONG = "def add(a, b):\n    return a - b\n"
RIGHT = "def add(a, b):\n    return a + b\n"
TESTS = """\
from calc import add


def test_adds():
    assert add(2, 3) == 5


def test_of_nothing():
    assert add(0, 0) == 0
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "tests").mkdir(parents=True)
    (folder / "calc.py").write_text(WRONG)
    (folder / "tests" / "test_calc.py").write_text(TESTS)
    (folder / ".env").write_text("KEY=not-for-models\n")
    return folder


def call(tool: str, **arguments: Any) -> NativeToolCall:
    return NativeToolCall(f"call-{tool}", tool, json.dumps(arguments))


RUN = call("run_tests", tests=[])
READ = call("read_file", path="calc.py", first_line=None, last_line=None)
EDIT = call("edit_file", path="calc.py", old="return a - b", new="return a + b")


async def worked(
    session: Session, decision: Any = "approved", text: str | None = None
) -> list[events.Event]:
    stream = []
    async for event in session.ask("Mend the project.", attended=True):
        stream.append(event)
        if isinstance(event, events.ApprovalRequested):
            assert session.resolve_approval(event.call_id, decision, text)
    return stream


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def seen(stream: list[events.Event]) -> list[tuple[str, str]]:
    return [(one.status, one.observation) for one in of_kind(stream, events.ToolCallFinished)]


def session_on(make_session: MakeSession, project: Path, *replies: Any, **settings: Any) -> Session:
    settings = {"workspace": str(project), "memory": False, **settings}
    return make_session(replies, protocol="native", settings=settings)


async def test_a_failing_test_is_mended_on_the_users_word(
    make_session: MakeSession, project: Path
) -> None:
    session = session_on(make_session, project, RUN, READ, EDIT, RUN, "It adds now.")
    stream = await worked(session)
    (failing, read, edited, passing) = seen(stream)
    assert failing[0] == "ok"
    assert failing[1].startswith("1 failed, 1 passed in ")
    assert "FAILED tests/test_calc.py::test_adds at tests/test_calc.py:5" in failing[1]
    assert "assert -1 == 5" in failing[1]
    assert "2\t    return a - b" in read[1]
    assert edited == ("ok", "Changed calc.py (+1 -1 lines).")
    assert passing[1].startswith("2 passed in ")
    # The user was asked about the edit alone, with the diff before them.
    (asked,) = of_kind(stream, events.ApprovalRequested)
    assert "-    return a - b\n+    return a + b\n" in asked.preview
    assert asked.editable == "return a + b"
    assert "calc.py" in asked.risk
    assert (project / "calc.py").read_text() == RIGHT
    assert the_answer(stream).text == "It adds now."
    diffs = [
        one.output["data"]["text/x-diff"]
        for one in of_kind(stream, events.OutputEmitted)
        if one.output and "text/x-diff" in one.output.get("data", {})
    ]
    assert diffs == [asked.preview]
    # Tests leave nothing in the project.
    assert names(project) == [".env", "calc.py", "test_calc.py", "tests"]


async def test_what_the_user_denies_does_not_happen(
    make_session: MakeSession, project: Path
) -> None:
    session = session_on(make_session, project, EDIT, "It may not be mended.")
    stream = await worked(session, "denied")
    ((status, told),) = seen(stream)
    assert status == "refused"
    assert "did not allow" in told
    assert (project / "calc.py").read_text() == WRONG


async def test_what_the_user_edits_is_what_is_written(
    make_session: MakeSession, project: Path
) -> None:
    session = session_on(make_session, project, EDIT, "Done.")
    stream = await worked(session, "edited", "return b + a")
    assert (project / "calc.py").read_text() == WRONG.replace("a - b", "b + a")
    assert seen(stream)[0][0] == "ok"


async def test_nobody_there_means_no_change(make_session: MakeSession, project: Path) -> None:
    session = session_on(make_session, project, EDIT, "Nobody is here.")
    stream = [event async for event in session.ask("Mend it.")]
    assert seen(stream)[0][0] == "refused"
    assert (project / "calc.py").read_text() == WRONG


async def test_a_file_that_changed_after_the_diff_is_left_alone(
    make_session: MakeSession, project: Path
) -> None:
    session = session_on(make_session, project, EDIT, "It changed.")
    theirs = f"{WRONG}\n# mine\n"
    stream = []
    async for event in session.ask("Mend it.", attended=True):
        stream.append(event)
        if isinstance(event, events.ApprovalRequested):
            (project / "calc.py").write_text(theirs)
            session.resolve_approval(event.call_id, "approved")
    ((status, told),) = seen(stream)
    assert status == "error"
    assert "in the meantime" in told
    assert (project / "calc.py").read_text() == theirs


@pytest.mark.parametrize(
    "path", ["../outside.py", "/etc/cron.d/x", "link/outside.py", ".git/hooks/x", ".env"]
)
async def test_nothing_outside_is_written_and_nobody_is_asked(
    make_session: MakeSession, project: Path, path: str
) -> None:
    (project / "link").symlink_to(project.parent)
    write = call("write_file", path=path, content="print('out')\n")
    session = session_on(make_session, project, write, "It is refused.")
    stream = await worked(session)
    assert seen(stream)[0][0] == "refused"
    assert not of_kind(stream, events.ApprovalRequested)
    assert not (project.parent / "outside.py").exists()
    assert (project / ".env").read_text() == "KEY=not-for-models\n"


async def test_without_a_workspace_there_are_no_such_tools(make_session: MakeSession) -> None:
    session = make_session([READ, "There is none."], protocol="native", settings={"memory": False})
    stream = await worked(session)
    ((status, told),) = seen(stream)
    assert status == "refused"
    assert "no tool named" in told


async def test_a_workspace_that_is_gone_is_told_in_a_sentence(
    make_session: MakeSession, tmp_path: Path
) -> None:
    session = session_on(make_session, tmp_path / "gone", "Nothing to do.")
    stream = await worked(session)
    notes = [note.text for note in of_kind(stream, events.Note)]
    assert any("gone is no folder" in text for text in notes)


def test_a_workspace_is_kept_as_a_full_path(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.parent)
    assert parse_cell_line("--workspace project").overrides == {"workspace": str(project)}
    assert Settings().updated({"workspace": "project"}).workspace == str(project)
    assert Settings().workspace is None


def test_all_ones_files_are_no_workspace(tmp_path: Path) -> None:
    (tmp_path / "home").symlink_to(Path.home())
    for folder in ("/", "~", str(Path.home().parent), str(tmp_path / "home")):
        with pytest.raises(InvalidSettingError, match="one project"):
            Settings().updated({"workspace": folder})


def test_a_test_command_can_be_read() -> None:
    with pytest.raises(InvalidSettingError, match="must be a command"):
        Settings().updated({"test_command": "pytest 'half"})
