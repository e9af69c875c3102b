"""Documents are cut where they have headings, and nothing of them is lost."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from analyst.tools.documents.document import Document, Part
from analyst.tools.knowledge.cutting import MOST, USUAL, cut


def of(text, headings="markdown", where=""):
    return cut(Document("", (Part(text, where, headings),)))


def test_headings_are_kept_as_a_path():
    found = of("# A\none\n## B *b*\ntwo\n### [C](x)\nthree\n## D\nfour\n\nE\n=\nfive\n")
    assert [(one.heading, one.place, one.text) for one in found] == [
        ("A", "A", "one"),
        ("A > B b", "B b", "two"),
        ("A > B b > C", "C", "three"),
        ("A > D", "D", "four\n\nE\n=\nfive"),
    ]


def test_underlined_headings():
    found = of("A\n===\none\n\nB\n---\ntwo\n\n| a |\n----\n", "underlined")
    assert [(one.heading, one.text.split("\n")[0]) for one in found] == [
        ("A", "one"),
        ("A > B", "two"),
    ]


def test_code_has_no_headings():
    found = of("# A\n```\n# no\n```\n# B\nx")
    assert [one.heading for one in found] == ["A", "B"]


def test_text_without_headings_is_told_by_lines():
    text = "\n\n".join(f"Paragraph {n}. " + "word " * 60 for n in range(20))
    found = of(text, "none")
    assert found[0].place == "line 1"
    lines = text.splitlines()
    for one in found:
        first = one.text.split(".")[0]
        assert lines[int(one.place.removeprefix("line ")) - 1].startswith(first)


def test_pages_and_cells_name_their_place():
    assert {one.place for one in of("word " * 2000, "none", "p. 7")} == {"p. 7"}


def test_passages_are_neither_long_nor_torn_apart():
    text = "# H\n" + "\n\n".join("A sentence of some words. " * 10 for _ in range(30))
    found = of(text)
    assert all(len(one.text) <= USUAL + MOST for one in found)
    assert sum(len(one.text) for one in found) / len(found) > USUAL / 2


@given(st.text(alphabet=st.sampled_from("ab #=-`~.\n|"), max_size=400))
def test_no_word_is_lost(text):
    for headings in ("none", "markdown", "underlined"):
        found = of(text, headings)
        kept = "".join(one.text + one.heading for one in found)
        if headings == "none":
            assert re.sub(r"\s", "", kept) == re.sub(r"\s", "", text)


@given(st.text(max_size=3000))
def test_no_passage_is_too_long(text):
    assert all(0 < len(one.text) <= USUAL + MOST for one in of(text * 3))
