"""Helper code that runs inside the agent's kernel, sent there as source text.

The modules must stay self-contained (the kernel need not have this package installed): they
import the standard library, pandas where a frame is at hand, and each other. They leave no
name in the user's namespace and never fail because of what a cell left behind.
"""

MODULES = (
    "texts",
    "frames",
    "profile",
    "asked",
    "columns",
    "nulls",
    "changes",
    "values",
    "snapshots",
    "usual",
    "hints",
    "sql",
    "narrowed",
    "unconverted",
    "unused",
    "bins",
    "merges",
    "repeats",
    "joins",
    "matches",
    "orderings",
    "losses",
    "shares",
    "suspicions",
    "cells",
    "artefacts",
)
"""The modules, in the order in which they are loaded."""
