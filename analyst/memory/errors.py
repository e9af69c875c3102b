"""What can go wrong with findings, as sentences that say what to do."""

from __future__ import annotations


class FindingsError(Exception):
    """Anything the memory of findings raises."""


class StoreError(FindingsError):
    """The database cannot be opened, read or written."""


class StoreDamagedError(StoreError):
    """The database is damaged; the message says where the copy of it is."""


class UnknownFindingError(FindingsError):
    """There is no finding of that number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"There is no finding F{number}; analyst findings search lists them.")


class EmbeddingError(FindingsError):
    """No embedding could be computed."""


class ExchangeError(FindingsError):
    """A file of findings cannot be written or read."""
