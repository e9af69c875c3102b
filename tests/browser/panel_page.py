"""What tests do in the panel, as a user does it."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from .conftest import JupyterServer


def open_panel(page: Page, server: JupyterServer, path: str = "lab") -> Locator:
    """Open a page of the server and the panel in it."""
    page.goto(f"{server.address}/{path}?token={server.token}&reset")
    return shown_panel(page)


def shown_panel(page: Page) -> Locator:
    """Show the panel of the page that is open."""
    page.wait_for_function("() => window.jupyterapp")
    page.evaluate("() => window.jupyterapp.restored")
    page.evaluate("() => window.jupyterapp.commands.execute('analyst:open')")
    panel = page.locator("#jupyter-analyst")
    expect(panel).to_be_visible()
    return panel


def begin(panel: Locator) -> None:
    """Begin a conversation."""
    panel.get_by_role("button", name="New conversation", exact=True).click()


def ask(panel: Locator, question: str) -> None:
    """Send a question."""
    panel.get_by_role("combobox", name="Question").fill(question)
    panel.get_by_role("button", name="Ask", exact=True).click()


def code_of(code: str) -> str:
    """Return a question that the scripted model answers by this code."""
    return f"Please run this.\n```python\n{code}```"


def await_answer(panel: Locator, timeout: float = 60_000, text: str = "It is computed.") -> None:
    """Wait until the last run has this answer; what a screen reader is told says it too."""
    expect(panel.locator(".jp-Analyst-turn").last.locator(".jp-Analyst-answer")).to_contain_text(
        text, timeout=timeout
    )


def set_approval(page: Page, mode: str) -> None:
    """Choose before which calls the user is asked, and load the page anew."""
    page.evaluate(
        """async mode => {
          const settings = window.jupyterapp.serviceManager.settings;
          await settings.save('jupyter-analyst:panel', JSON.stringify({ approval: mode }));
        }""",
        mode,
    )
    page.reload()
    shown_panel(page)


def let_lab_complain(page: Page) -> None:
    """Close what Lab itself says of a lost connection, whenever it covers the page."""
    page.add_locator_handler(
        page.get_by_role("dialog", name="Server Connection Error"),
        lambda dialog: dialog.get_by_role("button", name="Close").click(),
    )
