"""A plan in the terminal and in a notebook: shown, ticked off, revised."""

from __future__ import annotations

import io

from rich.console import Console

from analyst.frontends.live_view import LiveView
from analyst.frontends.reducer import fold
from analyst.frontends.terminal_view import TerminalView
from analyst.record import events as ev

EVIL = "<img src=x onerror=alert(1)>\x1b[2J load"


def planned(script):
    script.start()
    script.add(ev.PlanProposed, steps=("load it", "fit it", "draw it"))
    script.add(ev.PlanStepStarted, index=0)
    script.add(ev.PlanStepFinished, index=0, status="ok")
    script.add(ev.PlanStepStarted, index=1)
    script.add(ev.PlanStepFinished, index=1, status="error", reason="It did not converge.")
    script.add(ev.PlanRevised, steps=("load it", "fit it", "count it"), reason="Step 2 failed")
    script.add(ev.PlanStepStarted, index=2)
    return script


def printed(script, **options):
    console = Console(file=io.StringIO(), width=200)
    view = TerminalView(console=console, **options)
    for event in script.events:
        view.apply(event)
    return console.file.getvalue()


def published(script, **options):
    cell = {}
    view = LiveView(
        publish=lambda bundle, display_id, *, update: cell.update({display_id: bundle}), **options
    )
    for event in script.events:
        view.apply(event)
    view.flush()
    return cell.values()


def test_a_terminal_prints_the_plan_and_each_step_as_it_goes(script):
    text = printed(planned(script))
    lines = [
        "The plan:",
        "2. fit it",
        "Plan 1 of 3 · load it …",
        "Plan 1 of 3 · load it ✓",
        "Plan 2 of 3 · fit it ✗: It did not converge.",
        "The plan now (Step 2 failed):",
        "1. load it ✓",
        "3. count it",
        "Plan 3 of 3 · count it …",
    ]
    positions = [text.find(line) for line in lines]
    assert -1 not in positions
    assert positions == sorted(positions)


def test_a_quiet_terminal_prints_no_plan(script):
    planned(script).answer("Done.").finish()
    assert printed(script, quiet=True).strip() == "Done."


def test_a_notebook_keeps_the_plan_with_its_marks(script):
    (part,) = published(planned(script))
    assert "<li>load it ✓</li>" in part["text/html"]
    assert "<li>fit it ✗: It did not converge.</li>" in part["text/html"]
    assert "<li>count it …</li>" in part["text/html"]
    assert "2. fit it ✗: It did not converge.\n3. count it …" in part["text/plain"]


def test_steps_that_ended_in_an_earlier_run_are_ticked_at_once(script):
    script.start()
    script.add(ev.PlanProposed, steps=("load it", "fit it"))
    script.add(ev.PlanStepFinished, index=0, status="ok", resumed=True)
    assert [item.status for item in fold(script.events).plan] == ["ok", "waiting"]
    assert "Plan 1 of 2 · load it ✓" in printed(script)


def test_a_plan_can_steer_no_view(script):
    script.start()
    script.add(ev.PlanProposed, steps=(EVIL,))
    script.add(ev.PlanStepFinished, index=0, status="error", reason=EVIL)
    script.add(ev.PlanStepFinished, index=7, status="ok")
    assert "\x1b" not in printed(script)
    (part,) = published(script)
    assert "<img" not in part["text/html"]
