"""Tools the agent can call: each a typed function with a JSON Schema and a textual observation.

This room knows nothing of language models; the agent gives it arguments and shows it outputs.
"""
