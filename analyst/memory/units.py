"""Units of values, as far as what is written about a value tells them.

Here: the unit that the answer's text, or the value's own name, gives to a value. Nothing is
converted, and nothing is guessed from how large a value is: where the two disagree, or a number
may stand for something else, a value has no unit. Not here: how values are shown.
"""

from __future__ import annotations

import math
import re

from analyst.memory.finding import Scalar
from analyst.memory.numbers import NUMBER, read_number, rounds_to

_WRITTEN = {
    "%": "% percent pct",
    "percentage points": "percentage_points percentage_point pp",
    "$": "$",
    "dollars": "dollars dollar",
    "USD": "USD US$",
    "EUR": "EUR € euros euro",
    "GBP": "GBP £",
    "CHF": "CHF",
    "JPY": "JPY",
    "CNY": "CNY",
    "INR": "INR ₹",
    "¥": "¥",
    "ms": "ms milliseconds millisecond",
    "s": "s sec secs second seconds",
    "min": "min mins minute minutes",
    "h": "h hr hrs hour hours",
    "days": "day days",
    "weeks": "week weeks",
    "months": "month months",
    "years": "year years yr yrs",
    "mm": "mm millimetres millimeters",
    "cm": "cm centimetres centimeters",
    "m": "m metres meters metre meter",
    "km": "km kilometres kilometers kilometre kilometer",
    "miles": "miles mile mi",
    "ft": "ft feet foot",
    "inches": "inches inch",
    "m²": "m² m2 m^2",
    "km²": "km² km2 km^2",
    "m³": "m³ m3 m^3",
    "mg": "mg milligrams",
    "g": "g gram grams",
    "kg": "kg kilogram kilograms",
    "tonnes": "tonnes tonne",
    "lb": "lb lbs",
    "oz": "oz ounces ounce",
    "pounds": "pounds pound",
    "mL": "mL ml millilitres milliliters",
    "L": "L litres liters litre liter",
    "°C": "°C ℃",
    "°F": "°F ℉",
    "°": "°",
    "km/h": "km/h kmh kph",
    "m/s": "m/s",
    "mph": "mph",
    "W": "W watts",
    "kW": "kW",
    "MW": "MW",
    "kWh": "kWh",
    "MWh": "MWh",
    "bytes": "bytes byte",
    "kB": "kB KB",
    "MB": "MB",
    "GB": "GB",
    "TB": "TB",
    "hp": "hp horsepower",
    "mpg": "mpg",
}
_UNITS = {
    spelling.replace("_", " "): unit
    for unit, spellings in _WRITTEN.items()
    for spelling in spellings.split()
}
_LOWER = {spelling.lower(): unit for spelling, unit in _UNITS.items() if len(spelling) > 2}
_CURRENCIES = frozenset({"$", "USD", "EUR", "GBP", "CHF", "JPY", "CNY", "INR", "¥"})
_DOLLARS = frozenset({"USD", "$", "dollars"})

_SUFFIXES = {
    word: unit
    for word, unit in {
        **{spelling.lower(): unit for spelling, unit in _UNITS.items()},
        "celsius": "°C",
        "degc": "°C",
        "fahrenheit": "°F",
        "degf": "°F",
    }.items()
    if word
    in frozenset(
        """
        percent pct usd eur gbp chf jpy cny inr dollars euros ms milliseconds secs seconds mins
        minutes hr hrs hours days weeks months years yrs mm cm km kilometers kilometres meters
        metres miles ft feet inches m2 km2 mg kg grams kilograms tonnes lb lbs oz ounces pounds ml
        liters litres celsius degc fahrenheit degf kmh kph mph watts kw kwh mwh bytes kb mb gb tb hp
        mpg
        """.split()  # noqa: SIM905 - a list of words
    )
}
"""Ends of names that are units. Singulars are not: ``best_year`` is a year, not a duration; nor
what means too much else: ``min``, ``sec``, single letters."""

_KEEPS_UNIT = frozenset("mean avg average median min max sum total std minimum maximum".split())  # noqa: SIM905 - a list of words
_LOSES_UNIT = frozenset(
    """
    corr correlation count cov covariance cv id index kurtosis log n normalized nunique p per
    pvalue r r2 rank rows scaled score skew skewness slope sq squared var variance z zscore
    coef coefficient beta
    """.split()  # noqa: SIM905 - a list of words
)
_LOSES_MEASURE = frozenset(
    "change distinct growth missing nulls pct percent ratio share unique".split()  # noqa: SIM905 - a list of words
)

