"""Documents of all kinds are read, or told to be broken in a sentence."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyst.tools.documents.apart import read_apart
from analyst.tools.documents.decoding import decoded
from analyst.tools.documents.document import DocumentError
from analyst.tools.documents.reading import read

from .documents_made import encrypted, notebook, pdf


def texts(document):
    return [part.text for part in document.parts]


def test_a_pdf_is_read_page_by_page():
    found = read("a.PDF", pdf("Revenue grew", "", "Costs (net)\nfell", title="Report 2024"))
    assert found.title == "Report 2024"
    assert [(part.where, part.text.split()) for part in found.parts] == [
        ("p. 1", ["Revenue", "grew"]),
        ("p. 3", ["Costs", "(net)", "fell"]),
    ]


def test_encrypted_pdfs():
    with pytest.raises(DocumentError, match="is encrypted"):
        read("a.pdf", encrypted(pdf("secret"), "word"))
    # Without a password for reading, it is only locked against changes.
    assert "open" in texts(read("a.pdf", encrypted(pdf("open"), "")))[0]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "broken"),
        (b"%PDF-1.4 nothing", "broken"),
        (pdf("one", "two")[:300], "broken|no text"),
        (pdf(""), "holds no text"),
    ],
)
def test_broken_pdfs(data, words):
    with pytest.raises(DocumentError, match=words):
        read("a.pdf", data)


def test_a_page_that_takes_forever_ends():
    began = time.monotonic()
    with pytest.raises(DocumentError, match="took more than 1 seconds"):
        read_apart(b"<div>" * 300_000, "html", seconds=1)
    assert time.monotonic() - began < 5


def test_deep_pages_are_read():
    assert "deep" in texts(read_apart(b"<div>" * 3000 + b"deep", "html"))[0]


def test_a_pages_menus_are_left_out():
    html = b"""<title> A  page </title><body><nav>menu</nav><header>logo</header>
    <div role="navigation">more</div><h1>What counts</h1><p>words *as* they_are</p>
    <pre># code</pre><aside>ads</aside><p aria-hidden="true">unseen</p></body>"""
    found = read("a.html", html)
    assert found.title == "A page"
    text = texts(found)[0]
    assert "# What counts" in text
    assert "words *as* they_are" in text
    assert not any(word in text for word in ("menu", "logo", "more", "ads", "unseen"))


def test_a_notebook_is_read_cell_by_cell():
    found = read("a.ipynb", notebook("# Churn\nwords", ("print(1)", "printed 1\n")))
    assert [part.where for part in found.parts] == ["cell 1", "cell 2"]
    assert "printed 1" in found.parts[1].text
    for data in (b"{}", b"no", b'{"nbformat": 4}', b"[" * 100_000, notebook()):
        with pytest.raises(DocumentError, match="notebook"):
            read("a.ipynb", data)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("naïve".encode(), "naïve"),
        ("naïve".encode("utf-8-sig"), "naïve"),
        ("naïve".encode("utf-16"), "naïve"),
        ("naïve".encode("utf-32"), "naïve"),
        ("Привет, это русский текст про доходы".encode("cp1251"), "Привет"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", None),
        (bytes(range(32)) * 10, None),
    ],
)
def test_encodings(data, text):
    found = decoded(data)
    assert found is None if text is None else found.startswith(text)


@given(st.binary(max_size=400), st.none() | st.text(max_size=12))
def test_any_bytes_are_text_or_none(data, declared):
    found = decoded(data, declared)
    assert found is None or isinstance(found, str)


@settings(max_examples=25)
@given(st.binary(max_size=200), st.sampled_from([".md", ".txt", ".ipynb", ".rst"]))
def test_any_file_is_read_or_told(data, suffix):
    try:
        found = read("x" + suffix, data)
    except DocumentError:
        return
    for part in found.parts:
        part.text.encode()


@settings(max_examples=10)
@given(st.integers(0, 500), st.binary(min_size=1, max_size=20))
def test_a_damaged_pdf_is_read_or_told(at, damage):
    whole = pdf("one page", "another page")
    with contextlib.suppress(DocumentError):
        read("a.pdf", whole[:at] + damage + whole[at + len(damage) :])
