"""The agent: actions, the two protocols, the context, budgets and the loop.

This room drives a model and tools that are handed to it; it opens no kernel, file or socket.
"""
