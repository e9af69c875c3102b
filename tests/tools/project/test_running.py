"""Tests of a project, run for real in a sandbox: what is told of them, and what they cannot do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analyst.tools.project import packing

Run = Callable[..., Any]

MANY = """\
import os, sys
import pytest
from calc import half


def test_right():
    print("seen when it fails")
    assert half(2) == 1


def test_wrong():
    rows = [half(n) for n in range(3)]
    assert rows == [0, 1, 2]


def test_deep():
    half("text")


@pytest.fixture
def broken():
    raise LookupError("no such table")


def test_of_a_fixture(broken):
    pass


@pytest.mark.skip(reason="not now")
def test_left_out():
    pass


@pytest.mark.xfail
def test_known():
    assert False
"""


def everything(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_all_kinds_of_ends_are_told(project: Path, testing: Run) -> None:
    (project / "tests" / "test_many.py").write_text(MANY)
    (project / "tests" / "test_broken.py").write_text("import nothing_of_this_name\n")
    run = testing()
    result = await run.run()
    assert result.status == "error", "pytest stops where files cannot be collected"
    assert "ERROR tests/test_broken.py" in result.observation
    assert "No module named 'nothing_of_this_name'" in result.observation
    result = await run.run("tests/test_many.py")
    lines = result.observation.split("\n")
    assert result.status == "ok"
    assert lines[0].startswith("2 failed, 1 with an error, 1 passed, 1 skipped, 1 xfailed in ")
    assert "FAILED tests/test_many.py::test_wrong at tests/test_many.py:13" in lines
    assert "FAILED tests/test_many.py::test_deep at calc.py:2" in lines
    assert "ERROR tests/test_many.py::test_of_a_fixture at tests/test_many.py:22" in lines
    assert any("TypeError: unsupported operand" in line for line in lines)
    assert any("LookupError: no such table" in line for line in lines)
    assert any("At index 1 diff: 0.5 != 1" in line for line in lines)
    assert "test_many.py" in run.printed


async def test_one_test_can_be_run(testing: Run) -> None:
    result = await testing().run("tests/test_calc.py::test_half")
    assert result.observation.startswith("1 passed in ")


async def test_tests_cannot_touch_the_project(project: Path, testing: Run) -> None:
    (project / ".env").write_text("KEY=1")
    (project / "tests" / "test_harm.py").write_text(
        "import os, pathlib, shutil\n\n\n"
        "def test_harm():\n"
        "    here = pathlib.Path(__file__).parent.parent\n"
        "    assert sorted(p.name for p in here.iterdir() if p.name[0] == '.') == []\n"
        "    (here / 'calc.py').write_text('gone')\n"
        f"    assert not os.path.exists({str(project / 'calc.py')!r})\n"
        f"    assert not os.path.exists({str(project / '.env')!r})\n"
        "    shutil.rmtree(here)\n"
    )
    before = everything(project)
    result = await testing().run("tests/test_harm.py")
    assert result.observation.startswith("1 passed")
    assert everything(project) == before


async def test_a_source_folder_is_found(project: Path, testing: Run) -> None:
    (project / "src" / "inner").mkdir(parents=True)
    (project / "src" / "inner" / "__init__.py").write_text("VALUE = 7\n")
    (project / "tests" / "test_inner.py").write_text(
        "import inner\n\n\ndef test_value():\n    assert inner.VALUE == 7\n"
    )
    assert (await testing().run()).observation.startswith("2 passed")


async def test_time_is_limited(project: Path, testing: Run) -> None:
    (project / "tests" / "test_slow.py").write_text(
        "import subprocess, time\n\n\ndef test_first():\n    pass\n\n\n"
        "def test_slow():\n    subprocess.Popen(['sleep', '60'])\n    time.sleep(60)\n"
    )
    result = await testing(seconds=3).run("tests/test_slow.py")
    assert result.status == "timeout"
    assert result.observation.startswith("1 passed in 3")
    assert "for want of time, while tests/test_slow.py::test_slow ran." in result.observation


async def test_what_lives_on_in_the_background_is_not_waited_for(
    project: Path, testing: Run
) -> None:
    (project / "tests" / "test_daemon.py").write_text(
        "import subprocess\n\n\ndef test_daemon():\n"
        "    subprocess.Popen(['sleep', '60'], start_new_session=True)\n"
    )
    result = await testing(seconds=30).run("tests/test_daemon.py")
    assert result.observation.startswith("1 passed")


async def test_tests_that_end_their_process_are_told_of(project: Path, testing: Run) -> None:
    (project / "tests" / "test_crash.py").write_text(
        "import os\n\n\ndef test_first():\n    pass\n\n\ndef test_crash():\n    os.abort()\n"
    )
    result = await testing().run("tests/test_crash.py")
    assert result.status == "error"
    assert result.observation.startswith("1 passed")
    assert "exit code -6, while tests/test_crash.py::test_crash ran." in result.observation


@pytest.mark.parametrize(
    ("command", "tests", "ends"),
    [
        (("{python}", "-m", "no_runner"), (), ("error", "No module named no_runner")),
        (("no-such-program",), (), ("error", "no-such-program")),
        (("{python}", "-c", "print('all is well')"), (), ("ok", "exit code 0")),
        (
            ("{python}", "-m", "pytest", "{selection}"),
            ("tests/nothing.py",),
            ("error", "not found"),
        ),
        (("{python}", "-m", "pytest", "{selection}"), ("tests/empty.py",), ("ok", "No tests")),
    ],
)
async def test_other_ends_are_told(
    project: Path, testing: Run, command: tuple[str, ...], tests: Any, ends: tuple[str, str]
) -> None:
    (project / "tests" / "empty.py").write_text("")
    result = await testing(command=command).run(*tests)
    assert result.status == ends[0]
    assert ends[1] in result.observation


async def test_without_pytest_it_says_what_to_do(project: Path, testing: Run) -> None:
    (project / "pytest.py").write_text("raise ModuleNotFoundError('No module named pytest')\n")
    result = await testing().run()
    assert "is not installed" in result.observation


@pytest.mark.parametrize("test", ["--pdb", "-k x", "a\nb", "x" * 600, "a\u202eb"])
async def test_what_names_no_test_is_refused(testing: Run, test: str) -> None:
    result = await testing().run(test)
    assert result.status == "error"
    assert "names no test" in result.observation


async def test_a_project_too_large_is_refused(
    project: Path, testing: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MOST_FILES", 1)
    assert "too large" in (await testing().run()).observation


async def test_a_large_file_is_left_out_and_named(
    project: Path, testing: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MOST_BYTES_OF_FILE", 1000)
    (project / "data.bin").write_bytes(b"x" * 2000)
    result = await testing().run()
    assert "1 files were not copied (too large): 'data.bin'." in result.observation


@pytest.mark.parametrize(
    ("options", "level"),
    [({}, "safe"), ({"hosts": ["example.org"]}, "risky"), ({"isolated": False}, "risky")],
)
def test_the_risk_is_that_of_the_sandbox(testing: Run, options: Any, level: str) -> None:
    assert testing(**options).tool.judge({"tests": []}).level == level
