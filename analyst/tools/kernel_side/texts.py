"""Text columns that hold something else: what, how to convert it, and code that forgets to.

Numbers kept as text are the commonest silent trap of a table: ``max`` compares them letter by
letter, and a careless conversion turns most of them into nulls.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

SAMPLED = 5000
MOST = 0.9
MUCH = 0.2
EXAMPLES = 3
TEXT_SHOWN = 24

_CONVERTING = {
    "to_numeric", "astype", "extract", "extractall", "replace", "split", "strip", "float", "int",
    "apply", "map", "slice", "findall", "sub", "convert_dtypes", "to_datetime", "removesuffix",
}  # fmt: skip
_ORDERING = {
    "max", "min", "mean", "median", "std", "var", "sum", "idxmax", "idxmin", "sort_values",
    "nlargest", "nsmallest", "corr", "quantile", "describe", "agg", "pearsonr", "skew", "argmax",
}  # fmt: skip


@dataclass(frozen=True)
class TextKind:
    """What a text column holds. ``conversion`` is code over ``column``; empty for dates.

    ``mixed``: much of it is no number, so that comparing it as text may well be meant.
    """

    words: str
    conversion: str = ""
    mixed: bool = False

    @property
    def described(self) -> str:
        """The words, with the conversion where there is one, as a profile shows them."""
        how = f"; as numbers: {self.conversion}" if self.conversion else ""
        return f" ({self.words}{how})"


def short(value: Any) -> str:
    """Write a value briefly."""
    if isinstance(value, float):
        return f"{value:.5g}"
    text = str(value)
    return text if len(text) <= TEXT_SHOWN else text[: TEXT_SHOWN - 1] + "…"


def kind_of_text(text: Any) -> TextKind | None:
    """Tell what a Series of strings without nulls holds, from its first rows."""
    import pandas as pd  # noqa: PLC0415 - the kernel may not need it

    text = text.iloc[:SAMPLED].str.strip()
    as_number = pd.to_numeric(text, errors="coerce").notna()
    share = as_number.mean()
    if share == 1:
        return TextKind("numbers as text", "pd.to_numeric(column)")
    if text.str.match(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}").mean() > MOST:
        return TextKind("dates as text")
    bare = text.str.replace(r"[,$€£%\s]", "", regex=True)
    clear = pd.to_numeric(bare, errors="coerce").notna()
    if clear.mean() > MOST:
        bared = 'column.str.replace(r"[,$€£%\\s]", "", regex=True)'
        if clear.all():
            return TextKind(
                "numbers as text, with signs such as , $ or %", f"{bared}.astype(float)"
            )
        return TextKind(
            f"numbers as text, but also {_examples(text[~clear])}",
            f'pd.to_numeric({bared}, errors="coerce")',
        )
    if text.str.match(r"-?\d[\d.]*\s*[^\w\s:/.-]").mean() > MUCH:
        return TextKind(
            "numbers before other text", 'column.str.extract(r"^(-?[\\d.]+)")[0].astype(float)'
        )
    if share > MUCH:
        return TextKind(
            f"numbers as text, but also {_examples(text[~as_number])}",
            'pd.to_numeric(column, errors="coerce")',
            mixed=share < MOST,
        )
    return None


def _examples(text: Any) -> str:
    return ", ".join(repr(short(value)) for value in text.unique()[:EXAMPLES])


def conversions(code: str, frames: dict[str, Any], *, mixed: bool = True) -> list[str]:
    """Return lines of code that convert the columns of number texts which ``code`` names.

    Without ``mixed``, columns that also hold much other text are left out.
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return []
    named = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    named |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    lines = []
    for name, frame in frames.items():
        for label in frame.columns:
            if not isinstance(label, str) or label not in named:
                continue
            try:
                kind = _kind(frame[label])
            except Exception:  # noqa: BLE001, S112 - an odd column must not break the report
                continue
            if kind is not None and kind.conversion and (mixed or not kind.mixed):
                column = f"{name}[{label!r}]"
                lines.append(f"{column} = {kind.conversion.replace('column', column)}")
    return lines


def forgets_conversion(code: str) -> bool:
    """Tell whether ``code`` orders or counts, and converts nothing."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return False
    called = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            called.add(node.attr)
        elif isinstance(node, ast.Name):
            called.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            called.add(node.value)
    return bool(called & _ORDERING) and not called & _CONVERTING


def sure_conversion(column: Any) -> str:
    """Return code over ``column`` that makes numbers of text that holds hardly anything else."""
    kind = _kind(column)
    return kind.conversion if kind is not None and not kind.mixed else ""


def _kind(column: Any) -> TextKind | None:
    if str(column.dtype) not in {"object", "str", "string"}:
        return None
    present = column.iloc[:SAMPLED].dropna()
    if not len(present) or not isinstance(present.iloc[0], str):
        return None
    return kind_of_text(present)
