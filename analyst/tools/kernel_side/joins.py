"""Merges that are not what was meant: rows multiplied by repeated keys, or hardly any match."""

from __future__ import annotations

import ast
import re
from typing import Any

from .asked import asks_for_both, asks_for_pairs, asks_for_unmatched
from .columns import methods, named, parsed, texts_in
from .merges import Merge, Partners, Side, merges, partners, rows_made
from .repeats import repeated_look
from .texts import short

EXAMPLES = 3
MOST_ROWS = 1_000_000
"""Frames with more rows are not looked into."""

FEW = 0.5
"""A share of matched rows below which a merge is doubted."""

FEWEST_ROWS = 10
MANY = 0.05
MOST_KEYS = 2000
"""Different unmatched keys that are compared by their letters."""

_HANDLING = {"isna", "isnull", "notna", "notnull", "fillna", "dropna", "combine_first", "where"}
_AVERAGING = {
    "mean", "median", "std", "var", "sem", "quantile", "corr", "skew", "kurt", "describe",
}  # fmt: skip
_ONCE = {"drop_duplicates", "nunique", "unique", "query", "duplicated"}
_KEEPING_ROWS = {
    "read_csv", "copy", "rename", "reset_index", "set_index", "drop", "assign", "astype", "dropna",
    "fillna", "drop_duplicates", "sort_values", "sort_index", "to_numeric", "to_datetime",
    "DataFrame", "strip", "lower", "upper", "replace",
}  # fmt: skip
_FILLING = re.compile(r"^0+(?=\w)|(?<=\w)[\s_-]+(?=\w)")


def join_look(
    code: str,
    before: dict[str, Any],
    after: dict[str, Any],
    question: str = "",
    history: str = "",
) -> tuple[list[str], list[str]]:
    """Doubt merges that multiplied rows or matched few; return doubts and remarks.

    ``before`` and ``after`` are the frames by name, as they were and as the code left them,
    ``history`` is all that ran for the question. What the question asks for, and what the code
    shows to be meant, is told as a remark at most.
    """
    doubts: dict[str, None] = {}
    remarks: dict[str, None] = {}
    tree = parsed(code)
    past = parsed(history or code)
    for merge in merges(tree, before, after):
        left, right = merge.left.frame, merge.right.frame
        if merge.left.name == merge.right.name or not len(left) or not len(right):
            continue
        if max(len(left), len(right)) > MOST_ROWS:
            continue
        found = partners(merge)
        doubt, remark = _multiplied(merge, found, tree, question)
        if not doubt and not remark:
            doubt, remark = _unmatched(merge, found, tree, past, question)
        if doubt:
            doubts[doubt] = None
        elif remark:
            remarks[remark] = None
    more, told = repeated_look(tree, past, before, after, question, most_rows=MOST_ROWS)
    return [*doubts, *(() if doubts else more)], [*remarks, *told]


def _multiplied(merge: Merge, found: Partners, tree: ast.Module, question: str) -> tuple[str, str]:
    rows = rows_made(merge, found)
    left, right = merge.left, merge.right
    both = bool(((found.left > 1).any()) and (found.right > 1).any())
    if not both or rows <= max(len(left.frame), len(right.frame)):
        return "", ""
    keys = left.key_names
    sentence = (
        f"{merge.made} has {rows} rows, made of {len(left.frame)} and {len(right.frame)}: {keys} "
        "repeats in both, so rows were multiplied."
    )
    later = _from(tree, merge)
    if asks_for_pairs(question) or _calls(later) & _ONCE or any(map(_compares_columns, later)):
        return "", sentence
    return (
        f"{sentence} Make {right.name} one row for each {keys} first, or merge on more columns.",
        "",
    )


def _unmatched(
    merge: Merge, found: Partners, tree: ast.Module, past: ast.Module, question: str
) -> tuple[str, str]:
    if merge.how == "outer":
        return "", ""
    # A right join is a left join seen from the other side.
    turned = merge.how == "right"
    kept, other = (merge.right, merge.left) if turned else (merge.left, merge.right)
    met, back = (found.right, found.left) if turned else (found.left, found.right)
    has_key = kept.frame[[*kept.keys]].notna().all(axis=1).to_numpy() if kept.keys else met >= 0
    rows, matched = int(has_key.sum()), int((met[has_key] > 0).sum())
    if matched == rows:
        return "", ""
    remark = f"{rows - matched} of {rows} rows of {kept.name} have no match in {other.name}."
    alike = _alike(kept, other, met) if rows - matched > MANY * rows else None
    later = _from(tree, merge)
    asked = asks_for_both(question) or asks_for_unmatched(question)
    handled = _is_handled(merge, kept, later)
    chosen = [_is_chosen(side.name, past) for side in (kept, other)]
    if not matched:
        doubt = _none_in_common(merge, kept, other, alike)
        meant = asked or handled or all(chosen)
        return ("", remark) if alike is None and meant else (doubt, "")
    doubt = f"Only {matched} of {rows} rows of {kept.name} have a match in {other.name}."
    if alike is not None:
        mine, theirs = alike
        words = f"{kept.name} holds {mine!r} and {other.name} {theirs!r}: make them alike first."
        return f"{doubt if matched < FEW * rows else remark} {words}", ""
    few = rows >= FEWEST_ROWS and matched < FEW * rows
    if not few or asked or handled or any(chosen):
        return "", remark
    if not _matters(merge, other, met, back, later):
        return "", remark
    advice = (
        f"See whether {kept.key_names} is written alike in both, and whether the rows without a "
        "match may be left out."
    )
    return f"{doubt} {advice}", ""


