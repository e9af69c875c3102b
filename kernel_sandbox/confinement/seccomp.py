"""The filters on system calls, as programs for the kernel's packet-filter machine.

A filter refuses what no analysis needs and what has let code out of sandboxes, and lets the rest
through; files and networks are mostly the business of namespaces and Landlock. Two filters: one
for a kernel in namespaces of its own, a stricter one for a kernel among the host's processes,
where Landlock is the only wall.

Some refusals are dressed as success, since libraries abort on an error there (libzmq where it may
not choose a scheduler) or as "no such call", since libraries then take another way.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterable

from kernel_sandbox.confinement import refusals
from kernel_sandbox.confinement.syscalls import AUDIT_ARCH, NEWEST, known_machine, numbers

_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_KILL_PROCESS = 0x80000000

# Offsets in struct seccomp_data.
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_AND = 0x54  # BPF_ALU | BPF_AND | BPF_K
_JUMP_EQUAL = 0x15
_JUMP_GREATER_EQUAL = 0x35
_RETURN = 0x06

Instruction = tuple[int, int, int, int]
"""Operation, jump if true, jump if false, operand."""

_NEW_NAMESPACES = 0x7E020000
_SET_ID_BITS = 0o6000
_O_CREAT = 0o100
_FILE_KIND, _CHARACTER_DEVICE, _BLOCK_DEVICE = 0o170000, 0o020000, 0o060000
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_SOCKET_KIND = 0xF
_QUERY_PERSONALITY = 0xFFFFFFFF


def namespaced_filter(machine: str | None = None) -> bytes:
    """Return the filter for a kernel in its own namespaces; raises :class:`KeyError`."""
    program = _Program(machine)
    program.common()
    for kind in ("socket", "socketpair"):
        families = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, 16)
        program.rule(kind, _one_of(0, families, otherwise=errno.EAFNOSUPPORT))
    for name, position in (("chmod", 1), ("fchmod", 1), ("fchmodat", 2)):
        program.rule(name, _no_bits(position, _SET_ID_BITS))
    # Another user's processes are not visible here, but the user's own outside are the same user.
    for name in ("setpriority", "ioprio_set"):
        program.rule(name, _pretend_unless_process(name))
    return program.assembled()


def shared_filter(machine: str | None = None) -> bytes:
    """Return the filter for a kernel among the host's processes; raises :class:`KeyError`."""
    program = _Program(machine)
    program.common()
    program.refuse(refusals.AMONG_HOST_PROCESSES_FORBIDDEN, errno.EACCES)
    program.refuse(refusals.AMONG_HOST_PROCESSES_NO_SUPPORT, errno.EOPNOTSUPP)
    program.refuse(refusals.AMONG_HOST_PROCESSES_PRETENDED, 0)
    program.refuse(["connect"], errno.EACCES)
    # libzmq asks for the network's interfaces, and aborts unless it is told that it cannot.
    program.rule(
        "socket",
        [
            *_load(0),
            (_JUMP_EQUAL, 0, 1, 16),
            _error(errno.EOPNOTSUPP),
            (_JUMP_EQUAL, 1, 0, socket.AF_UNIX),
            _error(errno.EACCES),
            *_stream_only(),
        ],
    )
    program.rule(
        "socketpair",
        [
            *_load(0),
            (_JUMP_EQUAL, 1, 0, socket.AF_UNIX),
            _error(errno.EACCES),
            *_stream_only(),
        ],
    )
    # Without a destination it is how a connected socket is written to.
    program.rule(
        "sendto",
        [
            *_load(4),
            (_JUMP_EQUAL, 0, 3, 0),
            *_load(4, high=True),
            (_JUMP_EQUAL, 0, 1, 0),
            _allow(),
            _error(errno.EACCES),
        ],
    )
    program.rule("prlimit64", [*_load(0), (_JUMP_EQUAL, 0, 1, 0), _allow(), _error(errno.EPERM)])
    return program.assembled()


