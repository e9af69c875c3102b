"""The JSON Schema of the events, for readers in other languages.

``python -m analyst.record.schema`` prints it; the panel keeps that text as
``extension/events.schema.json`` and makes its types from it. Not here: the events
(:mod:`analyst.record.events`).
"""

from __future__ import annotations

import json
import sys

from analyst.record.events import EventCodec


def schema_text() -> str:
    """Return the schema as JSON text that changes only when the events do."""
    return json.dumps(EventCodec.json_schema(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
