"""Who may call the routes, and what happens to input that no front end sends."""

from __future__ import annotations

import contextlib
import json
import re
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyst.frontends.server.routes import routes

VERBS = ("get", "post", "patch", "delete")
UNNAMED = "0123456789abcdef"


def every_verb():
    for pattern, handler in routes():
        path = pattern.removeprefix("/analyst/api/").replace("([^/]+)", UNNAMED).replace(".*", "x")
        for verb in VERBS:
            if verb in vars(handler):
                yield pytest.param(verb, path, id=f"{verb} {path}")


@pytest.mark.parametrize(("verb", "path"), [*every_verb()])
def test_every_route_refuses_who_has_no_token(server, verb, path):
    answer = httpx.request(verb, server.url + path, trust_env=False)
    assert answer.status_code == 403
    assert set(answer.json()) == {"message"}


@pytest.mark.parametrize(("verb", "path"), [one for one in every_verb() if one.values[0] != "get"])
def test_every_changing_route_refuses_a_cookie_without_the_xsrf_header(server, verb, path):
    with logged_in(server) as client:
        assert client.get("conversations").status_code == 200
        answer = client.request(verb, path, json={})
        assert answer.status_code == 403, answer.text
        assert set(answer.json()) == {"message"}


def test_a_cookie_with_the_xsrf_header_may_change(server):
    with logged_in(server) as client:
        headers = {"X-XSRFToken": client.cookies["_xsrf"]}
        assert client.post("conversations", json={}, headers=headers).status_code == 200


@pytest.mark.parametrize(("verb", "path"), [*every_verb()])
def test_every_route_asks_the_authorizer(verb, path):
    for pattern, handler in routes():
        if verb in vars(handler):
            method = vars(handler)[verb]
            names = set()
            while method is not None:
                names.add(method.__code__.co_filename.rpartition("/")[2])
                method = getattr(method, "__wrapped__", None)
            # tornado's authenticated, Jupyter's authorized, ours.
            assert {"web.py", "decorator.py", "base.py"} <= names, (pattern, verb)


def test_a_reader_without_write_permission_may_only_read(start_server):
    server = start_server(arguments=("--ServerApp.authorizer_class=read_only.ReadOnly",))
    assert server.get("conversations").status_code == 200
    answer = server.post("conversations", {})
    assert answer.status_code == 403
    assert "not authorized" in answer.json()["message"]


def test_it_works_below_a_base_url(start_server):
    server = start_server(base_url="/x/y/")
    conversation = server.conversation()
    server.ask(conversation)
    assert server.events(conversation)[-1].event["status"] == "ok"


SOMEWHERE = [
    "../../../../etc/passwd",
    "/etc/passwd",
    "..",
    "x/../../..",
    "~root/x",
    "a\0b",
    "link/x",
]
PATHS = st.one_of(
    st.sampled_from(SOMEWHERE),
    st.text(max_size=40),
    st.lists(st.sampled_from(["..", ".", "", "a", "%2e%2e", "etc", "\\", "link"])).map("/".join),
)


@pytest.fixture(scope="module")
def conversation(server):
    (server.root / "link").symlink_to("/etc")
    return server.conversation()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS)
def test_no_path_leads_out_of_the_root(server, conversation, path):
    before = snapshot(server)
    bodies = [
        ("post", f"conversations/{conversation}/frames/df/bring", {"directory": path}),
        ("post", f"conversations/{conversation}/files", {"directory": path}),
        ("post", f"conversations/{conversation}/notebook", {"path": path}),
        (
            "post",
            f"conversations/{conversation}/ask",
            {"question": "{}", "context": [{"kind": "file", "path": path}]},
        ),
        ("patch", f"conversations/{conversation}", {"notebook": path}),
    ]
    with server.client() as client:
        for verb, route, body in bodies:
            body_sent = json.dumps(body)
            answer = client.request(verb, route, content=body_sent)
            assert answer.status_code in {200, 400, 404, 409}, answer.text
            assert "root:" not in answer.text
            if verb == "patch" and answer.status_code == 200 and answer.json()["notebook"]:
                place = (server.root / answer.json()["notebook"]).resolve()
                assert place.is_relative_to(server.root.resolve())
            if route.endswith("/ask"):
                assert answer.status_code in {400, 404}, (path, answer.text)
        assert "root:" not in client.get("files", params={"prefix": path}).text
    assert snapshot(server) == before


