"""What is measured is what runs: a live triage ranks a recorded case as `nightdesk diagnose` does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bot.agents.changes import changes_tools
from bot.agents.database import database_tools
from bot.agents.logs import logs_tools
from bot.agents.looks import LOOKS
from bot.agents.tools import Toolbox
from bot.alerts import alertmanager
from bot.canvas import parse
from bot.diagnosis import diagnose, scope_of, toolbox_of
from bot.models import Hypothesis, Incident
from bot.settings import Settings
from bot.telemetry.recorded import Case, RecordedLogs, open_case
from bot.work.world import Rooms
from tests.integration.work.night import Night, night_as
from tests.recorded import ALERT_AT, BEFORE, WINDOW, metric_rows, stretch, with_traces, write_table

GENERAL = parse(Path("playbooks/general-triage.md").read_text(encoding="utf-8"))


class Recorded(Night):
    """The night of a recorded case: the clock stands at its alert, and the agents look at what was recorded."""

    def _rooms(self) -> Rooms:
        lengths = {"window_s": _seconds(WINDOW), "baseline_s": _seconds(BEFORE)}
        return replace(super()._rooms(), clock=lambda: ALERT_AT, settings=Settings.model_validate({"triage": lengths}))


def _seconds(pair: tuple[datetime, datetime]) -> float:
    return (pair[1] - pair[0]).total_seconds()


def recorded(folder: Path) -> Case:
    """Metrics, spans and lines of a service that gives up before it asks another; compared with one stretch before."""
    with_traces(folder, broken=True, baselines=[stretch(BEFORE)])
    write_table(folder / "metrics.csv.gz", ("time", "service", "metric", "value"), metric_rows("pay"))
    return open_case(folder)


async def lived(case: Case, redis_url: str) -> Incident:
    """The incident as a triage by the general playbook leaves it."""
    (alert,) = alertmanager.parse(dict(case.alert))
    async with night_as(Recorded, redis_url, None) as night:
        night.catalog = scope_of(case).catalog
        night.toolbox = Toolbox((*toolbox_of(case), *database_tools({}), *changes_tools(())))
        return await night.triage(GENERAL, alert)


def told(hypotheses: Iterable[Hypothesis]) -> list[tuple[object, ...]]:
    return [(one.service, one.kind, one.statement, one.score, one.confidence) for one in hypotheses]


async def test_a_live_triage_ranks_as_the_diagnosis_that_is_measured(tmp_path: Path, redis_url: str) -> None:
    case = recorded(tmp_path)
    incident, diagnosis = await lived(case, redis_url), await diagnose(case)
    assert told(incident.hypotheses) == told(diagnosis.hypotheses)
    assert (incident.hypotheses[0].service, incident.hypotheses[0].confidence > 0.9) == ("pay", True)
    assert {finding.agent for finding in incident.findings} == {"metrics", "logs", "traces"}


async def test_lines_that_are_compared_request_by_request_are_no_second_suspicion(tmp_path: Path) -> None:
    case = recorded(tmp_path)
    agent = Toolbox(logs_tools((RecordedLogs(case),)))
    report = await agent.use("logs.look", {}, scope_of(case))
    assert any(finding.score > 0.15 and finding.of_requests for finding in report.findings)
    assert {one.kind for one in (await diagnose(case)).hypotheses} <= {"exception", "cpu", "latency", "healthy"}


def test_the_general_playbook_draws_every_look_that_is_measured_and_no_other() -> None:
    drawn = [block.use for block in GENERAL.settings.values() if block.use]
    assert sorted(drawn) == sorted([*LOOKS, "commander.rank"])
