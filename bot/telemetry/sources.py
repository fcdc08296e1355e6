"""The sources of logs and traces that the settings name, opened and closed together."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

from bot.errors import Misconfigured
from bot.http import HttpSource, Transport
from bot.settings import secret_from_environment
from bot.settings.sources import (
    SERVICE_ACCOUNT,
    ConfiguredServer,
    ElasticsearchSource,
    FilesSource,
    JournaldSource,
    KubernetesSource,
    LogsKind,
    LokiSource,
    TempoSource,
    TracesKind,
    VictoriaLogsSource,
)
from bot.telemetry.elasticsearch import Elasticsearch
from bot.telemetry.files import LogFiles
from bot.telemetry.jaeger import Jaeger
from bot.telemetry.journald import Journal
from bot.telemetry.kubernetes import PodLogs
from bot.telemetry.logs import LogSource
from bot.telemetry.loki import Loki
from bot.telemetry.portions import ServerLogs
from bot.telemetry.tempo import Tempo
from bot.telemetry.victorialogs import VictoriaLogs


@asynccontextmanager
async def log_sources(
    configured: Iterable[LogsKind], *, transport: Transport | None = None
) -> AsyncIterator[tuple[LogSource, ...]]:
    """One source for each entry of `settings.logs`."""
    async with AsyncExitStack() as stack:
        yield tuple([await _log_source(stack, settings, transport) for settings in configured])


@asynccontextmanager
async def span_sources(
    configured: Iterable[TracesKind], *, transport: Transport | None = None
) -> AsyncIterator[tuple[Tempo | Jaeger, ...]]:
    """One source for each entry of `settings.traces`."""
    async with AsyncExitStack() as stack:
        yield tuple([await _span_source(stack, settings, transport) for settings in configured])


async def _span_source(stack: AsyncExitStack, settings: TracesKind, transport: Transport | None) -> Tempo | Jaeger:
    http = await stack.enter_async_context(server(settings, transport=transport))
    return Tempo(http, settings) if isinstance(settings, TempoSource) else Jaeger(http, settings)


async def _log_source(stack: AsyncExitStack, settings: LogsKind, transport: Transport | None) -> LogSource:
    if isinstance(settings, FilesSource):
        return LogFiles(settings.path, service=settings.service)
    if isinstance(settings, JournaldSource):
        return Journal(settings.unit, service=settings.service)
    http = await stack.enter_async_context(server(settings, transport=transport))
    if isinstance(settings, KubernetesSource):
        return PodLogs(http, settings)
    if isinstance(settings, LokiSource):
        return ServerLogs(Loki(http, settings))
    if isinstance(settings, ElasticsearchSource):
        return ServerLogs(Elasticsearch(http, settings))
    return ServerLogs(VictoriaLogs(http, settings))


def server(settings: ConfiguredServer, *, transport: Transport | None = None) -> HttpSource:
    """The connection to a configured server, named by its kind and host.

    Raises:
        Misconfigured: a variable that the settings name is not set.
    """
    token_file, ca_file = settings.token_file, settings.ca_file
    if isinstance(settings, KubernetesSource) and (SERVICE_ACCOUNT / "token").is_file():
        ca_file = ca_file or SERVICE_ACCOUNT / "ca.crt"
        if settings.token_env is None and settings.username is None:
            token_file = token_file or SERVICE_ACCOUNT / "token"
    return HttpSource(
        f"{settings.kind} at {urlsplit(settings.url).netloc}",
        settings.url,
        headers=_credentials(settings) | _tenant(settings),
        timeout_s=settings.timeout_s,
        token_file=token_file,
        ca_file=ca_file,
        set_by=_set_by(settings),
        transport=transport,
    )


def _credentials(settings: ConfiguredServer) -> dict[str, str]:
    if settings.token_env:
        return {"Authorization": f"Bearer {_secret(settings.token_env)}"}
    if settings.password_env:
        pair = f"{settings.username}:{_secret(settings.password_env)}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    if isinstance(settings, ElasticsearchSource) and settings.api_key_env:
        return {"Authorization": f"ApiKey {_secret(settings.api_key_env)}"}
    return {}


def _set_by(settings: ConfiguredServer) -> str:
    variable = settings.token_env or (settings.api_key_env if isinstance(settings, ElasticsearchSource) else None)
    return f"the variable {variable}" if variable else "its 'tenant'"


def _secret(variable: str) -> str:
    secret = secret_from_environment(variable)
    if secret is None:
        raise Misconfigured(f"The variable {variable} is not set, which a source of logs or traces names.")
    return secret.get_secret_value()


def _tenant(settings: ConfiguredServer) -> dict[str, str]:
    if isinstance(settings, LokiSource | TempoSource) and settings.tenant:
        return {"X-Scope-OrgID": settings.tenant}
    if isinstance(settings, VictoriaLogsSource) and settings.tenant:
        account, _, project = settings.tenant.partition(":")
        return {"AccountID": account, "ProjectID": project or "0"}
    return {}
