"""The host that is attacked: decoys of all that a user has, and a look whether anything changed."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil
from jupyter_client import KernelManager

from kernel_sandbox.confinement.plan import PROGRAMS
from kernel_sandbox.confinement.syscalls import numbers
from kernel_sandbox.session import KernelSession

HERE = Path(__file__).parent
_IPC_CREAT = 0o1000
LIBC = ctypes.CDLL(None, use_errno=True)


class Host:
    """Decoys; :meth:`decoys` is what an attacker is told, :meth:`changes` what it did."""

    def __init__(self) -> None:
        self.secret = f"SECRET-{secrets.token_hex(12)}"
        self.marker = f"marker-{secrets.token_hex(6)}"
        self._stack = contextlib.ExitStack()
        self.root = Path(tempfile.mkdtemp(prefix="attacked-", dir="/tmp"))
        self._stack.callback(shutil.rmtree, self.root, ignore_errors=True)
        self.home, self.project = self.root / "home", self.root / "project"
        self.kernel_marker = self.root / "driven"
        self.connections: list[str] = []
        self._files()
        self._sockets()
        self._shared_memory()
        self._victim()
        self._kernels()

    def _files(self) -> None:
        for folder in (self.home / ".ssh", self.project, self.home / ".ipython/profile_default"):
            folder.mkdir(parents=True)
        (self.home / ".ssh" / "id_rsa").write_text(self.secret)
        (self.home / ".bashrc").write_text("# mine\n")
        (self.project / ".env").write_text(f"KEY={self.secret}\n")
        self.movable = self.project / "movable"
        self.restore()
        with contextlib.suppress(OSError):
            os.setxattr(self.project / ".env", "user.note", self.secret.encode())
        (self.project / ".env").chmod(0o600)
        # An owner that is careless with its descriptors.
        self._inheritable = os.open(self.project / ".env", os.O_RDONLY)
        os.set_inheritable(self._inheritable, True)
        self._stack.callback(os.close, self._inheritable)

    def restore(self) -> None:
        """Put the files back that attacks change."""
        for name in ("evil", "gone.txt"):
            path = self.project / name
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(
                missing_ok=True
            )
        victim = self.project / "victim.txt"
        victim.unlink(missing_ok=True)
        victim.write_text("untouched")
        victim.chmod(0o644)
        os.utime(victim, (1_000_000_000, 1_000_000_000))
        self.movable.write_text(self.secret)
        self.kernel_marker.unlink(missing_ok=True)

    def _sockets(self) -> None:
        def serve(server: socket.socket, name: str) -> None:
            with contextlib.suppress(OSError):
                while True:
                    if server.type == socket.SOCK_DGRAM:
                        if self.marker.encode() in server.recv(1000):
                            self.connections.append(name)
                        continue
                    connection, _ = server.accept()
                    self.connections.append(name)
                    connection.close()

        def listen(name: str, family: int, kind: int, address: Any) -> Any:
            server = socket.socket(family, kind)
            server.bind(address)
            if kind != socket.SOCK_DGRAM:
                server.listen()
            threading.Thread(target=serve, args=(server, name), daemon=True).start()
            self._stack.callback(server.close)
            return server.getsockname()

        inet, unix = socket.AF_INET, socket.AF_UNIX
        stream, datagram = socket.SOCK_STREAM, socket.SOCK_DGRAM
        self.tcp = listen("tcp", inet, stream, ("0.0.0.0", 0))[1]
        self.tcp6 = self.tcp
        with contextlib.suppress(OSError):
            self.tcp6 = listen("tcp6", socket.AF_INET6, stream, ("::1", 0))[1]
        self.udp = listen("udp", inet, datagram, ("127.0.0.1", 0))[1]
        listen("unix", unix, stream, str(self.home / "jupyter.sock"))
        listen("datagrams", unix, datagram, str(self.home / "datagrams.sock"))
        self.tmp_socket = f"/tmp/{self.marker}.sock"
        listen("tmp socket", unix, stream, self.tmp_socket)
        self._stack.callback(lambda: Path(self.tmp_socket).unlink(missing_ok=True))
        self.abstract = self.marker
        listen("abstract", unix, stream, "\0" + self.abstract)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.free_port = free.getsockname()[1]

    def _shared_memory(self) -> None:
        self.shm = Path("/dev/shm") / self.marker
        with contextlib.suppress(OSError):
            self.shm.write_text(self.secret)
        self._stack.callback(lambda: self.shm.unlink(missing_ok=True))
        self.key = secrets.randbelow(1 << 30) + 1
        segment = LIBC.shmget(self.key, 4096, _IPC_CREAT | 0o600)
        LIBC.shmat.restype = ctypes.c_void_p
        address = LIBC.shmat(segment, None, 0)
        ctypes.memmove(address, self.secret.encode(), len(self.secret))
        self._stack.callback(LIBC.shmctl, segment, 0, None)
        self._stack.callback(LIBC.shmdt, ctypes.c_void_p(address))
        self._queue = LIBC.msgget(self.key, _IPC_CREAT | 0o600)
        message = ctypes.create_string_buffer(bytes([1, *[0] * 7]) + self.secret.encode())
        LIBC.msgsnd(self._queue, message, len(self.secret), 0)
        self._stack.callback(LIBC.msgctl, self._queue, 0, None)

    def _victim(self) -> None:
        self.victim = subprocess.Popen(
            [sys.executable, str(HERE / "victim.py"), self.secret, str(self.project / ".env")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self.project,
            env={**os.environ, "VICTIMS_KEY": self.secret},
        )
        assert self.victim.stdout is not None
        self.victim_address, self.victim_fd = json.loads(self.victim.stdout.readline())
        self._stack.callback(self._end_victim)

    def _end_victim(self) -> None:
        self.victim.kill()
        self.victim.communicate()

    def _kernels(self) -> None:
        """Start two kernels of the user's, with their connection files where Jupyter puts them."""
        self.kernels: dict[str, KernelManager] = {}
        for transport in ("tcp", "ipc"):
            manager = KernelManager(
                transport=transport, connection_file=str(self.root / f"{transport}.json")
            )
            if transport == "ipc":
                manager.ip = str(self.root / "k")
            manager.start_kernel(
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=str(self.root)
            )
            self._stack.callback(manager.shutdown_kernel, now=True)
            client = manager.client()
            client.start_channels()
            client.wait_for_ready(60)
            client.stop_channels()
            # The key is a secret like the others.
            info = json.loads((self.root / f"{transport}.json").read_text())
            (self.root / f"{transport}.json").write_text(json.dumps({**info, "note": self.secret}))
            self.kernels[transport] = manager

    def close(self) -> None:
        """End all that was started."""
        self._stack.close()

    def decoys(self, session: KernelSession) -> dict[str, Any]:
        """Return what an attacker knows who knows everything but how to get at it."""
        infos = {
            name: json.loads((self.root / f"{name}.json").read_text()) for name in self.kernels
        }
        addresses = [
            address.address
            for found in psutil.net_if_addrs().values()
            for address in found
            if address.family == socket.AF_INET
        ]
        assert session.kernel_pid is not None
        return {
            "secret": self.secret,
            "marker": self.marker,
            "home": str(self.home),
            "project": str(self.project),
            "movable": str(self.movable),
            "user_line": Path("/etc/passwd").read_text().splitlines()[0],
            "victim": self.victim.pid,
            "victim_address": self.victim_address,
            "victim_fd": self.victim_fd,
            "owner": os.getpid(),
            "supervisor": supervisor_of(session).pid,
            "syscalls": numbers(),
            "shm_name": self.shm.name,
            "sysv_key": self.key,
            "tcp": self.tcp,
            "tcp6": self.tcp6,
            "udp": self.udp,
            "tmp_socket": self.tmp_socket,
            "abstract": self.abstract,
            "free_port": self.free_port,
            "addresses": addresses,
            "interfaces": [*psutil.net_if_addrs()],
            "namespaces": {"net": str(Path("/proc/self/ns/net").readlink())},
            "launcher": str(PROGRAMS),
            "connection_file": str(next(session.layout.connections.iterdir())),
            "sockets": str(session.layout.sockets),
            "inbox": str(session.layout.inbox),
            "kernel_tcp": str(self.root / "tcp.json"),
            "kernel_ipc": str(self.root / "ipc.json"),
            "kernel_tcp_info": infos["tcp"],
            "kernel_ipc_info": infos["ipc"],
            "kernel_marker": str(self.kernel_marker),
        }

    def state(self) -> dict[str, Any]:
        """Return all that attacks could have changed."""
        assert self.victim.stdin is not None
        assert self.victim.stdout is not None
        self.victim.stdin.write("\n")
        self.victim.stdin.flush()
        found: dict[str, Any] = {"victim": json.loads(self.victim.stdout.readline())}
        for folder in (self.home, self.project):
            for path in sorted(folder.rglob("*")):
                status = path.lstat()
                content = b"" if not path.is_file() else path.read_bytes()
                attributes = os.listxattr(path) if path.is_file() else []
                found[str(path)] = (
                    status.st_mode,
                    status.st_uid,
                    status.st_nlink,
                    int(status.st_mtime) if path.is_file() else 0,
                    hashlib.sha256(content).hexdigest(),
                    attributes,
                )
        for name in ("/tmp", "/var/tmp", "/dev/shm", "/run"):
            path = Path(name) / self.marker
            found[f"{path}"] = path.exists() and path != self.shm
        for folder in {*sys.path, sys.prefix}:
            path = Path(folder) / f"{self.marker}.pth"
            found[f"{path}"] = path.exists()
        found["driven"] = self.kernel_marker.exists()
        found["nice"] = os.getpriority(os.PRIO_PROCESS, 0)
        with socket.socket() as client:
            client.settimeout(0.2)
            found["listening"] = client.connect_ex(("127.0.0.1", self.free_port)) == 0
        return found

    def changes(self, before: dict[str, Any]) -> list[str]:
        """Return what is not as it was, and who connected, since ``before``; forget connections."""
        # A connection takes a moment to be noticed by the thread that serves it.
        time.sleep(0.01)
        after = self.state()
        keys = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
        connected, self.connections[:] = [*self.connections], []
        return keys + connected


def supervisor_of(session: KernelSession) -> psutil.Process:
    """Return the supervisor of a session's kernel."""
    process = psutil.Process(session.kernel_pid)
    while "supervise.py" not in " ".join(process.cmdline()):
        parent = process.parent()
        assert parent is not None
        process = parent
    return process
