"""Addresses are read in one way, and only listed ones pass."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analyst.configuration import ConfigurationError
from analyst.tools.registry import ToolError
from analyst.tools.web.addresses import Address, AllowList


def allows(entries, url):
    try:
        return AllowList(entries).allows(Address.read(url))
    except ToolError:
        return False


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("docs.example.org", "https://docs.example.org/a?b=c#d"),
        ("docs.example.org", "HTTPS://DOCS.EXAMPLE.ORG."),
        ("https://docs.example.org/", "https://docs.example.org:443/"),
        ("*.example.org", "https://a.b.example.org/"),
        ("data?.example.org", "https://data1.example.org/"),
        ("example.org:8443", "https://example.org:8443/"),
        ("http://example.org", "http://example.org/"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/x"),
        ("http://[::1]:8080", "http://[::1]:8080/x"),
        ("bücher.example", "https://xn--bcher-kva.example/"),
        ("xn--bcher-kva.example", "https://bücher.example/"),
    ],
)
def test_what_is_listed_passes(entry, url):
    assert allows([entry], url)


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("example.org", "http://example.org/"),
        ("example.org", "https://example.org:8443/"),
        ("example.org", "https://www.example.org/"),
        ("example.org", "https://example.org.evil.test/"),
        ("example.org", "https://evil.test/example.org"),
        ("example.org", "https://evil.test?example.org"),
        ("example.org", "https://evil.test#@example.org/"),
        ("example.org", "https://example.org@evil.test/"),
        ("example.org", "https://user:secret@example.org/"),
        ("example.org", "https://evil.test\\@example.org/"),
        ("example.org", "https://evil.test\t.example.org/"),
        ("example.org", "file:///etc/passwd"),
        ("example.org", "javascript:alert(1)"),
        ("example.org", "//example.org/"),
        ("example.org", "example.org"),
        ("example.org", "https://"),
        ("*.example.org", "https://example.org/"),
        ("*.example.org", "https://evilexample.org/"),
        ("*.example.org", "https://evil.test/.example.org"),
        ("*", "https://2130706433/"),
        ("*", "https://0x7f000001/"),
        ("*", "https://127.1/"),
        ("*", "https://127.0.0.1/"),
        ("*", "https://[::1]/"),
        ("*", "https://1.1.1.1/"),
        ("*.0.0.1", "https://127.0.0.1/"),
    ],
)
def test_what_is_not_listed_does_not(entry, url):
    assert not allows([entry], url)


@pytest.mark.parametrize(
    "entry",
    ["", "ftp://example.org", "example.org/path", "user@example.org", "a b", "example.org:0",
     "example.org:99999", "127.1", "https://"],
)  # fmt: skip
def test_a_wrong_entry_is_told(entry):
    with pytest.raises(ConfigurationError, match="web"):
        AllowList([entry])


def test_only_a_host_with_its_port_is_spelled_out():
    allowed = AllowList(["a.example:8443", "b.example", "*.c.example:8443"])
    assert allowed.spelled_out("a.example", 8443)
    assert not allowed.spelled_out("a.example", 443)
    assert not allowed.spelled_out("b.example", 443)
    assert not allowed.spelled_out("x.c.example", 8443)


@given(st.text(max_size=60))
def test_whatever_is_written_is_read_or_refused(text):
    try:
        address = Address.read(text)
    except ToolError:
        return
    assert address.scheme in {"https", "http"}
    # What is shown and sent reads back as the very same.
    assert Address.read(str(address)) == address


_HOSTS = st.sampled_from(["good.example", "evil.test", "x.good.example", "good.example.evil.test"])
_GLUE = st.sampled_from(
    ["@", "\\", "#", "?", "/", ":", "//", "%40", "%2f", ".", "\t", "::", "[", ""]
)


@given(st.lists(st.one_of(_HOSTS, _GLUE), max_size=8))
def test_no_spelling_passes_for_a_listed_host(parts):
    try:
        address = Address.read("https://" + "".join(parts))
    except ToolError:
        return
    if AllowList(["good.example"]).allows(address):
        assert address.host == "good.example"
        assert str(address).startswith("https://good.example/")


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_redirect_never_keeps_the_host_by_force(location, path):
    base = Address.read("https://good.example/a/b")
    try:
        address = Address.read(location + path, base=base)
    except ToolError:
        return
    assert Address.read(str(address)) == address


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://a.example/%70rivate/%7euser", "https://a.example/private/~user"),
        ("https://a.example/a/%2e%2e/b", "https://a.example/b"),
        ("https://a.example/a/%2E/b/..", "https://a.example/a/"),
        ("https://a.example/?q=%41%20%2f", "https://a.example/?q=A%20%2F"),
        # What means something else, or may, is left.
        ("https://a.example/group%2fname", "https://a.example/group%2Fname"),
        ("https://a.example/web/https://b.example", "https://a.example/web/https://b.example"),
        ("https://a.example/%2570", "https://a.example/%2570"),
        ("https://a.example/%a%61", "https://a.example/%25aa"),
        ("https://a.example/100%?q=5%", "https://a.example/100%25?q=5%25"),
        ("https://a.example?x=1", "https://a.example/?x=1"),
    ],
)
def test_an_address_is_spelt_in_one_way(url, plain):
    assert str(Address.read(url)) == plain
    assert Address.read(plain) == Address.read(url)


_PIECES = st.sampled_from(
    ["/", "//", ".", "..", "%2e", "%2E%2e", "%252e", "a", "%61", "%", "?", ";"]
)


@given(st.lists(_PIECES, max_size=10))
@example(["%", "a", "%61"])
def test_reading_an_address_again_changes_nothing(pieces):
    address = Address.read("https://a.example/" + "".join(pieces))
    assert Address.read(str(address)) == address
    path = address.target.partition("?")[0]
    assert not {".", ".."} & set(path.split("/"))
