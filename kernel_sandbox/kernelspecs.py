"""Which kernels there are: the running interpreter's own, and the installed ones."""

from __future__ import annotations

import sys

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager, NoSuchKernel

from kernel_sandbox.errors import KernelStartError

CURRENT = "python3"
"""The name of the kernel that runs in the interpreter we run in."""


class SandboxKernelSpecManager(KernelSpecManager):
    """Finds installed kernels, and :data:`CURRENT` without any being installed."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the kernelspec; raises :class:`KernelStartError` naming those there are."""
        if kernel_name == CURRENT:
            return KernelSpec(
                argv=[
                    sys.executable,
                    "-m",
                    "ipykernel_launcher",
                    "-f",
                    "{connection_file}",
                    # Code of an agent is not the user's history.
                    "--HistoryManager.enabled=False",
                ],
                display_name="Python 3 (sandbox)",
                language="python",
            )
        try:
            return super().get_kernel_spec(kernel_name)
        except NoSuchKernel:
            known = sorted({CURRENT, *self.find_kernel_specs()})
            raise KernelStartError(
                f"There is no kernel named {kernel_name!r}; there are: {', '.join(known)}."
            ) from None
