"""The whole promise on a real failure; nothing is simulated but Slack.

Debian's Prometheus scrapes the payments service and evaluates a real rule, Debian's Alertmanager tells the bot, a
reporting job really holds the lock in a real Postgres, and the click is a signed payload.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from bot.demo.child import announced, child, module
from bot.demo.history import retell
from bot.demo.payments.ledger import Ledger
from bot.demo.scenario import ACTION_DSN_ENV, DSN_ENV, FAILURE_RATIO
from bot.demo.workspace import MINA, Workspace
from bot.models import Incident, Verified
from bot.slack.views.proposal import APPROVE
from bot.telemetry.prometheus import Prometheus
from tests.e2e.scene import WITHIN_S, Scene, buttons
from tests.servers.nightdesk import TOKEN, nightdesk_running
from tests.servers.payments import payments_running
from tests.servers.postgres import PostgresServer
from tests.servers.process import free_port, wait_until
from tests.servers.prometheus import alertmanager_server, prometheus_server

RULES = {
    "groups": [
        {
            "name": "payments",
            "interval": "1s",
            "rules": [
                {
                    "alert": "PaymentFailureRateHigh",
                    "expr": f"{FAILURE_RATIO} > 0.2",
                    "for": "2s",
                    "labels": {"severity": "critical", "tier": "backend"},
                    "annotations": {"summary": "Scan-to-pay payments are failing"},
                }
            ],
        }
    ]
}
QUIET_SAMPLES = 26
"""As many seconds does everything work first: what the agents compare with."""
WINDOW_S = 20
"""The suspicious stretch: long enough for a failure that has just begun, and most of the quiet lies before it."""


@dataclass(frozen=True)
class Story:
    """How it went."""

    pid: int
    """Of the session that held the lock."""
    failing: float
    """The share of payments that failed when the proposal was made, by Prometheus."""
    recovered: float
    """The same in the end."""
    goodbye: str
    """What the reporting job was told by Postgres."""
    thread: str
    incident: Incident

    @property
    def kinds(self) -> list[str]:
        """What happened, in order."""
        return [recorded.event.kind for recorded in self.incident.history]


@dataclass(frozen=True)
class World:
    """Everything that runs."""

    scene: Scene
    ledger: Ledger
    prometheus: Prometheus

    async def ratio(self) -> float:
        """The share of payments that fail, as Prometheus has it."""
        answer = await self.prometheus.query(f"{FAILURE_RATIO} or vector(0)")
        return max(series.last or 0.0 for series in answer.series)

    async def works(self) -> bool:
        """Whether nearly all payments succeed."""
        return await self.ratio() < 0.05


@asynccontextmanager
async def world(redis_url: str, superuser: str, folder: Path) -> AsyncIterator[World]:
    """The payments service and who watches it, the bot, and the channel with its past."""
    workspace, port = Workspace(retries_s=(0.0, 0.0, 0.0)), free_port()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(workspace.serving())
        retell(workspace.remember, datetime.now(UTC))
        payments = await stack.enter_async_context(payments_running(superuser, folder))
        webhook = f"http://127.0.0.1:{port}/alerts/alertmanager"
        alertmanager = stack.enter_context(alertmanager_server(folder / "alertmanager", webhook, bearer=TOKEN))
        url = stack.enter_context(
            prometheus_server(
                folder / "prometheus",
                {"payments": [payments.target]},
                rules=json.dumps(RULES),
                alertmanager_port=int(alertmanager.rpartition(":")[2]),
            )
        )
        settings = {
            "NIGHTDESK_PORT": str(port),
            "NIGHTDESK_REDIS_URL": redis_url,
            "NIGHTDESK_PROMETHEUS_URL": url,
            "NIGHTDESK_LOGS": json.dumps([{"kind": "files", "path": str(payments.log)}]),
            "NIGHTDESK_TRIAGE__WINDOW_S": str(WINDOW_S),
            "NIGHTDESK_REMEDIATION__VERIFY_S": "60",
            DSN_ENV: payments.ledger.nightdesk_ro,
            ACTION_DSN_ENV: payments.ledger.nightdesk_act,
        }
        bot = await stack.enter_async_context(nightdesk_running(folder / "nightdesk", workspace, **settings))
        prometheus = await stack.enter_async_context(Prometheus(url))
        yield World(Scene(workspace, bot, redis_url), payments.ledger, prometheus)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(redis_server: str, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Break the service, let everything run, approve as Mina would, and look at what came of it."""
    folder = tmp_path_factory.mktemp("world")
    async with Redis.from_url(redis_server) as redis:
        await redis.flushall()
    async with world(redis_server, postgres_server.dsn("postgres", "postgres").get_secret_value(), folder) as running:
        await wait_until(lambda: quiet(running.prometheus), within_s=WITHIN_S, what="a quiet stretch to compare with")
        return await played(running, folder / "report.log")


