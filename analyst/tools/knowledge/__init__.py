"""The user's own documents: read, cut into passages, indexed, and found by a question.

The index is derived from the files and thrown away when in doubt. It is made of the same pieces as
that of findings (:mod:`analyst.memory`). Not here: the reading of a file
(:mod:`analyst.tools.documents`).
"""
