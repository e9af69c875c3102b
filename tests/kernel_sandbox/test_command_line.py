"""``kernel_sandbox`` on the command line: doctor, show, install, and what is wrong with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from kernel_sandbox import Policy
from kernel_sandbox.cli import main
from kernel_sandbox.doctor import attacks, diagnose
from kernel_sandbox.doctor.decoys import Decoys


def test_doctor_says_what_isolates_and_attacks_it(capsys):
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "Kernels are isolated by" in said
    assert said.count("  ok (") == 25
    assert "4 GiB a process" in said or "MiB a process" in said or "GiB a process" in said


async def test_doctor_sees_what_reaches_the_host():
    found = await diagnose(Policy(isolation="none"))
    refused = {check.name: check.detail for check in found.checks if not check.reached}
    # These are kept from a kernel in any case; the next test shows that they can be seen.
    assert {"read_environment", "use_descriptors"} <= {*refused}
    # What the system itself may refuse an ordinary user, a container, or everybody.
    rest = {"mount", "unshare", "use_io_uring", "load_bpf", "open_core_pattern", "change_python"}
    assert {*refused} - {"read_environment", "use_descriptors"} <= (rest if os.geteuid() else set())


def test_what_a_process_inherits_is_seen_by_the_doctors_attacks():
    decoys = Decoys.make()
    try:
        program = (
            f"import sys; sys.path.insert(0, {str(Path(attacks.__file__).parent)!r})\n"
            "import attacks, json\n"
            "names = ['read_environment', 'use_descriptors']\n"
            "print(json.dumps([attacks.run(name, {}) for name in names]))"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], close_fds=False, capture_output=True, check=True
        )
        for said in json.loads(done.stdout):
            assert decoys.secret in said["got"]
    finally:
        decoys.remove()


async def test_an_attack_that_could_not_be_tried_is_no_success(monkeypatch, capsys):
    monkeypatch.setattr("kernel_sandbox.doctor.diagnosis._SOURCE", "def run(*_): raise KeyError")
    found = await diagnose()
    assert {check.result for check in found.checks} == {"unknown"}
    assert len(found.reached) == len(found.checks)


async def test_what_the_policy_allows_is_no_attack():
    folder = Path(tempfile.gettempdir())
    found = await diagnose(Policy(read_only=(folder,)))
    allowed = {check.name for check in found.checks if check.result == "allowed"}
    assert "read_file" in allowed
    assert not found.reached


def test_doctor_for_programs(capsys):
    assert main(["doctor", "--json", "--isolation", "landlock"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["backend"] == "landlock"
    assert not [check for check in found["checks"] if check["reached"]]


def test_doctor_where_nothing_isolates(monkeypatch, capsys):
    monkeypatch.setattr("kernel_sandbox.confinement.landlock.abi", lambda: 3)
    from kernel_sandbox.confinement import backends

    monkeypatch.setattr(backends.bubblewrap, "programs", list)
    for cached in (backends._bubblewrap, backends._landlock):
        cached.cache_clear()
    try:
        assert main(["doctor"]) == 2
    finally:
        for cached in (backends._bubblewrap, backends._landlock):
            cached.cache_clear()
    said = capsys.readouterr().out
    assert "it is not installed; install it" in said
    assert "version 6 is needed (Linux 6.12), and this Linux has version 3" in said
    assert "gateway" in said


def test_presets_are_listed(capsys):
    assert main(["list-presets"]) == 0
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if not line.startswith(" ")] == [
        "default:",
        "small:",
        "large:",
    ]
    assert "1 GiB a process, 1.25 GiB in all" in said


def test_installing_warns_where_nothing_isolates(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("kernel_sandbox.confinement.backends.attempts", lambda _: [])
    assert main(["install", "--prefix", str(tmp_path)]) == 0
    assert (tmp_path / "share/jupyter/kernels/python-isolated/kernel.json").exists()
    assert "WARNING: it is installed, but will not start here" in capsys.readouterr().err


def test_show_says_what_a_policy_means(capsys):
    assert main(["show", "--preset", "small", "--memory", "2G", "--allow-host", "example.org"]) == 0
    said = capsys.readouterr().out
    assert "2 GiB a process, 2.5 GiB in all" in said
    assert "example.org" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "--read", "/no/such/folder"], "There is no /no/such/folder"),
        (["show", "--allow-host", "http://example.org/"], "is no host for the network list"),
        (["install", "--name", "a/b"], "is no name for a kernel"),
        (["install", "--kernel", "cobol"], "There is no kernel named 'cobol'"),
        (["uninstall", "--name", "never-there"], "There is no kernel named"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(arguments, words, capsys):
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


def test_installing_promises_only_what_every_front_end_keeps(tmp_path, capsys):
    assert main(["install", "--prefix", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "memory" in said
    assert "cell time" not in said
    assert "output" not in said


def test_what_was_installed_can_be_removed_and_nothing_else(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share" / "jupyter"))
    assert main(["install", "--name", "mine", "--prefix", str(tmp_path)]) == 0
    place = tmp_path / "share" / "jupyter" / "kernels"
    assert (place / "mine" / "kernel.json").exists()
    (place / "theirs").mkdir()
    (place / "theirs" / "kernel.json").write_text('{"argv": ["x"], "display_name": "x"}')
    assert main(["uninstall", "--name", "mine"]) == 0
    assert not (place / "mine").exists()
    assert main(["uninstall", "--name", "theirs"]) == 2
    assert (place / "theirs").exists()
