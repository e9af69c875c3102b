"""Give up rights, then become the kernel: a program of its own.

It is run by absolute path with ``python -I -S``, inside the namespaces if there are any. Its one
argument is a JSON object that :mod:`kernel_sandbox.confinement.plan` writes. What goes wrong is
said in one line on stderr, and the exit code is :data:`FAILED`: nothing runs with rights left.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
from typing import Any, NoReturn

FAILED = 97
READY_FD = 3
"""Where the supervisor is told that all rights are given up and the kernel is about to run."""

_PR_SET_NO_NEW_PRIVS = 38
_PR_CAPBSET_DROP = 24
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_CAPABILITY_VERSION_3 = 0x20080522
_CAPABILITIES = 64

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_PATH_BENEATH = 1


class _StepError(Exception):
    """A step that must work did not."""


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("program", ctypes.c_void_p))


class _System:
    """Calls to the C library that say what failed."""

    def __init__(self) -> None:
        self.c = ctypes.CDLL(None, use_errno=True)

    def check(self, result: int, what: str) -> int:
        if result < 0:
            raise _StepError(f"{what}: {os.strerror(ctypes.get_errno())}")
        return result

    def prctl(self, option: int, *arguments: int) -> int:
        padded = [*arguments, 0, 0, 0, 0][:4]
        result: int = self.c.prctl(option, *(ctypes.c_ulong(value) for value in padded))
        return result

    def syscall(self, number: int, *arguments: Any) -> int:
        result: int = self.c.syscall(ctypes.c_long(number), *arguments)
        return result


def _limit(limits: dict[str, list[int]]) -> None:
    import resource  # noqa: PLC0415 - not everywhere

    for name, wanted in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}", None)
        if kind is not None:
            _, most = resource.getrlimit(kind)
            if most != resource.RLIM_INFINITY:
                wanted = [min(value, most) for value in wanted]  # noqa: PLW2901
            resource.setrlimit(kind, (wanted[0], wanted[1]))


def _drop_capabilities(system: _System) -> None:
    for capability in range(_CAPABILITIES):
        # Fails without the right to do so, where there is none to drop either.
        system.prctl(_PR_CAPBSET_DROP, capability)
    system.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    system.check(system.c.capset(header, none), "giving up capabilities")


def _restrict_files(system: _System, rules: dict[str, Any]) -> None:
    handled = rules["handled"]
    attributes = (ctypes.c_uint64 * len(handled))(*handled)
    ruleset = system.check(
        system.syscall(
            _LANDLOCK_CREATE,
            ctypes.byref(attributes),
            ctypes.c_size_t(ctypes.sizeof(attributes)),
            ctypes.c_uint32(0),
        ),
        "making Landlock's rules",
    )
    for path, rights in rules["rules"]:
        try:
            parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            # Not there, or not visible: no right to it.
            continue
        # struct landlock_path_beneath_attr is packed: eight bytes of rights, four of descriptor.
        beneath = rights.to_bytes(8, "little") + parent.to_bytes(4, "little")
        system.check(
            system.syscall(
                _LANDLOCK_ADD,
                ctypes.c_int(ruleset),
                ctypes.c_int(_PATH_BENEATH),
                ctypes.c_char_p(beneath),
                ctypes.c_uint32(0),
            ),
            f"granting {path} by Landlock",
        )
        os.close(parent)
    system.check(
        system.syscall(_LANDLOCK_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0)),
        "putting Landlock's rules in force",
    )
    os.close(ruleset)


def _filter_calls(system: _System, program: bytes) -> None:
    buffer = ctypes.create_string_buffer(program, len(program))
    filter_ = _Filter(len(program) // 8, ctypes.addressof(buffer))
    result = system.c.prctl(
        _PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_MODE_FILTER), ctypes.byref(filter_)
    )
    system.check(result, "putting the filter on system calls in force")


def _start_relay(relay: dict[str, Any]) -> None:
    """Start the inner end of the way to the proxy, as rightless as the kernel.

    The socket listens before the kernel begins, so that none of its requests comes too early.
    """
    import socket  # noqa: PLC0415 - rarely needed, and slow

    listening = socket.create_server(("127.0.0.1", relay["port"]), backlog=64)
    if os.fork() == 0:
        # Whoever reads the kernel's stderr waits for the end of all who could write there.
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        listening.set_inheritable(True)
        program = [*relay["program"], str(listening.fileno()), relay["socket"]]
        os.execv(program[0], program)  # noqa: S606
    listening.close()


def confine(config: dict[str, Any]) -> NoReturn:
    """Give up what ``config`` says and run its ``argv``."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    if hasattr(signal, "SIGXFSZ"):
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    _limit(config["rlimits"])
    os.chdir(config["cwd"])
    if config["confined"]:
        system = _System()
        _drop_capabilities(system)
        system.check(system.prctl(_PR_SET_NO_NEW_PRIVS, 1), "forbidding new privileges")
        if config["landlock"] is not None:
            _restrict_files(system, config["landlock"])
        if config["seccomp"]:
            _filter_calls(system, bytes.fromhex(config["seccomp"]))
    if config["relay"]:
        _start_relay(config["relay"])
    program = config["argv"][0]
    folders = [""] if "/" in program else os.get_exec_path()
    if not any(os.access(os.path.join(folder, program), os.X_OK) for folder in folders):  # noqa: PTH118
        raise FileNotFoundError(2, os.strerror(2), program)
    with contextlib.suppress(OSError):
        # Nobody listens when a backend is only tried.
        os.write(READY_FD, b"!")
        os.close(READY_FD)
    os.execvpe(config["argv"][0], config["argv"], os.environ)  # noqa: S606


def main() -> NoReturn:
    """Run the program."""
    try:
        confine(json.loads(sys.argv[1]))
    except _StepError as error:
        text = f"the sandbox could not be closed: {error}"
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        text = f"the kernel could not be run in the sandbox: {error.strerror}{where}"
    os.write(2, f"{text}\n".encode())
    os._exit(FAILED)


if __name__ == "__main__":
    main()
