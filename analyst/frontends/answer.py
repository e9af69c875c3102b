"""The answer object that ``%%agent --out NAME`` leaves in the user's namespace."""

from __future__ import annotations

import ast
import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from analyst.frontends import html, text
from analyst.frontends.outputs import PLOTLY, chart, rich_bundle
from analyst.frontends.transcript import Transcript

if TYPE_CHECKING:
    import pandas as pd

MAX_NAMES = 40
"""How many of the names that a run assigned are looked at for tables."""

MAX_FRAME_BYTES = 1_000_000_000
"""How much memory the tables of an answer may take together."""

_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")


@dataclass(frozen=True, kw_only=True)
class AgentAnswer:
    """What a run came to. Everything in it is the user's own copy.

    ``text`` is Markdown. ``values`` are the named values that were computed. ``frames`` holds
    the tables and columns that the agent's code assigned, by name. ``figures`` holds the charts
    in order: a ``plotly.graph_objects.Figure``, or the bytes of an image. ``code`` is what ran
    without an error, in order. ``status`` is "ok", "partial", "error" or "stopped", and
    ``reason`` says why it is not "ok". ``ungrounded`` are the numbers of the text that stand in no
    output; they are marked where the answer is shown, and not in ``text``.
    """

    question: str
    text: str
    status: str
    reason: str | None
    run_id: str
    model: str
    code: str
    values: dict[str, Any] = field(default_factory=dict)
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    figures: tuple[Any, ...] = ()
    ungrounded: tuple[str, ...] = ()

    def __repr__(self) -> str:
        shown = self.text or f"[{self.status}: {self.reason}]"
        return text.answer(shown, self.values, self.ungrounded)

    def _repr_html_(self) -> str:
        shown = self.text or f"{self.status}: {self.reason}"
        return html.part(html.style(), html.answer(shown, self.values, self.ungrounded))


def answer_of(
    transcript: Transcript, *, fetch_frame: Callable[[str], pd.DataFrame] | None = None
) -> AgentAnswer:
    """Build the answer object of a run that has ended.

    ``fetch_frame`` brings a table of the agent's kernel by name and raises for what is none.
    """
    return AgentAnswer(
        question=transcript.question,
        text=transcript.answer or "",
        status=transcript.status or "error",
        reason=transcript.reason,
        run_id=transcript.run_id,
        model=transcript.model,
        code=code_of(transcript),
        values=dict(transcript.values),
        frames=_frames(transcript, fetch_frame) if fetch_frame else {},
        figures=tuple(figures_of(transcript)),
        ungrounded=transcript.ungrounded,
    )


def _frames(
    transcript: Transcript, fetch_frame: Callable[[str], pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Fetch what the run's code assigned, newest first in case not all of it can be had."""
    frames: dict[str, pd.DataFrame] = {}
    room = MAX_FRAME_BYTES
    for name in assigned_names(transcript)[-MAX_NAMES:][::-1]:
        try:
            frame = fetch_frame(name)
        except KeyboardInterrupt:
            break  # the user waits no longer; what has arrived is kept
        except Exception:  # noqa: BLE001, S112  # most names hold no table, or do no longer
            continue
        room -= int(frame.memory_usage(deep=True).sum())
        if room < 0:
            break
        frames[name] = frame
    return dict(reversed(frames.items()))


def assigned_names(transcript: Transcript) -> list[str]:
    """Return the variables that the code of the run assigned, in the order of the last time."""
    names: dict[str, None] = {}
    for step in transcript.steps:
        if step.language == "python" and step.status == "ok":
            for name in _assigned(step.code):
                names.pop(name, None)
                names[name] = None
    return list(names)


def _assigned(code: str) -> list[str]:
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return []
    return [
        name.id
        for statement in tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.With | ast.If)
        for name in ast.walk(statement)
        if isinstance(name, ast.Name)
        and isinstance(name.ctx, ast.Store)
        and not name.id.startswith("_")
    ]


def code_of(transcript: Transcript) -> str:
    """Return the Python that ran without an error, step by step."""
    return "\n\n".join(
        f"# step {step.number}\n{step.code.strip()}"
        for step in transcript.steps
        if step.language == "python" and step.status == "ok"
    )


def figures_of(transcript: Transcript) -> list[Any]:
    """Return the charts of all steps as they last were."""
    figures = []
    for step in transcript.steps:
        for shown in step.outputs:
            data = shown.output.get("data")
            if isinstance(data, Mapping):
                figure = _figure(data, shown.output)
                if figure is not None:
                    figures.append(figure)
    return figures


def _figure(data: Mapping[str, Any], output: Mapping[str, Any]) -> Any:
    if PLOTLY in data:
        bundle = chart(data[PLOTLY])
        if bundle is None or PLOTLY not in bundle:
            return None
        import plotly.graph_objects as go  # noqa: PLC0415  # late: slow, and not every run draws

        figure = {key: bundle[PLOTLY].get(key) for key in ("data", "layout", "frames")}
        return go.Figure({k: v for k, v in figure.items() if v is not None}, skip_invalid=True)
    bundle = rich_bundle(output)
    for mime in _IMAGES:
        if bundle and mime in bundle:
            return base64.b64decode(bundle[mime])
    return None
