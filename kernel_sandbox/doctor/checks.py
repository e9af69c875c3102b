"""Attacks that need nothing but a few decoys, each a function that returns whether it worked.

The source of this module is run inside kernels, so it imports nothing of the package. Its first
lines of documentation are what people read.
"""

from __future__ import annotations

import ctypes
import os
import socket
import stat
from collections.abc import Callable
from typing import Any

_LIBC = ctypes.CDLL(None, use_errno=True)
_PTRACE_SEIZE = 0x4206
_MNT_DETACH = 2
_CLONE_NEWUSER = 0x10000000
_REFUSALS = (1, 13, 38, 95)  # EPERM, EACCES, ENOSYS, EOPNOTSUPP


def reads_a_file(decoys: dict[str, Any]) -> bool:
    """Read a file outside."""
    with open(decoys["secret_file"]) as file:  # noqa: PTH123
        return decoys["secret"] in file.read()


def lists_the_home(decoys: dict[str, Any]) -> bool:
    """List your home."""
    own = os.environ.get("HOME")
    visible = [name for name in os.listdir(decoys["home"]) if name not in decoys["granted"]]  # noqa: PTH208
    return decoys["home"] != own and bool(visible)


def writes_a_file(decoys: dict[str, Any]) -> bool:
    """Write a file outside."""
    with open(decoys["target_file"], "w") as file:  # noqa: PTH123
        file.write(decoys["secret"])
    return False  # the host looks


def has_the_environment(decoys: dict[str, Any]) -> bool:
    """Find a secret in the environment."""
    return decoys["secret"] in str(dict(os.environ))


def reads_the_owners_environment(decoys: dict[str, Any]) -> bool:
    """Read the environment of the process that started it."""
    with open(f"/proc/{decoys['owner']}/environ", "rb") as file:  # noqa: PTH123
        return bool(file.read(1))


def signals_the_owner(decoys: dict[str, Any]) -> bool:
    """Send a signal to the process that started it."""
    os.kill(decoys["owner"], 0)
    return True


def connects_by_tcp(decoys: dict[str, Any]) -> bool:
    """Connect to a port of this machine."""
    socket.create_connection(("127.0.0.1", decoys["tcp"]), 2).close()
    return False  # the host looks


def connects_by_a_file(decoys: dict[str, Any]) -> bool:
    """Connect to a socket of yours."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(decoys["unix"])
    return False  # the host looks


def sends_a_datagram(_: dict[str, Any]) -> bool:
    """Send a datagram to the network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", ("192.0.2.1", 53))
    return True


def makes_a_namespace(_: dict[str, Any]) -> bool:
    """Make a user namespace of its own."""
    return bool(_LIBC.unshare(_CLONE_NEWUSER) == 0)


def mounts(_: dict[str, Any]) -> bool:
    """Mount a file system."""
    place = os.getcwdb()  # noqa: PTH109
    mounted = _LIBC.mount(b"none", place, b"tmpfs", 0, None) == 0
    if mounted:
        _LIBC.umount2(place, _MNT_DETACH)
    return bool(mounted)


def traces_the_owner(decoys: dict[str, Any]) -> bool:
    """Trace the process that started it."""
    child = os.fork()
    if child == 0:
        # Its end lets the owner go on.
        result = _LIBC.ptrace(_PTRACE_SEIZE, decoys["owner"], None, None)
        os._exit(0 if result == 0 else 1)
    _, status = os.waitpid(child, 0)
    return status == 0


def uses_io_uring(decoys: dict[str, Any]) -> bool:
    """Use io_uring, which passes by filters."""
    number = decoys["calls"]["io_uring_setup"]
    result = _LIBC.syscall(ctypes.c_long(number), 8, ctypes.create_string_buffer(120))
    return bool(result >= 0 or ctypes.get_errno() not in _REFUSALS)


def sets_the_core_pattern(_: dict[str, Any]) -> bool:
    """Set the program that Linux runs when another crashes."""
    os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))
    return True


def makes_a_set_id_file(_: dict[str, Any]) -> bool:
    """Make a program that runs with its owner's rights."""
    with open("set-id", "w"):  # noqa: PTH123
        pass
    os.chmod("set-id", 0o4755)  # noqa: PTH101, S103
    return bool(os.stat("set-id").st_mode & stat.S_ISUID)  # noqa: PTH116


def writes_to_python(decoys: dict[str, Any]) -> bool:
    """Change the Python environment."""
    path = os.path.join(decoys["prefix"], "kernel-sandbox-was-here")  # noqa: PTH118
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT))
    os.unlink(path)  # noqa: PTH108
    return True


CHECKS: dict[str, Callable[[dict[str, Any]], bool]] = {
    function.__name__: function
    for function in (
        reads_a_file,
        lists_the_home,
        writes_a_file,
        has_the_environment,
        reads_the_owners_environment,
        signals_the_owner,
        connects_by_tcp,
        connects_by_a_file,
        sends_a_datagram,
        makes_a_namespace,
        mounts,
        traces_the_owner,
        uses_io_uring,
        sets_the_core_pattern,
        makes_a_set_id_file,
        writes_to_python,
    )
}


def play(decoys: dict[str, Any]) -> dict[str, bool]:
    """Play all; an error is a refusal."""
    found = {}
    for name, function in CHECKS.items():
        try:
            found[name] = bool(function(decoys))
        except OSError:
            found[name] = False
    return found
