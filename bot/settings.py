"""Every setting: its name, default and check. The environment is read here and nowhere else.

Sources, the first that names a setting wins: `NIGHTDESK_*` (nested with `__`), the Slack names that every
Slack app uses (`SLACK_BOT_TOKEN`, …), then the TOML file (`nightdesk.toml`, or the one `NIGHTDESK_CONFIG` names).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from bot.changes.configured import ConfiguredSource
from bot.errors import Misconfigured
from bot.model_settings import ModelSettings
from bot.plural import many, verb
from bot.sources import ConfiguredLogs, ConfiguredTraces
from bot.targets import AwxSettings, FeatureFlag, GithubSettings, KubernetesCluster, RedisServer

OTHERS = frozenset({"NIGHTDESK_PYTHON"})
"""Names with our prefix that are for the scripts."""
SLACK_NAMES = {
    "SLACK_BOT_TOKEN": "bot_token",
    "SLACK_SIGNING_SECRET": "signing_secret",
    "SLACK_APP_TOKEN": "app_token",
    "SLACK_API_URL": "api_url",
}


def shipped_playbooks() -> Path:
    """The playbooks of the installed package; in a checkout those that stand beside it."""
    package = Path(__file__).resolve().parent
    packed = package / "playbooks"
    return packed if packed.is_dir() else package.parent / "playbooks"


def default_playbooks() -> Path:
    """The folder `playbooks` here, if there is one; else those that ship."""
    here = Path("playbooks")
    return here if here.is_dir() else shipped_playbooks()


Role = Literal["all", "worker", "executor"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SlackSettings(_Section):
    """The workspace. With an app token the bot connects out (Socket Mode); without, Slack calls in."""

    bot_token: SecretStr | None = None
    signing_secret: SecretStr | None = None
    app_token: SecretStr | None = None
    api_url: str = "https://slack.com/api/"
    channel: str | None = Field(default=None, description="channel id for alerts whose service names none")
    slow_history: bool = Field(
        default=False, description="read channels back at one request a minute, as Slack demands of some apps"
    )
    hear_bots: bool = Field(default=True, description="alerts that other bots post in a channel open incidents")
    timezone: str = Field(default="UTC", description="IANA name, for 'yesterday' and for times in the thread")

    @property
    def configured(self) -> bool:
        """Whether there is a workspace to speak to."""
        return self.bot_token is not None and (self.signing_secret is not None or self.app_token is not None)


class BearerAuth(_Section):
    """`Authorization: Bearer …`."""

    kind: Literal["bearer"] = "bearer"
    token: SecretStr


class BasicAuth(_Section):
    """`Authorization: Basic …`."""

    kind: Literal["basic"] = "basic"
    username: str
    password: SecretStr


class HmacAuth(_Section):
    """A hexadecimal HMAC-SHA256 of the body (of `timestamp:body` when the timestamp header is set)."""

    kind: Literal["hmac"] = "hmac"
    secret: SecretStr
    previous_secret: SecretStr | None = Field(default=None, description="still good while the sender changes it")
    header: str = "X-Nightdesk-Signature"
    timestamp_header: str | None = None
    tolerance_s: float = Field(default=300, gt=0)


class TokenAuth(_Section):
    """A token where the sender can put one: in a header, in the URL's query, or in a field of the body."""

    kind: Literal["token"] = "token"
    token: SecretStr
    place: Literal["header", "query", "field"] = "header"
    name: str = Field(default="X-API-Key", min_length=1, description="of the header, the parameter or the field")


class SnsAuth(_Section):
    """Amazon SNS signs what it posts with a certificate of its own; only these topics may speak."""

    kind: Literal["sns"] = "sns"
    topics: tuple[str, ...] = Field(min_length=1, description="ARNs")


SourceAuth = Annotated[BearerAuth | BasicAuth | HmacAuth, Field(discriminator="kind")]


AlertAuth = Annotated[BearerAuth | BasicAuth | HmacAuth | TokenAuth | SnsAuth, Field(discriminator="kind")]


