from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyst.llm.sources import HubFile
from analyst.llm.weights import PullProgress, partial_path
from analyst.llm.weights_errors import PullFailedError
from analyst.llm.weights_pull import pull

from .weights_kit import CONTENT, ENTRY, REVISION, FakeSource, Hub, serve_hub


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANALYST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "cache"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve_hub() as hub:
        yield hub


def _pull(hub: Hub) -> Path:
    return pull(ENTRY, sources=[HubFile(endpoint=hub.url)]).path


def _reason(hub: Hub) -> str:
    with pytest.raises(PullFailedError) as caught:
        _pull(hub)
    return caught.value.failures[0].reason


def test_the_pinned_revision_is_asked_for(hub: Hub) -> None:
    assert _pull(hub).read_bytes() == CONTENT
    assert hub.paths == [f"/nobody/tiny/resolve/{REVISION}/tiny.gguf"]
    assert hub.ranges == [None]


def test_a_cut_connection_is_taken_up_where_it_was_cut(hub: Hub) -> None:
    hub.cut_after = 100_000
    assert _pull(hub).read_bytes() == CONTENT
    assert hub.ranges == [None, "bytes=100000-", "bytes=200000-", "bytes=300000-"]


def test_an_interrupted_pull_resumes(hub: Hub) -> None:
    hub.cut_after = 150_000

    def stop(now: PullProgress) -> None:
        if now.done == 150_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(ENTRY, sources=[HubFile(endpoint=hub.url)], on_progress=stop)
    begun = partial_path(ENTRY).stat().st_size
    assert begun == 150_000
    hub.cut_after = None
    assert _pull(hub).read_bytes() == CONTENT
    assert hub.ranges[1:] == ["bytes=150000-"]


def test_a_server_that_ignores_ranges_starts_over(hub: Hub) -> None:
    partial_path(ENTRY).parent.mkdir(parents=True)
    partial_path(ENTRY).write_bytes(CONTENT[:1000])
    hub.ignore_range = True
    assert _pull(hub).read_bytes() == CONTENT


def test_a_connection_that_brings_nothing_is_given_up(hub: Hub) -> None:
    hub.cut_after = 0
    assert _reason(hub) == "the connection was cut"
    assert len(hub.ranges) == 3


def test_a_file_of_another_size_is_not_even_fetched(hub: Hub) -> None:
    hub.size = 5
    assert _reason(hub) == "offers 5 bytes instead of 312,345"
    assert hub.ranges == []


def test_another_file_of_the_same_size_is_refused(hub: Hub) -> None:
    hub.content = bytes(len(CONTENT))
    assert _reason(hub) == "sent a file with the wrong hash"


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
def test_a_refusal_gives_way_to_the_next_source_at_once(hub: Hub, status: int) -> None:
    hub.status = status
    began = time.monotonic()
    result = pull(ENTRY, sources=[HubFile(endpoint=hub.url), FakeSource()])
    assert time.monotonic() - began < 2
    assert result.source == "fake source"
    assert result.failures[0].reason == f"answered {status}"


def test_an_unreachable_hub_gives_way_to_the_next_source_at_once(hub: Hub) -> None:
    began = time.monotonic()
    result = pull(ENTRY, sources=[HubFile(endpoint="http://127.0.0.1:9"), FakeSource()])
    assert time.monotonic() - began < 2
    assert result.source == "fake source"
    assert result.failures[0].reason == "no connection"
