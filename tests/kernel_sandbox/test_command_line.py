"""``kernel_sandbox`` on the command line: doctor, show, install, and what is wrong with it."""

from __future__ import annotations

import json

import pytest

from kernel_sandbox import Policy
from kernel_sandbox.cli import main
from kernel_sandbox.doctor import diagnose


def test_doctor_says_what_isolates_and_attacks_it(capsys):
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "Kernels are isolated by" in said
    assert said.count("  refused") == 16
    assert "4 GiB a process" in said or "MiB a process" in said or "GiB a process" in said


async def test_doctor_sees_what_reaches_the_host():
    found = await diagnose(Policy(isolation="none"))
    reached = {check.name for check in found.reached}
    assert {"reads_a_file", "writes_a_file", "connects_by_tcp", "connects_by_a_file"} <= reached
    assert {"reads_the_owners_environment", "signals_the_owner"} <= reached


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
