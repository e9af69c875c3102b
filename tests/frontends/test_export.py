"""Runs as notebooks: what is in them, what is not, and that they execute."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import nbformat
import pandas as pd
import polars as pl
import pytest
from nbclient import NotebookClient

from analyst.frontends import cli
from analyst.frontends.export import Material, notebook_of, save_notebook
from analyst.frontends.export_code import Imports, visible, with_parameters
from analyst.frontends.export_digest import RunDigest, digest
from analyst.llm.scripted import ScriptedModel
from analyst.memory.finding import Finding
from analyst.record import events as ev
from analyst.session import Session
from analyst.settings import Settings

MESS = "\x1b[31m\u202e\\\\<b><script>alert(1)</script>![x](http://example.org/track.png)\u200b"


def described(name="df", kind="file", path=None):
    return ev.DataDescription(
        name=name, kind=kind, rows=3, columns=2, bytes=9, fingerprint="f", path=path
    )


def code_of(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def text_of(notebook):
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def executed(path, **options):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    resources = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources=resources, **options
    )
    client.execute()
    return "".join(
        output.get("text", "")
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )


def test_only_calls_that_went_well_are_in_it_in_order(script):
    script.start().call("print(1)").called()
    script.call("1 / 0").called("error").call("print(2)").called()
    script.answer("It is 2.", values={"two": 2}).finish()
    run = digest(script.events)
    assert run.code == ["print(1)", "print(2)"]
    notebook = notebook_of([run], Material())
    assert code_of(notebook) == ["print(1)", "print(2)"]
    assert "It is 2." in text_of(notebook)
    assert "| two | 2 |" in text_of(notebook)
    assert f"run {script.run_id} · 2026-01-01 00:00:00 · scripted events" in text_of(notebook)


def test_what_was_tried_before_a_fresh_try_is_not_in_it(script):
    script.start().call("wrong = 1").called().note("afresh", code="retry")
    script.call("right = 1").called().answer("Done.").finish()
    assert digest(script.events).code == ["right = 1"]


def test_the_code_is_as_it_ran_not_as_it_was_written(script):
    script.start().call("print(np.product([2, 3]))")
    script.add(
        ev.ToolCallFinished,
        call_id=script.call_id,
        status="ok",
        observation="6",
        seconds=0.1,
        arguments={"code": "print(np.prod([2, 3]))"},
    )
    script.answer("6").finish()
    assert code_of(notebook_of([digest(script.events)], Material())) == [
        "import numpy as np",
        "print(np.prod([2, 3]))",
    ]


def test_a_run_from_memory_has_the_code_of_its_finding(script):
    script.start()
    script.add(
        ev.ToolCallStarted,
        call_id="recall",
        tool="recall",
        raw="",
        arguments={"finding": 7, "code": "print(base + 1)"},
    )
    script.add(ev.ToolCallFinished, call_id="recall", status="ok", observation="3", seconds=0.0)
    script.answer("3 [F7]").finish()
    finding = Finding(question="q", answer="3", code="print(base + 1)", setup="base = 2", number=7)
    run = digest(script.events)
    notebook = notebook_of([run], Material(finding={7: finding}.get))
    assert code_of(notebook) == ["base = 2", "print(base + 1)"]
    assert "findings F7" in text_of(notebook)
    # The finding may be gone; the run's own record has its code.
    assert code_of(notebook_of([run], Material())) == ["print(base + 1)"]


def test_a_run_without_an_answer_says_why(script):
    script.start().finish("error", "the model was not there")
    notebook = notebook_of([digest(script.events)], Material())
    assert "There is no answer: the model was not there" in text_of(notebook)


def test_nothing_in_it_can_run_fetch_or_hide(script):
    script.start(question=f"What? {MESS}").call(f"print('{MESS[5:]}')  # {MESS[5:6]}").called()
    script.answer(f"It is {MESS}.", values={MESS: MESS}).finish()
    notebook = notebook_of([digest(script.events)], Material(title=MESS))
    written = nbformat.writes(notebook)
    for hidden in ("\x1b", "\u202e", "\u200b"):
        assert hidden not in text_of(notebook)
    assert not re.search(r"(?<!\\)(?:\\\\)*<[a-z/]", text_of(notebook))
    assert "\\<script>" in text_of(notebook)
    assert "](http" in text_of(notebook)
    assert "![" not in text_of(notebook).replace("!\\[", "")
    assert "\u202e" not in json.loads(written)["cells"][1]["source"]


def test_files_are_parameters_and_code_that_names_them_uses_these(tmp_path):
    run = RunDigest(
        question="q",
        code=["import pandas as pd\nother = pd.read_csv('sales.tsv', sep='\\t')\nprint(len(df))"],
        data={"df": described(path=str(tmp_path / "in" / "sales.tsv"))},
        answer="3",
    )
    notebook = notebook_of([run], Material(), beside=tmp_path)
    assert code_of(notebook) == [
        "import pandas as pd",
        'df_path = "in/sales.tsv"',
        'df = pd.read_csv(df_path, sep="\\t")',
        "other = pd.read_csv(df_path, sep='\\t')\nprint(len(df))",
    ]
    elsewhere = notebook_of([run], Material(), beside=tmp_path / "other")
    assert code_of(elsewhere)[1] == f'df_path = "{tmp_path}/in/sales.tsv"'


@pytest.mark.parametrize(
    ("name", "reading"),
    [
        ("a.csv", "df = pd.read_csv(df_path)"),
        ("a.csv.gz", "df = pd.read_csv(df_path)"),
        ("a.tab", 'df = pd.read_csv(df_path, sep="\\t")'),
        ("a.pq", "df = pd.read_parquet(df_path)"),
        ("a.xlsx", "df = pd.read_excel(df_path)"),
        ("a.jsonl", "df = pd.read_json(df_path, lines=True)"),
        ("a.json", "df = pd.read_json(df_path)"),
    ],
)
def test_each_kind_of_file_has_its_reader(tmp_path, name, reading):
    run = RunDigest(question="q", data={"df": described(path=str(tmp_path / name))})
    assert reading in code_of(notebook_of([run], Material()))


def test_a_file_that_is_no_utf_8_is_read_as_the_agent_read_it(tmp_path):
    (tmp_path / "a.csv").write_bytes("name\nJos\xe9\n".encode("latin-1"))
    data = {"df": described(path=str(tmp_path / "a.csv"))}
    run = RunDigest(question="q", code=["print(df.name[0])"], data=data, answer="José")
    place = save_notebook([run], Material(), tmp_path / "n.ipynb")
    assert executed(place) == "José\n"


def test_tables_of_a_notebook_are_written_beside_it(tmp_path):
    frames = {
        "df": pd.DataFrame({"a": pd.Categorical(["x"])}, index=pd.Index([7], name="key")),
        "people": pl.DataFrame({"n": [1, 2]}),
    }
    run = RunDigest(
        question="q",
        code=["print(df.index.name, df.dtypes.astype(str).tolist(), people['n'].sum())"],
        data={name: described(name, "frame") for name in frames},
        answer="3",
    )
    place = save_notebook([run], Material(frames=frames), tmp_path / "n.ipynb")
    again = save_notebook([run], Material(frames=frames), tmp_path / "n.ipynb")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "n-df.parquet",
        "n-df_2.parquet",
        "n-people.parquet",
        "n-people_2.parquet",
        "n.ipynb",
        "n_2.ipynb",
    ]
    assert executed(place) == executed(again) == "key ['category'] 3\n"


def test_a_table_that_is_not_at_hand_is_asked_for(tmp_path):
    run = RunDigest(question="q", code=["print(len(df))"], data={"df": described(kind="frame")})
    place = save_notebook([run], Material(), tmp_path / "n.ipynb")
    assert "`df.to_parquet('df.parquet')`" in text_of(nbformat.read(place, 4))
    pd.DataFrame({"a": [1, 2]}).to_parquet(tmp_path / "df.parquet")
    assert executed(place) == "2\n"


def test_papermill_can_give_it_another_file(tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "b.csv").write_text("x\n1\n2\n")
    data = {"df": described(path=str(tmp_path / "a.csv"))}
    run = RunDigest(question="q", code=["print('rows', len(df))"], data=data, answer="1")
    place = save_notebook([run], Material(), tmp_path / "n.ipynb")
    command = [sys.executable, "-m", "papermill", str(place), str(tmp_path / "out.ipynb")]
    subprocess.run(
        [*command, "-p", "df_path", str(tmp_path / "b.csv"), "--cwd", str(tmp_path)],
        check=True,
        capture_output=True,
    )
    assert "rows 2" in (tmp_path / "out.ipynb").read_text()


def test_earlier_runs_give_what_a_later_one_needs_and_no_more():
    earlier = [
        RunDigest(code=["import numpy as np\nbase = 2\nnoise = 9", "unneeded = 1"]),
    ]
    run = RunDigest(question="q", code=["print(np.sqrt(base))"], answer="1.4")
    notebook = notebook_of([run], Material(earlier=earlier))
    code = code_of(notebook)
    assert code[0] == "import numpy as np"
    assert "base = 2" in code[1]
    assert "unneeded" not in "\n".join(code)


def test_imports_are_collected_once_and_conflicts_stay_in_place():
    imports = Imports()
    assert imports.take_from("import numpy as np\nfrom math import pi, e\nx = 1") == "x = 1"
    assert imports.take_from("import numpy as np\ny = 2") == "y = 2"
    # The same name for something else is no import for all.
    assert imports.take_from("import numpy.linalg as np\nz") == "import numpy.linalg as np\nz"
    assert imports.take_from("a = 1; import os") == "a = 1; import os"
    assert imports.take_from("from x import *") == "from x import *"
    assert imports.take_from("%matplotlib inline\nimport os") == "%matplotlib inline\nimport os"
    assert imports.take_from("def f():\n    import os") == "def f():\n    import os"
    assert imports.lines == ["import numpy as np", "from math import e", "from math import pi"]


def test_what_analysts_take_for_granted_is_imported_unless_it_is_bound():
    imports = Imports()
    imports.complete(
        ["pd.DataFrame(); np = 1; np; math", "KMeans(); display(1); [px for px in ()]"], {"df"}
    )
    assert imports.lines == [
        "import math",
        "import pandas as pd",
        "from sklearn.cluster import KMeans",
    ]


def test_paths_are_replaced_where_they_stand_alone():
    code = "a = open('ä.csv'), 'ä.csv'\nb = f'ä.csv {a}'\nc = 'see ä.csv'"
    assert with_parameters(code, {"df_path": ["ä.csv"]}) == (
        "a = open(df_path), df_path\nb = f'ä.csv {a}'\nc = 'see ä.csv'"
    )


def test_hidden_characters_of_code_become_escapes():
    assert visible("x = '\u202eabc\u200b'") == "x = '\\u202eabc\\u200b'"
    assert eval(visible("'a\u200bb'")) == "a\u200bb"


async def test_a_recorded_run_becomes_a_notebook_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "points.csv").write_text("x\n1\n3\n")
    code = "mean = np.mean(df['X'])\nprint('mean', mean)"
    model = ScriptedModel([f"```python\n{code}\n```", "FINAL: The mean is 2."])
    async with Session(
        cwd=tmp_path, model=model, protocol="fenced", settings=Settings(memory=False)
    ) as session:
        async for _ in session.ask("What is the mean of x?", files=[tmp_path / "points.csv"]):
            pass
    assert cli.main(["runs", "notebook", "last", "-o", "made"]) == 0
    place = tmp_path / "made.ipynb"
    assert capsys.readouterr().out.strip() == str(place)
    # The column was mended before the code ran.
    assert executed(place) == "mean 2.0\n"
    assert cli.main(["runs", "notebook", "last", "-o", "made"]) == 0
    assert (tmp_path / "made_2.ipynb").is_file()


def test_the_command_line_says_what_is_wrong(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["runs", "notebook", "last"]) == 2
    assert "no run on record" in capsys.readouterr().err


def test_the_magic_makes_a_notebook_of_what_was_asked(notebooks, text_of):
    replies = ["```python\nprint(df.a.sum())\n```", "FINAL: 3"]
    cells = notebooks.run(
        replies,
        "import pandas as pd\ndf = pd.DataFrame({'a': [1, 2]})",
        "%agent notebook",
        "%%agent\nWhat is the sum of a in df?",
        "%agent notebook made.ipynb",
        "%agent notebook two words",
        allow_errors=True,
    )
    assert "Nothing that is on record" in text_of(cells[1])
    assert "made.ipynb" in text_of(cells[3])
    assert "Name one file" in text_of(cells[4])
    assert executed(notebooks.directory / "made.ipynb") == "3\n"
