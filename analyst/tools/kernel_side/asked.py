"""What a question asks for in so many words, which is then not doubted.

Here: reading the question, by its words alone. Not here: the looks that heed it.
"""

from __future__ import annotations

import re

_NUMBER = re.compile(
    r"(?<![\w.])(-?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+))\s?(k\b|million\b|%)?",
    re.IGNORECASE,
)
_TIMES = {"k": 1000.0, "million": 1e6, "%": 0.01}
_BELOW = (
    r"(?:\b(?:below|under|up to|at most|(?:less|fewer|lower|younger|smaller) than)\s+|(?:<=?|≤)\s*)"
)
_ABOVE = r"(?:\b(?:above|over|beyond|exceed\w*|(?:more|greater|higher|older|larger) than)\s+|>\s*)"
_FROM = rf"(?:{_ABOVE}|\bat least\s+|>=\s*|≥\s*)"
_OR_MORE = r"(?:\s*\+|\s+(?:and|or) (?:more|above|over|older|higher|greater|up)\b)"

_IN_BOTH = re.compile(
    r"\bboth\b|(?<!most )(?<!least )\bcommon\b|\bmatch(?:ing|ed)\b|\b(?:that|which|who|do) match\b"
    r"|\boverlap\w*|\bintersect\w*|\binner join|\balso\b|\balready\b|\bagain\b"
    r"|\bre(?:turning|turned|tain\w*|tention)\b|\bshared by\b",
    re.IGNORECASE,
)
_IN_ONE = re.compile(
    r"\bunmatched\b|\bwithout\b|\bnever\b|\b(?:not|n't)\b|n't\b|\b(?:have|has|had|having|with) no\b"
    r"|\bno (?:match\w*|corresponding|entry|entries|records?)\b|\bmissing (?:from|in)\b|\black\w*",
    re.IGNORECASE,
)
_PAIRS = re.compile(
    r"\bpairs?\b|\bpairwise\b|\bcombinations?\b|\bcross[- ](?:join|product)|\bcartesian"
    r"|\bmany[- ]to[- ]many\b",
    re.IGNORECASE,
)
_BY_LETTERS = re.compile(
    r"\balphabet\w*|\blexic\w*|\bas (?:a )?(?:text|strings?|words?)\b", re.IGNORECASE
)
_NO_NUMBER = re.compile(
    r"\b(?:give|return|answer|report|say|write|print|output|use|be|as|is)\W+(?:nan|null|none)\W+"
    r"(?:if|when|where|for)\b|\b(?:else|otherwise)\W+(?:\w+\W+)?(?:nan|null|none)\b",
    re.IGNORECASE,
)
_RATIO = re.compile(
    r"\bratio\b|\brelative to\b|\bin relation to\b|\bcompared (?:to|with)\b"
    r"|\bper (?:capita|head)\b",
    re.IGNORECASE,
)


def names(question: str, text: str) -> bool:
    """Tell whether the question names a text, in quotes or as words of its own, case kept."""
    found = re.search(rf"(?<!\w){re.escape(text)}(?!\w)", question)
    return bool(text.strip()) and found is not None


def numbers(question: str) -> set[float]:
    """Return the numbers in the question; ``10,200`` is one, and also two."""
    found = set()
    for written, unit in _NUMBER.findall(question):
        whole = float(written.replace(",", ""))
        found |= {whole, whole * _TIMES.get(unit.lower(), 1.0)}
        found |= {float(part) for part in written.split(",")}
    return found


def asks_below(question: str, number: float) -> bool:
    """Tell whether the question asks for what is less than a number."""
    return _finds(question, _BELOW + _written(number))


def asks_above(question: str, number: float) -> bool:
    """Tell whether the question asks for what is more than a number."""
    written = _written(number)
    return _finds(question, _FROM + written) or _finds(question, written + _OR_MORE)


def begins_after(question: str, number: float) -> bool:
    """Tell whether the question leaves out a number that a range begins with: ``(10, 20]``."""
    return _finds(question, rf"(?:\(\s*|{_ABOVE}){_written(number)}")


def ends_before(question: str, number: float) -> bool:
    """Tell whether the question leaves out a number that a range ends with: ``[0, 10)``."""
    written = _written(number)
    return _finds(question, rf"{written}\s*\)|(?:{_BELOW}|\bbefore\s+){written}")


def asks_for_both(question: str) -> bool:
    """Tell whether the question asks for only those that stand in both tables."""
    return _IN_BOTH.search(question) is not None


def asks_for_unmatched(question: str) -> bool:
    """Tell whether the question asks for those that have no match."""
    return _IN_ONE.search(question) is not None


def asks_for_pairs(question: str) -> bool:
    """Tell whether the question asks for all combinations."""
    return _PAIRS.search(question) is not None


def asks_by_letters(question: str) -> bool:
    """Tell whether the question asks for an order, or for extremes, of texts as they are."""
    return _BY_LETTERS.search(question) is not None


def allows_no_number(question: str) -> bool:
    """Tell whether the question wants NaN where there is no value."""
    return _NO_NUMBER.search(question) is not None


def asks_for_ratio(question: str) -> bool:
    """Tell whether the question asks for what something is beside something else."""
    return _RATIO.search(question) is not None


def _written(number: float) -> str:
    """Return a pattern for a number as it may be written."""
    plain = f"{number:.12g}"
    thousands = f"{number:,.0f}" if number == round(number) else plain
    return rf"(?<![\w.])(?:{re.escape(plain)}|{re.escape(thousands)})(?:\.0+)?(?!\w|\.\d)"


def _finds(question: str, pattern: str) -> bool:
    return re.search(pattern, question, re.IGNORECASE) is not None
