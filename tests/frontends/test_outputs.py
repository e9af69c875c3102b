"""Outputs of unreviewed code come out as data, images and plain tables, and as nothing else."""

from __future__ import annotations

import base64
import html
import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.frontends import outputs
from analyst.frontends.outputs import PLOTLY, plain_text, rich_bundle


def shown(data, kind="display_data"):
    return rich_bundle({"output_type": kind, "data": data, "metadata": {}})


CHART = {"data": [{"type": "bar", "y": [1, 2]}], "layout": {"title": {"text": "T"}}}


def test_a_chart_is_published_as_plotly_data_and_nothing_else():
    bundle = shown({PLOTLY: CHART, "text/html": "<script>draw()</script>", "image/png": "x"})
    assert bundle[PLOTLY] == {**CHART, "config": {"showSendToCloud": False}}
    assert set(bundle) == {PLOTLY, "text/plain"}
    assert bundle["text/plain"] == "[chart: T]"


def test_a_chart_loads_nothing_from_elsewhere():
    tracker = "https://evil.example/?data=1"
    figure = {
        "data": [
            {"type": "image", "source": tracker},
            {"type": "sankey", "link": {"source": [0, 1], "target": [1, 2]}},
        ],
        "layout": {
            "images": [{"source": tracker}, {"source": "data:image/png;base64,AA=="}],
            "template": {"layout": {"images": [{"source": tracker}]}},
            "map": {"style": tracker, "layers": [{"source": [tracker], "sourcetype": "raster"}]},
            "mapbox": {"style": "open-street-map"},
            "map2": {"style": {"version": 8, "sources": {"a": {"tiles": [tracker]}}}},
        },
        "config": {"plotlyServerURL": tracker, "responsive": True, "showLink": True},
        "frames": [{"data": [{"source": tracker}]}],
    }
    chart = shown({PLOTLY: figure})[PLOTLY]
    assert "evil" not in json.dumps(chart)
    assert chart["data"][1]["link"]["source"] == [0, 1]
    assert chart["layout"]["images"][1] == {"source": "data:image/png;base64,AA=="}
    assert chart["layout"]["mapbox"] == {"style": "open-street-map"}
    assert chart["config"] == {"responsive": True, "showSendToCloud": False}


def test_a_chart_too_large_for_a_notebook_is_a_sentence(monkeypatch):
    monkeypatch.setattr(outputs, "MAX_CHART_BYTES", 50)
    bundle = shown({PLOTLY: CHART, "text/plain": "Figure()"})
    assert "is not shown" in bundle["text/plain"]
    assert PLOTLY not in bundle


@pytest.mark.parametrize("figure", [None, 3, "no json", [], {}, {"data": "x"}, {"layout": {}}])
def test_what_is_no_chart_is_not_published_as_one(figure):
    assert shown({PLOTLY: figure, "text/plain": "x"}) is None


@pytest.mark.parametrize(
    ("mime", "raw"),
    [
        ("image/png", b"\x89PNG\r\n\x1a\n..."),
        ("image/jpeg", b"\xff\xd8\xff\xe0.."),
        ("image/gif", b"GIF89a...."),
    ],
)
def test_images_are_published_as_they_are(mime, raw):
    encoded = base64.b64encode(raw).decode()
    assert shown({mime: encoded + "\n", "text/plain": "t"}) == {mime: encoded, "text/plain": "t"}


@pytest.mark.parametrize("content", ["not base64 <script>", "PHNjcmlwdD4=", "", '"><script>'])
def test_what_only_says_it_is_an_image_is_not_published(content):
    assert shown({"image/png": content}) is None


def test_a_data_frame_is_a_plain_table():
    frame = pd.DataFrame({"name": ["<b>x</b>", "<script>alert(1)</script>"], "n": [1, 2]})
    bundle = shown({"text/html": frame._repr_html_(), "text/plain": repr(frame)})
    assert "<table" in bundle["text/html"]
    assert "&lt;script&gt;" in bundle["text/html"]
    assert "<script" not in bundle["text/html"]
    assert "<style" not in bundle["text/html"]
    assert "<iframe" not in bundle["text/html"]


def test_a_table_that_is_told_not_to_escape_is_cleaned():
    frame = pd.DataFrame({"a": ["<img src=x onerror=alert(1)>", '<a href="javascript:x">y</a>']})
    framed = shown({"text/html": frame.to_html(escape=False)})["text/html"]
    assert framed.count("<") == 2
    assert 'sandbox=""' in framed
    linked = shown({"text/html": frame.tail(1).to_html(escape=False)})["text/html"]
    assert "<a " in linked
    assert "javascript" not in linked


@pytest.mark.parametrize(
    "source",
    [
        "<style>td {color: red}</style><table><tr><td>styled</td></tr></table>",
        "<h1>report</h1><img src='https://evil.example/x.png'>",
        '<div></iframe><script>alert(1)</script>"\' srcdoc=""></div><img>',
    ],
)
def test_other_html_is_framed_without_scripts_and_network(source):
    framed = shown({"text/html": source})["text/html"]
    assert framed.count("<") == 2  # the frame's own two tags: the page is inside its attribute
    assert 'sandbox=""' in framed
    page = html.unescape(framed.split('srcdoc="')[1].rsplit('"', 1)[0])
    assert page.startswith(
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\''
    )
    assert page.endswith(source)


def test_svg_is_shown_as_an_image():
    bundle = shown({"image/svg+xml": '<svg onload="alert(1)"></svg>'})
    assert bundle["text/html"].startswith("<img ")
    assert "onload" not in bundle["text/html"]


def test_markdown_is_rendered_here_so_that_its_images_are_not_fetched():
    bundle = shown({"text/markdown": "# T\n![x](https://evil.example/?q)"})
    assert "<h1>T</h1>" in bundle["text/html"]
    assert "<img" not in bundle["text/html"]


@pytest.mark.parametrize(
    "mime",
    [
        "application/javascript",
        "application/vnd.jupyter.widget-view+json",
        "application/vnd.bokehjs_exec.v0+json",
        "application/vnd.vegalite.v5+json",
        "text/latex",
    ],
)
def test_what_could_act_is_left_out_but_its_text_stays(mime):
    output = {"output_type": "display_data", "data": {mime: "alert(1)", "text/plain": "Widget()"}}
    assert rich_bundle(output) is None
    assert plain_text(output) == "Widget()"


def test_an_output_without_text_is_named():
    output = {"output_type": "display_data", "data": {"application/javascript": "alert(1)"}}
    assert plain_text(output) == "[application/javascript]"


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner),
        max_leaves=12,
    )
)
def test_no_malformed_output_breaks_the_view(value):
    for mime in (PLOTLY, "image/png", "image/svg+xml", "text/html", "text/markdown", "text/plain"):
        output = {"output_type": "display_data", "data": {mime: value}}
        rich_bundle(output)
        assert isinstance(plain_text(output), str)
    rich_bundle({"output_type": "display_data", "data": value})
    plain_text({"output_type": "stream", "text": value})
    plain_text({"output_type": "error", "traceback": value})
