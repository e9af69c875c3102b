"""What an agent produces can neither run, load, hide nor steer anything where it is shown."""

from __future__ import annotations

import html as stdlib_html
import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analyst.frontends import html, text
from analyst.frontends.outputs import rich_bundle
from analyst.frontends.reducer import fold
from analyst.frontends.untrusted import clean_html, clean_text, escape, markdown_to_html, one_line

HOSTILE = (
    "<script>alert(1)</script></details></pre></div></td><img src=x onerror=alert(1)>"
    '" onmouseover="alert(1)" \' &lt;b&gt; \x1b[31mred\x1b]52;c;aGFjaw==\x07 \u202etxt\u2066'
)
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Tags(HTMLParser):
    """Collects the tags and attributes of a document, and checks that they close in order."""

    EMPTY = ("br", "hr", "img", "meta")

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open
        assert self.open.pop() == tag


def assert_harmless(source: str) -> None:
    for tag, attributes in Tags(source).tags:
        assert tag not in {"script", "img", "svg", "object", "embed", "form", "base", "link"}
        assert not any(name.startswith("on") or name == "srcdoc" for name in attributes)
    assert not STEERING.search(source)
    assert "javascript:" not in re.sub(r">[^<]*<", "><", source).lower()


def run_with(script, payload):
    """A run that holds ``payload`` in every place where text can stand, one by one."""
    script.start(question=payload, model=payload, model_reason=payload)
    script.words(payload).call(payload)
    script.stream(payload).stream(payload, "stderr")
    script.output(
        {"output_type": "error", "ename": payload, "evalue": payload, "traceback": [payload]}
    )
    script.display({"text/plain": payload}).called("error")
    script.note(payload).answer(payload, values={payload: payload})
    return fold(script.finish("error", payload).events)


def drawn(transcript):
    pieces = [html.header(transcript), html.step(transcript.steps[0])]
    pieces += [html.remark(transcript.items[-1]), html.footer(transcript, seconds=1)]
    pieces.append(html.answer(transcript.answer, transcript.values))
    return html.part(*pieces)


def test_hostile_text_stays_text_in_every_place_of_a_run(script):
    assert_harmless(drawn(run_with(script, HOSTILE)))


@given(payload=st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
@example("</details>")
@example("]]><!--")
@example("\r\x1f")
@example("```\n</pre>")
def test_no_text_changes_the_shape_of_a_step(payload):
    from analyst.frontends.transcript import ShownOutput, Step

    def shape(content):
        output = {"output_type": "stream", "name": "stdout", "text": "." + content}
        step = Step(
            number=1,
            call_id="c",
            tool=content,
            code="x",
            language="json",
            outputs=(ShownOutput(key="c/0", output=output),),
            status="ok",
        )
        return [tag for tag, _ in Tags(html.step(step)).tags]

    assert shape(payload) == shape("harmless")


@given(st.text(max_size=200))
@example("\x1b]0;title\x07rm -rf")
@example("\x9b2Jx\x90evil\x9c")
@example("\x1b[")
@example("a\x1b")
def test_cleaned_text_holds_nothing_that_steers(source):
    cleaned = clean_text(source)
    assert not STEERING.search(cleaned)
    assert clean_text(cleaned) == cleaned


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="\u200b")))
def test_ordinary_text_is_not_changed(source):
    assert stdlib_html.unescape(escape(source)) == clean_text(source) == source


def test_a_progress_bar_keeps_its_last_state():
    assert clean_text("\r 10%|#\r 50%|##\r100%|###\nnext\r\n") == "100%|###\nnext\n"


def test_one_line_is_one_line():
    assert one_line("a\n\tb\x1b[0m  c" + "x" * 200, 10) == "a b cxxxx…"


@given(st.text(max_size=300))
@example("[click](javascript:alert(1)) <javascript:alert(1)>")
@example("![x](https://evil.example/?data)")
@example('<a href="x" onclick="y">z</a>')
@example("| a |\n|---|\n| <script>x</script> |")
def test_markdown_gives_harmless_html(source):
    assert_harmless(markdown_to_html(source))


def test_an_image_in_markdown_is_a_link_that_nobody_follows_by_itself():
    assert markdown_to_html("![pixel](https://evil.example/?q)").startswith('<p>!<a href="https://')


def test_markdown_keeps_what_analysts_write():
    shown = markdown_to_html(
        "**4.5** of\n\n| a | b |\n|---|---|\n| 1 | `x` |\n\n- [d](https://a.b)"
    )
    assert "<strong>4.5</strong>" in shown
    assert "<td><code>x</code></td>" in shown
    assert 'href="https://a.b"' in shown
    assert 'rel="noopener noreferrer nofollow"' in shown


@given(st.text(max_size=300))
@example("<table><style>td{background:url(https://evil.example)}</style><td onclick=x>1")
@example("<svg/onload=alert(1)><math><mtext></table><img src onerror=x>")
def test_html_is_cleaned_of_all_that_acts_or_loads(source):
    cleaned = clean_html(source)
    assert_harmless(cleaned)
    assert "url(" not in re.sub(r">[^<]*<", "><", cleaned)


def test_a_notebooks_typesetting_leaves_amounts_alone():
    assert "tex2jax_ignore" in html.part("x")


@pytest.mark.parametrize("place", [text.header, lambda t: text.step(t.steps[0])])
def test_hostile_text_cannot_steer_a_terminal(script, place):
    assert not STEERING.search(place(run_with(script, HOSTILE)).replace("\n", ""))


def test_hostile_text_of_an_output_is_not_rich():
    assert rich_bundle({"output_type": "stream", "name": "stdout", "text": HOSTILE}) is None
