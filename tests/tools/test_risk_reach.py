"""Where code leads, by what its kernel may reach: hostile code asks, everyday analysis does not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyst.tools.code_names import SQL_CALLS, TO_FILE
from analyst.tools.reach import ELSEWHERE, Reach, reach_of
from analyst.tools.risk import COMPUTES, Risk, judge_code
from kernel_sandbox import Policy

from .code_examples import DOES_MORE, EVERYDAY, NETWORK, READS_HERE, READS_OUT, WRITES_HERE


def bare(code: str) -> Risk:
    return judge_code(code, isolated=False)


@pytest.mark.parametrize("code", [*READS_OUT, *DOES_MORE, *NETWORK, *WRITES_HERE])
def test_what_leaves_the_folder_or_cannot_be_judged_asks_without_isolation(code: str) -> None:
    assert bare(code).level == "risky"


@pytest.mark.parametrize("code", DOES_MORE)
def test_what_does_more_than_compute_is_contained_in_an_isolated_kernel(code: str) -> None:
    assert judge_code(code).level == "contained"


@pytest.mark.parametrize("code", NETWORK)
def test_what_may_use_the_network_asks_where_there_is_one(code: str) -> None:
    assert judge_code(code, hosts=["h.example"]).level == "risky"


@pytest.mark.parametrize("code", EVERYDAY)
def test_everyday_computing_never_asks(code: str) -> None:
    held = judge_code(code)
    assert (held.level, held.words) == ("safe", COMPUTES)
    assert bare(code).level == "contained"
    assert judge_code(code, hosts=["h.example"]).level == "safe"
    assert judge_code(code, hosts=[ELSEWHERE], private=False).level == "safe"


@pytest.mark.parametrize("code", READS_HERE)
def test_reading_files_of_the_working_folder_never_asks(code: str) -> None:
    assert judge_code(code).level == "safe"
    assert bare(code).level == "contained"
    assert judge_code(code, hosts=["h.example"]).level == "safe"
    assert judge_code(code, hosts=[ELSEWHERE], private=False).level == "safe"


@pytest.mark.parametrize("code", WRITES_HERE)
def test_writing_to_the_working_folder_stays_in_the_sandbox(code: str) -> None:
    assert judge_code(code).level == "contained"
    assert judge_code(code, hosts=["h.example"]).level == "contained"


@pytest.mark.parametrize(
    "code",
    ["open('/etc/passwd').read()", "import os\nprint(os.environ)", "import os\nos.remove('x')"],
)
def test_of_a_kernel_elsewhere_it_is_not_known_what_it_sees(code: str) -> None:
    assert judge_code(code, hosts=[ELSEWHERE], private=False).level == "risky"
    assert judge_code(code, hosts=["h.example"]).level != "risky"


def test_words_are_true_of_the_kernel() -> None:
    code = "df.to_csv('x.csv')\nimport requests, os\nos.remove('x')"
    held, unheld = judge_code(code).words, bare(code).words
    assert "of yours it sees none" in held
    assert "which this kernel has none of" in held
    assert "in its own workspace" in held
    for words in ("of yours it sees none", "has none of", "in its own workspace"):
        assert words not in unheld


def test_a_kernel_reaches_what_its_policy_and_its_place_let_it() -> None:
    hosts = Policy(network=("h.example",))
    assert reach_of(Policy(), elsewhere=False) == Reach()
    assert reach_of(hosts, elsewhere=False) == Reach(hosts=("h.example",))
    assert reach_of(Policy(isolation="none"), elsewhere=False) == Reach(
        isolated=False, private=False
    )
    for policy in (Policy(), hosts, Policy(isolation="none")):
        # The policy's network and isolation do not go to a gateway.
        assert reach_of(policy, elsewhere=True) == Reach(hosts=(ELSEWHERE,), private=False)


NAMES = st.sampled_from(
    """os io open pd read_csv to_csv Path x f ( ) [ ] , . = := : + / 'a' 'https://x' f'{x}' for in
    import from as with lambda sql query 'SELECT' * ** def return None ; replace rename""".split()  # noqa: SIM905 - a list of words
)


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=200), st.lists(NAMES, max_size=25).map(" ".join)))
def test_judging_never_raises(code: str) -> None:
    for risk in (
        judge_code(code),
        bare(code),
        judge_code(code, hosts=["h.example"]),
        judge_code(code, hosts=[ELSEWHERE], private=False),
    ):
        assert risk.words


@given(st.sampled_from(sorted(SQL_CALLS)), st.sampled_from(["duckdb", "con", "x[0]", "f(1)"]))
def test_no_sql_that_is_not_spelled_out_runs_unasked(method: str, base: str) -> None:
    assert bare(f"{base}.{method}(text)").level == "risky"
    assert judge_code(f"{base}.{method}(text)", hosts=["h.example"]).level == "risky"


@given(st.from_regex(TO_FILE, fullmatch=True), st.sampled_from(["df", "df.head()", "x['a']"]))
def test_no_target_of_unknown_place_is_written_to_unasked(method: str, base: str) -> None:
    assert judge_code(f"{base}.{method}(place, place)", hosts=["h.example"]).level == "risky"


@pytest.mark.parametrize(
    "code",
    [
        "x = " + "+".join(["'a'"] * 4000) + "\npd.read_csv(x)",
        "a0 = 'a'\n"
        + "\n".join(f"a{n + 1} = " + f"a{n} + " * 9 + f"a{n}" for n in range(40))
        + "\npd.read_csv(a40)",
        "a = b\nb = a\npd.read_csv(a)",
        "pd.read_csv(" + "[" * 150 + "'a'" + "]" * 150 + ")",
        "f(" * 90 + "'https://x'" + ")" * 90,
    ],
)
def test_names_that_are_hard_to_follow_ask(code: str) -> None:
    assert bare(code).level == "risky"
