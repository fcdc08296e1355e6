"""The sections of the settings that name where logs and traces are read; one class a kind.

Credentials are named by variable or by file, never written here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from bot.settings.section import Section

_ADDRESS = re.compile(r"https?://[^\s?#@]+")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LABEL_KEY = re.compile(r"(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9](?:[-\w.]*[A-Za-z0-9])?")
_NAMESPACE = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_INDEX = re.compile(r"[^\s/\\?\"<>|#_+-][^\s/\\?\"<>|#]*")

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def _like(pattern: re.Pattern[str], what: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(f"{what}, not {value!r}")
        return value.rstrip("/")

    return AfterValidator(check)


Address = Annotated[
    str, _like(_ADDRESS, "give an address such as https://host/path, without credentials and without a query")
]
Label = Annotated[str, _like(_LABEL, "a label is made of letters, digits and _")]
LabelKey = Annotated[str, _like(_LABEL_KEY, "a label key is written like app.kubernetes.io/name")]
Namespace = Annotated[str, _like(_NAMESPACE, "a namespace is made of a-z, 0-9 and -")]
Index = Annotated[str, _like(_INDEX, "give an index, an alias, a data stream or a pattern such as logs-*")]


class _Logs(Section):
    service: str | None = Field(default=None, description="catalogue name, where the lines do not carry one")


class _Server(Section):
    """How a server is reached, and who asks."""

    url: Address
    token_env: str | None = Field(default=None, description="variable with a bearer token")
    token_file: Path | None = Field(default=None, description="file with a bearer token, read at every request")
    username: str | None = None
    password_env: str | None = Field(default=None, description="variable with the password of the username")
    ca_file: Path | None = Field(default=None, description="certificates to trust; none: the machine's")
    timeout_s: float = Field(default=5, gt=0, le=60, description="of one request")

    @model_validator(mode="after")
    def _one_way_in(self) -> _Server:
        ways = [self.token_env, self.token_file, self.username]
        if sum(way is not None for way in ways) > 1:
            raise ValueError("give one of 'token_env', 'token_file' and 'username' with 'password_env'")
        if (self.username is None) != (self.password_env is None):
            raise ValueError("'username' and 'password_env' go together")
        return self


class FilesSource(_Logs):
    """Files, plain or gzipped, current or rotated. A path never leaves the place that is configured here."""

    kind: Literal["files"]
    path: str = Field(description="may hold *")


class JournaldSource(_Logs):
    """The journal of one systemd unit."""

    kind: Literal["journald"]
    unit: str


class LokiSource(_Server, _Logs):
    """Grafana Loki."""

    kind: Literal["loki"]
    tenant: str | None = Field(default=None, pattern=r"^[!-~]+$", description="X-Scope-OrgID")
    label: Label = Field(default="service_name", description="the label that names the service")
    selector: Mapping[Label, str] = Field(default_factory=dict, description="labels that all lines must have")

    @model_validator(mode="after")
    def _chooses(self) -> LokiSource:
        if self.service is not None and not self.selector:
            raise ValueError("with 'service', a 'selector' must choose its lines, such as {job = \"payments\"}")
        return self


class ElasticsearchFields(Section):
    """Which field holds what; as ECS names them."""

    time: str = "@timestamp"
    service: str = "service.name"
    message: str = "message"
    level: str = "log.level"
    trace: str = "trace.id"


class ElasticsearchSource(_Server, _Logs):
    """Elasticsearch, or OpenSearch, which differs in how a search is kept open."""

    kind: Literal["elasticsearch", "opensearch"]
    index: Index = "logs-*"
    api_key_env: str | None = Field(default=None, description="variable with an API key, for Authorization: ApiKey")
    fields: ElasticsearchFields = ElasticsearchFields()
    selector: Mapping[str, str] = Field(default_factory=dict, description="fields that all lines must have")


class VictoriaLogsSource(_Server, _Logs):
    """VictoriaLogs."""

    kind: Literal["victorialogs"]
    tenant: str | None = Field(default=None, pattern=r"^\d+(:\d+)?$", description="AccountID, or AccountID:ProjectID")
    field: str = Field(default="service.name", description="the field that names the service")
    selector: Mapping[str, str] = Field(default_factory=dict, description="fields that all lines must have")


class KubernetesSource(_Server, _Logs):
    """Pod logs from the Kubernetes API; inside a cluster, nothing but the namespaces need be set."""

    kind: Literal["kubernetes"]
    url: Address = "https://kubernetes.default.svc"
    namespaces: Annotated[tuple[Namespace, ...], Field(min_length=1)] = ("default",)
    label: LabelKey = Field(default="app.kubernetes.io/name", description="the pod label that names the service")


class TempoSource(_Server):
    """Grafana Tempo."""

    kind: Literal["tempo"]
    tenant: str | None = Field(default=None, pattern=r"^[!-~]+$", description="X-Scope-OrgID")
    traces: int = Field(default=60, ge=1, le=1000, description="traces that one read fetches")


class JaegerSource(_Server):
    """Jaeger, or anything with its query API."""

    kind: Literal["jaeger"]
    traces: int = Field(default=100, ge=1, le=1500, description="traces that one read fetches")


LogsKind = FilesSource | JournaldSource | LokiSource | ElasticsearchSource | VictoriaLogsSource | KubernetesSource
TracesKind = TempoSource | JaegerSource
ConfiguredLogs = Annotated[LogsKind, Field(discriminator="kind")]
ConfiguredTraces = Annotated[TracesKind, Field(discriminator="kind")]
ConfiguredServer = LokiSource | ElasticsearchSource | VictoriaLogsSource | KubernetesSource | TempoSource | JaegerSource
