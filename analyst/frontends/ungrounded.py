"""Marks on the numbers of an answer that stand in no output: in Markdown, in HTML, in plain text.

Here: finding them as whole numbers, where a mark breaks nothing. The panel does the same in
TypeScript. Not here: which numbers they are (the event ``answer`` names them).

A number in code or in a formula has its mark behind that, and one in a block of code below it, so
that code stays code. Addresses, citations and the marks of lists are left alone.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterator, Sequence

from analyst.memory.numbers import GAPS, IN_SENTENCES

SIGN = "(?)"
MEANING = "stands in no output"
LEGEND = "Marked numbers stand in no output."

_NAME = r"(?:st|nd|rd|th)\b|(?<=\b\d{3}0)['\u2019]?s\b"
_NUMBER = rf"{IN_SENTENCES}(?![,.]?\d|{_NAME})"
"""All that may be one number, also with other marks in it; ordinals and decades are none."""

_ONE = re.compile(
    rf"\d{{1,3}}([,.{GAPS}])\d{{3}}(?:\1\d{{3}})*(?:[.,]\d+)?|\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?"
)
_IN_LIST = re.compile(r"(?<![\w.])-?\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][+-]?\d+)?")
_ANY_NUMBER = re.compile(_NUMBER)

_PLAIN = re.compile(
    rf"""
    (?P<left> (?:https?://|www\.)[^\s<>]+ | \[[KF]\d[^\]\n]*\] )
    | (?P<number> {_NUMBER} )
    """,
    re.VERBOSE,
)
_MARKDOWN = re.compile(
    rf"""
    (?P<block>
      ^[ \t>]*(?:(?:[-*+]|\d{{1,9}}[.)])[ \t]+)?(?P<fence>`{{3,}}(?=[^`\n]*$)|~{{3,}})[^\n]*\n
      [\s\S]*?(?:^[ \t>]*(?P=fence)[`~]*[ \t]*$|\Z)
    )
    | (?P<inside>
      (?P<ticks>`+)(?!`)(?:(?!\n[ \t]*\n)[\s\S])*?[^`](?P=ticks)(?!`)
      | \$\$[\s\S]*?\$\$ | (?<!\\)\$(?=[^\s$])(?:[^$\n]*[^\s$\\])?\$(?!\d)
    )
    | (?P<left>
      \]\((?:[^()\n]|\([^()\n]*\))*\) | <[A-Za-z/!?][^<>\n]*> | &\#?\w{{1,31}};
      | (?:https?://|www\.)[^\s<>]+ | \[[KF]\d[^\]\n]*\]
      | ^[ \t>]*(?:[-*+][ \t]+)?\d{{1,3}}[.)](?=\s)
    )
    | (?P<number> {_NUMBER} )
    """,
    re.VERBOSE | re.MULTILINE,
)
_TAG = re.compile(r'(<(?:[^<>"]|"[^"]*")*>)')
_UNIT = re.compile(r"[ \u00a0\u202f]?%|[^\W\d_]+\b")
_EMPHASIS = re.compile(r"[*_~]+")


def marked_markdown(text: str, numbers: Collection[str]) -> str:
    """Return Markdown, or plain text, with a sign behind each of its ``numbers``."""
    return _marked_markdown(text, numbers)[0]


def legend(text: str, numbers: Sequence[str]) -> str:
    """Say what the marks of a text mean, and which numbers could not be marked; "" for none."""
    marked = _marked_markdown(text, numbers)[1]
    left = [one for one in numbers if _bare(one) not in marked]
    parts = [LEGEND] if marked else []
    return " ".join([*parts, f"Not in any output: {', '.join(left)}."] if left else parts)


def marked_html(source: str, numbers: Collection[str]) -> str:
    """Return cleaned HTML with its ``numbers`` marked."""
    wanted = {_bare(one) for one in numbers}
    if not wanted:
        return source
    parts = _TAG.split(source)
    parts[::2] = [_marked_content(html.unescape(part), wanted) for part in parts[::2]]
    return "".join(parts)


def _marked_content(text: str, wanted: Collection[str]) -> str:
    shown: list[str] = []
    done = 0
    for match in _PLAIN.finditer(text):
        for start, end in _found(match, wanted) if match["number"] else ():
            shown += [_escaped(text[done:start]), _mark(text[start:end])]
            done = end
    return "".join([*shown, _escaped(text[done:])])


def _mark(number: str) -> str:
    return (
        f'<mark class="analyst-ungrounded" title="{MEANING}">{_escaped(number)}'
        f"<sup>{SIGN}</sup></mark>"
    )


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)


def _marked_markdown(text: str, numbers: Collection[str]) -> tuple[str, set[str]]:
    """Return the marked text, and the numbers that have a mark."""
    wanted = {_bare(one) for one in numbers}
    marked: set[str] = set()
    if not wanted:
        return text, marked
    shown: list[str] = []
    done = 0
    for match in _MARKDOWN.finditer(text):
        found: list[tuple[int, int]] = []
        if match["number"]:
            found = [*_found(match, wanted)]
            signs = [(_behind(text, start, end), f" {SIGN}") for start, end in found]
        elif match["block"] or match["inside"]:
            inner = _ANY_NUMBER.finditer(text, match.start(), match.end())
            found = [place for one in inner for place in _found(one, wanted)]
            listed = ", ".join(dict.fromkeys(text[start:end] for start, end in found))
            sign = f"\n\n{listed} {SIGN}\n" if match["block"] else f" {SIGN}"
            signs = [(match.end(), sign)] if found else []
        else:
            continue
        marked.update(_bare(text[start:end]) for start, end in found)
        for at, sign in signs:
            shown += [text[done:at], sign]
            done = at
    return "".join([*shown, text[done:]]), marked


def _found(match: re.Match[str], wanted: Collection[str]) -> Iterator[tuple[int, int]]:
    """Yield the places of wanted numbers in what may be one number, or several."""
    start, token = match.start(), match[0]
    if _bare(token) in wanted:
        yield start, match.end()
    elif not _ONE.fullmatch(_bare(token)):
        for one in _IN_LIST.finditer(token):
            if _bare(one[0]) in wanted:
                yield start + one.start(), start + one.end()


def _behind(text: str, start: int, end: int) -> int:
    """Return where the sign of a number goes: behind its unit, and not into an emphasis."""
    if unit := _UNIT.match(text, end):
        end = unit.end()
    stars = _EMPHASIS.match(text, end)
    if stars is None or not text[stars.end() : stars.end() + 1].isalnum():
        return end
    line = text[text.rfind("\n", 0, start) + 1 : start]
    # Between a sign and a letter, the emphasis would not end.
    return stars.end() if line.count(stars[0]) % 2 else end


def _bare(number: str) -> str:
    return number.lstrip("-")
