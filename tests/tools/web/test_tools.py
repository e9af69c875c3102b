"""The tools as a model uses them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.configuration import ConfigurationError, Web
from analyst.tools.permissions import Permissions, Rule
from analyst.tools.registry import ToolRegistry, ToolResult
from analyst.tools.web.addresses import AllowList
from analyst.tools.web.content import page_of
from analyst.tools.web.judging import judged_fetch, judged_search
from analyst.tools.web.search import hits_in
from analyst.tools.web.tools import SHOWN, web_tools

PAGE = """<!doctype html><html><head><title>Rates &amp; fees</title><script>bad()</script></head>
<body><nav><a href="/home">Home</a></nav><main><h1>Rates</h1><p>The rate is <b>4.5 %</b>, see
<a href="more.html#top">more</a>.</p><table><tr><th>year</th><th>rate</th></tr>
<tr><td>2024</td><td>4.5</td></tr></table></main><footer>imprint</footer></body></html>"""


async def call(tool, **arguments):
    ToolRegistry([tool]).validate(tool.name, arguments)
    items = [item async for item in tool.run(arguments)]
    assert isinstance(items[-1], ToolResult)
    return items[-1]


@pytest.fixture
def fetch(site):
    return web_tools(Web(allow=(site.entry,)))[0]


def test_nothing_is_offered_unless_it_is_configured():
    assert web_tools(Web()) == []
    assert [tool.name for tool in web_tools(Web(allow=("example.org",)))] == ["web_fetch"]
    searching = web_tools(Web(search_url="https://s.example/?q={query}&format=json"))
    assert [tool.name for tool in searching] == ["web_search"]


async def test_a_page_is_told_with_title_and_address(site, fetch):
    site.serve("/a", PAGE.encode())
    result = await call(fetch, url=site.origin + "/a", start=None)
    assert result.status == "ok"
    for words in ("Rates & fees", f"Address: {site.origin}/a", "The rate is **4.5 %**",
                  "| 2024 | 4.5 |", f"[more]({site.origin}/more.html)"):  # fmt: skip
        assert words in result.observation
    for words in ("bad()", "Home", "imprint"):
        assert words not in result.observation


async def test_a_long_page_is_read_in_pieces(site, fetch):
    text = "".join(f"{n:05d}\n" for n in range(3000))
    site.serve("/a", text.encode(), "text/plain")
    seen, start = "", 0
    while len(seen) < len(text):
        result = await call(fetch, url=site.origin + "/a", start=start)
        shown = result.observation.partition("\n\n")[2]
        assert len(shown) <= SHOWN
        seen += shown
        start = len(seen)
    assert seen == text
    assert len(site.asked) == 1
    beyond = await call(fetch, url=site.origin + "/a", start=10**6)
    assert (beyond.status, "beyond" in beyond.observation) == ("error", True)


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b'{"a": 1}', "application/json", '{"a": 1}'),
        (b"a,b\n1,2\n", "text/csv", "1,2"),
        (b"a,b\n1,2\n", "application/octet-stream", "1,2"),
        (b"a,b\n1,2\n", None, "1,2"),
        ("naïve".encode("latin-1"), "text/plain; charset=latin-1", "naïve"),
        ("naïve".encode("utf-16"), "text/plain", "naïve"),
        ("Größe: 5 €".encode("cp1252"), "text/plain; charset=nonsense", "5"),
        (b"\xef\xbb\xbfplain", "text/plain; charset=hex", "plain"),
        (
            "<html><meta charset='windows-1251'><body>Привет, как дела сегодня".encode("cp1251"),
            "text/html",
            "Привет",
        ),
    ],
)
async def test_types_and_encodings(site, fetch, body, kind, words):
    site.serve("/a", body, kind)
    result = await call(fetch, url=site.origin + "/a", start=None)
    assert (result.status, words in result.observation) == ("ok", True), result.observation


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"\x89PNG", "image/png", "image/png"),
        (b"\0\1\2" * 100, "application/octet-stream", "no text"),
        (b"%PDF-1.7 nothing more", "application/pdf", "broken"),
        (b"<html><body><script>x</script></body></html>", "text/html", "holds no text"),
        (b"", "text/plain", "holds no text"),
    ],
)
async def test_what_has_no_text_is_told(site, fetch, body, kind, words):
    site.serve("/a", body, kind)
    result = await call(fetch, url=site.origin + "/a", start=None)
    assert (result.status, words in result.observation) == ("error", True), result.observation


async def test_where_a_page_leads_is_judged_like_the_first_address(site):
    (fetch,) = web_tools(Web(allow=(site.entry,)))
    site.redirect("/go", "/salaries")
    site.serve("/salaries", b"secret", "text/plain")
    result = await call(fetch, url=site.origin + "/go", start=None)
    assert result.status == "ok"
    assert f"leads to {site.origin}/salaries." in result.observation
    assert [path for path, _, _ in site.asked] == ["/go"]
    denying = Rule(
        tool="web_fetch", decision="deny", where={"url": f"{site.origin}/salaries*"}, source="r"
    )
    prepared = await fetch.prepare({"url": site.origin + "/salaries", "start": None})
    judged = Permissions(rules=[denying]).judge(
        "web_fetch", prepared.arguments, fetch.judge(prepared.arguments)
    )
    assert judged.verdict == "deny"
    followed = await call(fetch, url=site.origin + "/salaries", start=None)
    assert followed.observation.endswith("secret")


async def test_a_rule_holds_for_both_ends_of_a_redirect_that_is_followed(site):
    (fetch,) = web_tools(Web(allow=(site.entry,)))
    site.redirect("/hr", "/hr/")
    site.serve("/hr/", b"page", "text/plain")
    assert (await call(fetch, url=site.origin + "/hr", start=None)).observation.endswith("page")
    for pattern in ("/hr", "/hr/", "/hr/*"):
        denying = Rule(
            tool="*", decision="deny", where={"url": site.origin + pattern}, source="your rules"
        )
        assert denying.matches("web_fetch", {"url": site.origin + "/hr"})
        assert denying.matches("web_fetch", {"url": site.origin + "/hr/"})


async def test_a_host_that_is_not_listed_is_not_asked(site, fetch):
    for url in ("https://evil.test/", "nonsense", "https://user:pw@127.0.0.1/"):
        result = await call(fetch, url=url, start=None)
        assert result.status == "error"
        assert "pw" not in result.observation


@given(st.binary(max_size=300), st.sampled_from(["text/html", "application/json", "x/y", ""]))
def test_any_body_is_told_or_refused(data, kind):
    from analyst.tools.registry import ToolError
    from analyst.tools.web.addresses import Address
    from analyst.tools.web.client import Answer

    if kind == "text/html" or data.startswith(b"%PDF-") or b"<html" in data:
        return
    try:
        page = page_of(Answer(Address.read("https://a.example/"), kind, data))
    except ToolError:
        return
    page.text.encode()


SEARXNG = {
    "results": [
        {"title": "One", "url": "https://one.example/", "content": "The <b>first</b> &amp; best"},
        {"title": "Bad", "url": "javascript:alert(1)", "content": "x"},
        {"title": None, "url": "https://two.example/", "content": None},
        "nonsense",
    ]
}


async def test_a_search_is_told_as_titles_and_addresses(site, monkeypatch):
    monkeypatch.setenv("SEARCH_KEY", "secret")
    site.serve("/s", json.dumps(SEARXNG).encode(), "application/json")
    web = Web(
        search_url=site.origin + "/s?q={query}&format=json&key=${SEARCH_KEY}",
        search_headers={"X-Token": "${SEARCH_KEY}"},
    )
    (search,) = web_tools(web)
    result = await call(search, query="rate of the ECB & more", count=None)
    assert "1. One\n   https://one.example/\n   The first & best" in result.observation
    assert "https://two.example/" in result.observation
    assert "javascript" not in result.observation
    assert "secret" not in result.observation
    path, headers, _ = site.asked[0]
    assert path == "/s?q=rate%20of%20the%20ECB%20%26%20more&format=json&key=secret"
    assert headers["X-Token"] == "secret"


async def test_a_provider_without_a_place_for_the_words_gets_them_as_json(site):
    site.serve("/s", json.dumps(SEARXNG).encode(), "application/json")
    (search,) = web_tools(Web(search_url=site.origin + "/s"))
    result = await call(search, query="ecb", count=1)
    assert result.observation.count("https://") == 1
    assert json.loads(site.asked[0][2]) == {"query": "ecb", "max_results": 1}


async def test_trouble_of_a_search_tells_no_key(site, monkeypatch):
    monkeypatch.setenv("SEARCH_KEY", "secret")
    url = site.origin + "/s?q={query}&key=${SEARCH_KEY}"
    (search,) = web_tools(Web(search_url=url))
    for prepare in (
        lambda: site.serve("/s", b"<html>no", "text/html"),
        lambda: site.serve("/s", b"", status=403),
        lambda: site.redirect("/s", "https://elsewhere.test/?key=secret"),
        lambda: monkeypatch.delenv("SEARCH_KEY"),
    ):
        prepare()
        result = await call(search, query="ecb", count=None)
        assert result.status == "error"
        assert "secret" not in result.observation
    assert "SEARCH_KEY" in result.observation


async def test_nothing_found_is_said(site):
    site.serve("/s", b"{}", "application/json")
    (search,) = web_tools(Web(search_url=site.origin + "/s?q={query}"))
    assert "found nothing" in (await call(search, query="ecb", count=None)).observation


def test_the_form_of_brave_is_read():
    found = {"web": {"results": [{"title": "T", "url": "https://t.example", "description": "D"}]}}
    assert [(hit.title, hit.snippet) for hit in hits_in(found)] == [("T", "D")]


_KEYS = st.sampled_from(["results", "web", "url", "title", "content"])
_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
)


@given(_JSON)
def test_any_answer_of_a_provider_is_read(found):
    hits_in(found)


def test_a_wrong_configuration_is_told():
    for web in (Web(search_url="nonsense"), Web(allow=("a b",)), Web(search_url="ftp://x/{query}")):
        with pytest.raises(ConfigurationError):
            web_tools(web)


def test_a_fetch_is_risky_and_says_what_it_sends():
    allowed = AllowList(["docs.example.org"])
    plain = judged_fetch("https://docs.example.org/some-long-name-of-an-article-in-2024", allowed)
    assert (plain.level, "docs.example.org" in plain.words) == ("risky", True)
    assert "Look closely" not in plain.words
    for query in (
        "?x=" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo9MTIzNA",
        "?x=" + "a+" * 100,
        "?v=" + ",".join(str(n / 7) for n in range(9)),
        "/%61" + "f00d" * 12,
    ):
        assert "Look closely" in judged_fetch("https://docs.example.org/" + query, allowed).words
    assert "refused" in judged_fetch("https://evil.test/", allowed).words
    assert "pw" not in judged_fetch("https://u:pw@docs.example.org/", allowed).words


def test_a_search_is_risky():
    assert judged_search("rate of the ECB", "s.example").level == "risky"
    assert "Look closely" not in judged_search("rate of the ECB 2024", "s.example").words
    assert "Look closely" in judged_search("0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8", "s.example").words


@given(st.text())
def test_judging_never_fails(text):
    assert judged_fetch(text, AllowList(["a.example"])).level == "risky"
    assert judged_search(text, "a.example").level == "risky"


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://docs.example.org/pub/../private", "https://docs.example.org/private"),
        ("HTTPS://Docs.Example.org:443/pub", "https://docs.example.org/pub"),
        ("https://docs.example.org./pub", "https://docs.example.org/pub"),
        ("ftp://docs.example.org/pub", "ftp://docs.example.org/pub"),
    ],
)
async def test_rules_meet_the_address_that_is_asked(url, plain):
    (fetch,) = web_tools(Web(allow=("docs.example.org",)))
    arguments = (await fetch.prepare({"url": url, "start": None})).arguments
    assert arguments == {"url": plain, "start": None}
    rules = [
        Rule(tool="web_fetch", decision="allow", where={"url": pattern}, source="your rules")
        for pattern in ("https://docs.example.org/pub*",)
    ]
    judged = Permissions(rules=rules).judge("web_fetch", arguments, fetch.judge(arguments))
    assert judged.verdict == ("allow" if plain.endswith("org/pub") and "https" in plain else "ask")