class _Program:
    def __init__(self, machine: str | None) -> None:
        self._machine = known_machine(machine)
        self._numbers = numbers(self._machine)
        self._code: list[Instruction] = [
            (_LOAD, 0, 0, _ARCHITECTURE),
            (_JUMP_EQUAL, 1, 0, AUDIT_ARCH[self._machine]),
            (_RETURN, 0, 0, _KILL_PROCESS),
            (_LOAD, 0, 0, _NUMBER),
            # Unknown ones, and those of the x32 numbering.
            (_JUMP_GREATER_EQUAL, 0, 1, NEWEST + 1),
            _error(errno.ENOSYS),
        ]

    def common(self) -> None:
        """Add what both filters refuse."""
        self.refuse(refusals.FORBIDDEN, errno.EPERM)
        self.refuse(refusals.UNKNOWN, errno.ENOSYS)
        self.refuse(refusals.PRETENDED, 0)
        self.rule("clone", _no_bits(0, _NEW_NAMESPACES))
        self.rule("ioctl", _none_of(1, (_TIOCSTI, _TIOCLINUX)))
        self.rule("personality", _one_of(0, (0, _QUERY_PERSONALITY), otherwise=errno.EPERM))
        for name, position in (("mknod", 1), ("mknodat", 2)):
            self.rule(name, _no_device(position))
        for name, flags, mode in (("open", 1, 2), ("openat", 2, 3), ("creat", None, 1)):
            self.rule(name, _no_set_id_file(flags, mode))
        for name, mode in (("mkdir", 1), ("mkdirat", 2)):
            self.rule(name, _no_bits(mode, _SET_ID_BITS))

    def refuse(self, names: Iterable[str], error: int) -> None:
        """Answer these calls with ``error``; 0 pretends that they worked."""
        for name in names:
            self.rule(name, [_error(error)])

    def rule(self, name: str, body: list[Instruction]) -> None:
        """Answer the call by ``body``, which ends in a return on every way through it."""
        if name in self._numbers:
            self._code += [(_JUMP_EQUAL, 0, len(body), self._numbers[name]), *body]

    def assembled(self) -> bytes:
        """Return the program as an array of ``struct sock_filter``."""
        code = [*self._code, _allow()]
        return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _load(argument: int, *, high: bool = False) -> list[Instruction]:
    # Both processors are little-endian: the low half comes first.
    return [(_LOAD, 0, 0, _ARGUMENTS + 8 * argument + (4 if high else 0))]


def _allow() -> Instruction:
    return (_RETURN, 0, 0, _ALLOW)


def _error(number: int) -> Instruction:
    return (_RETURN, 0, 0, _ERRNO | number)


def _no_bits(argument: int, bits: int) -> list[Instruction]:
    return [
        *_load(argument),
        (_AND, 0, 0, bits),
        (_JUMP_EQUAL, 0, 1, 0),
        _allow(),
        _error(errno.EPERM),
    ]


def _one_of(argument: int, values: Iterable[int], *, otherwise: int) -> list[Instruction]:
    body = _load(argument)
    for value in values:
        body += [(_JUMP_EQUAL, 0, 1, value), _allow()]
    return [*body, _error(otherwise)]


def _none_of(argument: int, values: Iterable[int]) -> list[Instruction]:
    body = _load(argument)
    for value in values:
        body += [(_JUMP_EQUAL, 0, 1, value), _error(errno.EPERM)]
    return [*body, _allow()]


def _no_device(mode: int) -> list[Instruction]:
    return [
        *_load(mode),
        (_AND, 0, 0, _FILE_KIND),
        (_JUMP_EQUAL, 5, 0, _CHARACTER_DEVICE),
        (_JUMP_EQUAL, 4, 0, _BLOCK_DEVICE),
        *_load(mode),
        (_AND, 0, 0, _SET_ID_BITS),
        (_JUMP_EQUAL, 0, 1, 0),
        _allow(),
        _error(errno.EPERM),
    ]


def _no_set_id_file(flags: int | None, mode: int) -> list[Instruction]:
    check = _no_bits(mode, _SET_ID_BITS)
    if flags is None:
        return check
    # Without O_CREAT the mode is whatever the register held.
    return [*_load(flags), (_AND, 0, 0, _O_CREAT), (_JUMP_EQUAL, 0, 1, 0), _allow(), *check]


def _stream_only() -> list[Instruction]:
    """Allow sockets that carry no address in each message."""
    return [
        *_load(1),
        (_AND, 0, 0, _SOCKET_KIND),
        (_JUMP_EQUAL, 0, 1, int(socket.SOCK_STREAM)),
        _allow(),
        (_JUMP_EQUAL, 0, 1, int(socket.SOCK_SEQPACKET)),
        _allow(),
        _error(errno.EACCES),
    ]


def _pretend_unless_process(name: str) -> list[Instruction]:
    # setpriority counts PRIO_PROCESS as 0, ioprio_set IOPRIO_WHO_PROCESS as 1.
    process = 0 if name == "setpriority" else 1
    return [*_load(0), (_JUMP_EQUAL, 0, 1, process), _allow(), _error(0)]
