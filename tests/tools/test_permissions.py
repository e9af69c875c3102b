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
        ("https://www.who.int", False),
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
