"""The interactive browser of findings, by its widgets; a real front end is in ``tests/browser``."""

from __future__ import annotations

import asyncio

import pandas as pd
import pytest

from analyst.frontends import findings_browser
from analyst.frontends.bridge import SessionBridge
from analyst.frontends.findings_browser import WIDGET, FindingsBrowser
from analyst.session.findings import Findings
from analyst.settings import Settings

from .findings_to_show import HOSTILE, PLAIN
from .test_finding_views import HARMLESS, Tags


@pytest.fixture
def bridge(session_of):
    bridge = SessionBridge(session_of(), settings=Settings())
    yield bridge
    bridge.close()


@pytest.fixture
def browse(bridge):
    """Open the browser on saved findings; what it publishes is in its ``published``."""

    def browse(*saved, words="", frames=None):
        with Findings(Settings()) as findings:
            for one in saved:
                findings._memory.store.save(one)
        published = []
        opened = FindingsBrowser(
            bridge=bridge,
            frames=lambda: frames or {},
            publish=lambda bundle, key, *, update: published.append((bundle, key, update)),
            words=words,
        )
        opened.published = published
        return opened

    return browse


def stored(number):
    with Findings(Settings()) as findings:
        return findings.get(number)


def listed(browser):
    return [number for _, number in browser.list.options]


OTHER = PLAIN.model_copy(update={"question": "Mean price?", "uid": "o", "pinned": False})


def test_it_lists_finds_and_shows(browse):
    browser = browse(PLAIN, OTHER)
    assert listed(browser) == [1, 2]  # what is pinned comes first
    assert "Oman" in browser.detail.value
    browser.list.value = 2
    assert "Mean price?" in browser.detail.value
    browser.words.value = "average price"
    assert listed(browser)[0] == 2
    assert "Mean price?" in browser.detail.value
    assert browse(words="average price").list.value == 2


def test_what_it_changes_is_changed_in_the_store_and_in_the_table_that_is_saved(browse):
    browser = browse(PLAIN, OTHER)
    browser.show()
    (form, _, _), (table, key, update) = browser.published
    assert form[WIDGET]["model_id"] == browser.form.model_id
    assert not update
    assert "Mean price?" in table["text/html"]
    browser.list.value = 2
    browser.pin.click()
    assert stored(2).pinned
    assert browser.pin.description == "Unpin"
    assert browser.list.value == 2
    browser.tags.value = "a, b,,"
    assert stored(2).tags == ("a", "b")
    browser.pin.click()
    assert not stored(2).pinned
    (table, key_now, update) = browser.published[-1]
    assert (key_now, update) == (key, True)
    assert ">a</span>" in table["text/html"]


def test_choosing_a_finding_changes_no_tags(browse):
    browser = browse(PLAIN, OTHER.model_copy(update={"tags": ("x,y",)}))
    browser.list.value = 2
    browser.list.value = 1
    assert stored(2).tags == ("x,y",)
    assert stored(1).tags == ("health",)


def test_it_deletes_only_what_was_confirmed(browse):
    browser = browse(PLAIN, OTHER)
    browser.yes.click()
    assert listed(browser) == [1, 2]
    browser.delete.click()
    assert browser.confirm.layout.display == "flex"
    assert "F1" in browser.state.value
    browser.list.value = 2  # another one is meant now: ask again
    browser.yes.click()
    assert listed(browser) == [1, 2]
    browser.delete.click()
    browser.no.click()
    browser.yes.click()
    assert listed(browser) == [1, 2]
    browser.delete.click()
    browser.yes.click()
    assert listed(browser) == [1]
    assert "Deleted F2" in browser.state.value
    assert "Mean price?" not in browser.published[-1][0]["text/html"]


def test_without_findings_it_says_so_and_does_nothing(browse):
    browser = browse()
    assert "Nothing is remembered yet" in browser.state.value
    for one in (browser.pin, browser.verify, browser.delete, browser.yes):
        one.click()
    assert browser.pin.disabled
    assert browser.detail.value == ""


def test_what_another_has_deleted_is_told(browse):
    browser = browse(PLAIN)
    with Findings(Settings()) as findings:
        findings.delete([1])
    browser.pin.click()
    assert "no finding F1" in browser.state.value


def test_nothing_of_a_hostile_finding_runs_or_leads_anywhere(browse):
    browser = browse(HOSTILE)
    browser.delete.click()
    browser.show()
    for shown in (browser.detail.value, browser.state.value, browser._static()["text/html"]):
        page = Tags(shown)
        assert page.tags <= HARMLESS
        assert page.attributes <= {"class", "title", "scope", "role"}
    ((label, _),) = browser.list.options
    assert "\x1b" not in label + browser.tags.value
    assert "\u202e" not in label + browser.tags.value


async def verified(browser):
    browser.verify.click()
    assert browser.verify.disabled
    assert "Computing" in browser.state.value
    await asyncio.wait_for(browser._running, 30)
    assert not browser.verify.disabled
    return browser.state.value


async def test_a_finding_is_verified_in_the_sessions_thread(browse):
    browser = browse(
        PLAIN.model_copy(update={"data": (), "values": (), "code": "print(38.06)"}),
        frames={"df": pd.DataFrame({"x": [1]})},
    )
    assert "✓ F1: All that it says came out again." in await verified(browser)


async def test_while_it_verifies_others_can_be_looked_at(browse):
    browser = browse(PLAIN.model_copy(update={"data": (), "code": "print('<script>')"}), OTHER)
    browser.verify.click()
    running = browser._running
    browser.verify.click()
    assert browser._running is running
    browser.list.value = 2
    assert "Computing F1" in browser.state.value
    await asyncio.wait_for(running, 30)
    assert "✗ F1: Not the same: gain was 38.062 years and is None" in browser.state.value


async def test_a_finding_whose_data_is_not_there_says_what_to_do(browse):
    browser = browse(PLAIN)
    assert "There is no /data/gapminder.csv any more" in await verified(browser)


async def test_a_session_that_ends_meanwhile_is_told(browse, bridge, monkeypatch):
    async def forever(*_arguments, **_options):
        await asyncio.sleep(1000)

    monkeypatch.setattr(findings_browser.Findings, "verify", forever)
    browser = browse(PLAIN)
    browser.verify.click()
    running = browser._running
    await asyncio.sleep(0.2)
    await asyncio.to_thread(bridge.close)
    await asyncio.wait_for(running, 10)
    assert "try again" in browser.state.value
