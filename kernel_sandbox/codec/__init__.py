"""Frames as Arrow tables and back, exactly where possible, telling where not.

The modules here are used on both sides: imported by the host, and run from their source inside
kernels (which need not have this package). So they import each other, the standard library,
NumPy, pandas and pyarrow, and nothing else at their top.
"""
