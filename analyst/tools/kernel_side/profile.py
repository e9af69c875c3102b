"""Describing a frame for the model: terse, no raw rows unless the user agreed."""

from __future__ import annotations

from typing import Any

from .texts import kind_of_text, short

COLUMNS_SHOWN = 40
DISTINCT_SHOWN = 6
EXAMPLES_SHOWN = 3
FIRST_ROWS = 100_000
MANY_DISTINCT = 10_000
"""With more texts than so many among the first rows, the others are not counted: with millions
that takes seconds, and tells nothing."""


def type_name(series: Any) -> str:
    """Name a column's type in the analyst's words."""
    name = str(series.dtype)
    return "text" if name in {"object", "str", "string"} else name


def describe(name: str, frame: Any, *, rows: int = 0, examples: int = EXAMPLES_SHOWN) -> str:
    """Describe a frame for the model: a line for the whole, then one a column.

    ``rows`` raw rows are added only when the user asked for them.
    """
    count = frame.shape[1]
    lines = [f"{name}: {len(frame)} rows x {count} columns"]
    shown = min(count, COLUMNS_SHOWN)
    lines += [
        "- " + _describe_column(frame.columns[i], frame.iloc[:, i], examples=examples)
        for i in range(shown)
    ]
    if count > shown:
        rest = [repr(label) for label in frame.columns[shown : shown + 30]]
        lines.append(
            f"- {count - shown} more columns: " + ", ".join(rest) + (", …" * (count - shown > 30))
        )
    index = frame.index
    if index.name is not None or index.nlevels > 1 or type_name(index) != "int64":
        example = f", e.g. {short(index[0])}" if len(index) else ""
        lines.append(f"- index {list(index.names)!r} {type_name(index)}{example}")
    if rows:
        lines.append(frame.head(rows).to_csv(index=False).strip())
    return "\n".join(lines)


def _describe_column(label: Any, series: Any, *, examples: int) -> str:
    import pandas as pd  # noqa: PLC0415 - the kernel may not need it

    nulls = int(series.isna().sum())
    line = f"{label!r} {type_name(series)}"
    present = series.dropna()
    if len(present) and examples:
        try:
            line += _describe_values(pd, series, present, examples)
        except Exception:  # noqa: BLE001 - cells may be anything at all
            line += f" of {type(present.iloc[0]).__name__}"
    if nulls:
        line += f", {nulls} null"
    return line


def _describe_values(pd: Any, series: Any, present: Any, examples: int) -> str:
    kinds = pd.api.types
    if kinds.is_bool_dtype(series):
        return ""
    if kinds.is_numeric_dtype(series):
        if present.iloc[:FIRST_ROWS].nunique() <= DISTINCT_SHOWN:
            distinct = present.unique()
            if len(distinct) <= DISTINCT_SHOWN:
                return " " + ", ".join(short(value) for value in sorted(distinct.tolist()))
        return f" {short(present.min().item())}..{short(present.max().item())}"
    if kinds.is_datetime64_any_dtype(series):
        return f" {present.min()}..{present.max()}"
    text = present.iloc[:FIRST_ROWS].astype(str)
    distinct = text.unique().tolist()
    count = str(len(distinct))
    if len(text) < len(present):
        if len(distinct) > MANY_DISTINCT:
            count = f"over {len(distinct) // MANY_DISTINCT * MANY_DISTINCT}"
        else:
            distinct = present.astype(str).unique().tolist()
            count = str(len(distinct))
    shown = distinct if len(distinct) <= DISTINCT_SHOWN else distinct[:examples]
    more = ", …" if len(shown) < len(distinct) else ""
    listed = ", ".join(repr(short(v)) for v in shown) + more
    kind = kind_of_text(text)
    return f" {count} distinct: {listed}{kind.described if kind else ''}"