async def quiet(prometheus: Prometheus) -> bool:
    """Whether there are enough samples of a service that works."""
    answer = await prometheus.query("max(count_over_time(payments_requests_total[90s]))")
    return any((series.last or 0) >= QUIET_SAMPLES for series in answer.series)


async def played(running: World, log: Path) -> Story:
    """From the lock to the resolution."""
    scene = running.scene
    report = module("bot.demo.payments.report")
    async with child(report, log=log, env={"REPORTING_DSN": running.ledger.reporting}) as process:
        pid = int(await announced(process, log))
        proposal = await scene.proposal("")
        failing = await running.ratio()
        assert (await scene.workspace.click(MINA.id, proposal["ts"], APPROVE)).ok
        await wait_until(running.works, within_s=WITHIN_S, what="the recovery of payments")
        await process.wait()
        recovered = await running.ratio()
    incident_id = buttons(proposal)[APPROVE].partition(".")[0]
    await scene.recorded(incident_id, "resolved")
    thread = await scene.told(proposal["thread_ts"], "[file: postmortem-")
    return Story(pid, failing, recovered, log.read_text(), thread, await scene.incident(incident_id))


def test_the_alert_that_opened_the_incident_is_prometheus_own(story: Story) -> None:
    alert = story.incident.alert
    assert (alert.source, alert.name, alert.labels["service"]) == ("alertmanager", "PaymentFailureRateHigh", "payments")
    assert "/graph?g0.expr=" in str(alert.url)
    assert story.failing > 0.2


def test_the_thread_holds_a_brief_of_what_the_channel_knows(story: Story) -> None:
    assert "What the channel knows" in story.thread
    brief = story.incident.brief
    assert brief is not None
    assert any("sits idle in transaction" in line.text for line in brief.lines)  # what it was the last time
    assert all(line.permalink for line in brief.lines)
    assert story.kinds.index("briefed") < story.kinds.index("finding")


@pytest.mark.parametrize("agent", ["metrics", "logs", "database"])
def test_each_agent_has_found_something_and_the_thread_tells_it(story: Story, agent: str) -> None:
    found = [finding for finding in story.incident.findings if finding.agent == agent]
    assert found
    assert any(line.strip().endswith(f" {agent.capitalize()}") for line in story.thread.splitlines())
    assert all(finding.evidence for finding in found)


def test_the_cause_names_the_session_by_its_pid_and_its_statement(story: Story) -> None:
    best = story.incident.hypotheses[0]
    assert str(story.pid) in best.statement
    assert f"Session {story.pid} (reporting-job) blocks" in story.thread
    assert "UPDATE accounts SET reported_at = now() WHERE kind = ?" in story.thread


def test_the_draft_of_the_post_mortem_comes_after_the_last_words(story: Story) -> None:
    assert 0 < story.thread.index("Resolved after") < story.thread.index("[file: postmortem-")


def test_exactly_one_change_was_proposed_and_it_expires_when_the_drawing_says(story: Story) -> None:
    proposal = story.incident.proposal
    assert proposal is not None
    assert story.kinds.count("proposed") == 1
    assert (proposal.action, proposal.parameters["pid"]) == ("postgres.terminate_backend", story.pid)
    assert proposal.expires_at - proposal.proposed_at == timedelta(minutes=10)


def test_the_thread_names_the_approver_the_execution_and_the_measured_recovery(story: Story) -> None:
    assert "@mina approved" in story.thread
    assert f"Session {story.pid} on payments-db has ended" in story.thread
    assert "It helped" in story.thread
    assert "Resolved after" in story.thread
    decided = ["proposed", "approved", "executing", "executed", "verified", "resolved"]
    assert [kind for kind in story.kinds if kind in decided] == decided
    verified = story.incident.last("verified")
    assert verified is not None
    assert isinstance(verified.event, Verified)
    assert verified.event.recovered
    assert verified.event.before is not None
    assert verified.event.after is not None
    assert verified.event.after < verified.event.before
    assert verified.event.statement in story.thread


def test_payments_recovered_and_the_report_was_really_ended(story: Story) -> None:
    assert story.recovered < 0.05
    assert "terminating connection due to administrator command" in story.goodbye
    assert story.incident.phase == "resolved"
