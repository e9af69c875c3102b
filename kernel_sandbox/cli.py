"""``kernel_sandbox install | uninstall | show | list-presets | doctor``.

Exit codes: 0 all is well, 1 an attack of ``doctor`` reached the host, 2 it was used wrongly, or
this machine cannot isolate.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from kernel_sandbox.errors import KernelSandboxError, KernelStartError, PolicyError
from kernel_sandbox.kernelspecs import CURRENT
from kernel_sandbox.limits import GIB, MIB
from kernel_sandbox.policy import BY_SESSIONS, PRESETS, Policy

_MARKS = {
    "refused": "ok",
    "reached": "REACHED",
    "allowed": "allowed",
    "unknown": "NOT KNOWN",
}
_UNITS = {"": MIB, "M": MIB, "G": GIB}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except KernelSandboxError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kernel_sandbox", description="Jupyter kernels that cannot reach what is yours."
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    policy = argparse.ArgumentParser(add_help=False)
    policy.add_argument("--preset", choices=PRESETS[:-1], default="default", help="the policy")
    policy.add_argument("--memory", type=_size, metavar="2G", help="memory of one process")
    policy.add_argument("--read", action="append", default=[], metavar="PATH", help="may read it")
    policy.add_argument(
        "--write", action="append", default=[], metavar="PATH", help="may change it"
    )
    policy.add_argument(
        "--allow-host", action="append", default=[], metavar="HOST[:PORT]", help="may reach it"
    )
    policy.add_argument("--isolation", choices=("auto", "bubblewrap", "landlock"), default="auto")

    install = verbs.add_parser(
        "install", parents=[policy], help="write a kernelspec to pick in JupyterLab"
    )
    install.add_argument("--name", default="python-isolated", help="the kernelspec's name")
    install.add_argument("--display-name", default="Python (isolated)")
    install.add_argument("--kernel", default=CURRENT, help="an installed kernel to isolate")
    where = install.add_mutually_exclusive_group()
    where.add_argument("--user", action="store_true", help="for this user")
    where.add_argument("--sys-prefix", action="store_true", help="in this environment (default)")
    where.add_argument("--prefix", help="below this directory")
    install.set_defaults(run=_install)

    uninstall = verbs.add_parser("uninstall", help="remove such a kernelspec")
    uninstall.add_argument("--name", default="python-isolated")
    uninstall.set_defaults(run=_uninstall)

    show = verbs.add_parser("show", parents=[policy], help="say what a policy means")
    show.set_defaults(run=_show)

    presets = verbs.add_parser("list-presets", help="say what each preset means")
    presets.set_defaults(run=_list_presets)

    doctor = verbs.add_parser(
        "doctor", parents=[policy], help="find out what isolates kernels here, and attack it"
    )
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.set_defaults(run=_doctor)
    return parser


def _size(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([MG]?)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write 512M or 2G")
    return int(float(match[1]) * _UNITS[match[2]])


def _policy(options: argparse.Namespace) -> Policy:
    def paths(texts: Sequence[str]) -> tuple[Path, ...]:
        found = tuple(Path(text).expanduser().absolute() for text in texts)
        for path in found:
            if not path.exists():
                raise PolicyError(f"There is no {path}.")
        return found

    policy = Policy.preset(options.preset).replace(
        isolation=options.isolation,
        read_only=paths(options.read),
        writable=paths(options.write),
        network=tuple(options.allow_host),
    )
    return policy if options.memory is None else policy.replace(memory=options.memory)


def _install(options: argparse.Namespace) -> int:
    from kernel_sandbox.confinement.backends import choose  # noqa: PLC0415 - only here
    from kernel_sandbox.installing import environment_prefix, install  # noqa: PLC0415 - only here

    policy = _policy(options)
    prefix = options.prefix or (None if options.user else environment_prefix())
    place = install(
        options.name,
        display_name=options.display_name,
        policy=policy,
        kernel=options.kernel,
        user=options.user,
        prefix=prefix,
    )
    _say(f"{options.display_name} is in {place}. Its kernels may:")
    described = policy.describe()
    _say(_table({name: words for name, words in described.items() if name not in BY_SESSIONS}))
    if not (policy.read_only or policy.writable):
        _say(
            "They see no folder of yours, the notebook's neither, and work in one of their own; "
            "--read and --write let them see more."
        )
    else:
        _say("They work in the notebook's folder if it is among these, else in one of their own.")
    try:
        backend = choose(policy.isolation)
    except KernelStartError as error:
        sys.stderr.write(f"WARNING: it is installed, but will not start here. {error}\n")
        return 0
    if policy.network and backend.name != "bubblewrap":
        sys.stderr.write(
            "WARNING: it is installed, but will not start here: hosts are let through by "
            "bubblewrap only. `kernel_sandbox doctor` says why that does not work.\n"
        )
        return 0
    _say(f"Here they are {backend.described}.")
    return 0


def _uninstall(options: argparse.Namespace) -> int:
    from kernel_sandbox.installing import uninstall  # noqa: PLC0415 - only here

    _say(f"Removed {uninstall(options.name)}.")
    return 0


def _show(options: argparse.Namespace) -> int:
    _say(_table(_policy(options).describe()))
    return 0


def _list_presets(_options: argparse.Namespace) -> int:
    for name in PRESETS[:-1]:
        _say(f"{name}:\n{_table(Policy.preset(name).describe())}")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from kernel_sandbox.doctor import diagnose  # noqa: PLC0415 - only here

    found = asyncio.run(diagnose(_policy(options)))
    if options.json:
        _say(json.dumps(found.to_dict(), indent=2))
    else:
        for name, why_not in found.tried:
            _say(f"{name}: {why_not or 'works'}")
        _say(found.problem or f"Kernels are {found.isolation}.")
        _say(_table(found.policy))
        for note in found.notes:
            _say(note)
        width = max((len(check.tried) for check in found.checks), default=0)
        for check in found.checks:
            detail = f" ({check.detail})" if check.detail else ""
            _say(f"{check.tried:<{width}}  {_MARKS[check.result]}{detail}")
    if found.problem is not None:
        return 2
    return 1 if found.reached else 0


def _table(words: dict[str, str]) -> str:
    width = max(map(len, words))
    return "\n".join(f"  {name:<{width}}  {text}" for name, text in words.items())


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
