"""What is known of models by their names alone.

Here: which of them are too small for native function calls, and how much they can hold.
Names that nothing is known of get the cautious answer; the user's settings win over all of it.
"""

from __future__ import annotations

import re
from typing import Literal

DEFAULT_CONTEXT_WINDOW = 32_768
"""Tokens assumed of a model that nothing is known of."""

_SMALL = 9.0
"""Up to so many billion parameters, fenced code works better than function calls."""

_PARAMETERS = re.compile(r"(?<![a-z0-9.x])(\d+(?:\.\d+)?)b(?![a-z0-9])")
_WITHOUT_CALLS = re.compile(
    r"\b(?:phi|gemma|tinyllama|smollm\d?|codellama|starcoder\d?|wizardcoder|deepseek-coder|"
    r"deepseek-r1|vicuna)\b"
)
_WINDOWS = (
    (r"gpt-4\.1|gemini", 1_000_000),
    (r"gpt-[5-9]", 272_000),
    (r"claude|o[134](?:-|$)", 200_000),
    (r"gpt-4o|gpt-4-turbo|mistral-large|deepseek-(?:chat|reasoner)", 128_000),
    (r"gpt-3\.5", 16_384),
    (r"gpt-4", 8_192),
)


def default_protocol(model: str) -> Literal["native", "fenced"]:
    """Return how a model of this name is best asked to call tools."""
    name = model.lower()
    sizes = [float(size) for size in _PARAMETERS.findall(name)]
    small = bool(sizes) and max(sizes) <= _SMALL
    return "fenced" if small or _WITHOUT_CALLS.search(name) else "native"


def known_context_window(model: str) -> int:
    """Return how many tokens a model of this name can hold."""
    name = model.lower().rpartition("/")[2]
    for pattern, window in _WINDOWS:
        if re.match(pattern, name):
            return window
    return DEFAULT_CONTEXT_WINDOW
