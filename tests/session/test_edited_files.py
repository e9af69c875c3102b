"""A data file that was edited between two runs: the value of before is never stated as current."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from analyst.record import events

from .conftest import MakeSession
from .reading import collect, of_kind, the_answer

BEFORE = "region,price\nnorth,1.0\nsouth,2.0\nnorth,6.0\n"
QUESTION = "What is the mean price?"
RUN = ["```python\nprint(df['price'].mean())\n```", "FINAL: The mean price is 3.0."]


def text(content: str) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        path.write_text(content)

    return edit


def as_if_never_touched(content: str) -> Callable[[Path], None]:
    """Keep the time of the last change, as some tools do."""

    def edit(path: Path) -> None:
        was = path.stat()
        path.write_text(content)
        os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))

    return edit


def another_moved_in(content: str) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        other = path.with_name("other.csv")
        other.write_text(content)
        other.replace(path)

    return edit


CONTENTS = {
    "a digit": BEFORE.replace("6.0", "7.0"),
    "a row more": f"{BEFORE}west,9.0\n",
    "a row less": BEFORE.rpartition("north")[0],
    "rows in another order": "region,price\nsouth,2.0\nnorth,1.0\nnorth,7.0\n",
    "a column more": "region,price,cost\nnorth,1.0,1\nsouth,2.0,1\nnorth,9.0,1\n",
    "a null": BEFORE.replace("6.0", ""),
}
EDITS = {
    **{name: text(content) for name, content in CONTENTS.items()},
    **{f"{name}, time kept": as_if_never_touched(one) for name, one in CONTENTS.items()},
    **{f"{name}, moved in": another_moved_in(one) for name, one in CONTENTS.items()},
    "the last byte": text(f"{BEFORE[:-2]}1\n"),
    "ten times as long": text(BEFORE + "east,5.5\n" * 30),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
async def test_an_edited_file_is_computed_anew(
    make_session: MakeSession, tmp_path: Path, edit: Callable[[Path], None]
) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(BEFORE)
    await collect(make_session(RUN), QUESTION, files=[path])
    edit(path)
    assert path.read_text() != BEFORE
    stream = await collect(make_session(["FINAL: It was computed."]), QUESTION, files=[path])
    assert the_answer(stream).text == "It was computed."
    assert [one.tool for one in of_kind(stream, events.ToolCallStarted)] == ["python"]
    for prompt in of_kind(stream, events.Prompt):
        assert "The mean price is 3.0." not in str(prompt.messages)
