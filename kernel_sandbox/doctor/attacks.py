"""The attacks, as they run inside a kernel: each tries one thing and returns what it got.

The source of this module is run inside kernels, so it imports the standard library only. An
attack raises :class:`OSError` when it is refused, which is how the system refuses. It returns
what it got, which the host compares with what there was to get; what it merely believes to have
done is looked up on the host's side. Whatever succeeds is undone or harmless.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
import socket
import stat
from collections.abc import Callable
from typing import Any

Targets = dict[str, Any]

_SECONDS = 2.0
_CLONE_NEWUSER, _CLONE_NEWNS = 0x10000000, 0x00020000
_PTRACE_ATTACH, _PTRACE_DETACH = 16, 17
_IO_URING_SETUP, _BPF = 425, {"x86_64": 321, "aarch64": 280}
_READ_FEW = 4096


def run(name: str, targets: Targets) -> dict[str, Any]:
    """Run the attack called ``name``: return what it ``got``, or how it was ``refused``."""
    try:
        return {"got": ATTACKS[name](targets)}
    except OSError as error:
        return {"refused": error.strerror or str(error) or type(error).__name__}


def _c(call: str, *arguments: Any) -> int:
    library = ctypes.CDLL(None, use_errno=True)
    function = getattr(library, call)
    function.restype = ctypes.c_long
    result: int = function(*arguments)
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _read(path: str) -> str:
    with open(path, "rb") as file:  # noqa: PTH123
        return file.read(1 << 16).decode("utf-8", "replace")


def read_file(targets: Targets) -> str:
    """Read a file outside."""
    return _read(targets["decoy"])


def read_through_link(targets: Targets) -> str:
    """Read it by a link from the working directory."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink("doctor-link")  # noqa: PTH108
    os.symlink(targets["decoy"], "doctor-link")  # noqa: PTH211
    try:
        return _read("doctor-link")
    finally:
        os.unlink("doctor-link")  # noqa: PTH108


def list_home(targets: Targets) -> list[str]:
    """List the user's home."""
    return os.listdir(targets["home"])  # noqa: PTH208


def write_file(targets: Targets) -> None:
    """Make a file outside, and change the one there is."""
    with open(targets["decoy"], "a") as file:  # noqa: PTH123
        file.write("changed")


def make_file(targets: Targets) -> None:
    """Make a file beside it."""
    with open(targets["made"], "x"):  # noqa: PTH123
        pass


def remove_file(targets: Targets) -> None:
    """Remove a file outside."""
    os.unlink(targets["removable"])  # noqa: PTH108


def read_environment(_targets: Targets) -> str:
    """Return all variables there are, as the process has them and as it was started with."""
    found = "\n".join(f"{name}={value}" for name, value in os.environ.items())
    return found + _read("/proc/self/environ")


def read_process(targets: Targets) -> str:
    """Read another process's variables."""
    return _read(f"/proc/{targets['victim']}/environ")


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def read_memory(targets: Targets) -> str:
    """Read another process's memory."""
    size = targets["secret_bytes"]
    buffer = ctypes.create_string_buffer(size)
    here = _Vector(ctypes.addressof(buffer), size)
    there = _Vector(targets["secret_address"], size)
    _c(
        "process_vm_readv",
        ctypes.c_int(targets["victim"]),
        ctypes.byref(here),
        ctypes.c_ulong(1),
        ctypes.byref(there),
        ctypes.c_ulong(1),
        ctypes.c_ulong(0),
    )
    return buffer.raw.decode("utf-8", "replace")


def attach(targets: Targets) -> str:
    """Trace another process, and read its memory so."""
    victim = targets["victim"]
    null = ctypes.c_void_p(0)
    _c("ptrace", ctypes.c_long(_PTRACE_ATTACH), ctypes.c_int(victim), null, null)
    try:
        os.waitpid(victim, 0x40000000)  # __WALL
        with open(f"/proc/{victim}/mem", "rb", buffering=0) as memory:  # noqa: PTH123
            memory.seek(targets["secret_address"])
            return memory.read(targets["secret_bytes"]).decode("utf-8", "replace")
    finally:
        _c("ptrace", ctypes.c_long(_PTRACE_DETACH), ctypes.c_int(victim), null, null)


def send_signal(targets: Targets) -> None:
    """Send a signal to another process, which notes it."""
    os.kill(targets["victim"], signal.SIGUSR1)


def _greeting(family: int, address: Any) -> str:
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(_SECONDS)
        client.connect(address)
        return client.recv(_READ_FEW).decode("utf-8", "replace")


def connect_tcp(targets: Targets) -> str:
    """Connect to a server of the host at its loopback address."""
    return _greeting(socket.AF_INET, ("127.0.0.1", targets["tcp_port"]))


