"""Rules, modes and risks come to one verdict; the most restrictive wins."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.tools.permissions import LOOK_UPS, Mode, Permissions, Rule, Verdict
from analyst.tools.risk import Level, Risk


def risk(level: Level) -> Risk:
    return Risk(level, "words")


def rule(decision: Verdict, tool: str = "*", source: str = "your rules", **where: str) -> Rule:
    return Rule(tool=tool, decision=decision, where=where, source=source)


def verdict(
    mode: Mode,
    level: Level,
    *rules: Rule,
    tool: str = "sql",
    always: bool = False,
    **arguments: Any,
) -> Verdict:
    permissions = Permissions(mode=mode, rules=rules)
    return permissions.judge(tool, arguments, risk(level), always=always).verdict


@pytest.mark.parametrize(
    ("mode", "safe", "contained", "risky", "irreversible"),
    [
        ("auto", "allow", "allow", "ask", "ask"),
        ("risky", "allow", "ask", "ask", "ask"),
        ("ask", "ask", "ask", "ask", "ask"),
        ("plan", "deny", "deny", "deny", "deny"),
    ],
)
def test_a_mode_decides_by_risk(mode, safe, contained, risky, irreversible):
    levels: tuple[Level, ...] = ("safe", "contained", "risky", "irreversible")
    assert [verdict(mode, level) for level in levels] == [safe, contained, risky, irreversible]


@pytest.mark.parametrize("mode", get_args(Mode))
def test_no_mode_asks_about_look_ups(mode):
    for tool in LOOK_UPS:
        assert verdict(mode, "safe", tool=tool) == "allow"


def test_the_most_restrictive_rule_wins_wherever_it_stands():
    for rules in (
        (rule("allow"), rule("deny")),
        (rule("deny"), rule("allow")),
        (rule("deny"), rule("ask"), rule("allow")),
    ):
        assert verdict("auto", "safe", *rules) == "deny"
    assert verdict("auto", "safe", rule("allow"), rule("ask")) == "ask"


def test_a_rule_that_allows_spares_the_question_but_not_what_cannot_be_taken_back():
    assert verdict("auto", "risky", rule("allow")) == "allow"
    assert verdict("risky", "contained", rule("allow")) == "allow"
    assert verdict("auto", "irreversible", rule("allow")) == "ask"
    assert verdict("auto", "irreversible", rule("allow"), always=True) == "ask"
    assert verdict("ask", "safe", rule("allow")) == "ask"
    assert verdict("plan", "safe", rule("allow")) == "deny"


def test_always_spares_the_question_for_the_conversation():
    assert verdict("auto", "risky", always=True) == "allow"
    assert verdict("auto", "risky", rule("deny"), always=True) == "deny"


def test_rules_speak_of_arguments():
    reading = rule("allow", "sql", database="shop_*")
    assert verdict("auto", "risky", reading, database="shop_test") == "allow"
    assert verdict("auto", "risky", reading, database="payroll") == "ask"
    assert verdict("auto", "risky", reading) == "ask"
    denying = rule("deny", "sql", database="prod*")
    assert verdict("auto", "safe", denying, database="prod_eu") == "deny"
    assert verdict("auto", "safe", denying, database="test") == "allow"


def test_a_rule_that_restricts_is_not_got_round_by_leaving_its_argument_out():
    assert verdict("auto", "safe", rule("deny", "sql", database="prod*")) == "deny"


def test_of_a_list_one_item_is_enough_to_restrict_and_all_are_needed_to_allow():
    assert verdict("auto", "safe", rule("deny", path="*.env"), path=["a.csv", "b.env"]) == "deny"
    allowing = rule("allow", path="*.csv")
    assert verdict("auto", "risky", allowing, path=["a.csv", "b.csv"]) == "allow"
    assert verdict("auto", "risky", allowing, path=["a.csv", "b.env"]) == "ask"


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://www.who.int/data?x=1", True),
        ("https://evil.test/x.who.int/", False),
        ("https://evil.test#www.who.int/", False),
        ("https://evil.test?www.who.int/", False),
        ("https://evil.test\\\\.who.int/", False),
        ("https://me@www.who.int/", False),
        ("http://www.who.int/data", False),
        ("https://www.who.int", True),
        ("HTTPS://www.who.int:443/data", True),
    ],
)
def test_a_star_in_a_host_reaches_into_no_path(url, allowed):
    allowing = rule("allow", "web_fetch", url="https://*.who.int/*")
    found = verdict("auto", "risky", allowing, tool="web_fetch", url=url)
    assert found == ("allow" if allowed else "ask")


def test_the_reason_names_who_said_so():
    permissions = Permissions(rules=(rule("deny", source="the administrator"),))
    assert permissions.judge("sql", {}, risk("safe")).why == "denied by the administrator"


RULES = st.builds(
    rule, st.sampled_from(["allow", "ask", "deny"]), st.sampled_from(["*", "sql", "s?l", "web*"])
)


@given(
    st.lists(RULES, max_size=5),
    RULES,
    st.sampled_from(get_args(Mode)),
    st.sampled_from(get_args(Level)),
    st.booleans(),
)
def test_a_further_rule_that_restricts_never_frees(rules, further, mode, level, always):
    strictness = {"allow": 0, "ask": 1, "deny": 2}
    if further.decision == "allow":
        return
    before = verdict(mode, level, *rules, always=always)
    after = verdict(mode, level, *rules, further, always=always)
    assert strictness[after] >= strictness[before]


@given(st.lists(RULES, max_size=5), st.sampled_from(get_args(Mode)), st.booleans())
def test_what_cannot_be_taken_back_is_never_done_unasked(rules, mode, always):
    assert verdict(mode, "irreversible", *rules, always=always) != "allow"


def test_a_rule_that_restricts_is_not_got_round_by_null_or_capitals():
    assert verdict("auto", "safe", rule("deny", "sql", database="prod*"), database=None) == "deny"
    assert verdict("auto", "safe", rule("deny", query="*drop *"), query="DROP TABLE t") == "deny"
    assert verdict("auto", "safe", rule("ask", "SQL")) == "ask"
    assert verdict("auto", "risky", rule("allow", query="select *"), query="SELECT 1") == "ask"
    assert verdict("auto", "risky", rule("allow", query="n*"), query=None) == "ask"


def test_what_an_administrator_asks_about_is_asked_about_each_time():
    asking = Rule(tool="sql", decision="ask", where={}, source="the administrator", always=True)
    for rules in ([asking], [asking, rule("allow"), rule("ask")]):
        judged = Permissions(rules=rules).judge("sql", {}, risk("safe"), always=True)
        assert (judged.verdict, judged.each_time) == ("ask", True)


@pytest.mark.parametrize("path", ["", ".", "private", "private/", "./private", "app/../private"])
def test_a_folder_in_which_lies_what_a_rule_restricts_is_restricted_too(path):
    assert verdict("auto", "safe", rule("deny", path="private/*"), path=path) == "deny"
    assert verdict("auto", "safe", rule("ask", path="private/*"), path=path) == "ask"


def test_of_other_folders_and_files_a_rule_says_nothing():
    denying = rule("deny", path="private/*")
    for path in ("src", "src/", "private.txt", "src/private.py", "privately/"):
        assert verdict("auto", "safe", denying, path=path) == "allow"
    assert verdict("auto", "safe", rule("deny", path="*.env"), path="src/a.py") == "allow"
    assert verdict("auto", "safe", rule("deny", path="*.env"), path="src/") == "deny"
    assert verdict("auto", "safe", rule("deny", path="a/*.env"), path="src/") == "allow"
    assert verdict("auto", "safe", rule("deny", profile="prod/*"), profile="prod") == "allow"


def test_a_folder_that_is_named_without_a_star_is_all_of_it():
    for pattern in ("private", "private/", "./private"):
        assert verdict("auto", "safe", rule("deny", path=pattern), path="private/s.txt") == "deny"


def test_a_path_that_leads_elsewhere_is_not_allowed_by_its_beginning():
    allowing = rule("allow", path="/data/*")
    assert verdict("auto", "risky", allowing, path="/data/a.csv") == "allow"
    assert verdict("auto", "risky", allowing, path="/data/../etc/passwd") == "ask"


def test_brackets_are_plain_letters_in_patterns():
    denying, allowing = rule("deny", path="app/[id]/*"), rule("allow", path="app/[id]/*")
    assert verdict("auto", "safe", denying, path="app/[id]/page.tsx") == "deny"
    assert verdict("auto", "safe", denying, path="app/i/page.tsx") == "allow"
    assert verdict("auto", "risky", allowing, path="app/[id]/page.tsx") == "allow"
    assert verdict("auto", "risky", allowing, path="app/i/x") == "ask"


def test_an_empty_list_is_all_there_is():
    assert verdict("auto", "safe", rule("deny", tests="private/*"), tests=[]) == "deny"


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        ("https://www.example.org/private/*", "https://www.example.org/%70rivate/x"),
        ("https://www.example.org/private/*", "https://www.example.org//private/x"),
        ("https://www.example.org/private/*", "https://www.example.org/%2570rivate/x"),
        ("https://www.example.org/private/*", "https://www.example.org/a/%2e%2e/private/x"),
        ("https://www.example.org/private/*", "https://www.example.org/private%2fx"),
        ("https://www.example.org/private/*", "https://www.example.org/private;v=1/x"),
        ("https://www.example.org/private/*", "https://www.example.org/private"),
        ("https://www.example.org/private", "https://www.example.org/private/"),
        ("https://www.example.org/%70rivate/*", "https://www.example.org/private/x"),
        ("https://intranet.example.org", "https://intranet.example.org/"),
        ("https://intranet.example.org", "https://INTRANET.example.org/a/b?c"),
        ("https://intranet.example.org", "https:\\\\intranet.example.org\\a"),
        ("https://intranet.example.org", "https://me:x@intranet.example.org/a"),
        ("https://intranet.example.org", "intranet.example.org/a"),
        ("https://intranet.example.org", "https://intranet.example.org.:443/a"),
        ("https://intranet.example.org:443/*", "https://intranet.example.org/a"),
        ("https://bücher.example/*", "https://xn--bcher-kva.example/a"),
        ("*/private/*", "https://www.example.org/%70rivate/x"),
    ],
)
def test_no_spelling_of_an_address_gets_round_a_rule_that_restricts(pattern, url):
    assert verdict("auto", "safe", rule("deny", url=pattern), url=url) == "deny"


def test_other_addresses_are_not_restricted():
    denying = rule("deny", url="https://www.example.org/private/*")
    for url in ("https://www.example.org/", "https://www.example.org/public/private/x",
                "http://www.example.org/private/x", "https://x.example.org/private/x"):  # fmt: skip
        assert verdict("auto", "safe", denying, url=url) == "allow"
    assert verdict("auto", "safe", rule("deny", url="http://*"), url="https://a.org/") == "allow"


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://docs.example.org/public/a?b=../c", True),
        ("https://docs.example.org:443/public/my%20page", True),
        ("https://docs.example.org/public/%2e%2e/private", False),
        ("https://docs.example.org/public/..%2fprivate", False),
        ("https://docs.example.org/public/%252e%252e/private", False),
        ("https://docs.example.org/public/..;/private", False),
        ("https://docs.example.org/public/..%5cprivate", False),
        ("https://docs.example.org/public/../private", False),
        ("https://docs.example.org:8443/public/a", False),
        ("docs.example.org/public/a", False),
    ],
)
def test_what_may_lead_elsewhere_is_not_allowed(url, allowed):
    allowing = rule("allow", url="https://docs.example.org/public/*")
    assert verdict("auto", "risky", allowing, url=url) == ("allow" if allowed else "ask")


def test_a_host_alone_is_all_of_it_and_no_other():
    allowing = rule("allow", url="https://docs.example.org")
    assert verdict("auto", "risky", allowing, url="https://docs.example.org/a") == "allow"
    assert verdict("auto", "risky", allowing, url="https://docs.example.org.evil.test/a") == "ask"


@given(st.text(max_size=40), st.text(max_size=20))
def test_any_text_is_matched_or_not(text, pattern):
    for where in ({"url": f"https://{pattern}"}, {"path": pattern}, {"url": pattern}):
        for decision in ("allow", "deny"):
            arguments = dict.fromkeys(where, text)
            assert verdict("auto", "risky", rule(decision, **where), **arguments)


def test_only_a_safe_call_of_a_look_up_goes_unasked():
    for tool in LOOK_UPS:
        assert verdict("auto", "risky", tool=tool) == "ask"
        assert verdict("ask", "contained", tool=tool) == "ask"
        assert verdict("plan", "risky", tool=tool) == "deny"
