"""Findings for the panel: looked up, changed, deleted, computed again.

Here: findings as JSON. Not here: what is done with them (:mod:`analyst.session.findings`).
Functions but :func:`verified` block: they are called in a thread.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyst.frontends.server.errors import RefusedError
from analyst.session.findings import Findings
from analyst.session.remembering import shown_again
from analyst.session.verification import computed_again, sources_of

if TYPE_CHECKING:
    from analyst.memory.finding import Finding
    from analyst.settings import Settings

MOST_TAGS = 50
_LONGEST_TAG = 100
_LONGEST_WORDS = 1000


def search(settings: Settings, directory: Path, words: str, limit: int) -> list[dict[str, Any]]:
    """Return findings like some words, or the newest."""
    with Findings(settings, directory) as findings:
        return [as_json(one) for one in findings.search(words[:_LONGEST_WORDS], limit=limit)]


def get(settings: Settings, directory: Path, number: int) -> dict[str, Any]:
    """Return one finding."""
    with Findings(settings, directory) as findings:
        return as_json(findings.get(number))


def outputs(settings: Settings, directory: Path, number: int) -> list[dict[str, Any]]:
    """Return the charts and tables that a finding kept, as outputs of a notebook."""
    with Findings(settings, directory) as findings:
        kept = ((one.mime, findings.output(one.digest)) for one in findings.get(number).outputs)
        return [shown_again(mime, body) for mime, body in kept if body is not None]


def change(
    settings: Settings, directory: Path, number: int, changes: dict[str, Any]
) -> dict[str, Any]:
    """Pin a finding or let it go, replace its tags; raises :class:`RefusedError`."""
    tags, pinned = changes.get("tags"), changes.get("pinned")
    if pinned is not None and not isinstance(pinned, bool):
        raise RefusedError("pinned is yes or no.")
    if tags is not None and not (
        isinstance(tags, list)
        and len(tags) <= MOST_TAGS
        and all(isinstance(tag, str) and len(tag) <= _LONGEST_TAG for tag in tags)
    ):
        raise RefusedError(f"tags is a list of at most {MOST_TAGS} short texts.")
    with Findings(settings, directory) as findings:
        if tags is not None:
            findings.tag(number, tags)
        if pinned is not None:
            findings.pin(number, pinned=pinned)
        return as_json(findings.get(number))


def delete(settings: Settings, directory: Path, number: int) -> None:
    """Delete a finding."""
    with Findings(settings, directory) as findings:
        findings.get(number)
        findings.delete([number])


async def verified(settings: Settings, directory: Path, number: int) -> dict[str, Any]:
    """Compute a finding again, in a kernel of its own; in the agents' thread."""

    def load() -> Finding:
        with Findings(settings, directory) as findings:
            return findings.get(number)

    finding = await asyncio.to_thread(load)
    found = await computed_again(finding, sources_of(finding), settings)
    return {
        "outcome": found.outcome,
        "detail": found.detail,
        "outputs": [dict(output) for output in found.outputs],
    }


def as_json(finding: Finding) -> dict[str, Any]:
    """Return a finding as the panel takes it."""
    return finding.model_dump(
        mode="json",
        include={
            "number",
            "question",
            "answer",
            "values",
            "code",
            "setup",
            "created_at",
            "run_id",
            "notebook",
            "model",
            "tags",
            "pinned",
            "superseded_by",
            "outputs",
        },
    ) | {
        "data": [
            one.model_dump(mode="json", include={"name", "kind", "path", "rows", "bytes"})
            for one in finding.data
        ]
    }
