"""Kernels that a Jupyter gateway runs elsewhere, behind the same session.

:class:`Gateway` names one; give it to :meth:`kernel_sandbox.KernelSession.start`. What isolates
the code there is the gateway's matter.
"""

from kernel_sandbox.gateway.rest import Gateway

__all__ = ["Gateway"]
