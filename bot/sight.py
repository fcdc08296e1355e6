"""What the agents look through: metrics, logs, traces, databases and changes, opened as the settings say."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

from bot.agents.database import database_tools
from bot.agents.logs import logs_tools
from bot.agents.metrics import metrics_tools
from bot.agents.requests import request_tools
from bot.agents.tools import Toolbox
from bot.agents.traces import traces_tools
from bot.changes.ledger import ChangeLedger
from bot.databases import databases_of, readings_kept
from bot.ground import Ground
from bot.settings import secret_from_environment
from bot.telemetry.prometheus import Prometheus
from bot.telemetry.shared import log_seats, span_seats
from bot.telemetry.sources import log_sources, span_sources
from bot.work.lookout import tools_for_changes
from bot.work.measure import Ask
from bot.work.metering import prometheus_of
from bot.work.naming import Names


@dataclass(frozen=True)
class Telemetry:
    """What the agents look through."""

    toolbox: Toolbox
    ask: Ask | None
    """Asks the metrics server for one value; None where there is none."""


async def telemetry_of(stack: AsyncExitStack, ground: Ground, ledger: ChangeLedger, names: Names) -> Telemetry:
    """It is closed with the stack."""
    settings, catalog = ground.settings, ground.catalog
    prometheus = prometheus_of(settings)
    if prometheus:
        await stack.enter_async_context(prometheus)
    logs, lines = log_seats(await stack.enter_async_context(log_sources(settings.logs)), 2)
    traces, spans = span_seats(await stack.enter_async_context(span_sources(settings.traces)), 2)
    databases = databases_of(catalog, secret_from_environment)
    await stack.enter_async_context(readings_kept(databases.values(), settings.triage.database_readings_s))
    toolbox = Toolbox(
        (
            *metrics_tools(prometheus, traced=bool(traces)),
            *logs_tools(logs),
            *request_tools(lines, spans),
            *traces_tools(traces),
            *database_tools(databases),
            *await tools_for_changes(stack, settings.changes, ledger, ground.memory, catalog, names),
        )
    )
    return Telemetry(toolbox, _asking(prometheus) if prometheus else None)


def _asking(prometheus: Prometheus) -> Ask:
    async def ask(promql: str) -> float | None:
        answer = await prometheus.query(promql)
        if not answer.series:
            return 0.0  # an error counter that was never touched has no series
        return answer.single.last if answer.single else None

    return ask
