"""What an SQL text is: a single statement that only reads, or something else, and why.

Judged from the syntax tree, before anything runs. It decides who is asked, and keeps nothing out:
that is the database's work, and the sandbox's. What cannot be read as SQL is no reading.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import sqlglot
from sqlglot import TokenType, exp

from analyst.tools.sql.functions import ACTING_CLASSES, acts, is_harmless, reads_files
from analyst.tools.sql.sources import trouble_of_function, trouble_of_table

MOST_CHARACTERS = 100_000
Functions = Literal["known", "own", "all"]
Places = Literal["any", "machine", "folder"]

_READS = (exp.Query, exp.Values, exp.Describe, exp.Show, exp.Summarize, exp.Pivot)
_FIRST_WORDS = frozenset(
    {"select", "with", "values", "from", "table", "describe", "desc", "show", "explain"}
    | {"summarize", "pivot", "unpivot", "pragma"}
)
# Atomic groups: what a comment is may not be tried in every way.
_FIRST = re.compile(r"(?>(?>\s|\(|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*)(\w+)", re.DOTALL)
_RUN_COMMENT = re.compile(r"/\*M?!")
_EXPLAIN = re.compile(
    r"\s*explain\b(?:\s+(?:query\s+plan|analyze|verbose|extended|partitions|format\s*=\s*\w+))*"
    r"(?:\s*\((?:[\w\s,]|'[\w ]*')*\)(?=\s*(?:select|with|values|from|table)\b))?",
    re.IGNORECASE,
)
_SHOW = re.compile(r"\s*show\b[\w\s.,%='\"`-]*;?\s*", re.IGNORECASE)
_PRAGMA = re.compile(
    r"\s*pragma\s+(?:\w+\s*\.\s*)?(?:(?:table_info|table_xinfo|index_list|index_info|index_xinfo"
    r"|foreign_key_list)\s*\(\s*['\"\[`]?[\w .]+['\"\]`]?\s*\)"
    r"|table_list|database_list|collation_list|function_list|user_version|schema_version|encoding"
    r"|page_count|page_size|compile_options)\s*;?\s*",
    re.IGNORECASE,
)
_PARSED_ALL_THE_SAME = re.compile(
    r"\s*(?:insert|update|delete|merge|create|drop|copy|attach)\b", re.IGNORECASE
)
_ELSEWHERE = re.compile(r"\s*(?!file:)[a-z][a-z0-9+.-]*://", re.IGNORECASE)

_DOES: tuple[tuple[tuple[type[exp.Expr], ...], str], ...] = (
    ((exp.Insert,), "It adds rows."),
    ((exp.Update, exp.Merge), "It changes rows."),
    ((exp.Delete, exp.TruncateTable), "It deletes rows."),
    ((exp.Create, exp.Into), "It creates something."),
    ((exp.Drop,), "It drops something."),
    ((exp.Alter,), "It alters something."),
    ((exp.Copy,), "It copies to or from a file."),
    ((exp.Attach, exp.Detach), "It attaches or detaches a database."),
    ((exp.Install,), "It installs an extension."),
    ((exp.Set, exp.Pragma, exp.Use), "It changes how the database works."),
    ((exp.Lock,), "It locks rows."),
    ((exp.Transaction, exp.Commit, exp.Rollback), "It begins or ends a transaction."),
    ((exp.Grant, exp.Revoke), "It changes who may do what."),
    ((exp.Command, exp.DML, exp.DDL, exp.Kill, exp.Analyze, exp.Comment), "It is no reading."),
)


@dataclass(frozen=True, slots=True)
class Statement:
    """How a text was read. ``words``: what else it is or does, in sentences; "" if it reads."""

    words: str = ""

    @property
    def reads(self) -> bool:
        """Whether it is one statement that, as far as its text tells, only reads."""
        return not self.words


_UNREADABLE = Statement("It cannot be read as SQL, so what it does is not known.")


def read(
    query: object, dialect: str, *, functions: Functions = "known", places: Places = "any"
) -> Statement:
    """Judge a text in a dialect of sqlglot's. Never raises: what fails is no reading.

    ``functions``: which are taken for harmless. ``known``: those known to compute. ``own``: also
    those of which nothing is known, where a sandbox holds what they do. ``all``: only the form of
    the statement is judged. ``places``: where the files may be that DuckDB reads by name. ``any``:
    where they like, where the name is not looked at; ``machine``: on no other machine, by a name
    that the query spells out; ``folder``: also in the working folder.
    """
    if not isinstance(query, str):
        return Statement("It is no text.")
    try:
        return _read(query, dialect, functions, places)
    except Exception:  # noqa: BLE001 - hostile text finds errors of a parser; judging fails closed
        return _UNREADABLE


def _read(query: str, dialect: str, functions: Functions, places: Places) -> Statement:
    if len(query) > MOST_CHARACTERS:
        return Statement("It is too long to be judged.")
    if "\0" in query or _RUN_COMMENT.search(query):
        return Statement("It holds a comment that a database may run.")
    first = _FIRST.match(query)
    word = first[1].lower() if first else ""
    if word not in _FIRST_WORDS:
        # Left unparsed: sqlglot would log a warning for each command that it has no tree of.
        named = f" ({word.upper()})" if re.fullmatch(r"[a-z]{2,20}", word) else ""
        return Statement(_of_first_word(query, dialect) or f"It is no reading{named}.")
    if _SHOW.fullmatch(query) or (dialect == "sqlite" and _PRAGMA.fullmatch(query)):
        return Statement()
    if word == "explain" and (explained := _EXPLAIN.match(query)) is not None:
        rest = query[explained.end() :]
        return _UNREADABLE if _EXPLAIN.match(rest) else _read(rest, dialect, functions, places)
    if word in {"explain", "show", "pragma"}:
        return Statement(f"It is no reading ({word.upper()}).")
    tokens = sqlglot.tokenize(query, dialect=dialect)
    while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        tokens.pop()
    if any(token.token_type == TokenType.SEMICOLON for token in tokens):
        return Statement("It is more than one statement.")
    (tree,) = (one for one in sqlglot.parse(query, dialect=dialect) if not _is_empty(one))
    return Statement(" ".join(dict.fromkeys(_words_of(tree, functions, places))))


def _is_empty(tree: Any) -> bool:
    return tree is None or isinstance(tree, exp.Semicolon)


def _of_first_word(query: str, dialect: str) -> str:
    """Say what a statement does whose first word is not one of those that read."""
    if not _PARSED_ALL_THE_SAME.match(query):
        return ""
    try:
        tree = sqlglot.parse(query, dialect=dialect)[0]
    except sqlglot.errors.SqlglotError:
        return ""
    return next((words for kinds, words in _DOES if isinstance(tree, kinds)), "")


def _words_of(tree: Any, functions: Functions, places: Places) -> list[str]:
    found = [] if isinstance(tree, _READS) else ["It is no reading."]
    for node in tree.walk():
        found += [words for kinds, words in _DOES if isinstance(node, kinds)][:1]
        if isinstance(node, exp.CTE | exp.Subquery) and not isinstance(node.this, _INSIDE):
            found.append("It is no reading.")
        if isinstance(node, exp.Func) and functions != "all":
            found += _of_function(node, functions, places)
        elif _is_name_of_elsewhere(node):
            found.append("It reads from another machine.")
        if places != "any" and isinstance(node, exp.Table):
            found += trouble_of_table(node, folder=places == "folder")
    return found


def _is_name_of_elsewhere(node: Any) -> bool:
    return (
        isinstance(node, exp.Literal | exp.Identifier)
        and _ELSEWHERE.match(node.name) is not None
        and node.find_ancestor(exp.Table) is not None
    )


_INSIDE = (exp.Query, exp.Values, exp.Table, exp.Describe, exp.Show, exp.Summarize, exp.Pivot)


def _of_function(node: exp.Func, functions: Functions, places: Places) -> list[str]:
    if places != "any" and reads_files(type(node).__name__, node.name):
        return trouble_of_function(node, folder=places == "folder")
    if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc):
        name = node.name.lower()
        if acts(name):
            return [f"It calls {name[:40]}, which does more than compute."]
        if functions == "known" and not is_harmless(name):
            return [f"It calls {name[:40]!r}, of which nothing is known here."]
    elif type(node).__name__ in ACTING_CLASSES:
        return [f"It calls {node.sql_name().lower()}, which does more than compute."]
    return []
