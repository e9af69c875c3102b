"""A workspace with all that should not be opened, beside what should not be reached."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

SECRET = "what-is-outside"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_text(SECRET)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "main.py").write_text("print('hello')\n")
    return folder


@pytest.fixture
def hostile(root: Path, outside: Path) -> Iterator[Path]:
    (root / "link.txt").symlink_to(outside / "secret.txt")
    (root / "relative.txt").symlink_to("../outside/secret.txt")
    (root / "folder").symlink_to(outside)
    (root / "within").symlink_to("src")
    (root / "loop").symlink_to("loop")
    (root / "process").symlink_to("/proc/self")
    (root / "null").symlink_to("/dev/null")
    (root / "dangling").symlink_to(outside / "made.txt")
    os.link(outside / "secret.txt", root / "hard.txt")
    os.mkfifo(root / "pipe")
    for name in (".git", ".ssh", "src/.git"):
        (root / name).mkdir()
        (root / name / "config").write_text(SECRET)
    for name in (".env", ".env.local", "server.pem", "id_rsa", "credentials.json", "prod.env"):
        (root / name).write_text(SECRET)
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(root)
        try:
            listening.bind("socket")
        finally:
            os.chdir(here)
        yield root
