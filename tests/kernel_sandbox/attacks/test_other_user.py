"""The same attacks by a kernel of an ordinary user, where the tests themselves run as root.

The interpreter may be in root's home, where nobody else may look. So the user gets a view of the
machine in which that home is an empty directory with the interpreter in it; nothing of the real
one changes.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

USER = 1000
MARK = "KERNEL_SANDBOX_TESTS_AS_USER"
REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.mark.timeout(400)
@pytest.mark.skipif(os.geteuid() != 0, reason="these tests run as an ordinary user already")
@pytest.mark.skipif(MARK in os.environ, reason="this is that run")
def test_an_ordinary_user_is_as_safe() -> None:
    pytest_command = [
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        *("-k", "reached or bomb", str(Path(__file__).parent)),
    ]
    output = as_user(pytest_command)
    (passed,) = re.findall(r"(\d+) passed", output)
    assert int(passed) >= 260, output[-2000:]
    assert "failed" not in output
    assert "skipped" not in output


@pytest.mark.skipif(os.geteuid() != 0, reason="these tests run as an ordinary user already")
def test_the_doctor_serves_an_ordinary_user() -> None:
    told = json.loads(as_user([sys.executable, "-m", "kernel_sandbox", "doctor", "--json"]))
    assert told["backend"] == "bubblewrap"
    assert told["checks"]
    assert not [check for check in told["checks"] if check["reached"]]


def as_user(command: list[str]) -> str:
    """Run a command as an ordinary user and return what it printed."""
    for program in ("unshare", "setpriv", "mount"):
        assert shutil.which(program), f"{program} (util-linux) is missing"
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-euc", script(command)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, MARK: "1", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    return done.stdout


def script(command: list[str]) -> str:
    """Return the shell script that makes the view and becomes the user."""
    home = Path("~").expanduser().resolve()
    needed = {
        Path(path).resolve()
        for path in (sys.prefix, sys.base_prefix, REPOSITORY)
        if Path(path).resolve().is_relative_to(home)
    }
    lines = []
    if needed:
        aside = "/run/kernel-sandbox-aside"
        lines.append(f"mkdir -p {aside}; mount -t tmpfs tmpfs {aside}")
        for number, path in enumerate(sorted(needed)):
            lines.append(
                f"mkdir {aside}/{number}; mount --bind {shlex.quote(str(path))} {aside}/{number}"
            )
        lines.append(f"mount -t tmpfs -o mode=755 tmpfs {shlex.quote(str(home))}")
        for number, path in enumerate(sorted(needed)):
            quoted = shlex.quote(str(path))
            lines.append(f"mkdir -p {quoted}; mount --bind {aside}/{number} {quoted}")
        lines.append(f"umount -l {aside}; rmdir {aside} 2>/dev/null || true")
    lines += [
        "HOME=$(mktemp -d)",
        f"chown {USER}:{USER} $HOME",
        "export HOME",
        f"cd {shlex.quote(str(REPOSITORY))}",
        shlex.join(
            [
                *("exec", "setpriv", "--reuid", str(USER), "--regid", str(USER)),
                *("--clear-groups", "--inh-caps=-all", "--bounding-set=-all", *command),
            ]
        ),
    ]
    return "\n".join(lines)
