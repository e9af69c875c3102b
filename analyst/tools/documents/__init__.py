"""Documents as text: PDF, HTML, notebooks, Markdown and plain text, whoever wrote them.

What a hostile file can slow down or blow up (PDF and HTML) is read in a process of its own, under
limits. Not here: where documents come from (:mod:`analyst.tools.web`,
:mod:`analyst.tools.knowledge`).
"""
