"""The web, as far as the user's configuration lets it be reached: pages as text, and a search.

Nothing here is offered unless ``[web]`` is configured. Not here: the network of the agent's kernel
(``kernel_sandbox``).
"""
