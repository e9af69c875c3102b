"""Findings for tests of what shows them: a plain one, and one whose every word attacks."""

from __future__ import annotations

from analyst.memory.finding import DataFingerprint, Finding, KeyValue

ATTACK = (
    "\u202eback</td></table><script>alert(1)</script><img src=x onerror=alert(1)>"
    "[click](javascript:alert(1)) [go](https://evil.example/) ![see](https://evil.example/x.png) "
    "<https://evil.example/> \x1b[31mred\x1b]0;title\x07"
)

PLAIN = Finding(
    question="Which countries gained most?",
    answer="**Oman** gained 38.06 years.",
    code="gain = df.groupby('country').lifeExp.max()",
    values=(KeyValue(name="gain", value=38.062, unit="years"),),
    data=(
        DataFingerprint(name="df", kind="file", path="/data/gapminder.csv", content="c", rows=1704),
    ),
    tags=("health",),
    pinned=True,
)

HOSTILE = Finding(
    question=ATTACK,
    answer=ATTACK,
    code=f"print({ATTACK!r})\n# {ATTACK}",
    setup=f"# {ATTACK}",
    values=(KeyValue(name=ATTACK, value=ATTACK, unit=ATTACK),),
    data=(
        DataFingerprint(name=ATTACK, kind="frame", content="c"),
        DataFingerprint(name="f", kind="file", path=f"/tmp/{ATTACK}", content="c"),
    ),
    tags=(ATTACK,),
    notebook=ATTACK,
    run_id=ATTACK,
    created_at=ATTACK,
)