ODD_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    part=st.one_of(
        st.sampled_from(["..%2f..%2fx", "%2e%2e", "a%00b", "%ff", "..", "0" * 5000, "%0a", "é"]),
        ODD_TEXT.map(lambda text: quote(text, safe="")),
    ),
    route=st.sampled_from(
        [
            "conversations/{}",
            "conversations/{}/events",
            "conversations/{}/frames",
            "kernels/{}/frames",
            "findings/{}",
            "findings/{}/outputs",
            "runs/{}/events",
            "runs/{}/notebook",
            "blobs/{}",
        ]
    ),
)
def test_no_part_of_an_address_is_a_path(server, part, route):
    with server.client() as client:
        answer = client.get(route.format(part))
        assert answer.status_code in {400, 404, 405}, answer.text
        assert "root:" not in answer.text
        assert "Traceback" not in answer.text


NAMES = """
question context values overrides title notebook decision code always directory path run_ids pinned
tags model base_url api_key
""".split()  # noqa: SIM905 - a list of words
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.dictionaries(st.sampled_from(NAMES), ANYTHING) | ANYTHING,
    route=st.sampled_from(
        [
            ("post", "conversations"),
            ("patch", "conversations/ID"),
            ("post", "conversations/ID/ask"),
            ("post", "conversations/ID/approvals/call"),
            ("post", "conversations/ID/frames/df/bring"),
            ("post", "conversations/ID/files"),
            ("post", "conversations/ID/notebook"),
            ("patch", "findings/1"),
        ]
    ),
)
def test_no_body_makes_the_server_fail(server, conversation, body, route):
    verb, path = route
    with server.client() as client:
        sent = json.dumps(body)
        answer = client.request(verb, path.replace("ID", conversation), content=sent)
    assert answer.status_code < 500, (body, answer.text)
    if answer.status_code >= 400:
        assert re.fullmatch(r"[^\n]{5,}", answer.json()["message"])


@pytest.mark.parametrize("sent", [b"{", b"\xff", b"[" * 100_000, b"x" * 2_000_000, b'"a"', b"[]"])
def test_what_is_no_object_is_refused_with_a_sentence(server, conversation, sent):
    with server.client() as client:
        answer = client.post(f"conversations/{conversation}/ask", content=sent)
    assert answer.status_code == 400
    assert answer.json()["message"].endswith((".", "reload the page."))


@pytest.mark.parametrize("after", ["-1", "x", "1e9", "9" * 40, "٣"])
def test_a_number_that_is_none_is_refused(server, conversation, after):
    answer = server.get(f"conversations/{conversation}/events", params={"after": after})
    assert answer.status_code == 400
    answer = server.get(
        f"conversations/{conversation}/events", headers={"Last-Event-ID": after.encode()}
    )
    assert answer.status_code == 400


def test_an_unknown_address_is_a_sentence(server):
    answer = server.get("nothing/of/the/kind")
    assert answer.status_code == 404
    assert answer.json()["message"].startswith("The analyst's server has no such address")


@contextlib.contextmanager
def logged_in(server):
    with httpx.Client(base_url=server.url, trust_env=False, follow_redirects=True) as client:
        yield log_in(client, server)


def log_in(client, server):
    login = client.get(f"http://127.0.0.1:{server.port}{server.base_url}login?token={server.token}")
    assert login.status_code in {200, 404}, login.text
    return client


def snapshot(server):
    return sorted(str(path) for path in server.directory.rglob("*") if "root" in path.parts)
