"""The command line: one door, quick to help, exact exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from analyst import __version__
from analyst.frontends import cli, cli_ask
from analyst.record.log import RunLog

HEAVY = {"pandas", "numpy", "pyarrow", "plotly", "openai", "httpx", "xllamacpp", "IPython", "rich"}


@pytest.fixture
def ask(session_of, capsys, monkeypatch, tmp_path):
    """Run ``analyst ask`` with a session that plays scripts."""
    monkeypatch.chdir(tmp_path)

    def of(*arguments, scripts=(), **options):
        factory = session_of(*scripts, **options)
        parsed = cli.build_parser().parse_args(["ask", *arguments])
        code = cli_ask.ask(parsed, session_factory=factory)
        printed = capsys.readouterr()
        return code, printed.out, printed.err, factory.made[0] if factory.made else None

    return of


def test_help_and_mistakes_import_nothing_heavy(package_environment):
    program = (
        "import sys\n"
        "from analyst.frontends.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        f"print(sorted({HEAVY!r} & sys.modules.keys()))"
    )
    for arguments in (["--help"], ["ask", "--help"], ["nonsense"], ["version"]):
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env=package_environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines()[-1] == "[]"


def test_help_names_the_commands(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["--help"])
    assert caught.value.code == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("ask", "runs", "model", "eval", "version"))


def test_the_version_is_printed(capsys):
    assert cli.main(["version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["ask", "q", "--nodel", "x"], ["runs"]])
def test_a_wrong_command_is_a_usage_error(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_the_answer_goes_to_the_output_and_the_steps_beside_it(ask):
    code, out, err, session = ask("what is the mean?")
    assert code == 0
    assert out == "The mean is **4.5**.\nmean = 4.5\n"
    assert "Step 1" in err
    assert session.asked[0]["question"] == "what is the mean?"
    assert session.calls == ["enter", "close"]


def test_json_is_one_object_and_nothing_else(ask, the_whole_run):
    code, out, err, _ = ask("q", "--json", scripts=[the_whole_run])
    assert code == 0
    assert err == ""
    assert json.loads(out) == {
        "answer": "The mean is **4.5**.",
        "ungrounded": [],
        "values": {"mean": 4.5},
        "status": "ok",
        "run_id": the_whole_run.run_id,
        "model": "scripted events",
        "tokens": {"input": 300, "output": 60, "cached": 120},
        "seconds": 2.5,
    }
    assert len(out.splitlines()) == 1


def test_json_has_only_numbers_that_json_has(ask, script):
    script.start().answer("a", values={"x": float("nan"), "y": [float("inf"), 1.5]}).finish()
    _, out, _, _ = ask("q", "--json", scripts=[script])
    assert json.loads(out)["values"] == {"x": None, "y": [None, 1.5]}


@pytest.mark.parametrize("status", ["partial", "error"])
def test_a_run_that_did_not_end_well_is_exit_code_1_and_an_error_in_json(ask, script, status):
    script.start().finish(status, "the reason")
    code, out, _, _ = ask("q", "--json", scripts=[script])
    assert code == 1
    assert (json.loads(out)["status"], json.loads(out)["error"]) == (status, "the reason")
    code, _, err, _ = ask("q", scripts=[script])
    assert code == 1
    assert "the reason" in err


def test_options_become_arguments_and_settings_of_the_run(ask, tmp_path):
    for name in ("a.csv", "b.csv", "named.csv"):
        (tmp_path / name).write_text("x\n1\n")
    _, _, _, session = ask(
        "join with named.csv", "--data", "a.csv", "b.csv", "--values", "mean, total",
        "--model", "m", "--max-steps", "3", "--max-tokens", "900", "--rows",
    )  # fmt: skip
    asked = session.asked[0]
    assert asked["files"] == tuple(tmp_path / name for name in ("a.csv", "b.csv", "named.csv"))
    assert asked["values"] == ("mean", "total")
    assert asked["overrides"] == {
        "model": "m",
        "max_steps": "3",
        "max_tokens_per_run": "900",
        "show_rows": True,
    }


def test_the_question_may_stand_last_or_come_from_the_input(ask, tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text("x\n1\n")
    assert ask("--data", "a.csv", "what now?")[3].asked[0]["question"] == "what now?"
    monkeypatch.setattr("sys.stdin.read", lambda: "from the input", raising=False)
    assert ask("-")[3].asked[0]["question"] == "from the input"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([""], "Nothing was asked"),
        ([], "Nothing was asked"),
        (["q", "--data", "nothing.csv"], "There is no file nothing.csv"),
    ],
)
def test_mistakes_are_sentences_and_exit_code_2(ask, arguments, says):
    code, out, err, session = ask(*arguments)
    assert (code, out, session) == (2, "", None)
    assert says in err
    assert len(err.splitlines()) == 1
    code, out, err, _ = ask(*arguments, "--json")
    assert (code, err) == (2, "")
    assert says in json.loads(out)["error"]


def test_a_defect_still_gives_the_reader_of_json_an_object(ask):
    code, out, err, _ = ask("q", "--json", scripts=[ZeroDivisionError("a defect")])
    assert code == 1
    assert json.loads(out)["error"] == "ZeroDivisionError: a defect"
    assert "Traceback" in err
    with pytest.raises(ZeroDivisionError):
        ask("q", scripts=[ZeroDivisionError("a defect")])


def test_an_interrupt_stops_the_run_and_says_what_was_done(package_environment, tmp_path):
    program = """
        import sys
        from tests_conftest import ScriptedEventsSession, whole_run
        from analyst.frontends import cli, cli_ask
        parsed = cli.build_parser().parse_args(["ask", "q"])
        session = lambda settings: ScriptedEventsSession([whole_run()], hold=True)
        sys.exit(cli_ask.ask(parsed, session_factory=session))
    """
    source = Path(__file__).with_name("conftest.py").read_text()
    (tmp_path / "tests_conftest.py").write_text(source)
    environment = dict(package_environment)
    environment["PYTHONPATH"] += os.pathsep + str(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", "\n".join(line[8:] for line in program.splitlines())],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "The mean is **4.5**.\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Stopped." in err
    assert "Traceback" not in err


def test_a_real_session_answers_on_the_command_line(capsys, monkeypatch, tmp_path):
    from analyst.llm.scripted import ScriptedModel
    from analyst.session import Session

    monkeypatch.chdir(tmp_path)
    (tmp_path / "sales.csv").write_text("x\n1\n2\n6\n")
    model = ScriptedModel(["```python\nmean = df.x.mean()\nprint(mean)\n```", "FINAL: It is 3."])

    def session(settings):
        return Session(cwd=tmp_path, settings=settings, model=model, protocol="fenced")

    question = ["ask", "mean of x in sales.csv?", "--values", "mean", "--json"]
    code = cli_ask.ask(cli.build_parser().parse_args(question), session_factory=session)
    shown = json.loads(capsys.readouterr().out)
    assert code == 0
    assert shown["values"] == {"mean": 3.0}
    assert shown["model"] == "scripted replies, no model"
    assert cli.main(["runs", "show", shown["run_id"]]) == 0
    assert "print(mean)" in capsys.readouterr().out


def test_files_that_the_code_wrote_are_saved_and_told(capsys, monkeypatch, tmp_path):
    from analyst.llm.scripted import ScriptedModel
    from analyst.session import Session

    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.csv").write_text("mine")
    code = "for name in ('new.csv', 'old.csv'): open(name, 'w').write('x\\n1\\n')"
    model = ScriptedModel([f"```python\n{code}\nprint(1)\n```", "FINAL: Written: 1."])

    def session(settings):
        return Session(cwd=tmp_path, settings=settings, model=model, protocol="fenced")

    question = ["ask", "write it", "--save-files", "out"]
    cli_ask.ask(cli.build_parser().parse_args(question), session_factory=session)
    told = " ".join(capsys.readouterr().err.split())
    assert "The code wrote new.csv, old.csv" in told
    assert (tmp_path / "out" / "new.csv").read_text() == "x\n1\n"
    assert (tmp_path / "out" / "old.csv").read_text() == "mine"
    assert "exists already" in told


def test_a_directory_that_cannot_be_made_is_told_before_the_run(ask, tmp_path):
    (tmp_path / "taken").write_text("a file")
    code, _, err, session = ask("q", "--save-files", "taken/below")
    assert code == 2
    assert "--save-files taken/below" in err
    assert session is None


def test_a_reader_that_goes_away_is_no_traceback(package_environment):
    program = (
        "import sys; from analyst.frontends import cli; cli._print_version = lambda o: "
        "print('x' * 10**6) or 0; sys.exit(cli.main(['version']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=package_environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.fixture
def recorded(the_whole_run):
    with RunLog(the_whole_run.run_id) as log:
        for event in the_whole_run.events:
            log.append(event)
    return the_whole_run


def test_runs_are_listed(recorded, capsys):
    assert cli.main(["runs", "list"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(recorded.run_id)
    assert "ok" in printed
    assert "What is the mean?" in printed
    assert cli.main(["runs", "list", "--json"]) == 0
    assert [run["run_id"] for run in json.loads(capsys.readouterr().out)] == [recorded.run_id]


def test_without_runs_the_list_says_so(capsys):
    assert cli.main(["runs", "list"]) == 0
    assert "no run on record" in capsys.readouterr().err


def test_a_run_is_shown_from_its_record(recorded, capsys):
    assert cli.main(["runs", "show", "last"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("What is the mean?\n")
    assert "print(df.x.mean())" in printed
    assert "The mean is **4.5**." in printed
    assert cli.main(["runs", "show", recorded.run_id[:8], "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert len(shown["events"]) == len(recorded.events)
    assert shown["skipped"] == 0


def test_an_unknown_run_is_a_sentence(recorded, capsys):
    assert cli.main(["runs", "show", "nothing"]) == 2
    assert "There is no run 'nothing'" in capsys.readouterr().err
