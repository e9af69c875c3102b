"""What a user can set, and the file it is kept in.

Here: the settings with their types, defaults and help, how strings become values, and the
JSON file in Jupyter's configuration directory. Not here: which settings decide the model
(:mod:`analyst.llm.router`), and options that hold for one cell only (the front ends).

Keys are never kept in the file. They come from the environment, or are set for the life of
the process.
"""

from __future__ import annotations

import difflib
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from analyst.record.files import write_private

_URLS = ("base_url", "gateway_url")
IN_PROCESS_ONLY = frozenset({"api_key"})
"""Settings that are never written to the file, to a log, or shown."""


class SettingsError(Exception):
    """A setting cannot be taken as given; the message says what would be right."""


class UnknownSettingError(SettingsError):
    """There is no setting of that name; ``known`` lists those there are."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.known = tuple(Settings.model_fields)
        close = difflib.get_close_matches(name, self.known, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        super().__init__(
            f"There is no setting {name!r}.{hint} The settings are: {', '.join(self.known)}."
        )


class InvalidSettingError(SettingsError):
    """The value does not fit the setting ``name``."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        super().__init__(f"{name}: {reason}.")


class SettingsFileError(SettingsError):
    """The file at ``path`` cannot be read or written."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        super().__init__(f"The settings file {path} {reason}.")


def _from_words(value: object) -> object:
    """Take what people type for yes and no; pydantic knows most of it."""
    return value.strip().lower() if isinstance(value, str) else value


def _none_when_empty(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _checks(value: object) -> object:
    words = _split(value)
    return () if words == ("none",) else words


Check = Literal["grounding", "silent_errors", "second", "critic"]
DEFAULT_CHECKS: tuple[Check, ...] = ("grounding", "silent_errors")
_Checks = Annotated[tuple[Check, ...], BeforeValidator(_checks)]
_Words = Annotated[tuple[str, ...], BeforeValidator(_split)]
_OptionalText = Annotated[str | None, BeforeValidator(_none_when_empty)]


class Settings(BaseModel):
    """All settings. Immutable; :meth:`updated` gives changed ones."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True
    )

    model: _OptionalText = Field(
        default=None,
        description="the model to ask: a name its endpoint knows, or 'embedded' for the one "
        "that runs on this machine",
    )
    base_url: _OptionalText = Field(
        default=None, description="address of an OpenAI-compatible endpoint, mostly ending in /v1"
    )
    api_key: Annotated[SecretStr | None, BeforeValidator(_none_when_empty)] = Field(
        default=None,
        exclude=True,
        repr=False,
        description="key for the endpoint; held in this process only, never written to a file",
    )
    protocol: Literal["auto", "native", "fenced"] = Field(
        default="auto",
        description="how the model calls tools: 'native' function calls, 'fenced' code blocks "
        "(small models), or 'auto' by model",
    )
    max_steps: int = Field(
        default=8, ge=1, le=1000, description="most steps (replies of the model) in a run"
    )
    max_tokens_per_run: int = Field(
        default=50_000, ge=100, description="most tokens a run may read and write together"
    )
    max_seconds: float = Field(
        default=600, gt=0, allow_inf_nan=False, description="most seconds a run may take"
    )
    max_cost: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="most money a run may cost, in the currency of your prices; needs the "
        "model's price in analyst-tools.toml",
    )
    cell_deadline_seconds: float = Field(
        default=120,
        gt=0,
        allow_inf_nan=False,
        description="most seconds one piece of the agent's code may run",
    )
    temperature: float = Field(
        default=0.0, ge=0, le=2, description="0 for the likeliest reply, higher for variety"
    )
    context_window: int | None = Field(
        default=None,
        ge=1024,
        description="tokens the model can hold, when the analyst does not know or you know better",
    )
    show_rows: Annotated[bool, BeforeValidator(_from_words)] = Field(
        default=False, description="send sample rows of your data to the model, not just a profile"
    )
    memory_limit_mb: int | None = Field(
        default=None,
        ge=256,
        description="megabytes the agent's code may use (default: half of the machine's, at "
        "most 4096)",
    )
    sandbox: Literal["default", "small", "large"] = Field(
        default="default",
        description="how much the agent's code may use: a policy of kernel_sandbox by its name",
    )
    isolation: Literal["auto", "bubblewrap", "landlock", "none"] = Field(
        default="auto",
        description="what keeps the agent's code from your files and network; 'none' lets it do "
        "all that you can, and every run says so",
    )
    network_hosts: _Words = Field(
        default=(),
        description="hosts the agent's code may reach, separated by commas, as example.org or "
        "*.example.org:8080",
    )
    read_folders: _Words = Field(
        default=(),
        description="folders of yours the agent's code may read, separated by commas",
    )
    workspace: _OptionalText = Field(
        default=None,
        description="the folder of a project whose files the agent may look at, change after "
        "showing you the diff, and test (default: none)",
    )
    test_command: str = Field(
        default="{python} -m pytest -q {selection}",
        description="how the workspace's tests are run, in a sandbox; {python} is its "
        "interpreter, {selection} the tests asked for",
    )
    gateway_url: _OptionalText = Field(
        default=None,
        description="a Jupyter gateway that runs the agent's kernel instead of this machine; its "
        "token is read from JUPYTER_GATEWAY_AUTH_TOKEN",
    )
    spare_kernel: Annotated[bool, BeforeValidator(_from_words)] = Field(
        default=True,
        description="start a kernel for the agent when the extension is loaded, and keep a spare "
        "one warm (about 200 MB)",
    )
    memory: Annotated[bool, BeforeValidator(_from_words)] = Field(
        default=True,
        description="keep what runs computed as findings and reuse them; off stores nothing and "
        "recalls nothing",
    )
    private: Annotated[bool, BeforeValidator(_from_words)] = Field(
        default=False,
        description="keep nothing of runs: no record, no finding; what is known is still recalled",
    )
    memory_scope: Literal["all", "project"] = Field(
        default="all",
        description="which findings are recalled: of all your work, or of this project's only",
    )
    findings_url: _OptionalText = Field(
        default=None,
        description="a database for findings that a team shares, by its SQLAlchemy address and "
        "without a password (default: a file in the data directory)",
    )
    embedding: str = Field(
        default="wordllama",
        description="how questions are compared: wordllama (offline), fastembed (or "
        "fastembed:FOLDER with the weights of a model), or endpoint:MODEL for the embeddings of "
        "base_url",
    )
    checks: _Checks = Field(
        default=DEFAULT_CHECKS,
        description="what answers are checked for, separated by commas: grounding (numbers that "
        "nothing computed), silent_errors (results that look wrong), second (computed again, "
        "compared), critic (reviewed); or none",
    )
    work: Literal["loop", "plan", "team"] = Field(
        default="loop",
        description="how questions are worked on: 'loop' goes step by step, 'plan' makes a plan "
        "first and shows it, 'team' shares the work between roles",
    )
    team_rounds: int = Field(
        default=2, ge=1, le=20, description="most times that each role of a team speaks in a run"
    )
    careful: Annotated[bool, BeforeValidator(_from_words)] = Field(
        default=False,
        description="compute each answer several times in different ways and take what most "
        "agree on; takes about twice as long",
    )
    approval: Literal["plan", "ask", "risky", "auto"] = Field(
        default="auto",
        description="before which of the agent's calls you are asked: 'auto' before what leaves "
        "the isolated kernel, 'risky' before all that does more than compute, 'ask' before every "
        "call; 'plan' runs nothing and ends with a plan",
    )
    approval_unattended: Literal["deny", "approve"] = Field(
        default="deny",
        description="what happens to a call that should be asked about where nobody can be asked, "
        "as under nbconvert and papermill",
    )
    response_cache: Annotated[bool, BeforeValidator(_from_words)] = Field(
        default=False,
        description="keep the model's replies, and give them again to exactly the same requests",
    )
    direct_answers: Annotated[bool, BeforeValidator(_from_words)] = Field(
        default=True,
        description="answer a definition, or what the conversation already holds, at once and "
        "without code",
    )
    embedded_idle_minutes: float = Field(
        default=30,
        gt=0,
        allow_inf_nan=False,
        description="minutes without a question after which the embedded model is unloaded",
    )

    @field_validator("network_hosts", "read_folders")
    @classmethod
    def _check_policy(cls, values: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        from kernel_sandbox.policy import Policy  # noqa: PLC0415 - slow, and rarely needed

        if info.field_name == "network_hosts":
            Policy(network=values)
        else:
            Policy(read_only=tuple(map(Path, values)))
        return values

    @field_validator("workspace")
    @classmethod
    def _check_workspace(cls, folder: str | None) -> str | None:
        if folder is None:
            return None
        path = Path(folder).expanduser().absolute()
        if Path.home().resolve().is_relative_to(path.resolve()):
            raise ValueError("name the folder of one project, not all your files")
        return str(path)

    @field_validator("test_command")
    @classmethod
    def _check_test_command(cls, command: str) -> str:
        try:
            words = shlex.split(command)
        except ValueError:
            words = []
        if not words:
            raise ValueError("must be a command, as: {python} -m pytest -q {selection}")
        return command

    @field_validator("findings_url")
    @classmethod
    def _check_findings_url(cls, url: str | None) -> str | None:
        if url is not None and "://" not in url:
            raise ValueError("must be an address as postgresql+psycopg://user@host/findings")
        if url is not None and re.search(r"://[^/@]*:[^/@]*@", url):
            raise ValueError(
                "must hold no password, since settings are kept in a file; use PGPASSFILE or "
                "whatever else the database's driver reads"
            )
        return url

    @field_validator("base_url", "gateway_url")
    @classmethod
    def _check_url(cls, url: str | None) -> str | None:
        if url is None:
            return None
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("it must be an address such as https://host/v1")
        if "@" in parts.netloc:
            raise ValueError("give a user name or password apart, not within the address")
        return url

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read the file (default: :func:`settings_path`); without one, all is at its default.

        Raises :class:`SettingsFileError` when it cannot be read or holds what is no setting.
        """
        path = path or settings_path()
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls()
        except OSError as err:
            raise SettingsFileError(path, f"cannot be read: {err.strerror}") from err
        except (ValueError, RecursionError) as err:
            raise SettingsFileError(path, f"is no JSON ({err}); mend or delete it") from None
        if not isinstance(found, dict):
            raise SettingsFileError(path, "holds no JSON object; mend or delete it")
        if kept := IN_PROCESS_ONLY & found.keys():
            raise SettingsFileError(
                path, f"holds {', '.join(kept)}: delete that, and set OPENAI_API_KEY instead"
            )
        try:
            return cls().updated(found)
        except SettingsError as err:
            raise SettingsFileError(path, f"holds what is no setting. {err}".rstrip(".")) from None

    def save(self, path: Path | None = None) -> Path:
        """Write what was set, except keys, to the file and return its path.

        Raises :class:`SettingsFileError`.
        """
        path = path or settings_path()
        text = json.dumps(self.model_dump(exclude_unset=True), indent=2, sort_keys=True)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(path, f"{text}\n".encode())
        except OSError as err:
            raise SettingsFileError(path, f"cannot be written: {err.strerror}") from err
        return path

    def updated(self, changes: Mapping[str, Any]) -> Self:
        """Return the settings with ``changes``; values may be strings as typed.

        An empty string, ``default``, or None puts a setting back to its default. Raises
        :class:`UnknownSettingError` or :class:`InvalidSettingError`.
        """
        values = {name: getattr(self, name) for name in self.model_fields_set}
        for name, value in changes.items():
            if name not in type(self).model_fields:
                raise UnknownSettingError(name)
            if value is None or (isinstance(value, str) and value.strip() in ("", "default")):
                values.pop(name, None)
            else:
                values[name] = value
        try:
            return type(self).model_validate(values)
        except ValidationError as err:
            first = err.errors(include_url=False, include_input=False)[0]
            name = str(first["loc"][0])
            raise InvalidSettingError(name, _in_words(first["msg"])) from None

    def describe(self) -> list[SettingDescription]:
        """Return all settings with help, as a table of them would show."""
        return [
            SettingDescription(
                name=name,
                value=self._shown(name),
                default=_show(field.default),
                is_set=name in self.model_fields_set,
                help=field.description or "",
            )
            for name, field in type(self).model_fields.items()
        ]

    def public(self) -> dict[str, Any]:
        """Return the settings as the record of a run may hold them: no key, no URL query."""
        values = self.model_dump(mode="json")
        for name in _URLS:
            if values[name] is not None:
                values[name] = display_url(values[name])
        return values

    def _shown(self, name: str) -> str:
        value = getattr(self, name)
        if name in IN_PROCESS_ONLY:
            return "not set" if value is None else "set (not shown)"
        return display_url(value) if name in _URLS and value else _show(value)


@dataclass(frozen=True, kw_only=True)
class SettingDescription:
    """One setting as a table shows it."""

    name: str
    value: str
    default: str
    is_set: bool
    help: str


def settings_path() -> Path:
    """Return the settings file of the user."""
    from jupyter_core.paths import jupyter_config_dir  # noqa: PLC0415 - only when it is needed

    return Path(jupyter_config_dir()) / "analyst.json"


def parse_assignment(text: str) -> tuple[str, str]:
    """Split ``key=value`` as typed; raises :class:`SettingsError` when it is none."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise SettingsError(f"{text!r} sets nothing: write name=value, for instance max_steps=12.")
    return name.strip().replace("-", "_"), value.strip()


def display_url(url: str) -> str:
    """Return ``url`` without credentials, query and fragment, whatever its state."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that is no URL"
    # In a malformed address a password may stand in what parses as the path.
    rest = f"{parts.netloc}{parts.path}".rpartition("@")[2].rstrip("/")
    if not parts.scheme or not parts.netloc or not rest:
        return "an address that is no URL"
    return f"{parts.scheme}://{rest}"


def _show(value: object) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _in_words(message: str) -> str:
    """Make pydantic's message one for people."""
    message = message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
