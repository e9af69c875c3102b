"""What all tests share."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put browser tests last: Playwright's event loop stays in the thread that used it."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
