"""One walk through the panel in Firefox: the other tests are Chromium's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import JupyterServer
from .firefox import Firefox, running
from .panel_page import code_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CHART = 'import plotly.express as px\npx.bar(x=["north", "south"], y=[3, 4]).show()\n'
PANEL = "document.querySelector('#jupyter-analyst')"
ANSWERS = f"{PANEL}.querySelectorAll('.jp-Analyst-turn:last-of-type .jp-Analyst-answer').length"


def button(name: str) -> str:
    return (
        f"[...{PANEL}.querySelectorAll('button')].find(one => !one.disabled && "
        f"[one.textContent, one.getAttribute('aria-label')].includes({json.dumps(name)}))"
    )


def test_a_question_is_typed_charted_and_decided_in_firefox(
    jupyter_with_panel: JupyterServer, tmp_path: Path
) -> None:
    server = jupyter_with_panel
    with running(tmp_path) as firefox:
        open_panel(firefox, server)
        firefox.click(button("New conversation"))
        ask(firefox, code_of(CHART))
        firefox.wait_for(f"{PANEL}.querySelector('.js-plotly-plot .main-svg')?.clientWidth > 100")
        firefox.wait_for(f"{ANSWERS} === 1")
        save = "window.jupyterapp.serviceManager.settings.save('jupyter-analyst:panel', {})"
        firefox.evaluate(save.format(json.dumps('{"approval": "ask"}')))
        open_panel(firefox, server)
        firefox.click(button("New conversation"))
        ask(firefox, code_of("print('first', 1)\n"))
        firefox.wait_for(f"{PANEL}.querySelector('[role=alertdialog]')")
        firefox.click(button("Approve"))
        firefox.wait_for(f"{ANSWERS} === 1")
        firefox.evaluate(save.format(json.dumps("{}")))
        assert firefox.errors == []


def open_panel(firefox: Firefox, server: JupyterServer) -> None:
    firefox.goto(f"{server.address}/lab?token={server.token}&reset")
    firefox.wait_for("!!window.jupyterapp")
    firefox.evaluate("window.jupyterapp.restored.then(() => true)")
    firefox.evaluate("window.jupyterapp.commands.execute('analyst:open').then(() => true)")
    firefox.wait_for(button("New conversation"))
    # Lab gives it the focus when it comes, which would end somebody's typing.
    firefox.wait_for("!!document.querySelector('.jp-Launcher')")


def ask(firefox: Firefox, question: str) -> None:
    area = f"{PANEL}.querySelector('textarea')"
    firefox.click(area)
    firefox.wait_for(f"document.activeElement === {area}")
    first, *others = question.split("\n")
    firefox.type(first)
    for line in others:
        # Not by the key, which sends.
        firefox.evaluate(insert_line(line))
    firefox.wait_for(f"{area}.value === {json.dumps(question)}", seconds=5)
    firefox.click(button("Ask"))


def insert_line(line: str) -> str:
    return f"document.execCommand('insertText', false, {json.dumps(chr(10) + line)})"
