"""What tools and people are there: databases, servers, folders, roles, rules, prices.

Here: the two files, TOML, of the user and of the project, and what each may say. A project's file
may come with a cloned repository: it can restrict, and name folders of the project and roles, but
start nothing, reach nothing and choose no model. Not here: settings (:mod:`analyst.settings`), and
what the parts are used for.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from analyst.settings import SettingsError

USER_FILE = "analyst-tools.toml"
"""The user's file, in Jupyter's configuration directory."""

PROJECT_FILE = "analyst.toml"
"""The project's file, in the working directory or a folder above it."""

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_Model = TypeVar("_Model", bound=BaseModel)
_NAME = r"^[A-Za-z][A-Za-z0-9_-]{0,39}$"


class ConfigurationError(SettingsError):
    """A file cannot be taken as it is; the message names the file, the place and the mend."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class PermissionRule(_Part):
    """What becomes of the calls of some tools; patterns take ``*`` and ``?``."""

    tool: str = Field(min_length=1)
    where: dict[str, str] = {}
    decision: Literal["allow", "ask", "deny"]


class Database(_Part):
    """A database that the sql tool may read, by its SQLAlchemy address.

    ``row_cap``: most rows of a result; ``seconds``: most seconds of a query. ``writes``: ``ask``
    lets the user approve statements that write; else the database is opened for reading only.
    """

    url: str = Field(min_length=1)
    description: str = ""
    row_cap: int = Field(default=10_000, ge=1, le=10_000_000)
    seconds: float = Field(default=30.0, gt=0, le=3600)
    writes: Literal["deny", "ask"] = "deny"


class McpServer(_Part):
    """A server of the Model Context Protocol: a program to start, or an address.

    ``allow_read_only``: take the server's word for which of its tools only read.
    """

    command: str | None = None
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    url: str | None = None
    headers: dict[str, str] = {}
    allow_read_only: bool = False

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("give either command (a program) or url (an address)")
        return self


class Web(_Part):
    """What of the web may be reached: hosts (patterns), and a search provider's address.

    ``search_url`` holds ``{query}`` where the words go.
    """

    allow: tuple[str, ...] = ()
    search_url: str | None = None
    search_headers: dict[str, str] = {}


class Knowledge(_Part):
    """The user's own documents, by folder."""

    folders: tuple[Path, ...] = ()


class Role(_Part):
    """Who works in a team: what it is told, which tools and which model it has.

    ``does`` says what it is there for, ``none`` that it takes no part; ``tools`` are names, or
    patterns with ``*`` and ``?``. What is not given is as for the role of that name.
    """

    does: (
        Literal["plan", "search", "compute", "review", "decide", "write", "discuss", "none"] | None
    ) = None
    prompt: str = ""
    tools: tuple[str, ...] | None = None
    model: str | None = None


class Models(_Part):
    """Models by the work: ``strong`` plans and concludes, ``cheap`` takes routine steps."""

    strong: str | None = None
    cheap: str | None = None
    critic: str | None = None


class Price(_Part):
    """Money per million tokens, in the currency of the provider's bill."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)


def _named(value: object) -> object:
    if isinstance(value, dict):
        for name in value:
            if not re.match(_NAME, str(name)):
                raise ValueError(f"{name!r} is no name: letters, digits, - and _ (at most 40)")
    return value


class ProjectRole(Role):
    """A role as a project may describe it: whom the data go to is not for a project to say."""

    model: None = None


class ProjectConfiguration(_Part):
    """What a project's file may say."""

    permissions: tuple[PermissionRule, ...] = ()
    knowledge: Knowledge = Knowledge()
    roles: Annotated[dict[str, ProjectRole], BeforeValidator(_named)] = {}


class Configuration(_Part):
    """What both files say together.

    ``permissions`` are the user's rules and ``project_permissions`` the project's, of which those
    that allow are left out: a project cannot allow itself anything. ``folder`` is the
    project's, if it has a file.
    """

    permissions: tuple[PermissionRule, ...] = ()
    databases: Annotated[dict[str, Database], BeforeValidator(_named)] = {}
    mcp_servers: Annotated[dict[str, McpServer], BeforeValidator(_named)] = {}
    web: Web | None = None
    knowledge: Knowledge = Knowledge()
    roles: Annotated[dict[str, Role], BeforeValidator(_named)] = {}
    models: Models = Models()
    prices: dict[str, Price] = {}
    project_permissions: tuple[PermissionRule, ...] = Field(default=(), exclude=True)
    folder: Path | None = Field(default=None, exclude=True)

    @classmethod
    def load(cls, cwd: Path, *, user_file: Path | None = None) -> Self:
        """Read both files; without one, nothing is configured.

        Raises :class:`ConfigurationError`.
        """
        user_file = user_file or user_file_path()
        values = _read(user_file)
        for reserved in ("project_permissions", "folder"):
            if reserved in values:
                raise ConfigurationError(f"{user_file}: {reserved} is not set in a file.")
        mine = _validated(cls, values, user_file)
        found = project_file(cwd)
        if found is None or found.resolve() == user_file.resolve():
            return mine
        theirs = _validated(ProjectConfiguration, _read(found), found)
        folder = found.parent.resolve()
        return mine.model_copy(
            update={
                "project_permissions": tuple(
                    rule for rule in theirs.permissions if rule.decision != "allow"
                ),
                "knowledge": Knowledge(
                    folders=(*mine.knowledge.folders, *_inside(theirs.knowledge, folder, found))
                ),
                "roles": {**theirs.roles, **mine.roles},
                "folder": folder,
            }
        )


def user_file_path() -> Path:
    """Return where the user's file is, or would be."""
    from jupyter_core.paths import jupyter_config_dir  # noqa: PLC0415 - slow, and often unneeded

    return Path(jupyter_config_dir()) / USER_FILE


def project_file(cwd: Path) -> Path | None:
    """Return the project's file: the nearest, up to the repository's top or the home directory."""
    for folder in (cwd, *cwd.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder / PROJECT_FILE
        if (folder / ".git").exists() or folder == Path.home():
            return None
    return None


def expanded(text: str, environ: Mapping[str, str] | None = None) -> str:
    """Put variables of the environment in the place of ``${NAME}``.

    Raises :class:`ConfigurationError` for one that is not set. The result may hold secrets: it
    is for use, never for a record or a message.
    """
    variables = os.environ if environ is None else environ

    def value(match: re.Match[str]) -> str:
        if match[1] not in variables:
            raise ConfigurationError(f"The environment variable {match[1]} is not set.")
        return variables[match[1]]

    return _VARIABLE.sub(value, text)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path} is no TOML ({error}); mend or delete it.") from None


def _validated(kind: type[_Model], values: dict[str, Any], path: Path) -> _Model:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        if kind is ProjectConfiguration and first["type"] in ("extra_forbidden", "none_required"):
            said = f"only the user's own file ({USER_FILE}) may say this"
        raise ConfigurationError(f"{path}: {where}: {said}.") from None


def _inside(knowledge: Knowledge, folder: Path, path: Path) -> tuple[Path, ...]:
    found = tuple((folder / one).resolve() for one in knowledge.folders)
    for one in found:
        if not one.is_relative_to(folder):
            raise ConfigurationError(
                f"{path}: knowledge.folders: {one.name} is outside the project; name it in your "
                f"own file ({USER_FILE})."
            )
    return found
