"""What a question is about, as far as its words tell: the reading that recall compares by.

Here: the lexicon of analysis questions, and reading one. Not here: comparing two
(:mod:`analyst.memory.affinity`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

_TOKEN = re.compile(r"\d+(?:[.,]\d+)*%?|[^\W\d_]+(?:'[^\W\d_]+)?", re.UNICODE)
_QUOTED = re.compile(r"[\"\u201c'\u2018`]([^\"\u201d'\u2019`]{1,80})[\"\u201d'\u2019`]")

_SYNONYMS = {
    "mean": "mean average averaged averages avg expected",
    "median": "median middle midpoint typical typically",
    "sum": "sum total totals altogether overall combined",
    "count": "count counts counted number many often tally rows records",
    "max": "max maximum highest largest biggest greatest top most best longest tallest heaviest "
    "oldest richest latest strongest peak peaked fastest leads leading leader furthest hottest "
    "priciest dearest",
    "min": "min minimum lowest smallest least bottom fewest worst shortest lightest youngest "
    "poorest earliest weakest cheapest slowest coldest",
    "std": "std deviation spread vary varies varied variation variability volatile volatility "
    "fluctuate fluctuates dispersion scatter scattered",
    "variance": "variance var",
    "correlation": "correlation correlate correlated correlates correlations relationship related "
    "relation relate relates association associated linked link links depend depends dependence "
    "pearson spearman",
    "share": "share percentage percent proportion fraction ratio rate part portion",
    "difference": "difference differ gap compare compared comparison versus vs",
    "change": "change changed growth grow grew grown gain gained gains increase increased "
    "increases rise rose rises decline declined decrease decreased drop dropped fall fell lost "
    "loss trend",
    "range": "range",
    "distinct": "distinct unique different kinds",
    "missing": "missing null nulls nan empty absent",
    "first": "first begin begins began start starts started",
    "last": "last end ended ends final finally",
    "by": "by per each every grouped across",
    "quantile": "quantile percentile quartile decile",
    "outlier": "outlier outliers anomaly anomalies unusual",
    "regression": "regression regress slope fit predict",
    "skew": "skew skewness skewed",
    "chart": "chart plot graph histogram visualise visualize draw",
}
_OPERATIONS = {word: name for name, words in _SYNONYMS.items() for word in words.split()}
_FILLER = frozenset(
    """
    a an and any are as at be been being calculate can column compute could data dataset df
    did do does answer file find for frame from get give given had has have how i in into is
    it its know let like list look me much need of on or our out please possible print
    question report result s set should show so some state table tell than that the their them
    there these they this those to up us use using value values variable was we were what
    what's whats when where which who whole whose will with within would you your entire all
    present here among amount level observed recorded sample samples rounded round decimal
    decimals place places
    """.split()  # noqa: SIM905 - a list of words
)
_EXTREME_HIGH = "longest|largest|highest|biggest|greatest|maximum|oldest|tallest"
_EXTREME_LOW = "shortest|smallest|lowest|least|minimum|youngest"
_PHRASES = tuple(
    (re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), f" {replacement} ")
    for pattern, replacement in (
        ("standard deviations?", "std"),
        (
            rf"(?:difference|gap) between the (?:{_EXTREME_HIGH}) and the (?:{_EXTREME_LOW})",
            "range",
        ),
        ("on average", "mean"),
        ("how (?:large|big|high|low|great|small|heavy|tall|wide|long|strong)", "what"),
        ("half of", "median"),
        ("in total", "sum"),
        ("how many", "count"),
        ("how often", "count"),
        ("(?:total|overall)? ?number of", "count"),
        ("total count of", "count"),
        ("(?:move|go|goes|rise|rises|vary|varies) (?:together|along)(?: with)?", "correlation"),
        ("(?:rise|rises|grow|grows|increase|increases|fall|falls) with", "correlation"),
        ("(?:go|goes|went) up", "increase"),
        ("(?:go|goes|went) down", "decrease"),
    )
)


@dataclass(frozen=True, slots=True)
class Wording:
    """What a question is about, as far as its words tell."""

    columns: frozenset[str]
    numbers: frozenset[str]
    quoted: frozenset[str]
    operations: frozenset[str]
    rest: frozenset[str]

    def words(self) -> tuple[str, ...]:
        """Return all that counts, as words; of synonyms the one that stands for them."""
        return _words_of(self)


@functools.lru_cache(maxsize=20_000)
def _words_of(one: Wording) -> tuple[str, ...]:
    columns = [word for name in sorted(one.columns) for word in words_of_name(name)]
    return (*columns, *sorted(one.rest), *sorted(one.operations), *sorted(one.numbers))


@functools.lru_cache(maxsize=20_000)
def wording(question: str, columns: tuple[str, ...] = ()) -> Wording:
    """Read a question; ``columns``: names in the data that it is asked of."""
    text = question
    quoted = frozenset(" ".join(found.split()).lower() for found in _QUOTED.findall(text))
    for pattern, replacement in _PHRASES:
        text = pattern.sub(replacement, text)
    tokens = [_stem(token) for token in _TOKEN.findall(_apart(text))]
    mentioned, left = _take_columns(tokens, columns)
    numbers = frozenset(token for token in left if token[0].isdigit())
    operations = {_OPERATIONS[token] for token in left if token in _OPERATIONS}
    rest = frozenset(
        token
        for token in left
        if token not in _OPERATIONS and token not in _FILLER and not token[0].isdigit()
    )
    return Wording(mentioned, numbers, quoted, frozenset(operations), rest)


def _take_columns(tokens: list[str], columns: Iterable[str]) -> tuple[frozenset[str], list[str]]:
    """Return the columns that are mentioned, and the tokens that are left; longest names first."""
    left = list(tokens)
    mentioned = set()
    named = {name: words_of_name(name) for name in columns}
    for name, words in sorted(named.items(), key=lambda item: -len(item[1])):
        size = len(words)
        at = 0
        while size and at <= len(left) - size:
            if tuple(left[at : at + size]) == words:
                mentioned.add(name)
                left[at : at + size] = []
            else:
                at += 1
    # "bill" means total_bill where no other column ends in it.
    ends: dict[str, list[str]] = {}
    for name, words in named.items():
        if len(words) > 1:
            ends.setdefault(words[-1], []).append(name)
    for word, names in ends.items():
        if len(names) == 1 and word in left and names[0] not in mentioned:
            mentioned.add(names[0])
            left = [token for token in left if token != word]
    return frozenset(mentioned), left


@functools.lru_cache(maxsize=20_000)
def words_of_name(name: str) -> tuple[str, ...]:
    """Return the words of a column's name."""
    return tuple(_stem(token) for token in _TOKEN.findall(spaced(name)))


def spaced(name: str) -> str:
    """Return ``sepalLength_cm`` as words."""
    return _apart(name).replace(".", " ")


def _apart(text: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).replace("_", " ")


def _stem(token: str) -> str:
    word = token.lower().removesuffix("'s")
    if word in _OPERATIONS or word in _FILLER:
        return word
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
