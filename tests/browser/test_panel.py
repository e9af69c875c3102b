"""The panel's conversation in a real JupyterLab: asked, shown, stopped, decided, resumed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import ROOT, JupyterServer
from .panel_page import ask, await_answer, begin, code_of, open_panel

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

CHART = """
import pandas as pd
import plotly.express as px
sales = pd.DataFrame({"month": [1, 2, 3], "amount": [3, 5, 4]})
display(sales)
px.line(sales, x="month", y="amount", title="Sales").show()
"""
HOSTILE = """
from IPython.display import HTML, SVG, Javascript, Markdown, display
display(Markdown("![picture](https://evil.example/1.png) [away](lab/tree) [web](https://a.example)"))
display(HTML("<table><tr><td onclick='window.hit=1' onmouseover='window.hit=1'>cell"
             "<script>window.hit=1</script></td></tr></table>"))
display(HTML("<style>body{display:none}</style><img src='https://evil.example/2.png'>"
             "<script>parent.hit=1</script><b>framed</b>"))
display(SVG('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"'
            ' onload="window.hit=1"><image href="https://evil.example/3.png"/></svg>'))
display(Javascript("window.hit=1"))
"""
SLEEP = "import time\nprint('asleep', flush=True)\ntime.sleep(100)\n"


@pytest.fixture
def asks_before_code(page: Page, jupyter_with_panel: JupyterServer) -> Iterator[None]:
    """The panel's setting that the user is asked about every call."""
    save = """async raw => {
      await window.jupyterapp.serviceManager.settings.save('jupyter-analyst:panel', raw);
    }"""
    open_panel(page, jupyter_with_panel)
    page.evaluate(save, '{"approval": "ask"}')
    yield
    page.evaluate(save, "{}")


def test_a_chart_and_a_table_fit_the_panel_and_follow_its_width(
    page: Page, jupyter_with_panel: JupyterServer
) -> None:
    panel = open_panel(page, jupyter_with_panel)
    begin(panel)
    ask(panel, code_of(CHART))
    expect(panel.get_by_text("It is computed.", exact=True)).to_be_visible(timeout=60_000)
    expect(panel.locator("td", has_text="5")).to_be_visible()
    chart = panel.locator(".js-plotly-plot .main-svg").first
    expect(chart).to_be_visible(timeout=20_000)
    narrow = width(chart)
    assert narrow <= width(panel)
    handle = panel.bounding_box()
    assert handle is not None
    page.mouse.move(handle["x"] - 2, 300)
    page.mouse.down()
    page.mouse.move(handle["x"] - 300, 300, steps=4)
    page.mouse.up()
    page.wait_for_function(
        "least => document.querySelector('.js-plotly-plot .main-svg').clientWidth > least",
        arg=narrow + 100,
    )
    assert width(chart) <= width(panel)
    step = panel.get_by_role("button", name=re.compile("I compute it"))
    expect(step).to_have_attribute("aria-expanded", "false")
    step.press("Enter")
    expect(panel.get_by_text("import plotly.express").last).to_be_visible()


def width(part: Locator) -> float:
    box = part.bounding_box()
    assert box is not None
    return box["width"]


def test_outputs_run_nothing_load_nothing_and_lead_nowhere_unasked(
    page: Page, jupyter_with_panel: JupyterServer
) -> None:
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    panel = open_panel(page, jupyter_with_panel)
    begin(panel)
    ask(panel, code_of(HOSTILE))
    expect(panel.get_by_text("It is computed.", exact=True)).to_be_visible(timeout=60_000)
    panel.locator("td", has_text="cell").click()
    frame = panel.frame_locator("iframe")
    expect(frame.get_by_text("framed")).to_be_attached()
    picture = panel.get_by_role("link", name="picture")
    expect(picture).to_have_attribute("href", "https://evil.example/1.png")
    expect(panel.get_by_role("link", name="away")).to_have_count(0)
    web = panel.get_by_role("link", name="web")
    expect(web).to_have_attribute("referrerpolicy", "no-referrer")
    before = page.url
    page.context.route("https://a.example/**", lambda route: route.fulfill(body="there"))
    with page.context.expect_page() as opened:
        web.click()
    assert opened.value.url == "https://a.example/"
    assert opened.value.evaluate("window.opener") is None
    assert page.url == before
    assert page.evaluate("window.hit") is None
    assert not [one for one in addresses if "evil.example" in one]


