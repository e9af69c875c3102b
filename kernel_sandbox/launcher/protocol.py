"""What the supervisor and its owner say to each other besides JSON."""

STOP = 0
"""The control byte that asks for the end; any other byte is a signal number to pass on."""

EXEC_FAILED = 127
"""The exit code of a kernel that could not be run at all."""
