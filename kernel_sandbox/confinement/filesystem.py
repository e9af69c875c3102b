"""Which of the host's files a kernel cannot do without: the system's and its interpreter's.

Everything else of the host (homes, projects, sockets, secrets in ``/etc``) is not there for it.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

SYSTEM = tuple(map(Path, ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")))
"""Programs and libraries; on many systems most of them are links into ``/usr``."""

SETTINGS = tuple(
    Path("/etc") / name
    for name in (
        "alternatives",
        "ca-certificates",
        "crypto-policies",
        "fonts",
        "ld.so.cache",
        "ld.so.conf",
        "ld.so.conf.d",
        "locale.alias",
        "locale.conf",
        "localtime",
        "mime.types",
        "os-release",
        "pki/ca-trust/extracted",
        "pki/tls/cert.pem",
        "pki/tls/certs",
        "protocols",
        "services",
        "ssl/certs",
        "ssl/openssl.cnf",
        "terminfo",
        "timezone",
    )
)
"""Settings of the system that hold no secrets."""

PROCESSORS = Path("/sys/devices/system/cpu")
DEVICES = tuple(map(Path, ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")))

_PACKAGES = ("site-packages", "dist-packages")
_ASK_SECONDS = 20.0
_ASK = """
import json, site, sys
paths = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix]
paths += [path for path in site.getsitepackages() if path in sys.path]
if site.ENABLE_USER_SITE:
    paths.append(site.getusersitepackages())
print(json.dumps(paths))
"""


def interpreter_paths(program: str, *, source: Sequence[str] = ()) -> tuple[Path, ...]:
    """Return the directories that a kernel's program needs besides the system's.

    ``program`` is what its command line begins with. A Python tells its prefixes; of another
    program the directory it is installed in is taken. ``source``: directories of PYTHONPATH, of
    which those with installed packages are taken, and no project's.
    """
    found = shutil.which(program)
    if found is None:
        return ()
    paths = {*_paths_of(os.path.abspath(found))}  # noqa: PTH100 - keeps links
    paths |= {path for path in map(Path, source) if path.name in _PACKAGES}
    return tuple(sorted(path for path in paths if not is_part_of_system(path)))


def is_part_of_system(path: Path) -> bool:
    """Whether ``path`` is granted with :data:`SYSTEM` anyway."""
    return any(path.is_relative_to(folder) for folder in SYSTEM)


@functools.cache
def _paths_of(program: str) -> tuple[Path, ...]:
    # Two environments can share one interpreter, so links are not followed to tell them apart.
    if program == os.path.abspath(sys.executable):  # noqa: PTH100
        return _with_real(_own_paths(), program)
    if "python" in os.path.basename(program).lower():  # noqa: PTH119
        try:
            answer = subprocess.run(
                [program, "-c", _ASK],
                capture_output=True,
                text=True,
                timeout=_ASK_SECONDS,
                check=True,
                cwd="/",
            )
            return _with_real(json.loads(answer.stdout.splitlines()[-1]), program)
        except (OSError, subprocess.SubprocessError, ValueError, IndexError):
            pass
    return _with_real([], program)


def _own_paths() -> list[str]:
    import site  # noqa: PLC0415 - not there under -S

    paths = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix]
    paths += [path for path in site.getsitepackages() if path in sys.path]
    if site.ENABLE_USER_SITE and (user := site.getusersitepackages()) in sys.path:
        paths.append(user)
    return paths


def _with_real(paths: Sequence[str], program: str) -> tuple[Path, ...]:
    """Add where links lead, and what a program that told nothing is likely to need."""
    folders = {Path(path) for path in paths if path}
    real = Path(os.path.realpath(program))
    if not folders or not any(real.is_relative_to(folder) for folder in folders):
        for place in (Path(program), real):
            # bin/program belongs to what is installed beside bin.
            folders.add(place.parent.parent if place.parent.name == "bin" else place.parent)
    folders |= {Path(os.path.realpath(folder)) for folder in folders}
    if any(folder.is_relative_to("/nix/store") for folder in folders):
        folders.add(Path("/nix/store"))
    return tuple(folder for folder in folders if len(folder.parts) > 2 or folder.name == "opt")
