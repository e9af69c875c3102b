"""``%agent findings``: the verbs at a prompt, and in real notebooks whose model is scripted."""

from __future__ import annotations

import json
import re
import sys

import pytest

from analyst.frontends import findings_line
from analyst.frontends.bridge import SessionBridge
from analyst.frontends.errors import OptionError
from analyst.session.findings import Findings
from analyst.session.verification import Verified
from analyst.settings import Settings

from .findings_to_show import HOSTILE, PLAIN

ASKED = "%%agent\nWhat is the mean price_eur of sales?"
REPLIES = [
    """```python
import plotly.express as px
print(sales.price_eur.mean())
px.bar(sales, x='region', y='price_eur').show()
```""",
    "FINAL: The mean price is 3.0 EUR.",
]
FRAME = (
    "import pandas as pd\n"
    "sales = pd.DataFrame({'region': ['n', 's', 'n'], 'price_eur': [1.0, 2.0, 6.0]})"
)


@pytest.fixture
def at(session_of, capsys):
    """Run a line; returns the bundles that were shown and the text that was printed."""
    bridges = []

    def at(line, *, shows_html=True, somebody_is_there=False, namespace=()):
        bridges.append(SessionBridge(session_of(), settings=Settings()))
        shown = []
        capsys.readouterr()
        findings_line.run(
            line,
            findings_line.Notebook(
                bridge=bridges[-1],
                namespace=dict(namespace),
                shows_html=shows_html,
                somebody_is_there=somebody_is_there,
                publish=lambda bundle, key, *, update: shown.append(bundle),
            ),
        )
        return shown, capsys.readouterr().out

    yield at
    for bridge in bridges:
        bridge.close()


@pytest.fixture
def saved():
    with Findings(Settings()) as findings:
        for one in (PLAIN, HOSTILE):
            findings._memory.store.save(one)


def test_a_notebook_gets_a_table_and_a_prompt_gets_text(at, saved):
    (bundle,), printed = at("")
    assert "<table" in bundle["text/html"]
    assert "F1" in bundle["text/plain"]
    assert printed == ""
    shown, printed = at("", shows_html=False)
    assert not shown
    assert "F2" in printed
    assert "\x1b" not in printed
    assert "<script>" in at("show F2", shows_html=False)[1]


def test_words_that_are_no_verb_are_searched_for(at, saved):
    (bundle,), _ = at("what's the gain of countries")
    assert "Oman" in bundle["text/plain"]
    assert at("search which countries gained most")[0]


def test_before_anything_was_asked_it_says_so(at):
    for line in ("", "browse"):
        assert "Nothing is remembered yet" in at(line)[1]


def test_pins_tags_export_import_and_deletion(at, saved, tmp_path):
    assert "F1 is not pinned any more" in at("unpin F1")[1]
    assert "F1 is pinned" in at("pin [F1]")[1]
    assert "the tags a b, c" in at("tag F1 'a b' c")[1]
    assert "Wrote 2 findings" in at(f"export '{tmp_path / 'my findings.jsonl'}'")[1]
    shown, printed = at("delete F1")
    assert "--yes" in printed
    assert len(shown) == 1
    assert "Deleted F1" in at("delete F1 --yes")[1]
    assert "Saved 1 findings; 1 were known" in at(f"import '{tmp_path / 'my findings.jsonl'}'")[1]
    assert json.loads(at("show F3 --json")[1])["tags"] == ["a b", "c"]


@pytest.mark.parametrize(("reply", "gone"), [("y", True), ("n", False), ("", False)])
def test_whoever_is_there_is_asked_before_a_deletion(at, saved, monkeypatch, reply, gone):
    monkeypatch.setattr("builtins.input", lambda _question: reply)
    at("delete F1", somebody_is_there=True)
    with Findings(Settings()) as findings:
        assert (len(findings.current()) == 1) is gone


