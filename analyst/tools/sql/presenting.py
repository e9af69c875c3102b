"""A query's result, as a table for the user and as a short text for the model."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from analyst.tools.kernel_side import sql as kernel_sql
from analyst.tools.observation import SUCCESS_LIMIT, clean
from analyst.tools.registry import ToolOutput
from analyst.tools.sql.frames import Fetched

SHOWN_ROWS = 50
"""Rows in the user's table; the model is told as many of them as its text has room for."""

_COLUMNS_TOLD = 60
_CELL_TOLD = 60
_CELL_OF_FEW = 400
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True)
class Result:
    """The first rows of a result, and how many there are. ``more``: than were read."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Any, ...], ...]
    count: int
    more: bool

    @classmethod
    def of_kernel(cls, told: Mapping[str, Any]) -> Self:
        """Take what the kernel told; raises :class:`ValueError` for what is no result."""
        try:
            return cls(
                columns=tuple((str(name)[:300], str(kind)[:100]) for name, kind in told["columns"]),
                rows=tuple(tuple(row) for row in told["rows"][:SHOWN_ROWS]),
                count=int(told["count"]),
                more=bool(told["more"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError("the kernel told no result") from error

    @classmethod
    def of_fetched(cls, fetched: Fetched) -> Self:
        """Take what was fetched here."""
        columns = [list(one) for one in fetched.columns]
        return cls.of_kernel(
            kernel_sql.shown(columns, fetched.frame, more=fetched.more, rows=SHOWN_ROWS)
        )

    @property
    def size(self) -> str:
        """The number of rows in words."""
        if self.more:
            return f"more than {self.count} rows; the first {self.count} were read"
        return "1 row" if self.count == 1 else f"{self.count} rows"

    def output(self) -> ToolOutput:
        """Return the table that the user sees."""
        names = [name for name, _ in self.columns]
        shown = [[_plain(value, kernel_sql.CELL_LENGTH) for value in row] for row in self.rows]
        left = self.count - len(shown)
        note = f"{left} rows more" if left > 0 else ""
        note = f"{note} ({self.size})" if self.more else note
        text = "\n".join(" | ".join(row) for row in [[_plain(name, 300) for name in names], *shown])
        data = {
            "text/html": _html(names, shown, note),
            "text/plain": text + (f"\n{note}" * bool(note)),
        }
        return ToolOutput(output={"output_type": "display_data", "data": data, "metadata": {}})

    def observation(self, limit: int = SUCCESS_LIMIT) -> str:
        """Return what the model is told: columns and types, how many rows, the first of them."""
        told = self.columns[:_COLUMNS_TOLD]
        head = f"{self.size}. Columns: " + ", ".join(f"{_plain(n, 100)} {t}" for n, t in told)
        if len(self.columns) > len(told):
            head += f" and {len(self.columns) - len(told)} more"
        lines = [head]
        width = _CELL_OF_FEW if self.count * len(self.columns) <= 4 else _CELL_TOLD
        room = limit - len(head)
        for row in self.rows:
            line = " | ".join(_plain(value, width) for value in row[:_COLUMNS_TOLD])
            room -= len(line) + 1
            if room < 0 and len(lines) > 1:
                break
            lines.append(line)
        left = self.count - (len(lines) - 1)
        if left > 0:
            lines.append(f"[… {left} more rows not shown …]")
        return "\n".join(lines)


def _plain(value: Any, most: int) -> str:
    """Return a cell in one line, of a text that may hold anything."""
    if value is None:
        return "NULL"
    if isinstance(value, float):
        return f"{value:.10g}"
    text = _CONTROL.sub(" ", clean(str(value)))
    return text if len(text) <= most else text[:most] + "…"


def _html(names: Sequence[str], rows: Sequence[Sequence[str]], note: str) -> str:
    head = "".join(f"<th>{html.escape(_plain(name, 300))}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    table = (
        f'<table border="1" class="dataframe"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )
    return table + (f"<p>{html.escape(note)}</p>" if note else "")
