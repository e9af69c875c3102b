"""Runs as a clean, parameterised notebook that executes by itself.

Here: which cells there are. Not here: what is told of a run
(:mod:`analyst.frontends.export_digest`), code (:mod:`analyst.frontends.export_code`), data
(:mod:`analyst.frontends.export_data`).

The code is that of the calls that went well, in order, as it ran. Paths of data files stand in a
cell tagged ``parameters``, as papermill wants it. A run that was answered from memory has the code
of the finding. Text of the model and of data is cleaned: it can fetch nothing and hide nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyst.frontends.export_code import Imports, names_used, visible, with_parameters
from analyst.frontends.export_data import DataCell, data_cell, write_frames, write_new
from analyst.frontends.export_digest import RunDigest
from analyst.frontends.export_text import (
    TITLE_LENGTH,
    answer_text,
    heading_text,
    markdown_source,
    quoted,
)
from analyst.frontends.untrusted import one_line
from analyst.record import events as ev

if TYPE_CHECKING:
    from analyst.memory.finding import Finding


@dataclass(frozen=True, kw_only=True)
class Material:
    """What a notebook is made from, besides the runs.

    ``earlier``: the runs of the same kernel before them, whose code they may need. ``frames``: the
    tables that were handed over, as far as they are at hand. ``files``: where data files are.
    ``finding``: looks one up by its number, ``None`` when it is gone.
    """

    title: str = ""
    earlier: Sequence[RunDigest] = ()
    frames: Mapping[str, object] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    finding: Callable[[int], Finding | None] = lambda _: None


def notebook_of(
    runs: Sequence[RunDigest],
    material: Material,
    *,
    beside: Path | None = None,
    written: Mapping[str, tuple[str, str]] | None = None,
) -> Any:
    """Return the notebook of some runs.

    ``beside``: the directory it will be in, so that paths below it are relative. ``written``: the
    frames that were written there; see :func:`analyst.frontends.export_data.write_frames`.
    """
    setup = _setup(runs, material)
    data = [
        data_cell(one, beside=beside, files=material.files, written=written or {})
        for one in _data_of(runs, material, setup).values()
    ]
    imports = Imports()
    for one in data:
        for statement in one.imports:
            imports.take_from(statement)
    parameters = {one.parameter: one.texts for one in data if one.texts}
    prepared = [_rewritten(code, imports, parameters) for code in setup]
    computed = [[_rewritten(code, imports, parameters) for code in run.code] for run in runs]
    imports.complete(
        [*prepared, *(code for codes in computed for code in codes)],
        {*(one.name for one in data), *parameters},
    )

    cells = [_markdown(_heading(runs, material.title))]
    if imports.lines:
        cells.append(_code("\n".join(imports.lines)))
    cells += _data_cells(data)
    if any(prepared):
        cells.append(_markdown("What was computed for earlier questions, and is needed here:"))
        cells += [_code(code) for code in prepared if code]
    for run, codes in zip(runs, computed, strict=True):
        if len(runs) > 1:
            cells.append(_markdown(f"## {heading_text(run.question)}"))
        if len(run.question.strip()) > TITLE_LENGTH or "\n" in run.question.strip():
            cells.append(_markdown(quoted(run.question)))
        cells += [_code(code) for code in codes if code]
        cells.append(_markdown(answer_text(run.answer, run.values, run.reason, run.ungrounded)))
    cells.append(_markdown(_footer(runs)))
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    nbformat = _nbformat()
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    nbformat.validate(notebook)
    return notebook


def frames_needed(runs: Sequence[RunDigest], material: Material) -> list[str]:
    """Return the names of the tables that have to be written beside the notebook."""
    needed = _data_of(runs, material, _setup(runs, material))
    return [one.name for one in needed.values() if one.kind == "frame"]


def save_notebook(runs: Sequence[RunDigest], material: Material, place: Path) -> Path:
    """Write the notebook of some runs, and their tables beside it; return where it is.

    A file that is there is not touched: the name is numbered. Raises
    :class:`analyst.frontends.export_data.ExportError`.
    """
    folder = place.parent
    names = frames_needed(runs, material)
    written = write_frames(material.frames, names, folder, place.stem)
    notebook = notebook_of(runs, material, beside=folder, written=written)
    text = str(_nbformat().writes(notebook)) + "\n"
    return write_new(folder, place.stem, ".ipynb", lambda file: file.write(text.encode()))


def _setup(runs: Sequence[RunDigest], material: Material) -> list[str]:
    """Return code from before the runs that theirs needs: of findings, and of earlier runs."""
    from analyst.memory.provenance import trace  # noqa: PLC0415 - only where there is a notebook

    found: dict[str, None] = {}
    earlier = [code for run in material.earlier for code in run.code]
    if earlier:
        code = "\n\n".join(code for run in runs for code in run.code)
        names = {one for run in (*material.earlier, *runs) for one in run.data}
        provenance = trace(code, earlier, names)
        needed = provenance.code.removesuffix(code).strip("\n")
        found |= dict.fromkeys(one for one in (needed, provenance.setup) if one.strip())
    for run in runs:
        # Its own finding knows what it stands on where the runs before it are not at hand.
        number = run.recalled if run.recalled is not None or len(runs) > 1 or earlier else run.saved
        finding = material.finding(number) if number is not None else None
        if finding is not None and finding.setup.strip():
            found[finding.setup] = None
    return list(found)


def _data_of(
    runs: Sequence[RunDigest], material: Material, setup: Sequence[str]
) -> dict[str, ev.DataDescription]:
    """Return the data that the notebook reads, as it was last."""
    known: dict[str, ev.DataDescription] = {}
    for run in (*material.earlier, *runs):
        known |= run.data
    asked = {name for run in runs for name in run.data}
    used = {name for code in setup for name in names_used(code)}
    used |= {name for run in runs for code in run.code for name in names_used(code)}
    return {name: one for name, one in known.items() if name in asked or name in used}


def _rewritten(code: str, imports: Imports, parameters: Mapping[str, Sequence[str]]) -> str:
    return with_parameters(imports.take_from(visible(code)), parameters)


def _data_cells(data: Sequence[DataCell]) -> list[Any]:
    if not data:
        return []
    cells = [_markdown(one.missing) for one in data if one.missing]
    paths = "\n".join(f"{one.parameter} = {_literal(one.path)}" for one in data)
    cells.append(_code(paths, tags=["parameters"]))
    cells.append(_code("\n".join(one.reading for one in data)))
    return cells


def _heading(runs: Sequence[RunDigest], title: str) -> str:
    if len(runs) == 1:
        return f"# {heading_text(runs[0].question)}"
    return f"# {heading_text(title or 'An analysis')}"


def _footer(runs: Sequence[RunDigest]) -> str:
    lines = ["---", "*Made from what the analyst ran; each answer above is as it was then.*", ""]
    for run in runs:
        about = [
            f"run {run.run_id}",
            run.started_at[:19].replace("T", " "),
            markdown_source(one_line(run.model, 120)),
        ]
        if run.cited:
            about.append("findings " + ", ".join(f"F{number}" for number in run.cited))
        elif run.recalled is not None:
            about.append(f"finding F{run.recalled}")
        lines.append("- " + " · ".join(part for part in about if part))
    return "\n".join(lines)


def _literal(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _code(source: str, tags: Sequence[str] = ()) -> Any:
    metadata = {"tags": list(tags)} if tags else {}
    return _nbformat().v4.new_code_cell(source, metadata=metadata)


def _markdown(source: str) -> Any:
    return _nbformat().v4.new_markdown_cell(source)


def _nbformat() -> Any:
    import nbformat  # noqa: PLC0415 - slow, and only a notebook needs it

    return nbformat
