"""Calls of the sql tool as code of a clean notebook.

Here: one query as Python that runs without the analyst. Not here: which calls those are
(:mod:`analyst.frontends.export`). The address of a database is never written down: the notebook
takes it from the environment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from analyst.tools.sql.databases import SESSION


def code_of_query(arguments: Mapping[str, Any]) -> str:
    """Return the Python that does what a call of the sql tool did; "" for a call without query.

    Its last line shows the result. Queries of the session find frames by their variables' names,
    as duckdb looks for them where it is called.
    """
    query = str(arguments.get("query") or "").strip()
    if not query:
        return ""
    name = str(arguments.get("save_as") or "")
    database = str(arguments.get("database") or SESSION)
    if database == SESSION:
        imported, asked = ["import duckdb"], f"duckdb.sql({_literal(query)}).df()"
    else:
        variable = _variable_of(database)
        imported = ["import os", "import pandas as pd", "import sqlalchemy as sa"]
        asked = (
            f"pd.read_sql(\n    sa.text({_literal(_without_binds(query))}),\n"
            f'    sa.create_engine(os.environ["{variable}"]),  '
            f"# the SQLAlchemy URL of {_in_comment(database)}\n)"
        )
    shown = f"{name} = {asked}\n{name}" if name.isidentifier() else asked
    return "\n".join([*imported, shown])


def _variable_of(database: str) -> str:
    return re.sub(r"\W", "_", database, flags=re.ASCII).upper() + "_URL"


def _in_comment(text: str) -> str:
    return " ".join(text.split())


def _without_binds(query: str) -> str:
    # sqlalchemy takes :name for a parameter, but not \:name; a cast (::) is none.
    return re.sub(r"(?<![:\\\w]):(?=\w)", r"\\:", query)


def _literal(query: str) -> str:
    # What Python reads otherwise than it stands there, such as \r, only a repr can write.
    plain = re.sub(r"[\n\t]", "", query).isprintable()
    if "\n" not in query or not plain or '"""' in query or "\\" in query or query.endswith('"'):
        return repr(query)
    return f'"""\n{query}\n"""'
