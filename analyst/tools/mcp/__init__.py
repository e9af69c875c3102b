"""Tools of Model Context Protocol servers: programs and addresses that the user configured.

Here: connections to servers, and what they offer as tools of ours. All that a server says is the
word of a stranger: it is cut, cleaned and never believed where belief would save a question. Not
here: what is configured (:mod:`analyst.configuration`), and who is asked
(:mod:`analyst.tools.permissions`).
"""
