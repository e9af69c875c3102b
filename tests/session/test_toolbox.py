"""The names of our own tools are kept for them."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace
from typing import Any

import pytest

from analyst.configuration import Configuration, Knowledge, Web
from analyst.session.toolbox import RESERVED, Bench, InstalledTools, Toolbox
from analyst.settings import Settings
from analyst.tools.plan import PlanTool
from analyst.tools.python import PythonTool
from analyst.tools.recall import RecallTool


@pytest.fixture
def workspace(tmp_path):
    """Return a folder that is a repository."""
    folder = tmp_path / "project"
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    return folder


async def test_all_our_own_tools_are_named_as_reserved(tmp_path, workspace):
    notes = tmp_path / "notes"
    notes.mkdir()
    toolbox = Toolbox()
    toolbox.sources = [one for one in toolbox.sources if not isinstance(one, InstalledTools)]
    nowhere: Any = SimpleNamespace(session=None)
    bench = Bench(
        settings=Settings(workspace=str(workspace)),
        configuration=Configuration(
            knowledge=Knowledge(folders=(notes,)),
            web=Web(allow=("docs.example.org",), search_url="https://search.example.org"),
        ),
        kernel=nowhere,
        cwd=tmp_path,
        data_directory=tmp_path,
    )
    try:
        offered = {tool.name for tool in await toolbox.tools(bench)}
    finally:
        await toolbox.aclose()
    assert offered | {PythonTool.name, RecallTool.name, PlanTool.name} == RESERVED
