"""The magics in a shell: the question verbatim, the data it names, sentences for mistakes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from analyst.frontends import magic
from analyst.frontends.answer import AgentAnswer
from analyst.settings import Settings
from kernel_sandbox import WrittenFile

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


class Notebook:
    """A shell with the magics and a session that plays scripts."""

    def __init__(self, factory, capsys):
        config = Config()
        config.HistoryManager.enabled = False
        config.InteractiveShell.colors = "nocolor"
        self.shell = InteractiveShell(config=config)
        self.factory = factory
        self.magics = magic.load(self.shell, make_session=factory)
        self._capsys = capsys

    @property
    def session(self):
        return self.factory.made[0]

    @property
    def names(self):
        return set(self.shell.user_ns)

    def cell(self, source):
        """Run a cell; return what it printed and the error it ended with."""
        self._capsys.readouterr()
        result = self.shell.run_cell(source, store_history=True)
        return self._capsys.readouterr().out, result.error_in_exec or result.error_before_exec


@pytest.fixture
def notebook_of(session_of, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    made = []

    def of(*scripts, **options):
        notebook = Notebook(session_of(*scripts, **options), capsys)
        made.append(notebook)
        return notebook

    yield of
    for notebook in made:
        magic.unload(notebook.shell)
    InteractiveShell.clear_instance()


@pytest.fixture
def notebook(notebook_of):
    return notebook_of()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=ANY_TEXT)
@example(">>> x = 1\n... y\n2\n")
@example("In [1]: what?\n   ...: more")
@example("{df} $x {{}} {1/0} 100% %%time !ls ?")
@example("    indented\n  less")
@example('""" it\'s \\\\ \'quoted\' "')
@example("売上の平均は\nÜmläut\u2028line")
@example("x\r\ny\rz\n\n")
@example("%agent stop\n%%agent\nq")
def test_the_question_is_the_cell_as_it_was_written(notebook, body):
    printed, error = notebook.cell("%%agent\n" + body)
    if not body.strip():
        assert "Nothing was asked" in str(error)
    else:
        assert error is None, printed
        written = body.removesuffix("\n")
        assert notebook.session.asked[-1]["question"] == written


def test_options_are_not_expanded_either(notebook):
    notebook.shell.user_ns["name"] = "wrong"
    notebook.cell("%%agent --model {name}$name\nq")
    assert notebook.session.asked[0]["overrides"] == {"model": "{name}$name"}


@pytest.mark.parametrize(
    "start", ["%%agent\n", "\n\n%%agent\n", "%%agent   \n", "%%agent\t--quiet\n"]
)
def test_the_magic_line_may_be_written_loosely(notebook, start):
    notebook.cell(start + "q")
    assert notebook.session.asked[0]["question"] == "q"


def test_a_cell_that_is_being_typed_is_complete_only_after_a_blank_line(notebook):
    manager = notebook.shell.input_transformer_manager
    assert manager.check_complete("%%agent")[0] == "incomplete"
    assert manager.check_complete("%%agent\nwhat?")[0] == "incomplete"
    assert manager.check_complete("%%agent\nwhat?\n\n")[0] == "complete"


def test_other_cells_are_left_alone(notebook):
    assert notebook.cell("%%agentx\nq")[1] is not None
    assert notebook.cell(">>> 6 * 7")[0].strip().endswith("42")
    assert notebook.factory.made == []


