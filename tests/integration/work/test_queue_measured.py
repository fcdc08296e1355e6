"""A queue for a lock in a real PostgreSQL, felt by services that a real Prometheus measured: the general playbook."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.agents.changes import changes_tools
from bot.agents.database import database_tools
from bot.agents.metrics import metrics_tools
from bot.agents.tools import Toolbox
from bot.canvas import parse
from bot.catalog import Catalog, Database, Service
from bot.models import Alert, Incident
from bot.remediation.catalogue import actions
from bot.settings import RemediationSettings
from bot.telemetry.postgres import Postgres
from bot.telemetry.prometheus import Prometheus
from bot.work.world import Rooms
from tests.integration.agents.database.asking import no_pause
from tests.integration.work.night import Night, night_as
from tests.servers.postgres import PostgresDatabase
from tests.servers.prometheus import History, prometheus_server
from tests.unit.agents.test_course import CONFIDENT

GENERAL = parse(Path("playbooks/general-triage.md").read_text(encoding="utf-8"))
LOCKED_AT = datetime(2025, 3, 4, 3, 12, tzinfo=UTC)
ENDS = LOCKED_AT + timedelta(minutes=10)
TIMES = [ENDS.timestamp() - 5400 + 15 * place for place in range(361)]
CATALOG = Catalog(
    services={
        "web": Service(selectors={"job": "web"}, depends_on=("search",)),
        "search": Service(selectors={"job": "search"}, databases=("payments",)),
    },
    databases={"payments": Database(dsn_env="NOWHERE", action_dsn_env="NOWHERE_EITHER")},
)
ALERT = Alert(
    source="alertmanager", name="WebSlow", status="firing", fingerprint="q", service="web", starts_at=ENDS
)  # fmt: skip


def from_on(second: float, before: float, after: float) -> Callable[[float], float]:
    """So much a second until then, with the wobble of the world, and so much later."""
    since = LOCKED_AT.timestamp() + second

    def rate(now: float) -> float:
        return (after if now >= since else before) * (1 + 0.1 * ((int(now) * 7919 % 101) / 100 - 0.5))

    return rate


def suffering(second: float) -> History:
    """From that second after the lock on, search is slow and fails, and so is web, which calls it."""
    history = History()
    for job in ("web", "search"):
        history.counter(f'http_requests_total{{job="{job}",code="200"}}', TIMES, from_on(second, 50, 20))
        history.counter(f'http_requests_total{{job="{job}",code="500"}}', TIMES, from_on(second, 0.05, 30))
        for le, fast, slow in (("0.1", 48.0, 5.0), ("1", 50.0, 10.0), ("5", 50.0, 50.0), ("+Inf", 50.0, 50.0)):
            series = f'http_request_duration_seconds_bucket{{job="{job}",le="{le}"}}'
            history.counter(series, TIMES, from_on(second, fast, slow))
    return history


@pytest.fixture
def measured(tmp_path: Path, felt_after_s: float) -> Iterator[str]:
    suffering(felt_after_s).load_into(tmp_path)
    with prometheus_server(tmp_path, {}) as address:
        yield address


class Queued(Night):
    """The night in which the metrics were taken."""

    def _rooms(self) -> Rooms:
        return replace(super()._rooms(), clock=lambda: ENDS)


async def lived(database: PostgresDatabase, prometheus_url: str, redis_url: str) -> Incident:
    """The incident as a triage by the general playbook leaves it; the queue stands since the lock of that night."""
    locked_at = datetime.now(UTC)  # all of them wait by now

    def clock() -> datetime:
        return LOCKED_AT + (datetime.now(UTC) - locked_at)

    looked_at = {"payments": Postgres("payments", database.reader, pause=no_pause)}
    async with night_as(Queued, redis_url, None) as night, Prometheus(prometheus_url) as prometheus:
        night.catalog = CATALOG
        night.actions = actions(CATALOG, RemediationSettings(), action_dsns={"payments": database.actor}, installed=())
        night.toolbox = Toolbox(
            (*metrics_tools(prometheus), *database_tools(looked_at, clock=clock), *changes_tools(()))
        )
        return await night.triage(GENERAL, ALERT)


@pytest.mark.parametrize("felt_after_s", [20])
async def test_the_queue_is_named_and_its_end_proposed(
    measured: str, postgres_database: PostgresDatabase, redis_url: str
) -> None:
    async with postgres_database.queue(4) as queue:
        incident = await lived(postgres_database, measured, redis_url)
    best = incident.hypotheses[0]
    assert (best.service, best.kind, best.confidence >= CONFIDENT) == ("payments", "blocking_session", True)
    assert incident.proposal is not None
    assert incident.proposal.action == "postgres.terminate_backend"
    assert incident.proposal.parameters["pid"] == queue.pid
    felt = {fact.id for one in incident.findings if one.agent == "metrics" and one.score > 0 for fact in one.evidence}
    assert felt & set(best.follows)


@pytest.mark.parametrize("felt_after_s", [-480])
async def test_a_queue_that_came_eight_minutes_after_the_trouble_is_not_acted_on(
    measured: str, postgres_database: PostgresDatabase, redis_url: str
) -> None:
    async with postgres_database.queue(4):
        incident = await lived(postgres_database, measured, redis_url)
    assert {"web", "search", "payments"} >= {one.service for one in incident.hypotheses}
    assert incident.hypotheses[0].confidence < CONFIDENT
    assert incident.proposal is None