def test_a_run_is_stopped_by_a_click(page: Page, jupyter_with_panel: JupyterServer) -> None:
    panel = open_panel(page, jupyter_with_panel)
    begin(panel)
    ask(panel, code_of(SLEEP))
    expect(panel.locator(".jp-Analyst-text", has_text="asleep")).to_be_visible(timeout=60_000)
    panel.get_by_role("button", name="Stop", exact=True).click()
    expect(panel.get_by_text("Stopped: it was stopped")).to_be_visible(timeout=5_000)
    expect(panel.get_by_role("button", name="Ask", exact=True)).to_be_visible()


@pytest.mark.usefixtures("asks_before_code")
def test_a_reloaded_page_goes_on_where_it_was_and_decides_by_keys(
    page: Page, jupyter_with_panel: JupyterServer
) -> None:
    panel = open_panel(page, jupyter_with_panel)
    # It takes the cursor when it has come.
    expect(page.locator(".jp-Launcher")).to_be_focused()
    begin(panel)
    ask(panel, code_of("print('first', 1)\n"))
    card = panel.get_by_role("alertdialog", name="May this code run?")
    expect(card).to_be_focused(timeout=60_000)
    page.goto("about:blank")
    panel = open_panel(page, jupyter_with_panel)
    editor = card.get_by_label("Code that waits")
    expect(editor).to_have_value("print('first', 1)", timeout=20_000)
    editor.fill("print('second', 2)")
    card.get_by_role("button", name="Run as edited").press("Enter")
    expect(panel.get_by_text("It is computed.", exact=True)).to_be_visible(timeout=20_000)
    panel.get_by_role("button", name=re.compile("I compute it")).click()
    expect(panel.locator(".jp-Analyst-text", has_text="second 2")).to_be_visible()
    expect(panel.get_by_text("You changed it before it ran.")).to_be_visible()


def test_what_was_found_is_looked_up_and_verified(
    page: Page, jupyter_with_panel: JupyterServer
) -> None:
    panel = open_panel(page, jupyter_with_panel)
    begin(panel)
    ask(panel, code_of("total = 20 + 3\nprint('total', total)\n"))
    panel.get_by_role("button", name=re.compile(r"^F\d+$")).last.click(timeout=60_000)
    panel.get_by_role("button", name="Verify").click()
    expect(panel.locator(".jp-Analyst-verified")).to_be_visible(timeout=60_000)
    panel.get_by_role("button", name="Ask about it").click()
    expect(panel.get_by_role("list", name="Goes along").last).to_contain_text("F")
    panel.get_by_role("tab", name="Runs").click()
    panel.locator(".jp-Analyst-row").first.click()
    expect(panel.get_by_text("It is computed.", exact=True)).to_be_visible()


def test_the_panel_is_at_home_in_the_notebook_application(
    page: Page, jupyter_with_panel: JupyterServer
) -> None:
    jupyter_with_panel.write("home.ipynb", ["1"], [])
    panel = open_panel(page, jupyter_with_panel, "notebooks/home.ipynb")
    begin(panel)
    ask(panel, code_of("print('in notebook', 7)\n"))
    expect(panel.get_by_text("It is computed.", exact=True)).to_be_visible(timeout=60_000)


AXE = ROOT / "extension" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_nothing_serious_stands_in_the_way_of_who_sees_or_hears_otherwise(
    page: Page, jupyter_with_panel: JupyterServer, theme: str
) -> None:
    panel = open_panel(page, jupyter_with_panel)
    page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
    )
    begin(panel)
    ask(panel, code_of("print('all', 1)\n"))
    await_answer(panel)
    page.add_script_tag(path=AXE)
    for tab in ("Conversation", "Findings", "Runs", "Setup"):
        panel.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(500)
        found = page.evaluate("async () => (await axe.run('#jupyter-analyst')).violations")
        serious = [
            (one["id"], [node["html"] for node in one["nodes"]][:3])
            for one in found
            if one["impact"] in {"serious", "critical"}
        ]
        assert serious == [], (tab, serious)
    page.evaluate(
        "() => window.jupyterapp.commands.execute('apputils:change-theme', "
        "{ theme: 'JupyterLab Light' })"
    )
