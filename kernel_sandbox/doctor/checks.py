"""The attacks in words: for each a title, and how the host tells whether it worked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernel_sandbox.confinement.filesystem import interpreter_paths
from kernel_sandbox.doctor.decoys import Decoys, Verdict
from kernel_sandbox.policy import Policy


@dataclass(frozen=True, slots=True)
class Attack:
    """Its name in :mod:`kernel_sandbox.doctor.attacks`, in words, and the verdict."""

    name: str
    title: str
    reached: Verdict


def _told_secret(decoys: Decoys, got: Any) -> bool:
    return decoys.secret in str(got)


def _any(_decoys: Decoys, got: Any) -> bool:
    return bool(got)


ATTACKS = (
    Attack("read_file", "read a file outside", _told_secret),
    Attack("read_through_link", "read it through a link", _told_secret),
    Attack("list_home", "list your home", _any),
    Attack("write_file", "change a file outside", lambda decoys, _: decoys.changed()),
    Attack("make_file", "make a file outside", lambda decoys, _: decoys.made()),
    Attack("remove_file", "remove a file outside", lambda decoys, _: decoys.removed()),
    Attack("read_environment", "see your environment variables", _told_secret),
    Attack("read_connection_file", "read another kernel's key", _told_secret),
    Attack("change_python", "change the Python it runs in", _any),
    Attack("use_descriptors", "use files left open", _told_secret),
    Attack("read_process", "see another process's variables", _told_secret),
    Attack("read_memory", "read another process's memory", _told_secret),
    Attack("attach", "trace another process", _told_secret),
    Attack("send_signal", "signal another process", lambda decoys, _: decoys.signal_came()),
    Attack("connect_tcp", "connect to a server on this machine", _told_secret),
    Attack("connect_unix", "connect to a socket in a folder", _told_secret),
    Attack("connect_abstract", "connect to a socket without a file", _told_secret),
    Attack("send_udp", "send a datagram", lambda decoys, _: decoys.datagram_came()),
    Attack("mount", "mount a file system", _any),
    Attack("unshare", "become root of a namespace", _any),
    Attack("use_io_uring", "use io_uring", _any),
    Attack("load_bpf", "use BPF", _any),
    Attack("open_core_pattern", "change what runs after a crash", _any),
    Attack("make_setuid_file", "make a setuid file", _any),
    Attack("gain_privileges", "gain rights by a setuid program", _any),
)


def allowed(attack: Attack, policy: Policy, decoys: Decoys) -> str:
    """Return why ``policy`` itself allows what ``attack`` tries, or nothing."""
    granted = (*policy.read_only, *policy.writable)
    if any(decoys.folder.is_relative_to(path) for path in granted) and attack.name in {
        "read_file", "read_through_link", "write_file", "make_file", "remove_file",
        "connect_unix", "read_connection_file", "use_descriptors",
    }:  # fmt: skip
        return "the policy grants the folder of temporary files"
    prefix = Path(decoys.targets["prefix"])
    if attack.name == "change_python" and any(prefix.is_relative_to(p) for p in policy.writable):
        return "the policy lets it change that folder"
    if attack.name == "list_home" and any(Path.home().is_relative_to(path) for path in granted):
        return "the policy grants your home"
    return ""


def names_not_granted(names: list[str], policy: Policy, python: str) -> list[str]:
    """Return the ``names`` in the user's home that neither policy nor interpreter explain."""
    needed = (*policy.read_only, *policy.writable, *interpreter_paths(python))
    home = Path.home()
    return [
        name
        for name in names
        if not any(
            path.is_relative_to(home / name) or (home / name).is_relative_to(path)
            for path in needed
        )
    ]
