"""Database servers of the tests' own, for as long as a test needs them."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgresql() -> Iterator[str]:
    """Start a PostgreSQL server, and yield the address of an empty database."""
    with _folder("postgresql") as folder:
        yield from _postgresql(folder)


def _postgresql(folder: Path) -> Iterator[str]:
    as_user = as_owner(folder, "postgres")
    data = folder / "data"
    port = free_port()

    def run(name: str, *arguments: str) -> None:
        command = [*as_user, _program(name, "/usr/lib/postgresql/*/bin"), *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr

    run("initdb", "-D", str(data), "-U", "analyst", "--auth=trust", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    run("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql+pg8000://analyst@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")


@contextmanager
def mariadb() -> Iterator[str]:
    """Start a MariaDB server, and yield the address of an empty database."""
    with _folder("mariadb") as folder:
        yield from _mariadb(folder)


def _mariadb(folder: Path) -> Iterator[str]:
    as_user = as_owner(folder, "mysql")
    port = free_port()
    data = f"--datadir={folder / 'data'}"
    made = subprocess.run(
        [
            *as_user,
            _program("mariadb-install-db"),
            "--no-defaults",
            data,
            "--auth-root-authentication-method=normal",
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    options = [f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder / 'socket'}"]
    options += ["--skip-name-resolve", f"--pid-file={folder / 'pid'}"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [*as_user, _program("mariadbd", "/usr/sbin"), "--no-defaults", data, *options],
            stdout=subprocess.DEVNULL,
            stderr=log,
            cwd=folder,
        )
    try:
        _wait_for(port, server)
        yield f"mariadb+pymysql://root@127.0.0.1:{port}/test"
    finally:
        server.terminate()
        server.wait(30)


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    """Make a folder outside of pytest's, which other runs of pytest close to other users."""
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
        yield Path(folder)


def as_owner(folder: Path, user: str) -> list[str]:
    """Return how to run a program as ``user`` where we are root, and give it the folder.

    Such servers refuse to run as root.
    """
    if os.geteuid() != 0:
        return []
    known = pwd.getpwnam(user)
    os.chown(folder, known.pw_uid, known.pw_gid)
    return ["setpriv", f"--reuid={known.pw_uid}", f"--regid={known.pw_gid}", "--clear-groups"]


def free_port() -> int:
    """Return a port of loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _program(name: str, elsewhere: str = "/usr/bin") -> str:
    pattern = f"{elsewhere}/{name}".removeprefix("/")
    found = shutil.which(name) or max(map(str, Path("/").glob(pattern)), default=None)
    assert found is not None, f"{name} is missing: .ci/debian-packages installs it"
    return found


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert server.poll() is None, "the server ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server does not answer")
