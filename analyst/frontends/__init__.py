"""The faces of the project: the notebook magics, their views, and the command line.

A front end starts a session and reads its events. It knows no kernel, no model and no tool.
"""
