from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from analyst.frontends import cli_model
from analyst.llm import catalogue, weights
from analyst.llm.catalogue import CatalogueEntry
from analyst.llm.weights import PullProgress, model_path, partial_path

CONTENT = b"a small stand-in for a model" * 100
TINY = replace(
    catalogue.DEFAULT_MODEL,
    name="tiny",
    title="Tiny",
    filename="tiny.gguf",
    bytes=len(CONTENT),
    sha256=sha256(CONTENT).hexdigest(),
    parts=(),
)


@pytest.fixture(autouse=True)
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CatalogueEntry:
    monkeypatch.setenv("ANALYST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ANALYST_RUNTIME", str(tmp_path / "runtime"))
    monkeypatch.setattr(catalogue, "DEFAULT_MODEL", TINY)
    monkeypatch.setattr(catalogue, "CATALOGUE", (TINY,))
    monkeypatch.setattr(weights, "CATALOGUE", (TINY,))
    return TINY


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.gguf"
    path.write_bytes(CONTENT)
    return path


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser(prog="analyst")
    cli_model.add_parser(parser.add_subparsers())
    options = parser.parse_args(["model", *arguments])
    return int(options.run(options))


def test_a_model_is_pulled_listed_verified_and_removed(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("pull", "--from", str(file)) == 0
    said = capsys.readouterr().out
    assert "Apache-2.0" in said
    assert "size and SHA-256 verified" in said
    assert str(model_path(TINY)) in said
    assert run("pull") == 0
    assert "is here, and verified" in capsys.readouterr().out
    assert run("list") == 0
    assert "tiny (Apache-2.0, 0 MB): verified" in capsys.readouterr().out
    assert run("verify", "TINY") == 0
    assert TINY.sha256 in capsys.readouterr().out
    assert run("remove") == 0
    assert "removed" in capsys.readouterr().out
    assert run("remove") == 0
    assert "Nothing of Tiny" in capsys.readouterr().out


def test_a_server_that_does_not_run_need_not_be_stopped(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("stop") == 0
    assert "No server" in capsys.readouterr().out


def test_the_list_says_how_much_of_an_interrupted_pull_is_here(
    capsys: pytest.CaptureFixture[str],
) -> None:
    partial_path(TINY).parent.mkdir(parents=True)
    partial_path(TINY).write_bytes(CONTENT[: len(CONTENT) // 4])
    assert run("list") == 0
    assert "partial, 25 %; pull goes on with it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verify",), "run `analyst model pull`"),
        (("pull", "--from", "/nonexistent/model.gguf"), "No such file"),
        (("pull", "huge"), "known: tiny"),
        (("remove", "huge"), "known: tiny"),
    ],
)
def test_what_cannot_be_done_is_one_line_on_standard_error(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 1
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err


def test_an_interrupt_says_that_what_arrived_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("analyst.llm.weights_pull.pull", interrupt)
    assert run("pull") == 130
    assert "kept" in capsys.readouterr().err


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = [0.0]
    monkeypatch.setattr(cli_model.time, "monotonic", lambda: now[0])

    def advance(seconds: float) -> None:
        now[0] += seconds

    return advance


def test_a_log_gets_a_line_now_and_then_with_rate_and_time_left(
    clock: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = cli_model._Lines("Tiny")
    # What was there before the pull must not count into its rate.
    for done in range(400_000_000, 700_000_000, 10_000_000):
        lines(PullProgress(stage="downloading", source="hub", done=done, total=1_000_000_000))
        clock(1.0)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "Tiny: downloading from hub"
    assert printed[1] == "Tiny: 450 of 1,000 MB, 10.0 MB/s, 55 s left"
    assert len(printed) == 6


def test_a_terminal_gets_a_bar_that_names_the_stage() -> None:
    from rich.console import Console

    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    with cli_model._bar("Tiny", console) as on_progress:
        on_progress(PullProgress(stage="downloading", source="hub", done=400, total=1000))
        on_progress(PullProgress(stage="checking", source="hub", done=1000, total=1000))
    assert "checking" in screen.getvalue()
    assert "1.0/1.0 kB" in screen.getvalue()
