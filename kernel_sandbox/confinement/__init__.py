"""What the operating system is asked to deny a kernel, and how: worked out on the host.

Here: which files, system calls and namespaces a kernel gets, and which of the ways this machine
allows. Not here: applying it, which the programs of :mod:`kernel_sandbox.launcher` do.
"""
