"""Code that runs beside a project's tests, in the sandbox, sent there as source text.

The modules import the standard library alone: the sandbox need not have this package.
"""
