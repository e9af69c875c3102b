"""What to tell a model after an error, beyond the error: how libraries are written today.

Models know the libraries of their training years. A table of patterns on the error's text
gives one sentence of help; misspelt columns are matched against those there are. Nothing here
depends on a question or a data set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from analyst.tools.missing_columns import missing_labels, near

LISTED_COLUMNS = 20

_TEXT_AS_NUMBER = (
    r"could not convert string to float|does not support operation|agg function failed|"
    r"unsupported operand type\(s\).*'str'|not supported between instances of '(?:str|int|float)'"
    r"|Invalid comparison between dtype=str|Unable to parse string|can only concatenate str"
    r"|invalid literal for|[Cc]ould not convert|to numeric|dtype\('<U|must be real number, not str"
    r"|Cannot perform reduction|has no kernel matching input types"
    r"|can't multiply sequence|not all arguments converted|for -: 'str'"
)
_DATES = (
    r"'str' and '(?:\w+\.)*(?:Timedelta|timedelta|Timestamp|datetime|date|DateOffset)'"
    r"|'(?:\w+\.)*(?:Timedelta|timedelta|Timestamp|datetime|date|DateOffset)' and 'str'"
    r"|'str' object has no attribute '(?:strftime|year|month|day|date|weekday|isoformat)'"
)
_NULLS = r"contains NaN|must not contain infs or NaNs|contains null|NaN values"
_ADVICE: tuple[tuple[str, str], ...] = (
    (
        r"keyword argument 'squared'",
        "For the root of the error write mean_squared_error(y_true, y_pred) ** 0.5.",
    ),
    (
        r"keyword argument 'sparse'",
        "OneHotEncoder takes sparse_output=False; simpler: pd.get_dummies(frame, dtype=float).",
    ),
    (
        r"keyword argument 'normalize'",
        "Scale with StandardScaler first; the model has no normalize argument.",
    ),
    (_DATES, "Dates are text here. Convert the column first: pd.to_datetime(column)."),
    (
        _TEXT_AS_NUMBER,
        (
            "A text column is used as numbers. Pass numeric_only=True to corr(), mean() and the "
            "like, select the numeric columns, or convert the text column first."
        ),
    ),
    (
        _NULLS,
        "Drop or fill the nulls of the columns used first, the same rows for all of them.",
    ),
    (
        r"must have the same length|inconsistent numbers of samples|same size",
        "Drop nulls from all columns together, so that they keep the same rows.",
    ),
    (
        r"mix of binary and continuous|continuous is not supported",
        "A regression predicts numbers: make classes of them, e.g. (prediction > 0.5).astype(int).",
    ),
    (
        r"cannot concatenate object of type '<class 'numpy.ndarray'>|after one-hot|sparse matrix",
        "Encode text columns with pd.get_dummies(frame, columns=[...], dtype=float) instead.",
    ),
    (
        r"`method` must be either 'interpolate'",
        "Write anderson(x, method='interpolate'); its result has statistic and pvalue, no more.",
    ),
    (r"has no attribute 'append'", "Use pd.concat([first, second])."),
    (r"has no attribute 'iteritems'", "Use items()."),
    (r"has no attribute 'ix'", "Use loc or iloc."),
    (r"has no attribute 'mad'", "Write (s - s.mean()).abs().mean()."),
    (
        r"keyword argument 'line_terminator'|keyword argument 'error_bad_lines'",
        "That argument is gone from pandas; leave it out.",
    ),
    (
        r"No such file or directory",
        "Use the frames that are loaded already, by their names; read no file nobody named.",
    ),
    (
        r"truth value of a (?:Series|DataFrame|array) is ambiguous|truth value of an array",
        "Combine conditions with & and |, each in parentheses.",
    ),
    (
        r"Can only use \.str accessor",
        "The column is not text; use it as it is, or astype(str) first.",
    ),
    (
        r"Can only use \.dt accessor",
        "Convert the column first: pd.to_datetime(column).",
    ),
    (
        r"time data .* doesn't match format|unconverted data remains",
        "Use pd.to_datetime(column, format='mixed'), with dayfirst=True where days come first.",
    ),
    (r"cannot reindex on an axis with duplicate labels", "Call reset_index(drop=True) first."),
)


def advise(
    name: str,
    message: str,
    *,
    columns: Iterable[str] = (),
    conversions: Sequence[str] = (),
    sure_conversions: Sequence[str] = (),
    null_rows: Sequence[str] = (),
    variables: Sequence[str] = (),
) -> str:
    """Return a sentence of help for an error, or an empty string.

    ``name`` and ``message`` are the exception's type and text; ``columns`` are the labels of
    all frames there are, for near matches; ``conversions`` are lines of code that turn the
    text columns which the code used into numbers, ``sure_conversions`` those of columns that hold
    hardly anything but numbers; ``null_rows`` lines that leave out its nulls;
    ``variables`` are names of what lives in the kernel.
    """
    text = f"{name}: {message}"
    if null_rows and re.search(_NULLS, text):
        return "There are nulls in the columns used. Leave them out first:\n" + "\n".join(null_rows)
    if not re.search(_TEXT_AS_NUMBER, text) or re.search(_DATES, text):
        conversions = sure_conversions if name != "KeyError" else ()
    if conversions:
        return "The column holds numbers as text. Convert it first:\n" + "\n".join(conversions)
    if name == "KeyError":
        return _missing_column(message, list(columns), variables)
    return next((advice for pattern, advice in _ADVICE if re.search(pattern, text)), "")


def _all_of(columns: Sequence[str]) -> str:
    if not 0 < len(columns) <= LISTED_COLUMNS:
        return ""
    return f" The columns are {', '.join(map(repr, columns))}."


def _missing_column(message: str, columns: list[str], variables: Sequence[str]) -> str:
    if "are in the [index]" in message:
        return "These are no labels of rows: choose rows by a condition on a column."
    hints = []
    listing = _all_of(columns)
    for key in missing_labels(message)[:3]:
        if key in columns:
            hints.append(f"This frame has no {key!r} any more.")
            continue
        if key in variables:
            hints.append(f"{key} is a variable, and no column of the frame.")
            continue
        close = near(key, columns)
        if close:
            hints.append(f"There is no {key!r}; there is {', '.join(map(repr, close))}.")
        else:
            hints.append(f"There is no {key!r}: do without it.")
    nothing_near = any("; there is" not in hint and "any more" not in hint for hint in hints)
    return " ".join(hints) + (listing if nothing_near else "")
