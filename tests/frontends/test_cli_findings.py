"""``analyst findings``: on findings that real sessions left; the model is scripted."""

from __future__ import annotations

import json

import pytest

from analyst.frontends import cli, cli_ask
from analyst.llm.scripted import ScriptedModel
from analyst.session import Session
from analyst.session.findings import Findings

CODE = "mean = df.x.mean()\nprint(mean)"


@pytest.fixture
def run(capsys):
    def run(*arguments):
        try:
            code = cli.main(["findings", *map(str, arguments)])
        except SystemExit as end:
            code = end.code
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def asked(tmp_path, monkeypatch, capsys):
    """Ask what the mean of a file is; the finding is F1."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sales.csv").write_text("x\n1\n2\n6\n")

    def session(settings):
        model = ScriptedModel([f"```python\n{CODE}\n```", "FINAL: The mean is 3.0."])
        return Session(cwd=tmp_path, settings=settings, model=model, protocol="fenced")

    question = ["ask", "mean of x in sales.csv?", "--quiet"]
    assert cli_ask.ask(cli.build_parser().parse_args(question), session_factory=session) == 0
    capsys.readouterr()
    return tmp_path


def test_before_anything_was_asked_the_list_says_so(run):
    code, out, err = run("search")
    assert (code, out) == (0, "")
    assert "Nothing is remembered yet" in err


def test_findings_are_listed_searched_and_shown(run, asked):
    code, out, _ = run("search")
    assert code == 0
    assert "F1" in out
    assert "mean of x" in out
    assert run("search", "average", "of", "x")[1] == out
    assert json.loads(run("search", "--json")[1])[0]["number"] == 1
    code, out, _ = run("show", "F1")
    assert "The mean is 3.0." in out
    assert "df.x.mean()" in out
    assert str(asked / "sales.csv") in out
    assert json.loads(run("show", "1", "--json")[1])["answer"] == "The mean is 3.0."


def test_pins_tags_export_import_and_deletion(run, asked, tmp_path):
    assert "F1 is pinned" in run("pin", "F1")[1]
    assert "the tags a, b" in run("tag", "[F1]", "a", "b")[1]
    assert "#a #b" in run("search")[1]
    assert run("unpin", "F1")[0] == 0
    assert "Wrote 1 findings" in run("export", tmp_path / "out.jsonl")[1]
    assert "exists already" in run("export", tmp_path / "out.jsonl")[2]
    assert "1 were known" in run("import", tmp_path / "out.jsonl")[1]
    code, _, err = run("delete", "F1")
    assert code == 2
    assert "--yes" in err
    assert run("delete", "F1", "--yes")[0] == 0
    assert "no finding F1" in run("show", "F1")[2]
    assert "Saved 1 findings" in run("import", tmp_path / "out.jsonl")[1]
    assert "mean of x" in run("show", "F2")[1]


def test_a_finding_is_computed_again_and_compared(run, asked):
    code, out, _ = run("verify", "F1")
    assert (code, out.strip()) == (0, "F1: All that it says came out again.")
    assert "3.0" in run("rerun", "F1")[1]
    (asked / "sales.csv").write_text("x\n1\n2\n3\n")
    code, out, _ = run("verify", "F1")
    assert code == 1
    assert "changed, and so did the answer" in out
    (asked / "sales.csv").unlink()
    code, out, _ = run("verify", "F1")
    assert code == 1
    assert "There is no" in out


def test_a_file_that_has_moved_is_named(run, asked):
    (asked / "sales.csv").rename(asked / "moved.csv")
    assert "--data PATH says where it is now" in run("verify", "F1")[1]
    for given in ("moved.csv", "df=moved.csv"):
        code, out, _ = run("verify", "F1", "--data", given)
        assert (code, out.strip()) == (0, "F1: All that it says came out again.")
    (asked / "moved.csv").write_text("x\n1\n2\n3\n")
    code, out, _ = run("verify", "F1", "--data", "moved.csv")
    assert code == 1
    assert "moved.csv changed, and so did the answer" in out
    assert "“The mean is 3.0.”, the code prints “2.0” now" in out


def test_all_findings_on_files_are_verified_at_once(run, asked):
    with Findings() as findings:
        first = findings.get(1)
        data = first.data[0]
        for name, changes in {
            "gone": {"data": (data.model_copy(update={"path": str(asked / "gone.csv")}),)},
            "frame": {"data": (data.model_copy(update={"kind": "frame", "path": None}),)},
            "no data": {"data": ()},
        }.items():
            other = first.model_copy(update={"uid": name, **changes})
            findings._memory.store.save(other)
    code, out, _ = run("verify", "--all")
    assert code == 0
    first_line, summary = out.strip().splitlines()
    assert first_line.split(maxsplit=1) == ["F1", "✓ All that it says came out again."]
    assert summary.startswith("1 came out again; 3 left out")
    with Findings() as findings:
        wrong = first.model_copy(update={"uid": "wrong", "answer": "The mean\x1b[m is\n3.5."})
        findings._memory.store.save(wrong)
    code, out, _ = run("verify", "--all")
    assert code == 1
    lines = out.strip().splitlines()
    assert len(lines) == 3
    assert "F5     ✗ Not the same: 3.5 did not come out" in lines[1]
    assert "\x1b" not in out
    assert "1 came out again; 1 did not; 3 left out" in lines[2]


def test_several_are_verified_and_one_that_differs_counts(run, asked):
    with Findings() as findings:
        wrong = findings.get(1).model_copy(update={"uid": "wrong", "answer": "It is 4.5."})
        findings._memory.store.save(wrong)
    code, out, _ = run("verify", "F2", "F1")
    assert code == 1
    assert [line[:2] for line in out.strip().splitlines()] == ["F2", "F1"]
    assert run("verify")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["show", "F99"], "no finding F99"),
        (["show", "x"], "no number of a finding"),
        (["verify", "F99"], "no finding F99"),
        (["search", "--limit", "0"], "whole number from 1 up"),
        (["import", "nothing.jsonl"], "cannot be read"),
        (["nonsense"], "invalid choice"),
        (["repair"], "no database of findings"),
    ],
)
def test_mistakes_are_sentences(run, arguments, says, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(*arguments)
    assert code == 2
    assert says in err
    assert "Traceback" not in err


def test_a_damaged_database_is_repaired(run, asked, tmp_path):
    path = tmp_path / "analyst" / "findings" / "findings.sqlite"
    assert path.exists()
    code, out, _ = run("repair")
    assert code == 0
    assert "Saved 1 findings" in out
    assert "mean of x" in run("search")[1]
