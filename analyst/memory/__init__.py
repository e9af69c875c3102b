"""Findings: what runs executed, kept for good, and recalled when the question comes back.

The table is the truth; the index is derived from it. Not here: when a run saves or recalls
(:mod:`analyst.session`).
"""