def test_the_data_a_question_names_goes_over_and_nothing_else(notebook, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sales.csv").write_text("a\n1\n")
    namespace = notebook.shell.user_ns
    namespace["sales"] = pd.DataFrame({"x": [1]})
    namespace["costs"] = pd.DataFrame({"x": [2]})
    namespace["weights"] = np.ones(2)
    namespace["key"] = "secret"
    notebook.cell("%%agent --data weights --values mean,total\njoin costs with sales.csv by key")
    asked = notebook.session.asked[0]
    assert list(asked["data"]) == ["weights", "costs"]
    assert asked["data"]["costs"] is namespace["costs"]
    assert asked["files"] == (tmp_path / "sales.csv",)
    assert asked["values"] == ("mean", "total")


def test_the_users_namespace_is_not_changed(notebook):
    notebook.cell("before = 1")
    notebook.cell("pass")
    plain = notebook.names
    printed, _ = notebook.cell("%%agent\nq")
    assert "The mean is" in printed
    assert {name for name in notebook.names - plain if not name.startswith("_i")} == set()
    assert notebook.shell.user_ns["Out"] == {}


def test_out_keeps_the_answer_and_only_that(notebook_of, the_whole_run):
    big = pd.DataFrame({"x": [1, 2]})
    notebook = notebook_of(the_whole_run, frames={"big": big})
    before = notebook.names
    notebook.cell("%%agent --out r\nq")
    assert {name for name in notebook.names - before if not name.startswith("_i")} == {"r"}
    answer = notebook.shell.user_ns["r"]
    assert isinstance(answer, AgentAnswer)
    assert answer.text == "The mean is **4.5**."
    assert answer.values == {"mean": 4.5}
    assert answer.status == "ok"
    assert answer.run_id == the_whole_run.run_id
    assert answer.code == ("# step 1\nprint(df.x.mean())\n\n# step 2\n# show it\nfig.show()")
    figure, image = answer.figures
    assert figure.data[0].y == (1, 2)
    assert image.startswith(b"\x89PNG")


def test_the_tables_that_the_code_assigned_come_with_the_answer(notebook_of, script):
    frames = {name: pd.DataFrame({"x": [1]}) for name in ("top", "total", "other")}
    script.start().call("top = df.head()\nif 1:\n    total = df.sum()\nn = 3").called()
    script.call("_hidden = other = 1/0").called("error").answer("done").finish()
    notebook = notebook_of(script, frames=frames)
    notebook.cell("%%agent --out r\nq")
    assert list(notebook.shell.user_ns["r"].frames) == ["top", "total"]


def test_a_failed_run_still_leaves_an_answer_object_that_says_so(notebook_of, script):
    notebook = notebook_of(script.start().finish("error", "nobody answers"))
    printed, error = notebook.cell("%%agent --out r\nq")
    assert error is None
    assert "Failed: nobody answers" in printed
    assert (notebook.shell.user_ns["r"].status, notebook.shell.user_ns["r"].reason) == (
        "error",
        "nobody answers",
    )


def test_strict_fails_the_cell_with_a_sentence(notebook_of, script):
    notebook = notebook_of(script.start().finish("partial", "the budget is spent"))
    printed, error = notebook.cell("%%agent --strict\nq")
    assert str(error) == "The agent's run did not end well (partial): the budget is spent"
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("%%agent\n", "Nothing was asked. Write the question below"),
        ("%%agent\n \n\t\n", "Nothing was asked"),
        ("%%agent", "Nothing was asked"),
        ("%%agent --nodel x\nq", "Did you mean --model?"),
        ("%%agent --data nothing\nq", "There is no nothing in this notebook"),
        ("%%agent --file nothing.csv\nq", "There is no file nothing.csv"),
        ("%%agent --out 2x\nq", "--out 2x: that is no name"),
        ("%%agent --out class\nq", "--out class: that is no name"),
        ("%%agent --out In\nq", "IPython keeps that name"),
        ("%%agent --out _\nq", "IPython keeps that name"),
        ("%agent statsu", "%agent has no statsu. Did you mean status?"),
        ("%agent what is the mean?", "write it in a cell below %%agent"),
        ("%agent reset now", "takes nothing more"),
        ("%agent runs many", "takes how many to list"),
        ("%agent files all", "takes nothing more"),
        ("%agent save", "Name one file"),
        ("%agent save 'half", "Name one file"),
        ("%agent save a b c", "Name one file"),
        ("%agent config max_stepps=3", "Did you mean max_steps?"),
        ("%agent config max_stepps", "Did you mean max_steps?"),
        ("%agent config max_steps=none", "max_steps: "),
    ],
)
def test_a_mistake_is_answered_by_a_sentence_without_a_traceback(notebook, cell, says):
    printed, error = notebook.cell(cell)
    assert says in printed
    assert "Traceback" not in printed
    assert "---" not in printed
    assert len(printed.strip().splitlines()) == 1
    assert error is not None
    assert all(not session.asked for session in notebook.factory.made)


