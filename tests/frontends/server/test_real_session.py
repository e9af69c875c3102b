"""The panel's server with real sessions and kernels; only the model plays replies."""

from __future__ import annotations

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

QUESTION = "What is the mean of x?\n```python\n{code}\n```"


@pytest.fixture(scope="module")
def real(tmp_path_factory, served):
    server = served(tmp_path_factory.mktemp("real"), session="real").start()
    (server.root / "notes").mkdir()
    frame = pd.DataFrame({"x": [1.0, 2.0, 6.0], "k": ["a", "b", "a"]})
    frame.to_csv(server.root / "notes" / "points.csv", index=False)
    yield server
    server.stop()


def ask(server, conversation, code, **more):
    server.ask_text(conversation, QUESTION.format(code=code), **more)
    return server.run_of(conversation)


def outputs(events):
    return "".join(
        str(one.event["output"].get("text", "")) for one in events if one.type == "output"
    )


def run_notebook(path):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=60, kernel_name="python3", resources=resources).execute()
    return notebook


def test_a_file_goes_along_and_the_notebook_of_the_runs_executes(real):
    conversation = real.conversation(notebook="notes/work.ipynb")
    context = [{"kind": "file", "path": "notes/points.csv"}]
    events = ask(
        real, conversation, "m = df.x.mean()\nprint(np.round(m, 2), 'mean')", context=context
    )
    assert "3.0 mean" in outputs(events)
    events = ask(real, conversation, "by = df.groupby('k').x.sum() * m\nprint(by['a'], 'by')")
    assert "21.0 by" in outputs(events)
    second = events[0].event["run_id"]

    frames = real.get(f"conversations/{conversation}/frames").json()["frames"]
    assert [(one["name"], one["shape"]) for one in frames] == [("df", [3, 2])]

    made = real.post(f"conversations/{conversation}/notebook", {"path": "notes/all.ipynb"}).json()
    assert made == {"path": "notes/all.ipynb"}
    notebook = run_notebook(real.root / made["path"])
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert code[:3] == [
        "import numpy as np\nimport pandas as pd",
        'df_path = "points.csv"',
        "df = pd.read_csv(df_path)",
    ]
    assert notebook.cells[2].metadata.tags == ["parameters"]
    assert len([cell for cell in notebook.cells if cell.source.startswith("## ")]) == 2

    # The second run alone needs code of the first.
    answer = real.post(
        f"conversations/{conversation}/notebook", {"path": "notes/all", "run_ids": [second]}
    )
    assert answer.json() == {"path": "notes/all_2.ipynb"}
    notebook = run_notebook(real.root / "notes/all_2.ipynb")
    assert "m = df.x.mean()" in "\n".join(cell.source for cell in notebook.cells)

    one = real.get(f"runs/{second}/notebook")
    assert one.status_code == 200
    nbformat.validate(nbformat.from_dict(one.json()))


def test_a_run_that_is_not_of_the_conversation_makes_no_notebook(real):
    conversation = real.conversation()
    address = f"conversations/{conversation}/notebook"
    assert real.post(address, {"path": "x.ipynb"}).status_code == 400
    assert real.post(address, {"path": "x.ipynb", "run_ids": ["other"]}).status_code == 404
    assert real.post(address, {"path": "no/x.ipynb"}).status_code == 404
    assert not (real.root / "x.ipynb").exists()


def test_frames_of_a_notebook_keep_their_types_and_are_written_beside_its_export(
    real, notebook_kernel
):
    kernel = notebook_kernel(real)
    kernel.run(
        "import pandas as pd\n"
        "df = pd.DataFrame(\n"
        "    {'c': pd.Categorical(['x', 'y']), 'x': [1.5, 2.5],\n"
        "     't': pd.date_range('2024-03-30', periods=2, tz='Europe/Berlin')},\n"
        "    index=pd.Index([10, 20], name='key'))"
    )
    conversation = real.conversation()
    context = [{"kind": "frame", "kernel_id": kernel.id, "name": "df"}]
    code = "print(df.dtypes.astype(str).tolist(), df.index.name, df.index.tolist(), df.x.sum())"
    events = ask(real, conversation, code, context=context)
    told = outputs(events)
    assert "['category', 'float64', 'datetime64[us, Europe/Berlin]'] key [10, 20] 4.0" in told

    made = real.post(f"conversations/{conversation}/notebook", {"path": "frame.ipynb"}).json()
    assert (real.root / "frame-df.parquet").is_file()
    notebook = run_notebook(real.root / made["path"])
    executed = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert executed[-1].outputs[0].text == told


def test_a_table_of_the_agent_is_brought_to_the_notebook(real):
    conversation = real.conversation()
    ask(
        real,
        conversation,
        "table = pd.DataFrame({'a': [1, 2], 'b': pd.Categorical(['u', 'v'])})\nprint(len(table))",
    )
    address = f"conversations/{conversation}/frames/table/bring"
    first = real.post(address, {"directory": "notes"}).json()
    second = real.post(address, {"directory": "notes"}).json()
    assert [first["path"], second["path"]] == ["notes/table.parquet", "notes/table_2.parquet"]
    assert second["code"] == "import pandas as pd\n\ntable = pd.read_parquet('table_2.parquet')"
    frame = pd.read_parquet(real.root / "notes" / "table.parquet")
    assert frame.dtypes.astype(str).tolist() == ["int64", "category"]
    assert real.post(address, {"directory": "nowhere"}).status_code == 404
    other = f"conversations/{conversation}/frames/nothing/bring"
    answer = real.post(other, {"directory": "notes"})
    assert answer.status_code in {400, 404}
    assert "nothing" in answer.json()["message"]


