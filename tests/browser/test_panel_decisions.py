"""Plans and questions that wait for the user, in a real page; the events are scripted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .conftest import ROOT, JupyterServer, serve_panel
from .panel_page import ask, await_answer, begin, open_panel

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

AXE = ROOT / "extension" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, installed: Path) -> Iterator[JupyterServer]:
    with serve_panel(tmp_path_factory.mktemp("decisions"), installed, session="events") as served:
        yield served


def test_a_plan_is_edited_and_questions_are_answered_by_keys(
    page: Page, server: JupyterServer
) -> None:
    panel = open_panel(page, server)
    page.add_script_tag(path=AXE)
    begin(panel)
    ask(panel, json.dumps({"approve": "plan"}))
    card = panel.get_by_role("alertdialog", name="Is this the way to go?")
    editor = card.get_by_label("The plan, one step a line")
    expect(editor).to_have_value("load\nsum", timeout=30_000)
    assert serious(page) == []
    editor.click()
    expect(editor).to_be_focused()
    editor.press("Control+End")
    editor.press("Enter")
    editor.press_sequentially("draw it")
    expect(editor).to_have_value("load\nsum\ndraw it")
    card.get_by_role("button", name="Run as edited").press("Enter")
    await_answer(panel, text="Decided: edited, load sum draw it.")
    ask(panel, json.dumps({"approve": "question"}))
    card = panel.get_by_role("alertdialog", name="A question for you")
    expect(card).to_contain_text("Which year?", timeout=30_000)
    assert serious(page) == []
    card.get_by_label("2024").focus()
    page.keyboard.press("ArrowDown")
    expect(card.get_by_label("2025")).to_be_checked()
    page.keyboard.press("Enter")
    await_answer(panel, text="Decided: approved, 2025.")
    ask(panel, json.dumps({"approve": "question"}))
    words = panel.get_by_role("alertdialog").get_by_label("Your own words")
    words.fill("all of them")
    words.press("Enter")
    await_answer(panel, text="Decided: approved, all of them.")
    ask(panel, json.dumps({"approve": "question"}))
    panel.get_by_role("button", name="Let the agent decide").click(timeout=30_000)
    await_answer(panel, text="Decided: denied, None.")


def serious(page: Page) -> list[str]:
    """Return what stands in the way of who sees or hears otherwise."""
    found = page.evaluate("async () => (await axe.run('.jp-Analyst-decision')).violations")
    return [one["id"] for one in found if one["impact"] in {"serious", "critical"}]
