"""The sections of the settings, one for each part of the bot. Those with kinds are in modules of their own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator, model_validator

from bot.settings.auth import AlertAuth, SourceAuth
from bot.settings.changes import ConfiguredSource
from bot.settings.section import Section
from bot.settings.targets import (
    AwxSettings,
    FeatureFlag,
    GithubSettings,
    HttpCallTemplate,
    KubernetesCluster,
    RedisServer,
    RestartTarget,
)


class SlackSettings(Section):
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

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{name!r} is no IANA time zone, such as Europe/Berlin") from None
        return name

    @property
    def configured(self) -> bool:
        """Whether there is a workspace to speak to."""
        return not self.lacking

    @property
    def lacking(self) -> str:
        """The names that are still to be set, in words; empty where all are."""
        token = [] if self.bot_token else ["SLACK_BOT_TOKEN"]
        way = [] if self.signing_secret or self.app_token else ["SLACK_SIGNING_SECRET (or SLACK_APP_TOKEN)"]
        return " and ".join([*token, *way])


class AlertSourceSettings(Section):
    """One alert source, by the name in its URL: `POST /alerts/NAME`."""

    auth: AlertAuth | None = None
    format: str | None = Field(default=None, description="the format, where it is not the source's name")
    mapping: Mapping[str, str] = Field(
        default_factory=dict,
        description="generic: Alert field → JMESPath expression; `alerts` finds the list",
    )


class RemediationSettings(Section):
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


class TriageSettings(Section):
    """How long and how widely the sub-agents look."""

    agent_deadline_s: float = Field(default=10, gt=0)
    database_readings_s: float = Field(default=300, ge=0)
    window_s: float = Field(default=900, gt=0, description="the suspicious stretch before the alert")
    baseline_s: float = Field(default=3600, gt=0, description="the stretch before that, for comparison")
    brief_tokens: int = Field(default=800, ge=100)


class PrometheusSettings(Section):
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


class ChangesSettings(Section):
    """Where deploys and configuration changes are learnt from: a door for CI, and places that are asked."""

    auth: SourceAuth | None = Field(default=None, description="of POST /changes; none: open to this machine only")
    keep_days: int = Field(default=14, ge=1, le=400)
    most: int = Field(default=20_000, ge=1, le=1_000_000, description="posted changes that are kept, the latest first")
    look_back_s: float = Field(default=21_600, gt=0, description="how long before the onset a change is of interest")
    channels: tuple[str, ...] = Field(
        default=(), description="channel ids where deploys of all services are announced, beside each service's own"
    )
    sources: Mapping[str, ConfiguredSource] = Field(default_factory=dict)


class WorkSettings(Section):
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


class GroupingSettings(Section):
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
