"""A run as it happens, in a terminal: text that streams, code, outputs, the answer.

Nothing is redrawn, so it works over any connection and in a file. Charts are named, as a
terminal cannot show them.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from analyst.frontends import text, wording
from analyst.frontends.outputs import PLOTLY
from analyst.frontends.reducer import advance
from analyst.frontends.transcript import Remark, ShownOutput, Transcript
from analyst.frontends.ungrounded import legend, marked_markdown
from analyst.frontends.untrusted import clean_text, one_line
from analyst.record import events as ev

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {"info": "dim", "warning": "yellow", "error": "red"}


class TerminalView:
    """Prints a run from its events.

    ``console`` takes the steps, ``answers`` the answer (default: the same); both default to
    standard output. ``quiet`` prints warnings and the answer only.
    """

    def __init__(
        self,
        *,
        console: Console | None = None,
        answers: Console | None = None,
        quiet: bool = False,
    ) -> None:
        from rich.console import Console  # noqa: PLC0415  # late: a notebook does not need it

        self.transcript = Transcript()
        self.stopping = False
        self._console = console or Console()
        self._answers = answers or self._console
        self._quiet = quiet
        self._written = ""
        self._began = time.monotonic()

    def apply(self, event: ev.Event) -> None:
        """Take an event in and print what it adds."""
        before = self.transcript
        self.transcript = advance(before, event)
        match event:
            case ev.RunStarted():
                self._print(wording.model_line(self.transcript), "dim")
            case ev.DataHandedOver():
                self._print("\n".join(wording.data_lines(event.data)), "dim")
            case ev.MessageDelta():
                self._stream()
            case ev.ModelResponded():
                self._end_line()
            case ev.ToolCallStarted():
                self._call_started()
            case ev.ApprovalRequested() if event.arguments is not None:
                self._as_it_will_run(event.call_id)
            case ev.OutputEmitted():
                self._output(event)
            case ev.ToolCallFinished():
                self._call_finished(event)
            case ev.Answer():
                self._answer(event, before.streaming)
            case ev.RunFinished():
                self._finish()
        self._plan(event)
        if len(self.transcript.items) > len(before.items):
            self._remark()

    def _plan(self, event: ev.Event) -> None:
        """Print the plan when it is new, and each step of it as it begins and ends."""
        plan = self.transcript.plan
        match event:
            case ev.PlanProposed():
                self._print(f"The plan:\n{text.plan(plan)}")
            case ev.PlanRevised(reason=why):
                self._print(f"The plan now ({one_line(why, 200)}):\n{text.plan(plan)}")
            case ev.PlanStepStarted(index=at) | ev.PlanStepFinished(index=at) if at < len(plan):
                failed = plan[at].status in ("error", "skipped")
                line = f"Plan {at + 1} of {len(plan)} · {wording.plan_line(plan[at])}"
                self._print(line, "yellow" if failed else "bold")

    def _remark(self) -> None:
        item = self.transcript.items[-1]
        if isinstance(item, Remark) and (item.level != "info" or not self._quiet):
            self._end_line()
            _say(self._console, text.remark(item), _STYLES[item.level])

    def tick(self) -> None:
        """Nothing: a clock in a terminal would have to redraw."""

    def fail(self, sentence: str) -> None:
        """End the view of a run whose end never came."""
        if self.transcript.status is None:
            self.transcript = replace(
                self.transcript,
                status="error",
                reason=sentence,
                seconds=time.monotonic() - self._began,
            )
            self._finish()

    def _print(self, content: str, style: str = "") -> None:
        if content and not self._quiet:
            self._end_line()
            _say(self._console, content, style)

    def _stream(self) -> None:
        """Print what the reply says before its code or answer; those are printed when whole."""
        words = _settled(self.transcript.draft.prose)
        if self._quiet or not words.startswith(self._written):
            return
        _say(self._console, words[len(self._written) :], "dim", end="")
        self._written = words

    def _end_line(self) -> None:
        if self._written and not self._written.endswith("\n"):
            self._console.print()
        self._written = ""

    def _call_started(self) -> None:
        step = self.transcript.steps[-1]
        self._print(f"Step {step.number} · {wording.step_title(step)}", "bold")
        code = clean_text(step.code).rstrip()
        if self._console.is_terminal and not self._quiet:
            from rich.syntax import Syntax  # noqa: PLC0415  # late: see __init__

            self._console.print(
                Syntax(code, step.language, background_color="default", word_wrap=True)
            )
        else:
            self._print(code)

    def _as_it_will_run(self, call_id: str) -> None:
        for step in self.transcript.steps:
            if step.call_id == call_id:
                self._print("As it will run:", "dim")
                self._print(clean_text(step.code).rstrip())

    def _output(self, event: ev.OutputEmitted) -> None:
        output = event.output
        if output is None:
            return
        data = output.get("data")
        if isinstance(data, dict) and (PLOTLY in data or any(m.startswith("image/") for m in data)):
            self._print("[chart: shown in a notebook]", "dim")
            return
        failed = output.get("output_type") == "error"
        self._print(text.output(ShownOutput(key="", output=output)), "red" if failed else "")

    def _call_finished(self, event: ev.ToolCallFinished) -> None:
        step = next((s for s in self.transcript.steps if s.call_id == event.call_id), None)
        if step is not None:
            self._print(wording.step_state(step), "dim" if event.status == "ok" else "red")

    def _answer(self, event: ev.Answer, streamed: str) -> None:
        from rich.markdown import Markdown  # noqa: PLC0415  # late: see __init__

        self._end_line()
        plain = clean_text(event.text)
        answer = marked_markdown(plain, event.ungrounded)
        if self._answers is self._console and not self._quiet:
            self._console.print()
        if not (self._answers is self._console and streamed.strip() == answer.strip()):
            if self._answers.is_terminal:
                self._answers.print(Markdown(answer))
            else:
                _say(self._answers, answer)
        if told := legend(plain, event.ungrounded):
            _say(self._answers, clean_text(told), _STYLES["warning"])
        for name, value in event.values.items():
            _say(self._answers, f"{one_line(name)} = {wording.value_text(value)}")

    def _finish(self) -> None:
        self._end_line()
        if end := wording.end_line(self.transcript):
            _say(self._console, end, "red" if self.transcript.status == "error" else "yellow")
        self._print(wording.usage_line(self.transcript, seconds=self.transcript.seconds), "dim")


def _say(console: Console, content: str, style: str = "", *, end: str = "\n") -> None:
    """Print text as it is: no markup, no highlighting, no wrapping of our own."""
    console.print(
        content, style=style, end=end, markup=False, highlight=False, emoji=False, soft_wrap=True
    )


def _settled(prose: str) -> str:
    """Return the part of a growing text that can no longer turn out to be code or the answer."""
    head, newline, last = clean_text(prose).rpartition("\n")
    if "final answer:".startswith(last.strip(" \t>#*_-").lower()) or "`" in last[-3:]:
        return head + newline
    return head + newline + last