def connect_unix(targets: Targets) -> str:
    """Connect to a server of the host at a file."""
    return _greeting(socket.AF_UNIX, targets["unix_path"])


def connect_abstract(targets: Targets) -> str:
    """Connect to a server of the host at a name without a file."""
    return _greeting(socket.AF_UNIX, "\0" + targets["abstract_name"])


def send_udp(targets: Targets) -> None:
    """Send a datagram to the host."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(targets["datagram"].encode(), ("127.0.0.1", targets["udp_port"]))


def mount(_targets: Targets) -> bool:
    """Mount a file system on a directory of its own."""
    os.makedirs("doctor-mount", exist_ok=True)  # noqa: PTH103
    try:
        _c("mount", b"none", b"doctor-mount", b"tmpfs", ctypes.c_ulong(0), None)
        _c("umount2", b"doctor-mount", ctypes.c_int(2))
    finally:
        with contextlib.suppress(OSError):
            os.rmdir("doctor-mount")  # noqa: PTH106
    return True


def unshare(_targets: Targets) -> bool:
    """Make a user namespace, in which it would be root."""
    # Only a process with one thread may, so a child tries.
    pid = os.fork()
    if pid == 0:
        try:
            _c("unshare", ctypes.c_int(_CLONE_NEWUSER | _CLONE_NEWNS))
            os._exit(0)
        except OSError as error:
            os._exit(min(254, error.errno or 254))
        finally:
            os._exit(255)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code == 0:
        return True
    raise OSError(code, os.strerror(code) if 0 < code < 254 else f"ended with {code}")


def use_io_uring(_targets: Targets) -> bool:
    """Make an io_uring, whose calls no filter sees."""
    parameters = (ctypes.c_uint32 * 30)()
    os.close(_c("syscall", ctypes.c_long(_IO_URING_SETUP), ctypes.c_uint(1), parameters))
    return True


def load_bpf(_targets: Targets) -> bool:
    """Make a map of BPF, the door to programs in the system's kernel."""
    number = _BPF[platform.machine()]
    attributes = (ctypes.c_uint32 * 32)(2, 4, 4, 1)  # an array of one
    os.close(_c("syscall", ctypes.c_long(number), ctypes.c_int(0), attributes, ctypes.c_uint(128)))
    return True


def open_core_pattern(_targets: Targets) -> bool:
    """Open for writing what the system's kernel runs when a program crashes."""
    os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))
    return True


def read_connection_file(targets: Targets) -> str:
    """Read another kernel's connection file, whose key lets one run code there."""
    return _read(targets["connection_file"])


def make_setuid_file(_targets: Targets) -> str:
    """Make a program that runs with its owner's rights, whoever starts it."""
    path = os.path.abspath("doctor-setuid")  # noqa: PTH100
    with open(path, "wb"):  # noqa: PTH123
        pass
    try:
        os.chmod(path, 0o4755)  # noqa: PTH101, S103
        if os.stat(path).st_mode & stat.S_ISUID:  # noqa: PTH116
            return path
    finally:
        os.unlink(path)  # noqa: PTH108
    raise PermissionError(1, "the mark was not set")


def gain_privileges(_targets: Targets) -> bool:
    """Look whether starting a setuid program could give rights."""
    for line in _read("/proc/self/status").splitlines():
        if line.startswith("NoNewPrivs:") and line.split()[1] == "1":
            raise PermissionError(1, "no new privileges")
    return True


def change_python(targets: Targets) -> bool:
    """Add a file to the Python it runs in, whose next start might run it."""
    path = os.path.join(targets["prefix"], "kernel-sandbox-was-here")  # noqa: PTH118
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    os.unlink(path)  # noqa: PTH108
    return True


def use_descriptors(_targets: Targets) -> str:
    """Read from whatever file its starter left open."""
    found = []
    for number in range(1024):
        with contextlib.suppress(OSError):
            if stat.S_ISREG(os.fstat(number).st_mode):
                found.append(os.pread(number, _READ_FEW, 0).decode("utf-8", "replace"))
    return "\n".join(found)


ATTACKS: dict[str, Callable[[Targets], Any]] = {
    function.__name__: function
    for function in (
        read_file, read_through_link, list_home, write_file, make_file, remove_file,
        read_environment, read_process, read_memory, attach, send_signal,
        connect_tcp, connect_unix, connect_abstract, send_udp,
        mount, unshare, use_io_uring, load_bpf, open_core_pattern,
        read_connection_file, make_setuid_file, gain_privileges, change_python, use_descriptors,
    )
}  # fmt: skip
