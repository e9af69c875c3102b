"""What in code that ran without an error is hardly ever what was meant.

Here: pure functions on source text, each of which gives a sentence or nothing. They raise
doubts; they change nothing. Not here: mending (:mod:`analyst.tools.slips`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

_UNITS = (
    {"usd": "US dollars", "dollars": "US dollars", "eur": "euros", "euros": "euros",
     "gbp": "pounds", "jpy": "yen", "chf": "Swiss francs"},
    {"km": "kilometres", "kilometers": "kilometres", "kilometres": "kilometres", "mi": "miles",
     "miles": "miles", "ft": "feet", "feet": "feet", "cm": "centimetres", "mm": "millimetres",
     "inches": "inches", "meters": "metres", "metres": "metres"},
    {"kg": "kilograms", "lb": "pounds", "lbs": "pounds", "grams": "grams"},
    {"celsius": "degrees Celsius", "fahrenheit": "degrees Fahrenheit"},
    {"ms": "milliseconds", "sec": "seconds", "secs": "seconds", "seconds": "seconds",
     "minutes": "minutes", "mins": "minutes", "hours": "hours", "hrs": "hours", "days": "days"},
)  # fmt: skip
"""Units by how column names end in them, a table for each kind of quantity."""

_WITHOUT = re.compile(r"after|without|clean|remov|filter|exclud", re.IGNORECASE)
_LAST_WORD = re.compile(r"(?:^|[_ (\[/.-])([A-Za-z]+)[)\]]?$")
_COMPARED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
_ORDERS = {"sort_values", "sort_index", "nlargest", "nsmallest", "idxmax", "idxmin", "rank"}


def check(code: str) -> list[str]:
    """Return the doubts that ``code`` raises, a sentence each."""
    tree = _parse(code)
    if tree is None:
        return []
    return list(_first_of_unsorted_groups(tree))


def more_doubts(code: str, names: Sequence[str] = ()) -> list[str]:
    """Return the doubts about units, models and outliers that ``code`` raises, a sentence each.

    ``names`` are the variables that the question asks for.
    """
    tree = _parse(code)
    if tree is None:
        return []
    return [*_mixed_units(tree), *_target_among_features(tree), *_outliers_left_in(tree, names)]


def only_literals(code: str, names: Sequence[str]) -> bool:
    """Tell whether ``code`` computes none of the values that it gives to ``names``.

    True where all that is assigned to them is written out in the code itself, outside of any
    condition or loop that could have chosen it, and is not changed afterwards.
    """
    tree = _parse(code)
    if tree is None:
        return False
    stored = [
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    written = {
        node.targets[0].id
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and not any(isinstance(part, ast.Name | ast.Call) for part in ast.walk(node.value))
        and _has_content(node.value)
        and not _is_changed(node.targets[0].id, tree)
    }
    given = [name for name in stored if name in names]
    return bool(given) and all(name in written and given.count(name) == 1 for name in given)


def _parse(code: str) -> ast.Module | None:
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _has_content(value: ast.expr) -> bool:
    constants = (part for part in ast.walk(value) if isinstance(part, ast.Constant))
    return any(constant.value is not None for constant in constants)


def _is_changed(name: str, tree: ast.Module) -> bool:
    """Tell whether a method or an item of ``name`` is used, which may fill it."""
    return any(
        isinstance(node, ast.Attribute | ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == name
        for node in ast.walk(tree)
    )


def _attributes(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr


def _first_of_unsorted_groups(tree: ast.Module) -> Iterator[str]:
    """Doubt a first row of groups that were never put in order by a value."""
    if set(_attributes(tree)) & _ORDERS:
        return
    grouped = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and "groupby" in set(_attributes(node.value))
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not (
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Attribute)
            and node.value.attr == "iloc"
            and isinstance(node.slice, ast.Constant)
            and node.slice.value in (0, -1)
        ):
            continue
        names = {part.id for part in ast.walk(node.value) if isinstance(part, ast.Name)}
        if names & grouped or "groupby" in set(_attributes(node.value)):
            yield (
                "iloc took a row of groups that are sorted by name, not by value. "
                "Use idxmax() or idxmin() on the column that decides."
            )
            return


def _column(node: ast.AST) -> str | None:
    """Return the label that ``df["price"]`` or ``df.price`` names."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return node.slice.value if isinstance(node.slice.value, str) else None
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.attr
    return None


def _mixed_units(tree: ast.Module) -> Iterator[str]:
    """Doubt that columns of different units are added, subtracted or compared as they are."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            pair = (node.left, node.right)
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], _COMPARED):
            pair = (node.left, node.comparators[0])
        else:
            continue
        labels = [_column(side) for side in pair]
        words = [_LAST_WORD.search(label) if label else None for label in labels]
        for units in _UNITS:
            found = [units.get(word[1].lower()) if word else None for word in words]
            if None not in found and found[0] != found[1]:
                yield (
                    f"{labels[0]!r} is in {found[0]} and {labels[1]!r} in {found[1]}. "
                    "Convert one of them before they meet."
                )
                return


def _target_among_features(tree: ast.Module) -> Iterator[str]:
    """Doubt a model that is given the column it shall predict."""
    assigned = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    features, target = assigned.get("X"), assigned.get("y")
    if "fit" not in set(_attributes(tree)) or target is None:
        return
    if not (isinstance(features, ast.Subscript) and isinstance(features.slice, ast.List)):
        return
    listed = [item.value for item in features.slice.elts if isinstance(item, ast.Constant)]
    label = _column(target)
    if label in listed:
        yield f"The target {label!r} is among the features. Leave it out of X."


def _outliers_left_in(tree: ast.Module, names: Sequence[str]) -> Iterator[str]:
    """Doubt a value "after removal" for which outliers were found, but never left out."""
    if any(isinstance(node, ast.FunctionDef | ast.For | ast.While) for node in ast.walk(tree)):
        return  # what feeds what is no longer plain
    feeds = _feeds(tree)
    found = {name for name in feeds if "outlier" in name.lower() and name not in names}
    for name in names:
        if name not in feeds or not _WITHOUT.search(name) or not found:
            continue
        reached, ahead = set[str](), {name}
        while ahead:
            reached |= ahead
            ahead = {one for part in ahead for one in feeds.get(part, ())} - reached
        if not reached & found:
            listed = ", ".join(sorted(found))
            yield f"{name} is computed from all rows: {listed} plays no part. Leave those out."
            return


def _feeds(tree: ast.Module) -> dict[str, set[str]]:
    """Return for each name that gets a value the names which that was made from."""
    feeds: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AugAssign):
            targets, value = [node.target], node.value
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            # df.drop(outliers, inplace=True) changes df.
            targets, value = [node.value.func], node.value
        else:
            continue
        used = {part.id for part in ast.walk(value) if isinstance(part, ast.Name)}
        for target in targets:
            for part in ast.walk(target):
                if isinstance(part, ast.Name):
                    feeds.setdefault(part.id, set()).update(used)
    return feeds
