"""Source that is sent to notebooks' kernels; nothing imports it here.

It runs in whatever environment the notebook has, so it imports the standard library at its top
and nothing else, and is written for every Python that has ipykernel.
"""
