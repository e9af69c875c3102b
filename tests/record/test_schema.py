from __future__ import annotations

from pathlib import Path

from analyst.record.schema import schema_text

COMMITTED = Path(__file__).parents[2] / "extension" / "events.schema.json"


def test_the_panels_copy_of_the_schema_is_the_schema():
    # After a change of the events: python -m analyst.record.schema > that file; jlpm types
    assert COMMITTED.read_text(encoding="utf-8") == schema_text()