_SPELLINGS = "|".join(re.escape(one) for one in sorted(_UNITS, key=len, reverse=True))
_AFTER = re.compile(rf"(?:[ \u00a0\u202f]|-(?=[a-z]))?({_SPELLINGS})(?![\w²³^%])", re.IGNORECASE)
_BEFORE = re.compile(r"(?:(?<![\w$])(US\$|USD|EUR|GBP|CHF|JPY|CNY|INR)|([$€£¥₹]))[ \u00a0]?(-?)$")
_GOES_ON = re.compile(r"\s*(?:/|per\b|\^|·|\*\s*\w)")
_SCALE = re.compile(
    r"\s*(?:hundred|thousand|million|billion|trillion|mn|bn|tn|k|m|b)\b", re.IGNORECASE
)
_BRACKETED = re.compile(r"[(\[]\s*([^()\[\]]{1,20}?)\s*[)\]]\s*$")
_WORD_SPLIT = re.compile(r"[\s_\-.]+")
_MARKUP = re.compile(r"\*\*|__|`|\\(?=[$%])")


def unit_of(name: str, value: Scalar, answer: str) -> str | None:
    """Return the unit of a value, as the answer's text or its own name gives it, else ``None``.

    ``name``: what the value is called, perhaps as a column is: ``weight_kg``, ``temp (°C)``.
    ``answer``: text in which the value may stand, rounded, with a unit: ``12.5 %``, ``$4.00``.
    """
    number = _number(value)
    if number is None:
        return None
    named, told = unit_in_name(name), _unit_in_text(number, answer)
    if named is None or told is None:
        return named or told
    return named if named == told or {named, told} <= _DOLLARS else None


def unit_in_name(name: str) -> str | None:
    """Return the unit that a name ends in: of ``mean_weight_kg`` kg; of ``n_kg_missing`` none."""
    bracketed = _BRACKETED.search(name)
    if bracketed is not None:
        name = name[: bracketed.start()]
    words = [word for word in _WORD_SPLIT.split(name.lower()) if word]
    if not _LOSES_UNIT.isdisjoint(words):
        return None
    if bracketed is not None:
        unit = _UNITS.get(bracketed[1]) or _LOWER.get(bracketed[1].lower())
    else:
        while words and words[-1] in _KEEPS_UNIT:
            words.pop()
        unit = _SUFFIXES.get(words.pop()) if len(words) > 1 else None
    if unit != "%" and not _LOSES_MEASURE.isdisjoint(words):
        return None
    return unit


def with_unit(text: str, unit: str | None) -> str:
    """Return a value's text with its unit: ``3.2 km``, ``$4``."""
    if unit is None:
        return text
    return f"{unit}{text}" if unit in {"$", "¥"} else f"{text} {unit}"


def _number(value: Scalar) -> float | None:
    if isinstance(value, str) and NUMBER.fullmatch(value.strip()):
        value = float(value.strip().replace(",", ""))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _unit_in_text(value: float, answer: str) -> str | None:
    text = _MARKUP.sub("", answer)
    found = [_unit_at(text, match) for match in NUMBER.finditer(text) if _is(value, match[0])]
    if not float(value).is_integer():
        # Hardly anything else is 2.998; a bare 3 may count something.
        found = [unit for unit in found if unit is not None]
    return found[0] if len(set(found)) == 1 else None


def _is(value: float, text: str) -> bool:
    """Whether a number is a value, rounded to no fewer than two figures unless it is exact."""
    figures = len(re.sub(r"e.*|\D", "", text.lower()).lstrip("0"))
    exactly = math.isclose(value, read_number(text), rel_tol=1e-9)
    return rounds_to(value, text) and (figures > 1 or exactly)


def _unit_at(text: str, number: re.Match[str]) -> str | None:
    """Return the unit that stands before or after a number."""
    before = _BEFORE.search(text, max(0, number.start() - 5), number.start())
    if before is not None:
        if _SCALE.match(text, number.end()) or _GOES_ON.match(text, number.end()):
            return None
        return _UNITS[before[1] or before[2]]
    after = _AFTER.match(text, number.end())
    if after is None or _GOES_ON.match(text, after.end()):
        return None
    unit = _UNITS.get(after[1]) or _LOWER.get(after[1].lower())
    separated = after.start(1) > number.end()
    # "$" after a number belongs to the next one, unless nothing follows.
    if unit in _CURRENCIES and re.match(r"\s?\d", text[after.end() :]):
        return None
    # "5m" is as often five million.
    return None if unit == "m" and not separated else unit
