"""``analyst knowledge`` and ``%agent knowledge``."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from analyst.frontends import commands
from analyst.frontends.cli import main
from analyst.frontends.errors import FrontEndError, OptionError
from analyst.frontends.knowledge_verbs import run
from analyst.settings import Settings


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("ANALYST_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def documents(project):
    (project / "analyst.toml").write_text('[knowledge]\nfolders = ["docs"]\n')
    (project / "docs").mkdir()
    (project / "docs" / "churn.md").write_text(
        "# Churn\nA customer is churned after 90 days.\x1b[2J"
    )
    (project / "docs" / "torn.pdf").write_bytes(b"%PDF-1.7")
    return project / "docs"


def test_without_folders_it_says_how_to_name_some(capsys):
    assert main(["knowledge", "status"]) == 0
    assert "[knowledge]" in capsys.readouterr().out


def test_documents_are_read_listed_and_searched(documents, capsys):
    assert main(["knowledge", "status"]) == 0
    assert "None are read yet" in capsys.readouterr().out
    assert main(["knowledge", "update"]) == 0
    said = capsys.readouterr().out
    assert "2 read, 0 dropped, 0 unchanged; 1 passages" in said
    assert "torn.pdf is broken" in said
    assert main(["knowledge", "status"]) == 0
    said = capsys.readouterr().out
    assert "Note      torn.pdf is broken" in said
    assert "          churn.md" in said
    assert main(["knowledge", "search", "churned", "customer"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("[K1: churn.md, Churn]")
    assert "\x1b" not in said
    assert main(["knowledge", "search", "capital of Mongolia"]) == 0
    assert "Nothing in your documents" in capsys.readouterr().out


def test_mistakes_are_told(project, capsys):
    (project / "analyst.toml").write_text('[knowledge]\nfolders = ["../elsewhere"]\n')
    assert main(["knowledge", "status"]) == 2
    assert "outside the project" in capsys.readouterr().err
    with pytest.raises(FrontEndError, match="Did you mean status"):
        run("statis", "", Settings())
    with pytest.raises(FrontEndError, match="search WORDS"):
        run("search", " ", Settings())
    with pytest.raises(FrontEndError, match="too much"):
        run("update", "now", Settings())


def test_the_magic_says_the_same(documents):
    shell = SimpleNamespace(bridge=SimpleNamespace(settings=Settings()))
    assert "None are read yet" in commands.run("knowledge", shell)
    assert "[K1: churn.md, Churn]" in commands.run("knowledge search churned customer", shell)
    (documents.parent / "analyst.toml").write_text("nonsense")
    with pytest.raises(OptionError, match="no TOML"):
        commands.run("knowledge", shell)