def test_stop_while_code_runs(real):
    conversation = real.conversation()
    real.ask_text(conversation, QUESTION.format(code="import time\ntime.sleep(60)"))
    real.events(conversation, until="tool_call_started")
    assert real.post(f"conversations/{conversation}/stop").json() == {"stopped": True}
    assert real.run_of(conversation)[-1].event["status"] == "stopped"


def test_reset_forgets_variables_and_says_so(real):
    conversation = real.conversation()
    ask(real, conversation, "kept = 1\nprint(kept)")
    assert real.post(f"conversations/{conversation}/reset").status_code == 200
    assert real.get(f"conversations/{conversation}/frames").json() == {"frames": []}
    assert real.run_of(conversation)[-1].event["code"] == "conversation_reset"
    events = ask(real, conversation, "print('kept' in globals())")
    assert "False" in outputs(events)


def test_findings_are_listed_changed_verified_and_deleted(real):
    conversation = real.conversation()
    context = [{"kind": "file", "path": "notes/points.csv"}]
    events = ask(real, conversation, "print('largest', df.x.max())", context=context)
    number = next(one.event["number"] for one in events if one.type == "finding_saved")
    found = real.get("findings", params={"words": "mean of x", "limit": 5}).json()["findings"]
    assert number in [one["number"] for one in found]
    with real.client() as client:
        changed = client.patch(f"findings/{number}", json={"pinned": True, "tags": ["a"]}).json()
        assert (changed["pinned"], changed["tags"]) == (True, ["a"])
        assert client.get(f"findings/{number}").json() == changed
        verified = client.post(f"findings/{number}/verify", json={}).json()
        assert verified["outcome"] == "same"
        assert client.delete(f"findings/{number}").status_code == 204
        assert client.get(f"findings/{number}").status_code == 404
        assert client.post(f"findings/{number}/verify", json={}).status_code == 404


def test_a_finding_keeps_its_table_to_be_looked_at(real):
    conversation = real.conversation()
    context = [{"kind": "file", "path": "notes/points.csv"}]
    code = "display(df.head(2))\nprint('smallest', df.x.min())"
    events = ask(real, conversation, code, context=context)
    number = next(one.event["number"] for one in events if one.type == "finding_saved")
    (output,) = real.get(f"findings/{number}/outputs").json()["outputs"]
    assert output["output_type"] == "display_data"
    assert "<table" in output["data"]["text/html"]
    assert real.get("findings/99999/outputs").status_code == 404


def test_runs_are_listed_and_shown(real):
    conversation = real.conversation()
    run_id = ask(real, conversation, "print(1)")[0].event["run_id"]
    runs = real.get("runs", params={"limit": 3}).json()["runs"]
    assert runs[0]["run_id"] == run_id
    assert runs[0]["status"] == "ok"
    shown = real.get(f"runs/{run_id}/events").json()
    assert shown["events"][0]["type"] == "run_started"
    assert "prompt" not in [one["type"] for one in shown["events"]]
    assert real.get("runs/20990101T000000000-abcdef/events").status_code == 404


def test_data_files_are_listed(real):
    (real.root / ".hidden.csv").write_text("a\n")
    (real.root / "notes" / "text.md").write_text("a\n")
    every = [one["path"] for one in real.get("files").json()["files"]]
    assert "notes/points.csv" in every
    assert not [path for path in every if "hidden" in path or path.endswith(".md")]
    named = real.get("files", params={"prefix": "poi"}).json()["files"]
    assert [one["path"] for one in named] == ["notes/points.csv"]
    assert real.get("files", params={"prefix": "../"}).json() == {"files": []}


def test_files_that_the_code_wrote_are_copied_beside_the_notebook(real):
    conversation = real.conversation()
    route = f"conversations/{conversation}/files"
    assert real.post(route, {"directory": "notes"}).status_code == 404
    write = "open('sums.csv', 'w').write({!r})\nopen('b', 'w').write('x')\nprint('written')"
    events = ask(real, conversation, write.format("one"))
    (note,) = [one.event for one in events if one.event.get("code") == "files_written"]
    assert "button in the panel" in note["text"]
    (real.root / "notes" / "b").write_text("the user's own")
    first = real.post(route, {"directory": "notes"}).json()
    assert first == {"paths": ["notes/b_2", "notes/sums.csv"]}
    assert (real.root / "notes" / "b").read_text() == "the user's own"
    # Once more takes nothing anew, until it is written anew.
    assert real.post(route, {"directory": "notes"}).json() == first
    ask(real, conversation, write.format("another"))
    again = real.post(route, {"directory": "notes"}).json()
    assert again == {"paths": ["notes/b_3", "notes/sums_2.csv"]}
    assert (real.root / "notes" / "sums_2.csv").read_text() == "another"
    assert real.post(route, {"directory": "../.."}).status_code == 400
