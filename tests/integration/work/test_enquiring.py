"""Agents hear of each other through the board, and ask each other before the commander judges."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bot.agents.board import Case
from bot.agents.enquiring import enquire
from bot.agents.scope import Scope
from bot.agents.tools import Parameters, Tool, Toolbox
from bot.catalog import Catalog, Service
from bot.errors import SourceUnavailable
from bot.incidents import Journal
from bot.models import AgentName, Alert, Brief, Evidence, Finding, Found, Opened, Ranked, Report
from bot.settings import Settings
from bot.slack.views.findings import findings
from bot.slack.views.thread import Turn, message
from bot.storage import connect
from bot.work.scoping import run_of
from bot.work.world import RANK, IncidentWorld, Rooms

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
ID = "260301-TESTED"
BEGAN = NOW - timedelta(minutes=40)


class Room:
    """Two agents: metrics saw it begin early; changes says before which moment it looked."""

    def __init__(self, url: str) -> None:
        self.redis = connect(url)
        self.journal = Journal(self.redis)
        self.scopes: list[tuple[str, Scope]] = []
        self.dies = False
        self.refuses = False
        self.changed = False

    async def brief(self, *_: object, **__: object) -> Brief:
        return Brief(role="commander")

    async def keep(self, *_: object) -> tuple[str, ...]:
        return ()

    async def world(self) -> IncidentWorld:
        unused: Any = None
        memory: Any = self
        rooms = Rooms(
            journal=self.journal, memory=memory, toolbox=Toolbox((self.tool("metrics"), self.tool("changes"))),
            actions=unused, known=lambda: Catalog(services={"payments": Service()}), settings=Settings(),
            clock=lambda: NOW,
            keep_charts=self.keep, draft=unused,
        )  # fmt: skip
        return IncidentWorld(rooms, ID, run_of(await self.journal.read(ID)))

    def tool(self, agent: AgentName) -> Tool:
        async def look(_: Any, scope: Scope) -> Report:
            if self.dies:
                raise Died
            if self.refuses:
                raise SourceUnavailable("the deploy log is down")
            self.scopes.append((agent, scope))
            return Report(agent=agent, findings=(self.saw(agent, scope),))

        return Tool(f"{agent}.look", agent, "Looks.", Parameters, {}, look)

    def saw(self, agent: AgentName, scope: Scope) -> Finding:
        fact = Evidence(id=f"{agent}-1", statement="p95 rose to 2 s", observed_at=NOW)
        if agent == "metrics":
            return Finding(agent=agent, title="p95 rose", service="payments", indicator="p95", kind="latency",
                           score=0.8, started_at=BEGAN, evidence=(fact,))  # fmt: skip
        onset = min([NOW, *(one.started_at for one in scope.heard if one.started_at)])
        facts = {"onset": onset.isoformat()}
        if self.changed and onset < NOW:
            return Finding(agent=agent, title="v2 was deployed", service="payments", indicator="deploy", kind="change",
                           score=0.4, facts=facts, evidence=(fact,))  # fmt: skip
        return Finding(agent=agent, title="looked, and quiet", service="payments", indicator="changes", kind="change",
                       score=0.0, facts=facts)  # fmt: skip

    async def use(self, tool: str) -> None:
        step: Any = SimpleNamespace(run_id="r", key=tool.partition(".")[0])
        await (await self.world()).use(tool, {}, step)

    async def told(self, kind: type[Any]) -> list[Any]:
        return [one.event for one in await self.journal.history(ID) if isinstance(one.event, kind)]


class Died(BaseException):
    """kill -9."""


@pytest.fixture
async def room(redis_url: str) -> AsyncIterator[Room]:
    room = Room(redis_url)
    alert = Alert(
        source="alertmanager", name="Slow", status="firing", fingerprint="f", service="payments", starts_at=NOW
    )
    await room.journal.append(ID, Opened(at=NOW, alert=alert, service="payments", channel="C1"))
    yield room
    await room.redis.aclose()


async def test_who_looks_later_hears_what_was_found_before(room: Room) -> None:
    await room.use("metrics.look")
    await room.use("changes.look")
    await room.use(RANK)
    assert [agent for agent, _ in room.scopes] == ["metrics", "changes"], "it had heard, so nothing is asked"
    assert [finding.started_at for finding in room.scopes[1][1].heard] == [BEGAN]


async def test_who_looked_too_early_is_asked_again_once_and_the_thread_says_by_whom(room: Room) -> None:
    await room.use("changes.look")
    await room.use("metrics.look")
    await room.use(RANK)
    await room.use(RANK)
    assert [agent for agent, _ in room.scopes] == ["changes", "metrics", "changes"]
    *_, answer = await room.told(Found)
    assert (answer.agent, answer.asked_by) == ("changes", "metrics")
    assert answer.findings[0].facts["onset"] == BEGAN.isoformat()
    assert "asked by metrics: _it began at 02:32 UTC" in str(findings(answer).blocks)
    assert len(await room.told(Ranked)) == 1


async def test_what_a_second_look_finds_stands_instead_of_what_the_first_found_quiet(room: Room) -> None:
    room.changed = True
    await room.use("changes.look")
    await room.use("metrics.look")
    await room.use(RANK)
    incident = await room.journal.read(ID)
    assert [finding.title for finding in incident.findings] == ["p95 rose", "v2 was deployed"]
    assert all("looked, and quiet" not in one.model_dump_json() for one in incident.hypotheses)
    (first, _, _) = [one for one in incident.history if isinstance(one.event, Found)]
    said = message(Turn((first,)), incident, {})
    assert said is not None
    assert said.text == "Changes: it looked again, see below."
    assert "looked, and quiet" not in str(said.blocks)


async def test_a_killed_walk_asks_again_what_was_not_answered_and_nothing_twice(room: Room) -> None:
    await room.use("changes.look")
    await room.use("metrics.look")
    room.dies = True
    with pytest.raises(Died):
        await room.use(RANK)
    assert await room.told(Ranked) == []
    room.dies = False
    await room.use(RANK)
    await room.use(RANK)
    assert len(await room.told(Found)) == 3


async def test_who_cannot_answer_leaves_a_gap_and_the_commander_judges_all_the_same(room: Room) -> None:
    await room.use("changes.look")
    await room.use("metrics.look")
    room.refuses = True
    await room.use(RANK)
    *_, answer = await room.told(Found)
    assert (answer.agent, answer.asked_by, answer.findings) == ("changes", "metrics", ())
    assert [gap.source for gap in answer.gaps] == ["changes.look"]
    assert len(await room.told(Ranked)) == 1


async def test_who_got_no_answer_does_not_ask_again_when_the_drawing_judges_once_more(room: Room) -> None:
    await room.use("changes.look")
    await room.use("metrics.look")
    room.refuses = True
    await room.use(RANK)
    room.refuses = False
    await room.use(RANK)
    assert len(await room.told(Found)) == 3
    assert [agent for agent, _ in room.scopes] == ["changes", "metrics"], "what it cost once is enough"


async def test_an_answer_is_not_waited_for_beyond_its_time(room: Room) -> None:
    await room.use("changes.look")
    await room.use("metrics.look")
    recorded: list[Report] = []

    async def never(*_: object) -> Report:
        await asyncio.Event().wait()
        raise AssertionError

    async def record(_: object, report: Report) -> None:
        recorded.append(report)

    toolbox = Toolbox((room.tool("metrics"), room.tool("changes")))
    incident = await room.journal.read(ID)
    case = Case(incident.findings, "payments", Catalog(services={"payments": Service()}), NOW)
    assert await enquire(case, toolbox, never, record, within_s=0) == 1
    assert [gap.reason for report in recorded for gap in report.gaps] == ["no answer within 0 s"]


async def test_evidence_of_an_answer_has_ids_of_its_own(room: Room) -> None:
    for tool in ("changes.look", "metrics.look", RANK):
        await room.use(tool)
    ids = [fact.id for found in await room.told(Found) for finding in found.findings for fact in finding.evidence]
    assert len(ids) == len(set(ids))
