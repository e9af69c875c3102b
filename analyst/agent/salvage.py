"""Mending the usual slips of small models, so that a good idea badly wrapped still runs.

Here: pure functions from a reply's text to code, a JSON action or a final answer, or to
nothing. They never guess at meaning: code is taken only where it is marked as code or parses
as Python that does something.
"""

from __future__ import annotations

import ast
import json
import re
import textwrap
from typing import Any

import json_repair

_FENCE = re.compile(
    r"^[ \t]*(?P<mark>`{3,}|~{3,})[ \t]*(?P<language>[\w+-]*)[^\n]*\n(?P<body>.*?)"
    r"(?:^[ \t]*(?P=mark)[ \t]*$|(?P<open>\Z))",
    re.MULTILINE | re.DOTALL,
)
_TAG = re.compile(r"<(code|python|execute)>\s*\n?(?P<body>.*?)(?:</\1>|\Z)", re.DOTALL)
_TOOL_TAG = re.compile(r"<tool_call>\s*(?P<body>.*?)(?:</tool_call>|\Z)", re.DOTALL)
_PROMPTS = re.compile(r"^(?:>>> ?|\.\.\. ?|In \[\d*\]: ?)", re.MULTILINE)
_CODE_LANGUAGES = {"", "python", "py", "python3", "ipython", "ipython3", "jupyter", "tool_code"}
_FINAL = re.compile(
    r"^[ \t>#*_-]*final(?:[ _]answer)?[*_]*[ \t]*:[*_]*[ \t]*", re.MULTILINE | re.IGNORECASE
)


def final_text(reply: str) -> tuple[int, str] | None:
    """Find a line that starts with ``FINAL:``; return its position and the text after it."""
    match = _FINAL.search(reply)
    if match is None:
        return None
    return match.start(), reply[match.end() :].strip()


def first_code_block(reply: str) -> tuple[int, str] | None:
    """Find the first block of Python; return its position and the code.

    Fences of three or more backticks or tildes, closed or cut off, and ``<code>`` tags count.
    Blocks of another language (``json``, ``text``, ``bash``) do not.
    """
    for match in _FENCE.finditer(reply):
        body = match["body"]
        if match["language"].lower() in _CODE_LANGUAGES and body.strip():
            if not match["language"] and not parses(tidy(body)):
                continue
            return match.start(), tidy(body)
    tagged = _TAG.search(reply)
    if tagged is not None and tagged["body"].strip():
        return tagged.start(), tidy(tagged["body"])
    return None


def tidy(code: str) -> str:
    """Dedent, drop interpreter prompts, and drop trailing fence marks."""
    code = textwrap.dedent(code.replace("\r\n", "\n")).strip("\n")
    if code.lstrip().startswith((">>>", "In [")):
        code = _PROMPTS.sub("", code)
    return re.sub(r"\n?`{3,}\s*\Z", "", code).rstrip()


def parses(code: str) -> bool:
    """Tell whether ``code`` is Python (IPython's ``%`` and ``!`` lines are taken as fine)."""
    plain = "\n".join(
        "pass" if line.lstrip().startswith(("%", "!")) else line for line in code.split("\n")
    )
    try:
        ast.parse(plain)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def bare_code(reply: str) -> str | None:
    """Return the whole reply if it is Python without a fence that does something.

    A single word, number or sentence also parses, so at least one statement must be a call,
    an assignment or an import.
    """
    code = tidy(reply)
    if not code or not parses(code):
        return None
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return code if code.startswith("%") else None
    acts = (ast.Call, ast.Assign, ast.AugAssign, ast.Import, ast.ImportFrom)
    return code if any(isinstance(node, acts) for node in ast.walk(tree)) else None


def json_action(reply: str) -> dict[str, Any] | None:
    """Find a JSON object that looks like an action: it has a ``type``, ``tool`` or ``name``.

    The whole reply, a ``json`` fence, a ``<tool_call>`` tag or the first braces are looked at;
    broken JSON (quotes, commas, raw newlines in strings) is repaired.
    """
    candidates = [match["body"] for match in _TOOL_TAG.finditer(reply)]
    candidates += [m["body"] for m in _FENCE.finditer(reply) if m["language"].lower() == "json"]
    stripped = reply.strip()
    if stripped.startswith("{"):
        candidates.append(stripped)
    elif not candidates:
        start = re.search(r'\{\s*"(?:type|tool|name)"\s*:', reply)
        if start is not None:
            candidates.append(reply[start.start() :])
    for candidate in candidates:
        value = load_object(candidate)
        if value is not None and {"type", "tool", "name"} & value.keys():
            return value
    return None


def load_object(text: str) -> dict[str, Any] | None:
    """Read one JSON object, repaired where it is broken; ``None`` where there is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        try:
            value = json_repair.loads(text, skip_json_loads=True)
        except (ValueError, RecursionError, IndexError):
            return None
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = value[0]
    return value if isinstance(value, dict) and value else None
