"""What a change to a text would do, as a unified diff that hides nothing.

Here: pure functions on two texts. Characters that would not be seen are written out.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from analyst.tools.files.paths import visible

_CONTEXT = 3
_MOST_COMPARED = 4_000_000
"""Pairs of lines that are compared to find what moved; beyond, all between is replaced."""

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_NO_END = "\\ No newline at end of file"
_Opcode = tuple[str, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Diff:
    """A unified diff, and how many lines it adds and removes."""

    text: str
    added: int
    removed: int

    @property
    def figures(self) -> str:
        """The lines added and removed, in short."""
        return f"+{self.added} -{self.removed} lines"


def diff_of(path: str, before: str | None, after: str) -> Diff:
    """Return the diff between two texts; ``before`` is None for a file that is not there yet."""
    old, new = _LINE.findall(before or ""), _LINE.findall(after)
    lines = [f"--- {'/dev/null' if before is None else f'a/{path}'}", f"+++ b/{path}"]
    added = removed = 0
    for group in _groups(_opcodes(old, new)):
        first, last = group[0], group[-1]
        lines.append(f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@")
        for kind, start, end, new_start, new_end in group:
            if kind == "equal":
                lines += _marked(" ", old[start:end])
                continue
            lines += _marked("-", old[start:end])
            lines += _marked("+", new[new_start:new_end])
            removed += end - start
            added += new_end - new_start
    return Diff("\n".join(lines) + "\n", added, removed)


def _opcodes(old: Sequence[str], new: Sequence[str]) -> list[_Opcode]:
    """Find what differs; what both begin and end with is not compared further."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    between: list[_Opcode] = []
    if len(middle_old) * len(middle_new) > _MOST_COMPARED:
        between = [("replace", 0, len(middle_old), 0, len(middle_new))]
    elif middle_old or middle_new:
        matcher = difflib.SequenceMatcher(None, middle_old, middle_new)
        between = [*matcher.get_opcodes()]
    found: list[_Opcode] = [("equal", 0, head, 0, head)] if head else []
    found += [(kind, a + head, b + head, c + head, d + head) for kind, a, b, c, d in between]
    if tail:
        found.append(("equal", len(old) - tail, len(old), len(new) - tail, len(new)))
    return found


def _groups(opcodes: Sequence[_Opcode]) -> list[list[_Opcode]]:
    """Cut what is equal down to a few lines around what is not."""
    matcher: difflib.SequenceMatcher[str] = difflib.SequenceMatcher(None, (), ())
    matcher.opcodes = [*opcodes]  # type: ignore[attr-defined]  # what get_opcodes() then returns
    if all(one[0] == "equal" for one in opcodes):
        return []
    return [[*group] for group in matcher.get_grouped_opcodes(_CONTEXT)]


def _marked(mark: str, lines: Sequence[str]) -> list[str]:
    marked = []
    for line in lines:
        marked.append(mark + visible(line.removesuffix("\n")))
        if not line.endswith("\n"):
            marked.append(_NO_END)
    return marked


def _range(start: int, end: int) -> str:
    length = end - start
    begin = start + 1 if length else start
    return str(begin) if length == 1 else f"{begin},{length}"
