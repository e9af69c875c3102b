"""How risky a query is, by the database it goes to."""

from __future__ import annotations

from collections.abc import Sequence

from analyst.configuration import Database
from analyst.tools.risk import Risk
from analyst.tools.sql.databases import DIALECTS, kind_of
from analyst.tools.sql.statements import Places, read

IN_SESSION = "It reads the session's frames and files in the isolated kernel."
_ELSEWHERE = "It reads the session's frames and files in the kernel, and nothing outside of them."


def judge_in_session(
    query: object, *, hosts: Sequence[str], isolated: bool, private: bool = True
) -> Risk:
    """Judge a query that runs in the kernel. Never raises.

    ``hosts``, ``isolated``, ``private``: what that may reach, as in
    :class:`analyst.tools.reach.Reach`. Where nothing holds a query, or not from hosts, it may call
    what is known to compute, and read files by names that are spelled out.
    """
    private = private and isolated
    if isolated and private and not hosts:
        statement = read(query, "duckdb", functions="own")
        return Risk("safe", IN_SESSION) if statement.reads else Risk("contained", statement.words)
    places: Places = "machine" if private else "folder"
    statement = read(query, "duckdb", functions="known", places=places)
    reached = f"This kernel reaches {', '.join(hosts)}."
    if not isolated:
        reached = "The kernel is not isolated: a query can read all files that you can."
    if not statement.reads:
        return Risk("risky", f"{statement.words} {reached}")
    if not isolated:
        return Risk("contained", reached)
    return Risk("safe", IN_SESSION if private else _ELSEWHERE)


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