def _none_in_common(merge: Merge, kept: Side, other: Side, alike: tuple[str, str] | None) -> str:
    no_rows = "has no rows" if merge.how == "inner" else "found nothing"
    mine, theirs = _examples(kept), _examples(other)
    if alike is not None:
        mine, theirs = f"{alike[0]!r}, {mine}", f"{alike[1]!r}, {theirs}"
    return (
        f"{merge.made} {no_rows}: {merge.left.name} and {merge.right.name} have no "
        f"{kept.key_names} in common. {kept.name} holds {mine}; {other.name} holds {theirs}. "
        "Make them alike first."
    )


def _examples(side: Side) -> str:
    keys = side.frame[side.keys[0]] if side.keys else side.frame.index.to_series()
    values = keys.dropna().unique()[:EXAMPLES].tolist()
    return ", ".join(repr(short(v)) if isinstance(v, str) else short(v) for v in values)


def _alike(kept: Side, other: Side, met: Any) -> tuple[str, str] | None:
    """Return an unmatched key and its like, where most differ only in case, spaces or zeros."""
    if len(kept.keys) != 1 or len(other.keys) != 1:
        return None
    mine = kept.frame[kept.keys[0]][met == 0].dropna().unique()[:MOST_KEYS].tolist()
    theirs = other.frame[other.keys[0]].dropna().unique().tolist()
    if not all(isinstance(one, str) for one in (*mine, *theirs)):
        return None
    letters = {_letters(one): one for one in theirs}
    pairs = [(one, letters[key]) for one in mine if (key := _letters(one)) in letters]
    return pairs[0] if pairs and len(pairs) >= FEW * len(mine) else None


def _letters(key: str) -> str:
    return _FILLING.sub("", key.strip().casefold())


def _matters(merge: Merge, other: Side, met: Any, back: Any, later: list[ast.AST]) -> bool:
    """Tell whether the code computes from what only the few matched rows have.

    Where the other side's rows nearly all found a partner, they may just be few: then only an
    average, or groups, of what is mostly missing count, or a table of attributes with gaps.
    """
    labels = {*other.others}
    mentioned = any(named(part) & labels for part in later)
    strangers = bool((back > 0).mean() < FEW)
    looked_up = bool(met.max() <= 1 and back.max() > 1)
    if merge.how == "inner":
        return strangers or (looked_up and mentioned)
    if strangers:
        return mentioned
    averaged = any(_averages(part, labels) for part in later)
    return averaged or (looked_up and any(_groups_by(part, labels) for part in later))


def _averages(node: ast.AST, labels: set[str]) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    if node.func.attr in {"agg", "aggregate"}:
        return bool(named(node) & labels and named(node) & _AVERAGING)
    return node.func.attr in _AVERAGING and bool(_picked(node.func.value) & labels)


def _picked(node: ast.expr) -> set[str]:
    """Return the labels that an expression takes last: ``v`` of ``m.groupby("k")["v"]``."""
    if isinstance(node, ast.Subscript):
        return {*texts_in(node.slice)}
    if isinstance(node, ast.Attribute):
        return {node.attr}
    return set()


def _groups_by(node: ast.AST, labels: set[str]) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "groupby"
        and any(
            {*texts_in(one)} & labels for one in (*node.args, *(k.value for k in node.keywords))
        )
    )


def _from(tree: ast.Module, merge: Merge) -> list[ast.AST]:
    """Return the code from a merge on, without the merge itself."""
    own = {id(part) for part in ast.walk(merge.call)}
    return [
        node
        for node in ast.walk(tree)
        if getattr(node, "lineno", 0) >= merge.call.lineno and id(node) not in own
    ]


def _calls(nodes: list[ast.AST]) -> set[str]:
    return {
        node.func.attr
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }


def _compares_columns(node: ast.AST) -> bool:
    """Tell ``m["from"] <= m["day"]``, which picks of multiplied rows those that are meant."""
    return isinstance(node, ast.Compare) and all(
        isinstance(side, (ast.Subscript, ast.Attribute)) and isinstance(side.value, ast.Name)
        for side in (node.left, *node.comparators)
    )


def _is_handled(merge: Merge, kept: Side, later: list[ast.AST]) -> bool:
    """Tell whether the code itself asks which rows have no match."""
    if any(item.arg == "indicator" for item in merge.call.keywords):
        return True
    if merge.how != "inner":
        return bool(_calls(later) & _HANDLING)
    counted: list[ast.expr] = []
    for node in later:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len":
            counted += node.args
        elif isinstance(node, ast.Attribute) and node.attr == "shape":
            counted.append(node.value)
    return any(isinstance(one, ast.Name) and one.id == kept.name for one in counted)


def _is_chosen(name: str, past: ast.Module) -> bool:
    """Tell whether the code itself made a frame of some of the rows, or of sums of another."""
    for node in ast.walk(past):
        if not isinstance(node, ast.Assign):
            continue
        if not any(isinstance(one, ast.Name) and one.id == name for one in node.targets):
            continue
        if methods(node.value) - _KEEPING_ROWS:
            return True
        for part in ast.walk(node.value):
            if isinstance(part, ast.Subscript) and not texts_in(part.slice):
                return True
    return False
