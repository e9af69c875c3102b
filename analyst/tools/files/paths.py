"""Paths inside the workspace, as a model writes them, and names that are nobody's business.

Here: pure functions on texts. Not here: opening what they name (:mod:`.folder`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from analyst.tools.registry import ToolError

Parts = tuple[str, ...]
"""The names that lead from the workspace to a file; none: the workspace itself."""

MOST_PARTS = 40
_LONGEST_NAME = 255
_LONGEST_PATH = 2048
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

PROTECTED = (
    ".git", "git~1", ".hg", ".svn", ".jj",
    ".env", ".env.*", ".envrc", "*.env",
    "*.pem", "*.key", "*.p12", "*.pfx", "*.p8", "*.ppk", "*.jks", "*.keystore", "*.kdbx", "*.gpg",
    "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*",
    "credentials*", ".credentials*", ".git-credentials", "secrets.*", ".secrets*", "*secret*.json",
    "service-account*.json", "service_account*.json", "client_secret*",
    ".netrc", "_netrc", ".pgpass", ".pypirc", ".npmrc", ".yarnrc*", ".htpasswd", ".my.cnf",
    ".ssh", ".aws", ".azure", ".gnupg", ".kube", ".docker", ".vault-token",
    "kubeconfig*", "*.tfstate", "*.tfstate.*",
)  # fmt: skip
"""Names, as patterns, that are neither read nor written: keys, passwords, repositories' insides."""

_SAMPLES = (".example", ".sample", ".template", ".dist")
"""Endings of files that show what a secret one looks like."""

_CODE = (".py", ".pyi", ".ipynb", ".ts", ".js", ".go", ".rs", ".md", ".rst")
"""Endings of code and text about secrets, which is not itself one."""

USERS_OWN = ("analyst.toml",)
"""Names that are read, but never written: they say what the agent may do."""

SKIPPED = frozenset(
    {"node_modules", "__pycache__", ".venv", "venv", ".tox", ".nox", ".eggs", ".hypothesis"}
    | {".mypy_cache", ".pytest_cache", ".ruff_cache", ".ipynb_checkpoints"}
)
"""Folders that hold nothing of the user's own making."""


class PathError(ToolError):
    """A path that is not opened; the message says why, for the model."""


def parts_of(path: str) -> Parts:
    """Read a path as a model wrote it; raises :class:`PathError` for one that leads outside."""
    if len(path) > _LONGEST_PATH:
        raise PathError(f"A path has at most {_LONGEST_PATH} characters.")
    if path.startswith("/"):
        raise PathError(
            f"{shown(path)} is an absolute path. Give paths inside the workspace, as src/main.py."
        )
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    if ".." in parts:
        raise PathError(f"{shown(path)} leads outside of the workspace; nothing there is opened.")
    if len(parts) > MOST_PARTS:
        raise PathError(f"{shown(path)} is too deep: at most {MOST_PARTS} folders.")
    for part in parts:
        if not is_typable(part):
            raise PathError(f"{shown(path)} holds a name that no file should have.")
    for part in parts:
        if is_protected(part):
            raise PathError(
                f"{shown(path)} may hold keys or passwords, or the inside of a repository; such "
                "files are neither read nor written."
            )
    return parts


def plainly(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call's arguments with its path written in the one way that rules can match."""
    path = arguments.get("path")
    if not isinstance(path, str):
        return dict(arguments)
    try:
        return {**arguments, "path": "/".join(parts_of(path))}
    except PathError:
        return dict(arguments)


def is_typable(name: str) -> bool:
    """Tell whether a name can be written and seen as it is."""
    if any(unicodedata.category(letter) in _UNSEEN for letter in name):
        return False
    return len(name.encode("utf-8")) <= _LONGEST_NAME


def is_protected(name: str) -> bool:
    """Tell whether a name is one of :data:`PROTECTED`, however it is spelt."""
    plain = _plain(name)
    if plain.endswith(_SAMPLES):
        return False
    matching = [pattern for pattern in PROTECTED if fnmatchcase(plain, pattern)]
    about = {"credentials*", "secrets.*", "client_secret*"}
    return bool(matching) and not (about.issuperset(matching) and plain.endswith(_CODE))


def check_writable(parts: Parts) -> None:
    """Raise :class:`PathError` for a file that only the user changes."""
    if not parts:
        raise PathError("That is the workspace itself, not a file.")
    if _plain(parts[-1]) in USERS_OWN:
        raise PathError(f"{shown(parts[-1])} says what may be done here; only the user changes it.")


def shown(path: str) -> str:
    """Return a path as a message may show it."""
    text = visible(path.replace("\n", "\\n").replace("\t", "\\t"))
    return repr(text if len(text) <= 200 else f"{text[:200]}…")


def visible(text: str) -> str:
    """Write out characters that would not be seen, or would hide others."""
    if text.isprintable():
        return text
    return "".join(
        f"\\u{ord(letter):04x}"
        if letter not in "\n\t" and unicodedata.category(letter) in _UNSEEN
        else letter
        for letter in text
    )


def _plain(name: str) -> str:
    """Return a name as file systems that fold letters would see it."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    seen = "".join(letter for letter in folded if unicodedata.category(letter) not in _UNSEEN)
    return seen.rstrip(" .") or seen
