"""The environment variables of a kernel: an allow-list, never the host's whole environment.

API keys live in environment variables; whatever is not named here stays out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_ALLOWED = frozenset(
    {
        "PATH", "HOME", "USER", "LOGNAME", "SHELL",
        "LANG", "LANGUAGE", "TZ",
        "VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "PYTHONHOME",
        "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH",
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
        "NUMEXPR_MAX_THREADS", "VECLIB_MAXIMUM_THREADS", "BLIS_NUM_THREADS",
        "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS", "LOKY_MAX_CPU_COUNT",
        "MPLCONFIGDIR", "XDG_CACHE_HOME", "PLOTLY_RENDERER",
        "GDAL_DATA", "PROJ_DATA", "PROJ_LIB", "R_HOME", "JULIA_DEPOT_PATH", "JAVA_HOME",
        "CUDA_VISIBLE_DEVICES",
    }
)  # fmt: skip


def kernel_environment(
    source: Mapping[str, str], *, private: Path, extra: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the variables for a kernel whose private directory is ``private``.

    ``source`` is the host's environment, of which the allow-list is taken; ``extra`` wins over
    it and is passed as it is. The kernel's own profile, history and temporary files are in
    ``private``, so the user's start-up files do not run in it and nothing is left behind.
    """
    environment = {
        name: value for name, value in source.items() if name in _ALLOWED or name.startswith("LC_")
    }
    # Module systems on clusters find packages so; a relative entry would be the working directory.
    search = [part for part in source.get("PYTHONPATH", "").split(":") if part.startswith("/")]
    if search:
        environment["PYTHONPATH"] = ":".join(search)
    environment |= {
        # A pandas.py in the working directory must not become pandas, nor the kernel itself.
        "PYTHONSAFEPATH": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "IPYTHONDIR": str(private / "ipython"),
        "TMPDIR": str(private / "tmp"),
        # Arrow's allocator takes a gigabyte at once, which would count against the memory limit.
        "MIMALLOC_ARENA_EAGER_COMMIT": "0",
    }
    if extra:
        environment |= extra
    return environment
