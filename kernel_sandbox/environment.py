"""The environment variables of a kernel: an allow-list, never the host's whole environment.

API keys live in environment variables; whatever is not named here stays out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from kernel_sandbox.directories import Layout

_ALLOWED = frozenset(
    {
        "PATH", "LANG", "LANGUAGE", "TZ",
        "VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "PYTHONHOME",
        "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH",
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
        "NUMEXPR_MAX_THREADS", "VECLIB_MAXIMUM_THREADS", "BLIS_NUM_THREADS",
        "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS", "LOKY_MAX_CPU_COUNT",
        "PLOTLY_RENDERER",
        "GDAL_DATA", "PROJ_DATA", "PROJ_LIB", "R_HOME", "JULIA_DEPOT_PATH", "JAVA_HOME",
        "CUDA_VISIBLE_DEVICES",
    }
)  # fmt: skip

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS")
_MOST_THREADS = 8
"""Each thread's stack counts against the memory limit, and some machines have a hundred cores."""

MARK = "KERNEL_SANDBOX"
"""A variable that tells which kernel a process belongs to, by its private directory."""

PROXY_PORT = 3128
"""The port of a sandbox's loopback that leads to the hosts it may reach."""


def kernel_environment(
    source: Mapping[str, str],
    *,
    layout: Layout,
    extra: Mapping[str, str] | None = None,
    proxied: bool = False,
) -> dict[str, str]:
    """Return the variables for a kernel in the private directory of ``layout``.

    ``source`` is the host's environment, of which the allow-list is taken; ``extra`` wins over
    it and is passed as it is. The kernel's own profile, history and temporary files are private,
    so the user's start-up files do not run in it and nothing is left behind.
    """
    environment = {
        name: value for name, value in source.items() if name in _ALLOWED or name.startswith("LC_")
    }
    # Module systems on clusters find packages so; a relative entry would be the working directory.
    search = python_path(source)
    if search:
        environment["PYTHONPATH"] = ":".join(search)
    threads = str(min(_MOST_THREADS, os.cpu_count() or 1))
    environment = dict.fromkeys(_THREADS, threads) | environment
    environment |= {
        "HOME": str(layout.home),
        "USER": "user",
        "LOGNAME": "user",
        "SHELL": "/bin/sh",
        # A pandas.py in the working directory must not become pandas, nor the kernel itself.
        "PYTHONSAFEPATH": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "IPYTHONDIR": str(layout.ipython),
        "TMPDIR": str(layout.temporary),
        # Arrow's allocator takes a gigabyte at once, which would count against the memory limit.
        "MIMALLOC_ARENA_EAGER_COMMIT": "0",
    }
    if proxied:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            environment[name] = f"http://127.0.0.1:{PROXY_PORT}"
        environment["no_proxy"] = environment["NO_PROXY"] = "localhost,127.0.0.1,::1"
    if extra:
        environment |= extra
    return environment | {MARK: str(layout.root)}


def python_path(source: Mapping[str, str]) -> list[str]:
    """Return the absolute directories of ``PYTHONPATH`` in ``source``."""
    return [part for part in source.get("PYTHONPATH", "").split(":") if part.startswith("/")]
