"""The interactive browser of findings: a search box, a list, all that one says, and buttons.

A form of ipywidgets, in one output; in another one a table that the saved notebook shows where
the form cannot be. While the form is there it hides the table. Here: the widgets and what they do.
Not here: markup (:mod:`analyst.frontends.finding_views`).

Threads: widgets are touched in the kernel's main thread alone; a finding is computed again in the
session's thread, and the main thread's event loop learns of its end.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from analyst.frontends import finding_views, html
from analyst.frontends.bridge import SessionBridge
from analyst.frontends.finding_verbs import NOTHING_LIKE_IT, NOTHING_YET, VERIFY_MARKS
from analyst.frontends.live_view import Publisher
from analyst.frontends.untrusted import escape, one_line
from analyst.memory.errors import FindingsError
from analyst.session.findings import Findings
from analyst.session.verification import Verified

if TYPE_CHECKING:
    from analyst.memory.finding import Finding

WIDGET = "application/vnd.jupyter.widget-view+json"
MOST_LISTED = 100


class FindingsBrowser:
    """Findings to look through and to change, as a form in a notebook.

    ``frames``: returns the notebook's frames as they are. ``words``: what is searched for at
    first. Raises :class:`ImportError` where there is no ipywidgets.
    """

    def __init__(
        self,
        *,
        bridge: SessionBridge,
        frames: Callable[[], Mapping[str, object]],
        publish: Publisher,
        words: str = "",
    ) -> None:
        import ipywidgets  # type: ignore[import-untyped]  # noqa: PLC0415  # late: slow, and optional

        self._bridge = bridge
        self._frames = frames
        self._publish = publish
        self._id = f"analyst-{uuid.uuid4().hex[:12]}"
        self._found: list[Finding] = []
        self._running: asyncio.Task[None] | None = None
        self._doing = ""
        self._make_widgets(ipywidgets, words)
        self._search()

    def show(self) -> None:
        """Put the form into the output of the running cell, and the table that stands in for it."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.form.model_id}
        text = "Findings to look through; the kernel that showed them is needed for it."
        self._publish({WIDGET: view, "text/plain": text}, f"{self._id}-form", update=False)
        self._publish(self._static(), self._id, update=False)

    def _make_widgets(self, widgets: Any, words: str) -> None:
        def button(text: str, tip: str, act: Callable[[], None], **options: Any) -> Any:
            made = widgets.Button(
                description=text, tooltip=tip, layout={"width": "auto"}, **options
            )
            made.on_click(lambda _: act())
            return made

        self.words = widgets.Text(
            value=words,
            placeholder="Search, then Enter",
            continuous_update=False,
            tooltip="Words to search for; none lists the newest",
            layout={"width": "auto", "flex": "1 1 auto"},
        )
        self.list = widgets.Select(
            options=[],
            rows=14,
            tooltip="Findings, the best or newest first",
            layout={"width": "auto", "flex": "1 1 260px", "min_width": "200px", "height": "auto"},
        )
        self.pin = button("Pin", "Keep it at the top, or let it go", self._toggle_pin)
        self.verify = button("Verify", "Compute it again, isolated, and compare", self._verify)
        self.delete = button("Delete …", "Delete it for good", self._ask_to_delete)
        self.tags = widgets.Text(
            placeholder="Tags, between commas; Enter",
            continuous_update=False,
            tooltip="The tags of this finding",
            layout={"width": "auto", "flex": "1 1 130px", "min_width": "100px"},
        )
        self.yes = button("Delete for good", "", self._delete, button_style="danger")
        self.no = button("Keep", "", self._keep)
        self.confirm = widgets.HBox([self.yes, self.no], layout={"display": "none"})
        self.state = widgets.HTML()
        self.detail = widgets.HTML(layout={"overflow": "auto", "max_height": "32em"})
        buttons = widgets.HBox(
            [self.pin, self.verify, self.delete, self.tags],
            layout={"flex_flow": "row wrap", "align_items": "center", "grid_gap": "2px"},
        )
        side = widgets.VBox(
            [buttons, self.confirm, self.state, self.detail],
            layout={"flex": "3 1 340px", "min_width": "260px"},
        )
        # The table is for where this is not; the style goes when this does.
        style = widgets.HTML(f"{html.style()}<style>.{self._id}{{display:none}}</style>")
        self.form = widgets.VBox(
            [
                style,
                widgets.HBox([self.words]),
                widgets.HBox(
                    [self.list, side], layout={"flex_flow": "row wrap", "grid_gap": "8px"}
                ),
            ]
        )
        self.form.add_class("analyst-browser")
        self.words.observe(lambda _: self._search(), "value")
        self.list.observe(lambda _: self._show_chosen(), "value")
        self._tags_change = lambda _: self._set_tags()
        self.tags.observe(self._tags_change, "value")

    @property
    def _chosen(self) -> Finding | None:
        return next((one for one in self._found if one.number == self.list.value), None)

    def _search(self, *, keep: int | None = None) -> None:
        """List what is like the words; ``keep``: the finding that stays chosen."""
        try:
            with Findings(self._bridge.settings) as findings:
                self._found = findings.search(self.words.value, limit=MOST_LISTED)
        except FindingsError as error:
            self._say(str(error), "error")
            return
        numbers = [one.number for one in self._found]
        # The same options again would choose the first anew, and a value that is gone would fail.
        self.list.options = [(_label(one), one.number) for one in self._found]
        chosen = keep if keep in numbers else next(iter(numbers), None)
        if self.list.value != chosen:
            self.list.value = chosen
        self._show_chosen()
        if not self._found:
            self._say(NOTHING_LIKE_IT if self.words.value.strip() else NOTHING_YET)

    def _show_chosen(self) -> None:
        finding = self._chosen
        self._keep()
        self._say(self._doing)
        for one in (self.pin, self.delete, self.tags):
            one.disabled = finding is None
        self.verify.disabled = finding is None or self._running is not None
        self.pin.description = "Unpin" if finding and finding.pinned else "Pin"
        self.tags.unobserve(self._tags_change, "value")
        self.tags.value = ", ".join(one_line(tag) for tag in finding.tags) if finding else ""
        self.tags.observe(self._tags_change, "value")
        self.detail.value = html.part(finding_views.finding_html(finding)) if finding else ""

    def _change(self, change: Callable[[Findings, int], object]) -> bool:
        """Change the chosen finding, and show how things are then."""
        finding = self._chosen
        if finding is None or finding.number is None:
            return False
        try:
            with Findings(self._bridge.settings) as findings:
                change(findings, finding.number)
        except FindingsError as error:
            self._say(str(error), "error")
            return False
        self._search(keep=finding.number)
        self._publish(self._static(), self._id, update=True)
        return True

    def _toggle_pin(self) -> None:
        pinned = bool(self._chosen and not self._chosen.pinned)
        self._change(lambda findings, number: findings.pin(number, pinned=pinned))

    def _set_tags(self) -> None:
        tags = [tag.strip() for tag in self.tags.value.split(",") if tag.strip()]
        self._change(lambda findings, number: findings.tag(number, tags))

    def _ask_to_delete(self) -> None:
        self.confirm.layout.display = "flex"
        if self._chosen is not None:
            self._say(f"F{self._chosen.number}, its outputs and tags will be gone.", "warning")

    def _keep(self) -> None:
        if self.confirm.layout.display != "none":
            self.confirm.layout.display = "none"
            self._say(self._doing)

    def _delete(self) -> None:
        doomed = self._chosen
        if doomed is None or self.confirm.layout.display == "none":
            return
        if self._change(lambda findings, number: findings.delete([number])):
            self._say(f"Deleted F{doomed.number}.")

    def _verify(self) -> None:
        finding = self._chosen
        if finding is None or finding.number is None or self._running is not None:
            return
        future = self._bridge.begin(self._computed_again(finding.number, self._frames()))
        self._running = asyncio.get_running_loop().create_task(
            self._await_verified(finding.number, future)
        )
        self.verify.disabled = True
        self._doing = f"Computing F{finding.number} again …"
        self._say(self._doing)

    async def _computed_again(self, number: int, frames: Mapping[str, object]) -> Verified:
        with Findings(self._bridge.settings) as findings:
            return await findings.verify(number, frames=frames)

    async def _await_verified(self, number: int, future: Future[Verified]) -> None:
        mark, said, kind = "?", "It was not computed to its end; try again.", "warning"
        try:
            found = await asyncio.wrap_future(future)
        except FindingsError as error:
            said = str(error)
        except asyncio.CancelledError:
            pass
        else:
            mark, said = VERIFY_MARKS[found.outcome], found.detail
            kind = "quiet" if found.outcome == "same" else "warning"
        finally:
            self._running, self._doing = None, ""
            self.verify.disabled = self._chosen is None
            self._say(f"{mark} F{number}: {said}", kind)

    def _say(self, sentence: str, kind: str = "quiet") -> None:
        shown = f'<div class="analyst-{kind}" role="status">{escape(sentence)}</div>'
        self.state.value = html.part(shown) if sentence else ""

    def _static(self) -> dict[str, Any]:
        """Return the table for where the form cannot be."""
        bundle = finding_views.table_bundle(self._found)
        bundle["text/html"] = f'<div class="{self._id}">{_HIDE_MISSING}{bundle["text/html"]}</div>'
        return bundle


_HIDE_MISSING = (
    "<style>.jp-OutputArea-child:has(.jupyter-widgets):not(:has(.analyst-browser))"
    ":has(+ .jp-OutputArea-child .analyst-findings){display:none}</style>"
)
"""Without the kernel JupyterLab says in place of the form that it is missing; hides that."""


def _label(finding: Finding) -> str:
    mark = "★ " if finding.pinned else ""
    return f"F{finding.number} {mark}{one_line(finding.question, 90)}"
