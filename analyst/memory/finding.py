"""A finding: something that was executed, with where it came from.

Here: the plain data. Not here: where it is kept (:mod:`analyst.memory.store`).
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Scalar = bool | int | float | str | None


class KeyValue(BaseModel):
    """One value of an answer.

    ``unit``: as the answer or the name gives it. ``named``: it was asked for by this name, and read
    from a variable; else the name is words of the answer, and stands for nothing but itself.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    value: Scalar
    unit: str | None = None
    named: bool = True


class DataFingerprint(BaseModel):
    """What data a finding was computed on.

    ``content``: hash of schema and content. ``columns``: names and types, as far as known.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    kind: Literal["frame", "file"]
    content: str
    path: str | None = None
    rows: int | None = None
    bytes: int = 0
    columns: tuple[tuple[str, str], ...] = ()

    @property
    def source(self) -> str:
        """Where it comes from: the path of a file, else a frame's name."""
        return self.path if self.kind == "file" and self.path else f"frame {self.name}"

    def is_source_of(self, other: DataFingerprint) -> bool:
        """Whether both are the same file, or frames of the same name with a column in common.

        Their contents may differ: that is what data that changed is told by.
        """
        if self.kind == "file" and other.kind == "file":
            return self.path == other.path
        if self.name != other.name:
            return False
        mine, others = ({name for name, _ in one.columns} for one in (self, other))
        return bool(mine & others) or not (mine and others)


class Output(BaseModel):
    """An output that is kept: a MIME type and the SHA-256 of its bytes."""

    model_config = ConfigDict(frozen=True)

    mime: str
    digest: str


class Finding(BaseModel):
    """A question, what was computed for it, and how.

    ``code``: what the run executed with success. ``setup``: earlier code of the conversation
    that it builds on. ``changed_data``: that code changed the data first, so the answer does
    not hold for the data as it is. ``follow_up``: the question may lean on an earlier one.
    ``unrepeatable``: the code reads what is not in the data: other files, the clock, chance.
    ``seconds``: that its code took, if known. ``number``: its name in citations, given by the
    store; ``revision``: counts all changes of a store. ``superseded_by``: the number of a newer
    one.
    """

    model_config = ConfigDict(frozen=True)

    question: str
    answer: str
    values: tuple[KeyValue, ...] = ()
    code: str
    setup: str = ""
    changed_data: bool = False
    follow_up: bool = False
    unrepeatable: bool = False
    seconds: float | None = None
    outputs: tuple[Output, ...] = ()
    data: tuple[DataFingerprint, ...] = ()
    notebook: str | None = None
    project: str | None = None
    run_id: str | None = None
    model: str | None = None
    created_at: str = Field(
        default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds")
    )
    tags: tuple[str, ...] = ()
    pinned: bool = False
    uid: str = Field(default_factory=lambda: uuid.uuid4().hex)
    number: int | None = None
    revision: int = 0
    superseded_by: int | None = None

    @property
    def builds_on_more(self) -> bool:
        """Whether its values hold only with more than its data: what was before, or is outside."""
        return self.changed_data or self.follow_up or self.unrepeatable or bool(self.setup)

    @property
    def citation(self) -> str:
        """How an answer refers to it."""
        return f"[F{self.number}]"

    @property
    def named_values(self) -> dict[str, Scalar]:
        """The values that were asked for by name."""
        return {one.name: one.value for one in self.values if one.named}

    def searchable(self) -> str:
        """Return what full-text search looks through."""
        values = " ".join(self.named_values)
        names = " ".join(one.name for one in self.data)
        return " ".join((self.question, values, names, *self.tags))
