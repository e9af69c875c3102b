"""What all tests share."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import settings

from .servers import mariadb, postgresql

# The same examples in each run, so that what fails fails again; HYPOTHESIS_PROFILE=search looks
# for new ones.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=2_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_configure() -> None:
    """Take Ctrl-C as usual, also where a script started the tests in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # IPython warns where it runs outside the environment that the caller's shell has activated.
    os.environ.pop("VIRTUAL_ENV", None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put browser tests last: Playwright's event loop stays in the thread that used it."""
    items.sort(key=lambda item: "playwright" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def start_postgresql():
    """Return what starts a PostgreSQL server, as a context manager."""
    return postgresql


@pytest.fixture(scope="session")
def start_mariadb():
    """Return what starts a MariaDB server, as a context manager."""
    return mariadb