def test_an_error_of_our_own_rooms_is_a_sentence_and_a_defect_is_not(notebook_of):
    from analyst.llm.completion import ModelUnreachableError

    notebook = notebook_of(ModelUnreachableError("nobody answers"), ZeroDivisionError("a defect"))
    printed, _ = notebook.cell("%%agent\nq")
    assert printed.strip() == "nobody answers"
    printed, error = notebook.cell("%%agent\nq")
    assert isinstance(error, ZeroDivisionError)
    assert "Traceback" in printed


@pytest.mark.parametrize("cell", ["%agent", "%agent help", "%agent --help"])
def test_help_names_every_option_and_verb(notebook, cell):
    printed, _ = notebook.cell(cell)
    for word in ("--data", "--out", "--strict", "status", "config", "history", "stop", "runs"):
        assert word in printed
    assert max(map(len, printed.splitlines())) <= 92


def test_status_says_model_reason_and_kernel(notebook):
    printed, _ = notebook.cell("%agent status")
    assert "scripted events (the test says so)" in printed
    assert "not started" in printed


def test_config_shows_and_sets_and_the_session_goes_by_it(notebook):
    assert "max_steps" in notebook.cell("%agent config")[0]
    assert "by default 8" in notebook.cell("%agent config max-steps")[0]
    assert "max_steps = 3, kept in " in notebook.cell("%agent config max_steps=3")[0]
    assert Settings.load().max_steps == 3
    notebook.cell("%%agent\nq")
    assert notebook.session.settings.max_steps == 3
    notebook.cell("%agent config max_steps=default")
    assert notebook.session.settings.max_steps == 8


def test_a_key_is_kept_out_of_sight_and_out_of_the_file(notebook, tmp_path):
    printed, _ = notebook.cell("%agent config api_key=sk-very-secret")
    assert "for this kernel's life" in printed
    printed += notebook.cell("%agent config")[0] + notebook.cell("%agent config api_key")[0]
    assert "very-secret" not in printed
    kept = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any("very-secret" in text for text in kept)
    notebook.cell("%%agent\nq")
    assert notebook.session.settings.api_key.get_secret_value() == "sk-very-secret"


def test_reset_reaches_the_session(notebook):
    notebook.cell("%%agent\nq")
    printed, _ = notebook.cell("%agent reset")
    assert "afresh" in printed
    assert notebook.session.calls == ["enter", "reset"]


