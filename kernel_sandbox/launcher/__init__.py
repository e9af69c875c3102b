"""Programs that run beside or inside a sandbox, each with ``python -I -S`` and the library only.

:mod:`supervise` starts a kernel and outlives it, :mod:`confine` gives up rights and becomes the
kernel, :mod:`proxy` and :mod:`relay` let chosen hosts through. They are run by absolute path, so
nothing in a working directory and no installed package runs before them. Here: nothing that
imports the rest of :mod:`kernel_sandbox`.
"""