class AlertSourceSettings(_Section):
    """One alert source, by the name in its URL: `POST /alerts/NAME`."""

    auth: AlertAuth | None = None
    format: str | None = Field(default=None, description="the format, where it is not the source's name")
    mapping: Mapping[str, str] = Field(
        default_factory=dict,
        description="generic: Alert field → JMESPath expression; `alerts` finds the list",
    )


class HttpCallTemplate(_Section):
    """One HTTP request that `http.call` may make. Parameters fill path segments, the query and the JSON body only."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = "POST"
    url: str = Field(description="such as https://ops.example.com/services/{service}/drain")
    headers: Mapping[str, SecretStr] = Field(default_factory=dict)
    headers_env: Mapping[str, str] = Field(default_factory=dict, description="header → variable that holds its value")
    parameters: Mapping[str, str] = Field(
        default_factory=dict, description="parameter → regular expression it must match whole"
    )
    body: Mapping[str, Any] | None = None
    risk: Literal["low", "medium", "high"] = "medium"
    effect: str = Field(description="what the call does, one sentence, with {parameters}")
    rollback: str = "irreversible"
    service: str | None = Field(default=None, description="catalogue name of the service that it touches")
    timeout_s: float = Field(default=15, gt=0, le=300)


class RestartTarget(_Section):
    """One process that `process.restart` may restart: a systemd unit or an exact command vector."""

    unit: str | None = None
    command: tuple[str, ...] | None = None
    risk: Literal["low", "medium", "high"] = "medium"
    service: str | None = None
    timeout_s: float = Field(default=60, gt=0, le=600)

    @model_validator(mode="after")
    def _one_way(self) -> RestartTarget:
        if (self.unit is None) == (self.command is None):
            raise ValueError("a restart target names either a systemd 'unit' or a 'command' vector")
        return self


class RemediationSettings(_Section):
    """Who may approve, how long a proposal stays valid, what may be done."""

    approver_users: tuple[str, ...] = Field(default=(), description="Slack user ids")
    approver_groups: tuple[str, ...] = Field(default=(), description="Slack user group ids")
    expires_s: float = Field(default=900, gt=0)
    verify_s: float = Field(default=120, gt=0, description="how long a verification watches")
    high_risk_approvals: int = Field(default=2, ge=2)
    policy_file: Path | None = Field(default=None, description="empty: policy.yaml here, if there is one")
    http_calls: Mapping[str, HttpCallTemplate] = Field(default_factory=dict)
    restarts: Mapping[str, RestartTarget] = Field(default_factory=dict)
    kubernetes: Mapping[str, KubernetesCluster] = Field(default_factory=dict)
    awx: AwxSettings | None = None
    github: GithubSettings | None = None
    flags: Mapping[str, FeatureFlag] = Field(default_factory=dict)
    redis_servers: Mapping[str, RedisServer] = Field(default_factory=dict)


class TriageSettings(_Section):
    """How long and how widely the sub-agents look."""

    agent_deadline_s: float = Field(default=10, gt=0)
    database_readings_s: float = Field(default=300, ge=0)
    window_s: float = Field(default=900, gt=0, description="the suspicious stretch before the alert")
    baseline_s: float = Field(default=3600, gt=0, description="the stretch before that, for comparison")
    brief_tokens: int = Field(default=800, ge=100)


class PrometheusSettings(_Section):
    """What the server at `prometheus_url` demands of those who ask."""

    token: SecretStr | None = Field(default=None, description="a bearer token")
    token_file: Path | None = Field(default=None, description="holds a bearer token; read for every request")
    username: str | None = None
    password: SecretStr | None = None
    headers: Mapping[str, SecretStr] = Field(default_factory=dict, description="such as the tenant, X-Scope-OrgID")
    ca_file: Path | None = None
    timeout_s: float = Field(default=5, gt=0, le=60, description="for one question")

    @model_validator(mode="after")
    def _one_way(self) -> PrometheusSettings:
        given = [self.token is not None, self.token_file is not None, self.username is not None]
        if sum(given) > 1 or (self.username is None) != (self.password is None):
            raise ValueError("give one of 'token', 'token_file', or 'username' with 'password'")
        return self


class ChangesSettings(_Section):
    """Where deploys and configuration changes are learnt from: a door for CI, and places that are asked."""

    auth: SourceAuth | None = Field(default=None, description="of POST /changes; none: open to this machine only")
    keep_days: int = Field(default=14, ge=1, le=400)
    most: int = Field(default=20_000, ge=1, le=1_000_000, description="posted changes that are kept, the latest first")
    look_back_s: float = Field(default=21_600, gt=0, description="how long before the onset a change is of interest")
    channels: tuple[str, ...] = Field(
        default=(), description="channel ids where deploys of all services are announced, beside each service's own"
    )
    sources: Mapping[str, ConfiguredSource] = Field(default_factory=dict)


class WorkSettings(_Section):
    """Background work on Redis."""

    concurrency: int = Field(default=50, ge=1)
    lease_s: float = Field(
        default=30,
        gt=0,
        description="after this long without a sign of life a worker's task is given to another",
    )
    check_interval_ms: int = Field(default=30, ge=5)
    sweep_s: float = Field(default=5, gt=0)
    walks: int = Field(default=8, ge=1, description="incidents that are looked into at a time")
    walks_per_service: int = Field(default=2, ge=1)


class GroupingSettings(_Section):
    """Which alerts are one incident, and how many incidents a night may have."""

    window_s: float = Field(
        default=300, ge=0, description="how long after an alert those of its neighbours join its incident; 0: never"
    )
    most_openings: int = Field(default=10, ge=1, description="incidents that may open in one channel within the window")
    reopen_within_s: float = Field(default=1800, ge=0)
    flapping_changes: int = Field(default=4, ge=2, description="changes within flapping_within_s that are flapping")
    flapping_within_s: float = Field(default=900, gt=0)
    flapping_quiet_s: float = Field(default=600, gt=0, description="how long a flapping alert must be quiet to end")
    most_spooled: int = Field(
        default=50_000, ge=100, description="alerts that may wait to be sorted; with more, senders are told to wait"
    )


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
    _refuse_unknown(os.environ)
    try:
        return Settings(config=config_file(os.environ), **overrides)
    except ValidationError as error:
        raise Misconfigured(_explain(error)) from None
    except ValueError as error:  # a TOML file that is not TOML, a JSON variable that is not JSON
        raise Misconfigured(f"The configuration cannot be read: {error}") from None


def _slack_names(environ: Mapping[str, str]) -> dict[str, Any]:
    given = {field: value for name, field in SLACK_NAMES.items() if (value := environ.get(name))}
    return {"slack": given} if given else {}


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    """A misspelt name would otherwise be a setting that silently does nothing."""
    known = {f"NIGHTDESK_{name.upper()}": name for name in Settings.model_fields}
    unknown = [name for name in environ if name.startswith("NIGHTDESK_") and name.split("__")[0] not in known]
    lines = [f"  {name}: there is no such setting{_nearest(name, known)}" for name in sorted(set(unknown) - OTHERS)]
    if lines:
        raise Misconfigured("\n".join([f"{many(len(lines), 'setting')} {verb(len(lines), 'do')} not exist:", *lines]))


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name.split("__", maxsplit=1)[0], known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def secret_from_environment(name: str) -> SecretStr | None:
    """The value of a variable that the catalogue names (`dsn_env`), None where it is not set."""
    value = os.environ.get(name)
    return SecretStr(value) if value else None


def _explain(error: ValidationError) -> str:
    lines = [f"{many(error.error_count(), 'setting')} cannot be used:"]
    for problem in error.errors(include_url=False, include_input=False):
        path = _named(problem["loc"])
        name = "NIGHTDESK_" + "__".join(path).upper() if path else "the settings together"
        lines.append(f"  {name}: {problem['msg'].removeprefix('Value error, ')}")
    return "\n".join(lines)


def _named(place: Sequence[str | int]) -> list[str]:
    """The parts of the name to set it by; pydantic also says which kind of a section it took the value for."""
    kinds = {"bearer", "basic", "hmac", "sns"}
    of_source = 3 if place[:2] == ("changes", "sources") else 2 if place[:1] in {("logs",), ("traces",)} else None
    path = place if of_source is None else [*place[:of_source], *place[of_source + 1 :]]
    return [str(part) for before, part in pairwise(["", *path]) if not (before == "auth" and part in kinds)]
