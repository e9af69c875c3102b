"""How risky a query is, by the database it goes to."""

from __future__ import annotations

from collections.abc import Sequence

from analyst.configuration import Database
from analyst.tools.risk import Risk
from analyst.tools.sql.databases import DIALECTS, kind_of
from analyst.tools.sql.statements import read

IN_SESSION = "It reads the session's frames and files in the isolated kernel."


def judge_in_session(query: object, *, hosts: Sequence[str], isolated: bool) -> Risk:
    """Judge a query that runs in the kernel. Never raises."""
    statement = read(query, "duckdb", functions="own")
    words = statement.words
    if hosts and not statement.reads:
        return Risk("risky", f"{words} This kernel reaches {', '.join(hosts)}.")
    if isolated:
        return Risk("safe", IN_SESSION) if statement.reads else Risk("contained", words)
    unheld = f"The kernel is not isolated: a query can read all files that you can. {words}"
    return Risk("contained" if statement.reads else "risky", unheld.strip())


def judge_in_database(query: object, name: str, database: Database) -> Risk:
    """Judge a query to a configured database. Never raises: what is not known is risky."""
    kind = kind_of(database)
    if kind not in DIALECTS:
        if database.writes == "ask":
            return Risk(
                "irreversible",
                f"How to open {name} for reading only is not known, so it may change anything.",
            )
        return Risk("risky", f"How to open {name} for reading only is not known, so it will not.")
    statement = read(query, DIALECTS[kind])
    if statement.reads:
        return Risk("safe", f"It reads the database {name}, which is opened for reading only.")
    if database.writes == "ask":
        return Risk("irreversible", f"{statement.words} What it does to {name} stays.")
    return Risk("risky", f"{statement.words} The database {name} is opened for reading only.")
