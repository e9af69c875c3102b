"""Findings as a table and in full: what is shown, and that none of it can do anything."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from analyst.frontends import finding_views, listings
from analyst.memory.finding import KeyValue, Output

from .findings_to_show import HOSTILE, PLAIN

HARMLESS = {
    "div",
    "span",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "strong",
    "p",
    "style",
    "pre",
    "details",
    "summary",
}


class Tags(HTMLParser):
    """Collects the tags of HTML as a browser reads it, and its text."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.attributes, self.text = set(), set(), ""
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


def numbered(*findings):
    return [one.model_copy(update={"number": n}) for n, one in enumerate(findings, 1)]


@pytest.fixture(params=["table", "one"])
def hostile(request):
    (finding,) = numbered(HOSTILE)
    if request.param == "table":
        return finding_views.table_bundle([finding])
    return finding_views.finding_bundle(finding)


def test_nothing_of_a_hostile_finding_runs_loads_or_leads_anywhere(hostile):
    page = Tags(hostile["text/html"])
    assert page.tags <= HARMLESS
    assert page.attributes <= {"class", "title", "scope"}
    assert "alert(1)" in page.text


def test_nothing_of_a_hostile_finding_steers_a_terminal_or_hides(hostile):
    for shown in hostile.values():
        assert "\x1b" not in shown
        assert "\x07" not in shown
        assert "\u202e" not in shown
    assert "<U+202E>" in hostile["text/plain"]


def test_a_hostile_finding_stays_one_line_of_the_list():
    assert "\n" not in listings.finding_table(numbered(HOSTILE))


def test_a_row_has_citation_day_question_answer_values_data_tags_and_pin():
    (finding,) = numbered(PLAIN)
    bundle = finding_views.table_bundle([finding])
    page = Tags(bundle["text/html"])
    day = listings.local_day(finding.created_at)
    for text in (
        "F1",
        "★",
        day,
        "Which countries",
        "gain = 38.062 years",
        "gapminder.csv",
        "health",
    ):
        assert text in page.text
    assert "<strong>Oman</strong>" in bundle["text/html"]
    assert "/data/gapminder.csv (1,704 rows)" in bundle["text/html"]
    unpinned = finding_views.table([finding.model_copy(update={"pinned": False})])
    assert "★" not in unpinned
    assert re.search(rf"F1 +{day}  \*Which countries", bundle["text/plain"])


def test_an_old_finding_says_that_there_is_a_newer_one():
    (finding,) = numbered(PLAIN.model_copy(update={"superseded_by": 7}))
    assert "older" in finding_views.table([finding])
    assert "superseded by F7" in finding_views.finding_html(finding)


def test_a_long_answer_and_many_values_are_cut():
    values = tuple(KeyValue(name=f"v{n}", value=n) for n in range(20))
    (finding,) = numbered(PLAIN.model_copy(update={"answer": "long " * 500, "values": values}))
    row = Tags(finding_views.table([finding])).text
    assert len(row) < 700
    assert "… 14 more" in row
    assert "v19" in finding_views.finding_html(finding)


def test_values_have_their_units_as_text_too():
    finding = numbered(PLAIN)[0]
    assert "Value     gain = 38.062 years" in listings.finding_text(finding)
    priced = finding.model_copy(update={"values": (KeyValue(name="p", value=4.5, unit="$"),)})
    assert "p = $4.5" in listings.finding_text(priced)


def test_the_charts_of_a_finding_are_shown_again_and_lost_ones_left_out():
    kept = {"a": b'{"data": [], "layout": {}}'}
    outputs = tuple(Output(mime="application/vnd.plotly.v1+json", digest=one) for one in "ab")
    finding = PLAIN.model_copy(update={"outputs": outputs})
    (bundle,) = finding_views.output_bundles(finding, kept.get)
    assert bundle["application/vnd.plotly.v1+json"]["data"] == []


def test_text_that_code_prints_again_is_escaped():
    stream = {"output_type": "stream", "name": "stdout", "text": "<script>x</script>\x1b[31m"}
    empty = {"output_type": "stream", "name": "stdout", "text": "\n"}
    (bundle,) = finding_views.shown_bundles([empty, stream, empty])
    assert "&lt;script&gt;" in bundle["text/html"]
    assert bundle["text/plain"] == "\n<script>x</script>"


def test_text_and_tables_that_code_shows_again_stay_in_order():
    def stream(text):
        return {"output_type": "stream", "name": "stdout", "text": text}

    table = {"output_type": "display_data", "data": {"text/html": "<table></table>"}}
    bundles = finding_views.shown_bundles([stream("a"), stream("b\n"), table, stream("c")])
    assert [bundle["text/plain"] for bundle in bundles][::2] == ["ab", "c"]
    assert finding_views.shown_bundles([]) == []
