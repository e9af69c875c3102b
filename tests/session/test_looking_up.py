"""The sources of documents and the web: off unless configured, and never in the way of a run."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from analyst.configuration import Configuration, Knowledge, Web
from analyst.session.knowledge_tools import KnowledgeTools
from analyst.session.toolbox import Bench
from analyst.session.web_tools import WebTools
from analyst.settings import Settings


@pytest.fixture
def bench(tmp_path):
    """Return what makes a bench of some configuration; ``told`` are its sentences."""
    told = []

    def make(**configured):
        return Bench(
            settings=Settings(),
            configuration=Configuration(**configured),
            kernel=SimpleNamespace(),
            cwd=tmp_path,
            data_directory=tmp_path / "data",
            notify=told.append,
        )

    make.told = told
    return make


async def test_nothing_is_offered_unless_it_is_configured(bench):
    for source in (KnowledgeTools(), WebTools()):
        assert list(await source.tools(bench())) == []
        await source.aclose()
    assert await KnowledgeTools().search("anything") == []
    assert not list(bench().data_directory.glob("*"))


async def test_the_web_as_it_is_configured(bench):
    source = WebTools()
    offered = bench(web=Web(allow=("docs.example.org",), search_url="https://s.example/{query}"))
    tools = await source.tools(offered)
    assert [tool.name for tool in tools] == ["web_fetch", "web_search"]
    # The same ones for the next run, which go on with the pages they have.
    assert [*await source.tools(offered)] == [*tools]
    await source.aclose()


async def test_a_wrong_list_is_told(bench):
    assert list(await WebTools().tools(bench(web=Web(allow=("no host",))))) == []
    assert len(bench.told) == 1
    assert "'no host' is no host" in bench.told[0]


async def test_documents_are_looked_up_by_the_tool_and_without_it(bench, tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "churn.md").write_text("# Churn\nA customer is churned after 90 days.")
    source = KnowledgeTools()
    configured = bench(knowledge=Knowledge(folders=(folder,)))
    (tool,) = await source.tools(configured)
    results = [item async for item in tool.run({"query": "When is a customer churned?"})]
    assert "[K1: churn.md, Churn]" in results[-1].observation
    assert (await source.search("churned customer"))[0].text.startswith("A customer")
    # Other folders are another library.
    assert list(await source.tools(bench())) == []
    assert await source.search("churned customer") == []
    await source.aclose()
    assert (tmp_path / "data" / "knowledge").is_dir()
