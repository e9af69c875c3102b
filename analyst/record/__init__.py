"""The record of a run: its typed events and the log that keeps them.

Nothing here knows how a run is made or shown; this room imports no other.
"""
