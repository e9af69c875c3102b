"""Reports of runs on record: the run read, the report written, its charts beside it.

Here: files. Not here: what a report says (:mod:`analyst.frontends.report`) and its forms
(:mod:`analyst.frontends.report_forms`). Functions block.
"""

from __future__ import annotations

import base64
import importlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal

from analyst.frontends import report_forms as forms
from analyst.frontends.errors import OptionError
from analyst.frontends.export import Material, notebook_of
from analyst.frontends.export_data import ExportError, write_new
from analyst.frontends.export_digest import digest
from analyst.frontends.export_recorded import finder
from analyst.frontends.export_tries import without_failed_tries
from analyst.frontends.outputs import PLOTLY
from analyst.frontends.report import Report, ReportChart, report_of
from analyst.frontends.untrusted import one_line
from analyst.record import events as ev
from analyst.record.resumed import whole
from analyst.settings import Settings

Form = Literal["md", "html", "ipynb"]
_ENDINGS: dict[str, Form] = {
    ".md": "md",
    ".markdown": "md",
    ".html": "html",
    ".htm": "html",
    ".ipynb": "ipynb",
}
_IMAGES = {"image/png": ".png", "image/jpeg": ".jpg"}


def form_of(place: Path) -> Form | None:
    """Return the form that a file's ending asks for."""
    return _ENDINGS.get(place.suffix.lower())


def check_place(place: Path, *, private: bool) -> None:
    """Raise :class:`OptionError` if no report could be written there."""
    if private:
        raise OptionError("--report needs the record of the run, and a private run keeps none.")
    if not place.parent.is_dir():
        raise OptionError(f"--report {place}: there is no directory {place.parent}.")


def save_report(
    run_id: str,
    place: Path,
    settings: Settings,
    *,
    form: Form | None = None,
    directory: Path | None = None,
) -> Path:
    """Write the report of a run on record; return where it is, as names are numbered.

    ``form``: by default by the ending of ``place``, and Markdown for others. ``directory``: the
    data directory. Raises :class:`ExportError` and :class:`analyst.record.log.RunLogError`.
    """
    events = whole(run_id, directory=directory)
    report = report_of(events)
    if report.answer is None and not any(step.code for step in report.steps):
        raise ExportError("There is nothing to report: the run computed and answered nothing.")
    if not place.parent.is_dir():
        raise ExportError(f"There is no directory {place.parent}; make it, or name another.")
    form = form or form_of(place) or "md"
    stem = place.stem if form_of(place) else place.name
    folder = place.parent
    if form == "html":
        text = forms.page(report)
    elif form == "ipynb":
        text = _notebook_text(report, events, folder, settings, directory)
    else:
        text = forms.markdown(report, _Charts(report.charts, folder, stem).text)
    return write_new(folder, stem, f".{form}", lambda file: file.write(text.encode()))


def _notebook_text(
    report: Report,
    events: Sequence[ev.Event],
    folder: Path,
    settings: Settings,
    directory: Path | None,
) -> str:
    nbformat: Any = importlib.import_module("nbformat")  # late: slow, and rarely needed
    with finder(settings, directory) as finding:
        run = digest(events)
        run.code = without_failed_tries(run.code, run.tried, run.data)
        made = notebook_of([run], Material(finding=finding), beside=folder)
    # Its heading, answer and end are the report's.
    code: list[Any] = made.cells[1:-2]
    return str(nbformat.writes(forms.notebook(report, code))) + "\n"


class _Charts:
    """Writes charts beside a report in Markdown: images, and one page for those that move."""

    def __init__(self, charts: Sequence[ReportChart], folder: Path, stem: str) -> None:
        self._names: dict[int, str] = {}
        moving = [one for one in charts if PLOTLY in one.bundle]
        if moving:
            page = _page(moving).encode()
            written = write_new(folder, f"{stem}-charts", ".html", lambda file: file.write(page))
            self._names |= {
                id(one): f"[{one_line(one.title, 80)}]({written.name}#chart-{number})"
                for number, one in enumerate(moving, 1)
            }
        for number, one in enumerate(charts, 1):
            for mime, ending in _IMAGES.items():
                if mime in one.bundle:
                    image = base64.b64decode(one.bundle[mime])
                    name = f"{stem}-chart-{number}"
                    written = write_new(folder, name, ending, partial(_write, image))
                    self._names[id(one)] = f"![{one_line(one.title, 80)}]({written.name})"

    def text(self, chart: ReportChart) -> str:
        return self._names.get(id(chart), "")


def _write(data: bytes, file: BinaryIO) -> None:
    file.write(data)


def _page(charts: Sequence[ReportChart]) -> str:
    import plotly.graph_objects as go  # noqa: PLC0415 - slow, and not every report has charts
    import plotly.io as pio  # noqa: PLC0415 - see above

    parts = []
    for number, one in enumerate(charts, 1):
        shown = one.bundle[PLOTLY]
        figure = go.Figure(
            {key: shown[key] for key in ("data", "layout", "frames") if key in shown},
            skip_invalid=True,
        )
        drawn = pio.to_html(
            figure,
            config=shown.get("config"),
            full_html=False,
            include_plotlyjs=number == 1,
        )
        parts.append(f'<div id="chart-{number}">{drawn}</div>')
    body = "\n".join(parts)
    return f'<!doctype html><html><head><meta charset="utf-8"></head><body>{body}</body></html>\n'
