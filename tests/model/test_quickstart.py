"""The demo itself: the quickstart executes headless and its answer is right."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

pytestmark = [pytest.mark.model, pytest.mark.timeout(900)]

DEMO = Path(__file__).parents[2] / "notebooks" / "demo.py"


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo", DEMO)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "OUTPUT", tmp_path)
    monkeypatch.setenv("ANALYST_DATA", str(tmp_path / "data"))
    return module


def test_the_quickstart_is_answered_rightly_with_a_chart(
    demo: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.main() == 0, capsys.readouterr().out
    executed = nbformat.read(tmp_path / "quickstart.ipynb", as_version=4)
    nbformat.validate(executed)
    assert "plotly" in (tmp_path / "quickstart.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "given",
    [{}, {"mean_gdp": 80.72}, {"mean_gdp": "about 70"}, {"mean": 70.73}],
)
def test_a_wrong_answer_fails_the_demo(demo: ModuleType, given: dict[str, object]) -> None:
    assert not demo.verdict(given, demo.expected())
