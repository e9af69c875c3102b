"""What the attacks aim at: files, servers and a process of the host, all made for them.

Here: making, watching and removing them. Every secret is random, so that only reading it tells it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from kernel_sandbox.directories import PrivateDirectory

VARIABLE = "KERNEL_SANDBOX_DOCTOR_SECRET"

_VICTIM = """
import ctypes, signal, sys, threading
secret = sys.stdin.readline().strip()
buffer = ctypes.create_string_buffer(secret.encode())
def note(*_): print("signalled", flush=True)
signal.signal(signal.SIGUSR1, note)
print(ctypes.addressof(buffer), flush=True)
# The end of its input is the end of the doctor.
sys.stdin.read()
"""
_ALL_MAY_TRACE = "import ctypes; ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1), 0, 0, 0)"


class Decoys:
    """The targets, from :meth:`make` to :meth:`remove`; ``targets`` is what attacks are told."""

    def __init__(self) -> None:
        self.secret = secrets.token_hex(16)
        self.targets: dict[str, Any] = {}
        self._stack = contextlib.ExitStack()
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._stack.callback(self._udp.close)

    @classmethod
    def make(cls) -> Self:
        """Make them all; raises :class:`OSError` and leaves nothing when that fails."""
        decoys = cls()
        try:
            decoys._files()
            decoys._servers()
            decoys._process()
        except BaseException:
            decoys.remove()
            raise
        return decoys

    def remove(self) -> None:
        """Remove and end them."""
        self._stack.close()

    def _files(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="doctor-")).resolve()
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        self.folder = folder
        for name in ("decoy", "removable"):
            (folder / name).write_text(self.secret)
            self.targets[name] = str(folder / name)
        self.targets["made"] = str(folder / "made")
        other = PrivateDirectory()
        self._stack.callback(other.remove)
        connection = other.layout.connections / "kernel.json"
        connection.write_text(self.secret)
        self.targets["connection_file"] = str(connection)
        self.targets["home"] = str(Path.home())
        self.targets["prefix"] = sys.prefix
        left_open = os.open(folder / "decoy", os.O_RDONLY)
        self._stack.callback(os.close, left_open)
        os.set_inheritable(left_open, True)  # noqa: FBT003 - takes no keyword
        self._stack.enter_context(_variable(VARIABLE, self.secret))

    def _servers(self) -> None:
        tcp = socket.create_server(("127.0.0.1", 0))
        self.targets["tcp_port"] = tcp.getsockname()[1]
        listening = [tcp, self._unix(str(self.folder / "socket"))]
        self.targets["unix_path"] = str(self.folder / "socket")
        if sys.platform.startswith("linux"):
            name = f"doctor-{secrets.token_hex(8)}"
            self.targets["abstract_name"] = name
            listening.append(self._unix(f"\0{name}"))
        _Greeter(listening, self.secret, self._stack)
        self._udp.bind(("127.0.0.1", 0))
        self._udp.settimeout(0)
        self.targets["udp_port"] = self._udp.getsockname()[1]
        self.targets["datagram"] = secrets.token_hex(16)

    def _unix(self, address: str) -> socket.socket:
        server = socket.socket(socket.AF_UNIX)
        self._stack.callback(server.close)
        server.bind(address)
        server.listen()
        return server

    def _process(self) -> None:
        victim = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", f"{_ALL_MAY_TRACE}\n{_VICTIM}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={VARIABLE: self.secret},
        )
        assert victim.stdin is not None
        assert victim.stdout is not None
        self._victim_says = victim.stdout
        self._stack.callback(_end, victim)
        victim.stdin.write(f"{self.secret}\n")
        victim.stdin.flush()
        self.targets["victim"] = victim.pid
        self.targets["secret_address"] = int(victim.stdout.readline())
        self.targets["secret_bytes"] = len(self.secret)

    # What only the host can tell.

    def changed(self) -> bool:
        """Whether the file outside was changed."""
        return Path(self.targets["decoy"]).read_text() != self.secret

    def made(self) -> bool:
        """Whether a file was made outside."""
        return Path(self.targets["made"]).exists()

    def removed(self) -> bool:
        """Whether the file outside was removed."""
        return not Path(self.targets["removable"]).exists()

    def datagram_came(self) -> bool:
        """Whether the datagram came."""
        while select.select([self._udp], [], [], 0.2)[0]:
            if self._udp.recv(4096).decode("utf-8", "replace") == self.targets["datagram"]:
                return True
        return False

    def signal_came(self) -> bool:
        """Whether the process got a signal."""
        return bool(select.select([self._victim_says], [], [], 0.2)[0])


class _Greeter:
    """Says the secret to whoever connects."""

    def __init__(
        self, servers: list[socket.socket], secret: str, stack: contextlib.ExitStack
    ) -> None:
        self._servers, self._secret = servers, secret
        self._end, end = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="doctor-decoys", daemon=True)
        self._thread.start()
        stack.callback(self._stop, end)

    def _stop(self, end: socket.socket) -> None:
        end.close()
        self._thread.join()
        for server in (*self._servers, self._end):
            server.close()

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._end, *self._servers], [], [])
            if self._end in ready:
                return
            for server in ready:
                with contextlib.suppress(OSError), server.accept()[0] as client:
                    client.sendall(self._secret.encode())


def _end(victim: subprocess.Popen[str]) -> None:
    victim.kill()
    victim.communicate()


@contextlib.contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name, None)


Verdict = Callable[[Decoys, Any], bool]
"""Whether what an attack got, or what the host sees, means that it worked."""
