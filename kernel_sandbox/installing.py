"""Isolated kernels that users pick in JupyterLab: writing their kernelspecs.

Such a kernelspec is that of any installed kernel, with the policy in its metadata; Jupyter then
starts it through :class:`kernel_sandbox.provisioner.SandboxProvisioner`.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

from kernel_sandbox.errors import KernelSandboxError
from kernel_sandbox.kernelspecs import CURRENT, SandboxKernelSpecManager
from kernel_sandbox.policy import Policy

PROVISIONER = "kernel-sandbox"
_NAME = re.compile(r"[a-z0-9._-]+", re.IGNORECASE)


class InstallError(KernelSandboxError):
    """A kernelspec could not be written or removed; the message says what to do."""


def install(
    name: str,
    *,
    display_name: str,
    policy: Policy,
    kernel: str = CURRENT,
    user: bool = False,
    prefix: str | None = None,
) -> Path:
    """Write the kernelspec ``name`` and return its directory.

    ``kernel``: the kernel to isolate, by default the running interpreter's. ``user``: for this
    user; ``prefix``: below that directory, else where Jupyter looks for everybody's. Raises
    :class:`InstallError` and :class:`~kernel_sandbox.errors.KernelStartError`.
    """
    if not _NAME.fullmatch(name):
        raise InstallError(f"{name!r} is no name for a kernel; use letters, digits, . _ and -.")
    spec = SandboxKernelSpecManager().get_kernel_spec(kernel)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / name
        resources = Path(spec.resource_dir) if spec.resource_dir else None
        if resources is not None and resources.is_dir():
            shutil.copytree(resources, source)
        else:
            source.mkdir()
            _copy_logos(source)
        description: dict[str, Any] = spec.to_dict()
        description["display_name"] = display_name
        metadata = dict(description.get("metadata") or {})
        metadata["kernel_provisioner"] = {
            "provisioner_name": PROVISIONER,
            "config": {"policy": policy.to_dict()},
        }
        description["metadata"] = metadata
        (source / "kernel.json").write_text(json.dumps(description, indent=1), encoding="utf-8")
        try:
            written = KernelSpecManager().install_kernel_spec(
                str(source), name, user=user, prefix=prefix
            )
        except OSError as error:
            raise InstallError(
                f"The kernelspec could not be written: {error.strerror}: {error.filename}. "
                "Try --user, or --sys-prefix for the running environment."
            ) from error
    return Path(written)


def uninstall(name: str) -> Path:
    """Remove the kernelspec ``name`` if it is one of ours; return where it was.

    Raises :class:`InstallError`.
    """
    manager = KernelSpecManager()
    try:
        spec = manager.get_kernel_spec(name)
    except NoSuchKernel:
        raise InstallError(f"There is no kernel named {name!r}.") from None
    chosen = (spec.metadata or {}).get("kernel_provisioner", {}).get("provisioner_name")
    if chosen != PROVISIONER:
        raise InstallError(f"The kernel {name!r} is not one of kernel_sandbox's; it stays.")
    try:
        return Path(manager.remove_kernel_spec(name))
    except OSError as error:
        raise InstallError(
            f"{spec.resource_dir} could not be removed: {error.strerror}."
        ) from error


def _copy_logos(folder: Path) -> None:
    """Take ipykernel's pictures for a kernel that has none of its own."""
    import ipykernel  # noqa: PLC0415 - may be missing where another kernel is isolated

    for picture in (Path(ipykernel.__file__).parent / "resources").glob("logo-*"):
        shutil.copy(picture, folder)


def environment_prefix() -> str:
    """Return the prefix of the running environment, for ``install(prefix=)``."""
    return sys.prefix
