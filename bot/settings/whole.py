"""The whole configuration, and where it is read from. The environment is read here and nowhere else.

Sources, the first that names a setting wins: `NIGHTDESK_*` (nested with `__`), the Slack names that every
Slack app uses (`SLACK_BOT_TOKEN`, …), then the TOML file (`nightdesk.toml`, or the one `NIGHTDESK_CONFIG` names).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from bot.errors import Misconfigured
from bot.nearest import nearest
from bot.plural import many
from bot.settings.auth import AUTH_KINDS
from bot.settings.model import ModelSettings
from bot.settings.section import without_blanks
from bot.settings.sections import (
    AlertSourceSettings,
    ChangesSettings,
    GroupingSettings,
    PrometheusSettings,
    RemediationSettings,
    SlackSettings,
    TriageSettings,
    WorkSettings,
)
from bot.settings.sources import ConfiguredLogs, ConfiguredTraces

OTHERS = frozenset({"NIGHTDESK_PYTHON"})
"""Names with our prefix that are for the scripts."""
SLACK_NAMES = {
    "SLACK_BOT_TOKEN": "bot_token",
    "SLACK_SIGNING_SECRET": "signing_secret",
    "SLACK_APP_TOKEN": "app_token",
    "SLACK_API_URL": "api_url",
}


Role = Literal["all", "worker", "executor"]
Secret = Callable[[str], SecretStr | None]
"""The value of a variable that a section or the catalogue names, None where it is not set."""


def shipped_playbooks() -> Path:
    """The playbooks of the installed package; in a checkout those that stand beside it."""
    package = Path(__file__).resolve().parents[1]
    packed = package / "playbooks"
    return packed if packed.is_dir() else package.parent / "playbooks"


def default_playbooks() -> Path:
    """The folder `playbooks` here, if there is one; else those that ship."""
    here = Path("playbooks")
    return here if here.is_dir() else shipped_playbooks()


class Settings(BaseSettings):
    """The whole configuration."""

    model_config = SettingsConfigDict(
        env_prefix="NIGHTDESK_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        validate_default=True,
    )

    config: Path | None = Field(default=None, description="the TOML file that was read")
    role: Role = Field(default="all", description="what this process does of the whole")
    redis_url: SecretStr | None = Field(default=None, description="empty: a private Redis in the data folder")
    audit_key: SecretStr | None = Field(default=None, description="seals the audit trail; for the executor alone")
    data_dir: Path = Path("data")
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"
    services_file: Path = Path("services.yaml")
    playbooks_dir: Path = Field(
        default_factory=default_playbooks, description="empty: playbooks here, else those that ship"
    )
    knowledge_dir: Path | None = None
    encoder: str | None = Field(default=None, description="sentence-transformers name or path; empty: lexical recall")
    prometheus_url: str | None = None
    prometheus: PrometheusSettings = PrometheusSettings()
    max_body_bytes: int = Field(default=1_000_000, ge=1024)
    grouping: GroupingSettings = GroupingSettings()
    slack: SlackSettings = SlackSettings()
    alerts: Mapping[str, AlertSourceSettings] = Field(default_factory=dict)
    logs: tuple[ConfiguredLogs, ...] = ()
    traces: tuple[ConfiguredTraces, ...] = ()
    changes: ChangesSettings = ChangesSettings()
    model: ModelSettings = ModelSettings()
    triage: TriageSettings = TriageSettings()
    remediation: RemediationSettings = RemediationSettings()
    work: WorkSettings = WorkSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the Slack names, then the TOML file."""
        file = config_file(os.environ)
        slack_names = InitSettingsSource(settings_cls, _slack_names(os.environ))
        sources: tuple[PydanticBaseSettingsSource, ...] = (init_settings, env_settings, slack_names)
        return (*sources, TomlConfigSettingsSource(settings_cls, file)) if file else sources

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, given: Any) -> Any:
        return without_blanks(cls, given)

    @field_validator("redis_url")
    @classmethod
    def _is_of_redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not _may_be_redis(url.get_secret_value()):
            raise ValueError("give an address such as redis://:password@host:6379/0, rediss://… or unix:///path")
        return url

    @field_validator("prometheus_url")
    @classmethod
    def _is_address(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError("give an address such as http://prometheus:9090")
        return url

    @model_validator(mode="after")
    def _no_open_door(self) -> Settings:
        open_doors = sorted(name for name, source in self.alerts.items() if source.auth is None)
        if (open_doors or not self.alerts) and not self.loopback and self.role != "executor":
            what = (
                f"alert sources without authentication ({', '.join(open_doors)})"
                if open_doors
                else "no authenticated alert source"
            )
            raise ValueError(
                f"host {self.host!r} is open to other machines, but has {what}: "
                "set NIGHTDESK_HOST=127.0.0.1, or give every source a secret, e.g. "
                "NIGHTDESK_ALERTS__ALERTMANAGER__AUTH__KIND=bearer and NIGHTDESK_ALERTS__ALERTMANAGER__AUTH__TOKEN=…"
            )
        return self

    @property
    def redis(self) -> str | None:
        """Where Redis is, password included; None where it is a private one."""
        return self.redis_url.get_secret_value() if self.redis_url else None

    @property
    def loopback(self) -> bool:
        """Whether the server is reachable from this machine only."""
        return self.host in {"127.0.0.1", "::1", "localhost"}


def config_file(environ: Mapping[str, str]) -> Path | None:
    """The TOML file to read: the one that NIGHTDESK_CONFIG names, else nightdesk.toml here, if there is one."""
    named = environ.get("NIGHTDESK_CONFIG")
    if named:
        if not Path(named).is_file():
            raise Misconfigured(f"NIGHTDESK_CONFIG names {named}, which is not a file.")
        return Path(named)
    return Path("nightdesk.toml") if Path("nightdesk.toml").is_file() else None


def load(**overrides: Any) -> Settings:
    """Read the settings; every wrong value is named in one `Misconfigured` error.

    Raises:
        Misconfigured: with a line for each wrong value and the name to set it by.
    """
    file, unknown = config_file(os.environ), _unknown(os.environ)
    try:
        settings = Settings(config=file, **overrides)
    except ValidationError as error:
        raise Misconfigured(_said([*unknown, *_wrong(error)])) from None
    except SettingsError as error:  # a variable that should be JSON and is not
        raise Misconfigured(_said([*unknown, _no_json(error, os.environ)])) from None
    except (ValueError, OSError) as error:  # a file that is not TOML, or no text at all
        raise Misconfigured(f"{file} cannot be read: {error}") from None
    if unknown:
        raise Misconfigured(_said(unknown))
    return settings


def _slack_names(environ: Mapping[str, str]) -> dict[str, Any]:
    given = {field: value for name, field in SLACK_NAMES.items() if (value := environ.get(name))}
    return {"slack": given} if given else {}


def _may_be_redis(url: str) -> bool:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (raises where it is no number)
    except ValueError:
        return False
    return parts.scheme in {"redis", "rediss"} or (parts.scheme == "unix" and bool(parts.path))


def _unknown(environ: Mapping[str, str]) -> list[str]:
    """A line for each misspelt name: it would otherwise be a setting that silently does nothing."""
    known = {f"NIGHTDESK_{name.upper()}": name for name in Settings.model_fields}
    unknown = {name for name in environ if name.startswith("NIGHTDESK_") and name.split("__")[0] not in known}
    return [f"  {name}: {_no_such(name.split('__')[0], known)}" for name in sorted(unknown - OTHERS)]


def _no_json(error: SettingsError, environ: Mapping[str, str]) -> str:
    """A line that names the variable; its value may be a secret and is not repeated."""
    cause = error.__cause__
    given = cause.doc if isinstance(cause, json.JSONDecodeError) else None
    names = sorted(name for name, value in environ.items() if name.startswith("NIGHTDESK_") and value == given)
    return f'  {" or ".join(names) or "the environment"}: a list or a whole section is written as JSON, such as ["…"]'


def _said(lines: Sequence[str]) -> str:
    return "\n".join([f"{many(len(lines), 'setting')} cannot be used:", *lines])


def _no_such(name: str, known: Iterable[str]) -> str:
    return f"there is no such setting{nearest(name, known)}"


def secret_from_environment(name: str) -> SecretStr | None:
    """The value of a variable that the catalogue names (`dsn_env`), None where it is not set."""
    value = os.environ.get(name)
    return SecretStr(value) if value else None


def _wrong(error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        path = _named(problem["loc"])
        name = "NIGHTDESK_" + "__".join(path).upper() if path else "the settings together"
        said = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            said = _no_such(name, _siblings(problem["loc"], name))
        lines.append(f"  {name}: {said}")
    return lines


def _siblings(place: Sequence[str | int], name: str) -> list[str]:
    """What can be set where that name was: the names of its section, none where the section is one of a list."""
    section: Any = Settings
    for part in place[:-1]:
        field = section.model_fields.get(str(part))
        section = field.annotation if field else None
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            return []
    prefix = name.removesuffix(str(place[-1]).upper())
    return [f"{prefix}{field.upper()}" for field in section.model_fields]


def _named(place: Sequence[str | int]) -> list[str]:
    """The parts of the name to set it by; pydantic also says which kind of a section it took the value for."""
    of_source = 3 if place[:2] == ("changes", "sources") else 2 if place[:1] in {("logs",), ("traces",)} else None
    path = place if of_source is None else [*place[:of_source], *place[of_source + 1 :]]
    return [str(part) for before, part in pairwise(["", *path]) if not (before == "auth" and part in AUTH_KINDS)]