def test_to_interrupt_the_question_is_to_say_no(at, saved, monkeypatch):
    def interrupted(_question):
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", interrupted)
    assert "Nothing was deleted" in at("delete F1", somebody_is_there=True)[1]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("show", "required: F12"),
        ("show me the mean", "no number of a finding"),
        ("show me the mean", "%agent findings search WORDS"),
        ("show F99", "no finding F99"),
        ("pin F99", "no finding F99"),
        ("verify", "--all"),
        ("verify F1 --all", "--all"),
        ("verify F3 --data other=x.csv", "write NAME=PATH"),
        ("verify F2 --nonsense", "unrecognized arguments: --nonsense"),
        ("tag F1 'a", "close the quotation"),
        ("import nothing.jsonl", "cannot be read"),
        ("search --limit 0", "whole number from 1 up"),
    ],
)
def test_mistakes_are_sentences(at, saved, line, says):
    with Findings(Settings()) as findings:
        other = [PLAIN.data[0].model_copy(update={"name": "more"}), *PLAIN.data]
        findings._memory.store.save(PLAIN.model_copy(update={"uid": "x", "data": tuple(other)}))
    with pytest.raises(OptionError, match=re.escape(says)):
        at(line)


def test_the_stop_button_ends_a_verification(saved, capsys):
    class Interrupted:
        """A bridge whose work is interrupted while one waits for it."""

        settings = Settings()
        cancelled = False

        def begin(self, work):
            work.close()
            return self

        def result(self):
            raise KeyboardInterrupt

        def cancel(self):
            self.cancelled = True

    bridge = Interrupted()
    findings_line.run(
        "verify F1",
        findings_line.Notebook(
            bridge=bridge, namespace={}, shows_html=False, somebody_is_there=False
        ),
    )
    assert "F1: It was stopped" in capsys.readouterr().out
    assert bridge.cancelled


def test_what_came_out_steers_no_terminal(at, saved, monkeypatch):
    async def verify(*_arguments, **_options):
        output = {"output_type": "stream", "name": "stdout", "text": "\x1b[31mred"}
        return Verified(outcome="differs", detail="was \x1b[31m1", outputs=(output,))

    monkeypatch.setattr(Findings, "verify", verify)
    for line in ("verify F1", "rerun F1"):
        printed = at(line, shows_html=False)[1]
        assert "was 1" in printed
        assert "\x1b" not in printed


def test_where_nobody_can_click_the_browser_is_the_table(at, saved):
    for options in ({"somebody_is_there": False}, {"somebody_is_there": True}):
        shown, printed = at("browse countries", **options, shows_html=True)
        assert [*shown[-1]] == ["text/html", "text/plain"]
        assert len(shown) == 1 + options["somebody_is_there"]
    shown, printed = at("browse countries", somebody_is_there=True, shows_html=False)
    assert "Which countries" in printed
    assert not shown


def test_without_ipywidgets_the_browser_is_the_table(at, saved, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    (bundle,), _ = at("browse countries", somebody_is_there=True)
    assert [*bundle] == ["text/html", "text/plain"]


@pytest.fixture(scope="module")
def played(tmp_path_factory, notebook_runner):
    """A notebook in which a finding on a frame is looked at and computed again."""
    directory = tmp_path_factory.mktemp("played")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CONFIG", "DATA"):
            patch.setenv(f"JUPYTER_{name}_DIR", str(directory / name))
        patch.setenv("ANALYST_DATA", str(directory / "analyst"))
        return notebook_runner(directory).run(
            REPLIES,
            FRAME,
            ASKED,
            "%agent findings mean price",
            "%agent findings show F1",
            "%agent findings verify F1",
            "%agent findings rerun F1",
            "sales.loc[2, 'price_eur'] = 9.0",
            "%agent findings verify F1",
            "sales = [1, 2]",
            "%agent findings verify F1",
            "%agent findings browse",
        )


def test_a_saved_notebook_has_the_table_without_a_kernel(played):
    (listed,) = played[2].outputs
    assert "mean price = 3 EUR" in listed["data"]["text/html"]
    assert "F1" in listed["data"]["text/plain"]
    (browsed,) = played[10].outputs
    assert "<table" in browsed["data"]["text/html"]


def test_show_and_rerun_show_the_chart(played):
    for cell in (played[3], played[5]):
        kinds = [mime for output in cell.outputs for mime in output.get("data", {})]
        assert "application/vnd.plotly.v1+json" in kinds
    assert "3.0" in str(played[5].outputs[0])


def test_a_finding_on_a_frame_is_verified_with_the_frame_of_the_notebook(played, text_of):
    assert "F1: All that it says came out again." in text_of(played[4])
    changed = text_of(played[7])
    assert "sales changed, and so did the answer" in changed
    assert "“The mean price is 3.0 EUR.”, the code prints “4.0" in changed
    assert "define sales" in text_of(played[9])