def test_written_files_are_listed_and_saved(notebook, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "wrote no files" in notebook.cell("%agent files")[0]
    notebook.cell("%%agent\nq")
    assert "wrote no files" in notebook.cell("%agent files")[0]
    notebook.session.written = (WrittenFile("a report.csv", 1_500, 1_767_225_600_000_000_000),)
    printed, _ = notebook.cell("%agent files")
    assert "1.5 kB" in printed
    assert "a report.csv" in printed
    printed, _ = notebook.cell("%agent save 'a report.csv' kept.csv")
    assert printed.strip() == f"Saved as {tmp_path / 'kept.csv'}."
    assert notebook.session.calls[-1] == f"save a report.csv {tmp_path / 'kept.csv'}"


def test_stop_without_a_run_says_so(notebook):
    assert notebook.cell("%agent stop")[0].strip() == "No run is going."


def test_history_and_runs_without_any_say_so(notebook):
    assert "Nothing was asked in this notebook yet" in notebook.cell("%agent history")[0]
    assert "no run on record" in notebook.cell("%agent runs")[0]


def test_a_question_during_a_run_is_refused_with_a_sentence(notebook_of, script):
    notebook = notebook_of(script.start().finish(), hold=True)
    with notebook.magics.bridge.ask("first") as run:
        next(run.events())
        printed, _ = notebook.cell("%%agent\nsecond")
        assert "still answering another question" in printed
        assert "Traceback" not in printed
        assert "The run is being stopped" in notebook.cell("%agent stop")[0]
        assert [event.status for event in run.events() if event] == ["stopped"]


def test_a_broken_settings_file_is_a_sentence_at_loading(notebook, tmp_path, capsys):
    (tmp_path / "config").mkdir(exist_ok=True)
    (tmp_path / "config" / "analyst.json").write_text("{")
    with pytest.raises(Exception, match=r"settings file .* is no JSON") as caught:
        magic.load(notebook.shell)
    assert caught.value._render_traceback_() == [str(caught.value)]


def test_unloading_takes_everything_away(notebook):
    notebook.cell("%%agent\nq")
    magic.unload(notebook.shell)
    assert notebook.session.calls[-1] == "close"
    assert notebook.shell.find_cell_magic("agent") is None
    assert notebook.shell.find_line_magic("agent") is None
    assert magic.keep_cell_verbatim not in (
        notebook.shell.input_transformer_manager.cleanup_transforms
    )
    magic.unload(notebook.shell)


def test_the_extension_loads_reloads_and_unloads(notebook, capsys):
    magic.unload(notebook.shell)
    for line in ("%load_ext analyst", "%reload_ext analyst"):
        assert notebook.cell(line) == ("", None)
        transforms = notebook.shell.input_transformer_manager.cleanup_transforms
        assert transforms.count(magic.keep_cell_verbatim) == 1
        assert "%%agent [options]" in notebook.cell("%agent")[0]
    notebook.cell("%unload_ext analyst")
    assert notebook.shell.find_cell_magic("agent") is None


def test_an_interrupt_while_tables_are_fetched_keeps_those_that_came(script):
    from analyst.frontends.answer import answer_of
    from analyst.frontends.reducer import fold

    def fetch(name):
        if name == "first":
            raise KeyboardInterrupt
        return pd.DataFrame({"x": [1]})

    script.start().call("first = 1\nsecond = 2").called().answer("done").finish()
    assert list(answer_of(fold(script.events), fetch_frame=fetch).frames) == ["second"]


def test_tables_that_are_too_large_together_are_left_out(script, monkeypatch):
    from analyst.frontends import answer
    from analyst.frontends.reducer import fold

    monkeypatch.setattr(answer, "MAX_FRAME_BYTES", 1000)
    sizes = {"a": 10, "b": 10_000, "c": 10}
    script.start().call("a = b = c = 1").called().answer("done").finish()
    kept = answer.answer_of(
        fold(script.events), fetch_frame=lambda name: pd.DataFrame({"x": np.ones(sizes[name])})
    )
    assert list(kept.frames) == ["c"]


def test_a_run_that_is_given_up_does_not_wait_for_its_tables(notebook_of, the_whole_run):
    notebook = notebook_of(the_whole_run, hold=True, deaf=True)
    notebook.magics.bridge._stop_seconds = 0.1

    from analyst.frontends import terminal_view

    original = terminal_view.TerminalView.apply
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            terminal_view.TerminalView,
            "apply",
            lambda view, event: (original(view, event), notebook.magics.bridge.stop())[0],
        )
        printed, error = notebook.cell("%%agent --out r\nq")
    assert error is None
    assert "did not end within 0.1 s" in printed
    assert notebook.shell.user_ns["r"].frames == {}
    notebook.session._stopped.set()
