"""Evaluation: question suites, their official scoring, runs over fresh sessions, reports.

Nothing here talks to a model or a kernel: questions go through sessions only.
"""
