"""Code in a kernel attacks the host: nothing it tries reaches anything.

The same attacks reach the host where nothing isolates the kernel, which shows that they are
attacks. Run as root and as an ordinary user (``test_other_user.py``).
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

import pytest

from kernel_sandbox import KernelTimeoutError

ATTACKS = re.findall(
    r"^@attack\ndef (\w+)", (Path(__file__).parent / "inside.py").read_text(), re.MULTILINE
)

LEAKS_OF_LANDLOCK = {"see_file_sizes_outside"}
"""Landlock cannot hide that files are there, nor their sizes and times (docs/isolation.md)."""


def test_there_are_many() -> None:
    assert len(ATTACKS) >= 130
    assert len(set(ATTACKS)) == len(ATTACKS)


@pytest.mark.parametrize("isolation", ["bubblewrap", "landlock"])
@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_is_reached(attacker, isolation, name):
    evidence, refusal = attacker(isolation).attack(name)
    if isolation == "landlock" and name in LEAKS_OF_LANDLOCK:
        assert evidence is not None, "the documentation says that this leaks; mend it there"
        return
    assert evidence is None, refusal


def test_the_attacks_are_attacks(attacker):
    """Without isolation most of them work; what root alone can do is not asked of others."""
    unguarded = attacker("none")
    # Ending processes of the machine that runs the tests is no part of them.
    names = [name for name in ATTACKS if name not in {"signal_everybody", *NOT_UNGUARDED}]
    reached = []
    for name in names:
        # Without walls an attack may also stop the kernel that it runs in.
        with contextlib.suppress(KernelTimeoutError):
            if unguarded.attack(name)[0] is not None:
                reached.append(name)
    missed = sorted(set(names) - set(reached))
    print("did not reach the host even unguarded:", missed)
    assert len(reached) >= (80 if os.getuid() == 0 else 55), missed


NOT_UNGUARDED = {
    # They would change what the tests themselves stand on.
    "write_into_the_python_environment",
    "write_into_the_launcher",
    "slow_all_of_the_user",
    "replace_a_socket_by_a_link",
    "overwrite_the_connection_file",
    "replace_the_connection_file_by_a_link",
}
