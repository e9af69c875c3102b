"""Asking frames, files and databases in SQL: the tools ``sql`` and ``sql_schema``."""

from __future__ import annotations

from collections.abc import Mapping

from analyst.configuration import Database
from analyst.tools.analysis_kernel import AnalysisKernel
from analyst.tools.sql.databases import SESSION
from analyst.tools.sql.schema_tool import SqlSchemaTool
from analyst.tools.sql.tool import SqlTool

__all__ = ["SESSION", "SqlSchemaTool", "SqlTool", "sql_tools"]


def sql_tools(
    kernel: AnalysisKernel, databases: Mapping[str, Database], *, deadline_seconds: float
) -> tuple[SqlTool, SqlSchemaTool]:
    """Make both tools over one kernel. ``deadline_seconds``: of a query of the session."""
    sql = SqlTool(kernel, databases, deadline_seconds=deadline_seconds)
    return sql, SqlSchemaTool(kernel, sql)
