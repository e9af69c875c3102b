"""The panel's view model, in TypeScript, is the one that the Python front ends draw.

``extension/src/__tests__/told.json`` holds events and what they come to; a test there folds the
events too. After a change of the reducer, this file run as a program writes it anew.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from analyst.frontends.reducer import fold
from analyst.frontends.reducer_steps import MAX_STREAM_CHARS
from analyst.frontends.transcript import Draft, Remark, Step, Transcript
from analyst.frontends.ungrounded import legend, marked_markdown
from analyst.record.events import EventCodec

TOLD = Path(__file__).parents[2] / "extension" / "src" / "__tests__" / "told.json"

_OWN_ITEMS = {"findings_recalled", "finding_saved", "context_compacted"}
"""Remarks that the panel words itself."""

_STREAM = {"output_type": "stream", "name": "stdout"}

EVENTS: list[dict[str, Any]] = [
    {
        "type": "run_started",
        "question": "Which region sold most?",
        "started_at": "2026-01-01T12:00:00+00:00",
        "model": "m",
        "model_reason": "chosen by a setting",
        "protocol": "fenced",
        "settings": {},
    },
    {
        "type": "kernel_ready",
        "backend": "bubblewrap",
        "isolation": "isolated",
        "policy": {},
    },
    {
        "type": "findings_recalled",
        "findings": [
            {
                "number": 3,
                "outcome": "stale",
                "nearness": 0.9,
                "question": "Who sold most?",
                "answer": "North.",
                "created_at": "2025-12-01T00:00:00+00:00",
            }
        ],
    },
    {"type": "findings_recalled", "findings": []},
    {
        "type": "data_handed_over",
        "data": [
            {
                "name": "sales",
                "kind": "frame",
                "rows": 3,
                "columns": 2,
                "bytes": 100,
                "fingerprint": "f",
                "changes": ["amount: objects became text"],
            }
        ],
    },
    {"type": "plan_proposed", "steps": ["load", "sum"]},
    {"type": "plan_step_started", "index": 0},
    {"type": "message_delta", "request": 0, "text": "I load it.\n```py"},
    {"type": "message_delta", "request": 0, "text": "thon\nsales\n```"},
    {
        "type": "model_responded",
        "request": 0,
        "text": "I load it.\n```python\nsales\n```",
        "usage": {"input": 100, "output": 10, "cached": 40},
        "seconds": 1,
    },
    {
        "type": "tool_call_started",
        "call_id": "a",
        "tool": "python",
        "raw": "```python\nsales\n```",
        "arguments": {"code": "sales"},
    },
    {"type": "output", "call_id": "a", "output": {**_STREAM, "text": "one\n"}},
    {"type": "output", "call_id": "a", "output": {**_STREAM, "text": ["tw", "o\n"]}},
    {"type": "output", "call_id": "a", "output": {**_STREAM, "name": "stderr", "text": "oh\n"}},
    {"type": "output", "call_id": "a", "output": {**_STREAM, "text": "x" * MAX_STREAM_CHARS}},
    {"type": "output", "call_id": "a", "output": {**_STREAM, "text": "yz"}},
    {
        "type": "output",
        "call_id": "a",
        "display_id": "d",
        "output": {"output_type": "display_data", "data": {"text/plain": "0 %"}},
    },
    {
        "type": "tool_call_finished",
        "call_id": "a",
        "status": "ok",
        "observation": "one\ntwo",
        "seconds": 0.5,
    },
    {"type": "plan_step_finished", "index": 0, "status": "ok"},
    {"type": "plan_revised", "steps": ["load", "sum by region"], "reason": "regions matter"},
    {"type": "message_delta", "request": 1, "text": "nonsense"},
    {"type": "note", "level": "warning", "code": "malformed_action", "text": "Again."},
    {
        "type": "tool_call_started",
        "call_id": "b",
        "tool": "sql",
        "raw": "{}",
        "arguments": {"query": "select 1"},
    },
    {"type": "approval_requested", "call_id": "b", "risk": "reads a file"},
    {"type": "approval_resolved", "call_id": "b", "decision": "denied", "by": "user"},
    {
        "type": "output",
        "call_id": "b",
        "display_id": "d",
        "update": True,
        "output": {"output_type": "update_display_data", "data": {"text/plain": "100 %"}},
    },
    {"type": "output", "call_id": "b", "output": {**_STREAM, "text": "gone"}},
    {"type": "output", "call_id": "b", "clear": True},
    {
        "type": "tool_call_finished",
        "call_id": "b",
        "status": "refused",
        "observation": "denied",
        "seconds": 0,
    },
    {
        "type": "tool_call_started",
        "call_id": "c",
        "tool": "files",
        "raw": "call",
        "arguments": {"path": "a.csv"},
    },
    {
        "type": "approval_requested",
        "call_id": "c",
        "risk": "writes",
        "arguments": {"code": "changed()"},
    },
    {
        "type": "tool_call_started",
        "call_id": "d",
        "tool": "edit_file",
        "raw": "call",
        "arguments": {"path": "a.py", "old": "1", "new": "2"},
    },
    {
        "type": "approval_requested",
        "call_id": "d",
        "risk": "changes a file",
        "arguments": {"path": "a.py", "old": "1", "new": "2", "base": "0"},
        "editable": "2",
        "preview": "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-1\n+2\n",
    },
    {
        "type": "approval_requested",
        "call_id": "p",
        "kind": "plan",
        "risk": "This is the plan.",
        "editable": "load\nsum",
        "can_always": False,
    },
    {"type": "approval_resolved", "call_id": "p", "decision": "edited", "by": "user"},
    {
        "type": "tool_call_started",
        "call_id": "w",
        "tool": "write_file",
        "raw": "call",
        "arguments": {"path": "a.md", "content": "old", "lines": [1, 2]},
    },
    {
        "type": "approval_requested",
        "call_id": "w",
        "risk": "It writes a.md.",
        "editable": "old",
        "preview": "-\n+old",
    },
    {
        "type": "approval_resolved",
        "call_id": "w",
        "decision": "edited",
        "by": "user",
        "arguments": {"path": "a.md", "content": "new", "lines": [1, 2]},
    },
    {
        "type": "tool_call_started",
        "call_id": "q",
        "tool": "ask_user",
        "raw": "call",
        "arguments": {"question": "Which year?", "choices": ["2024", "2025"]},
    },
    {
        "type": "approval_requested",
        "call_id": "q",
        "kind": "question",
        "risk": "Which year?",
        "editable": "",
        "choices": ["2024", "2025"],
        "can_always": False,
    },
    {
        "type": "approval_resolved",
        "call_id": "q",
        "decision": "approved",
        "by": "user",
        "answer": "2025",
    },
    {
        "type": "tool_call_finished",
        "call_id": "q",
        "status": "ok",
        "observation": "The user says: 2025",
        "seconds": 0.1,
    },
    {
        "type": "tool_call_started",
        "call_id": "e",
        "tool": "sql",
        "raw": "call",
        "arguments": {"query": "select 1", "database": "shop"},
    },
    {"type": "approval_requested", "call_id": "e", "risk": "It reads.", "editable": "select 1"},
    {
        "type": "team_turn_started",
        "role": "reviewer",
        "does": "review",
        "reason": "Result 2 is not reviewed.",
        "model": "m",
    },
    {"type": "message_delta", "request": 1, "text": "FAULT: it is"},
    {
        "type": "team_turn_finished",
        "number": 3,
        "role": "reviewer",
        "kind": "objection",
        "text": "It counts\n twice. " + "\N{GRINNING FACE}" * 400,
        "about": 2,
        "mentions": ["analyst"],
        "usage": {"input": 10, "output": 1, "cached": 0},
        "seconds": 0.5,
    },
    {
        "type": "team_turn_finished",
        "number": 4,
        "role": "arbiter",
        "kind": "remark",
        "text": "",
        "failed": True,
    },
    {"type": "team_finished", "result": 2, "reason": "The reviewer approved."},
    {"type": "context_compacted", "tokens_before": 9000, "tokens_after": 900},
    {
        "type": "model_responded",
        "request": 2,
        "text": "FINAL: North.",
        "usage": {"input": 50, "output": 5, "cached": 0},
        "seconds": 1,
    },
    {
        "type": "answer",
        "text": "North sold most, 99.5 [F3].",
        "values": {"total": 1.5},
        "ungrounded": ["99.5"],
    },
    {"type": "finding_saved", "number": 4},
    {
        "type": "run_finished",
        "status": "partial",
        "reason": "the budget is spent",
        "usage": {"input": 150, "output": 15, "cached": 40},
        "steps": 3,
        "seconds": 12.5,
        "cost": 0.0123,
    },
]

DRAFTS = [
    "",
    "I look",
    "I look\n```python\nx = 1",
    "I look\n```",
    "done\n**Final answer:** 42",
    "FINAL: 42",
    "> final: a\nb",
]

MARKS: list[tuple[str, list[str], str | None]] = [
    ("It is 99.87.", ["99.87"], "It is 99.87 (?)."),
    ("It is 99.87; 12 of them.", ["99.87"], "It is 99.87 (?); 12 of them."),
    ("Of 1,234 rows 234 are new.", ["234"], "Of 1,234 rows 234 (?) are new."),
    ("Of 1,234 rows 234 are new.", ["1,234"], "Of 1,234 (?) rows 234 are new."),
    ("199.87, 99.875, 99.87e3, x99.87 and 5.99.87", ["99.87"], None),
    ("Of 1 234 or 1.234,56 rows", ["234", "56"], None),
    ("Of 1 234 rows", ["1 234"], "Of 1 234 (?) rows"),
    ("It fell by -3.5 or 3.5", ["-3.5"], "It fell by -3.5 (?) or 3.5 (?)"),
    ("It is 99.87% or 12 %.", ["99.87", "12"], "It is 99.87% (?) or 12 % (?)."),
    ("The 95th of 95", ["95"], "The 95th of 95 (?)"),
    ("In the 1990s, 1990 of them", ["1990"], "In the 1990s, 1990 (?) of them"),
    ("It took 99.87s for 99km.", ["99.87", "99"], "It took 99.87s (?) for 99km (?)."),
    ("(7.5,99.87)", ["99.87"], "(7.5,99.87 (?))"),
    ("It is **99.87** m.", ["99.87"], "It is **99.87 (?)** m."),
    ("It is **99.87**m.", ["99.87"], "It is **99.87** (?)m."),
    ("[99.87](https://x.test/99.87)", ["99.87"], "[99.87 (?)](https://x.test/99.87)"),
    ("See <https://x.test/99.87> and https://x.test/99.87", ["99.87"], None),
    ("Said in [K3: notes.md, p. 14] and [F14].", ["14"], None),
    ("14. It is 14", ["14"], "14. It is 14 (?)"),
    ("| a | 99.87 |\n|---|---|\n| b | 12 |", ["12"], "| a | 99.87 |\n|---|---|\n| b | 12 (?) |"),
    ("Run `f(99.87)` now", ["99.87"], "Run `f(99.87)` (?) now"),
    ("With $x = 99.87$, it", ["99.87"], "With $x = 99.87$ (?), it"),
    ("From $95 to $99.87", ["99.87"], "From $95 to $99.87 (?)"),
    (
        "```python\nx = 99.87\ny = 12\n```\nThen 99.87.",
        ["99.87"],
        "```python\nx = 99.87\ny = 12\n```\n\n99.87 (?)\n\nThen 99.87 (?).",
    ),
    (
        "- So:\n    ```\n    x = 99.87\n    ```",
        ["99.87"],
        "- So:\n    ```\n    x = 99.87\n    ```\n\n99.87 (?)\n",
    ),
    ("It is 99.87.", [], None),
]
"""Texts, numbers of them to be marked, and how they read then; ``None``: as before."""


def told() -> str:
    """Return events, and what they come to after each of some of them, as JSON."""
    events = [
        EventCodec.parse(json.dumps(event | {"run_id": "r", "seq": seq, "t": seq / 10}))
        for seq, event in enumerate(EVENTS)
    ]
    found = {
        "events": [event.model_dump(mode="json") for event in events],
        "views": {
            str(count): _view(fold(events[:count])) for count in range(1, len(events) + 1, 2)
        },
        "drafts": {text: dataclasses.asdict(Draft.of(text)) for text in DRAFTS},
        "marks": [
            [text, numbers, marked_markdown(text, numbers), legend(text, numbers)]
            for text, numbers, _ in MARKS
        ],
    }
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def _view(transcript: Transcript) -> dict[str, Any]:
    return {
        "question": transcript.question,
        "data": [item.name for item in transcript.data],
        "plan": [[item.text, item.status] for item in transcript.plan],
        "waiting": [dataclasses.asdict(one) for one in transcript.waiting],
        "items": [_item(item) for item in transcript.items],
        "streaming": transcript.streaming,
        "answer": transcript.answer,
        "values": dict(transcript.values),
        "ungrounded": [*transcript.ungrounded],
        "usage": transcript.usage.model_dump(),
        "status": transcript.status,
        "reason": transcript.reason,
        "seconds": transcript.seconds,
        "cost": transcript.cost,
    }


def _item(item: Step | Remark) -> dict[str, Any]:
    if isinstance(item, Remark):
        own = item.code in _OWN_ITEMS
        return {"code": item.code} if own else {"code": item.code, "text": item.text}
    return {
        "number": item.number,
        "tool": item.tool,
        "code": item.code,
        "language": item.language,
        "prose": item.prose,
        "outputs": [
            {"key": one.key, "cut": one.cut, "output": _brief(dict(one.output))}
            for one in item.outputs
        ],
        "status": item.status,
        "seconds": item.seconds,
        "risk": item.risk,
        "preview": item.preview,
        "decision": item.decision,
        "said": item.said,
        "awaits_user": item.awaits_user,
    }


def _brief(output: dict[str, Any]) -> dict[str, Any]:
    text = output.get("text")
    if isinstance(text, str) and len(text) > 100:
        return output | {"text": f"{text[:3]}…{text[-3:]}"}
    return output


def test_what_the_panel_is_tested_by_is_what_the_reducer_makes():
    assert TOLD.read_text(encoding="utf-8") == told()


if __name__ == "__main__":
    TOLD.write_text(told(), encoding="utf-8")
