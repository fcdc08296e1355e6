"""A gate for tests: one incident with a proposal whose effect can be counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from redis.asyncio import Redis

from bot.errors import Denied
from bot.incidents import Journal
from bot.models import Alert, Incident, Opened, Proposal, Proposed, Risk
from bot.remediation.action import Action, ActionParameters, BlastRadius
from bot.remediation.approvals import Approvals
from bot.remediation.catalogue import Actions
from bot.remediation.execution import Execution
from bot.remediation.proposal import sealed
from bot.storage import connect

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
INCIDENT = "260301-TESTED"
PROPOSAL = f"{INCIDENT}.1"
EFFECTS = "test:effects"


class Row(ActionParameters):
    """What the counted action takes."""

    name: str


class Count(Action[Row]):
    """Appends a row to a list in Redis: every effect can be counted."""

    name: ClassVar[str] = "test.count"
    summary: ClassVar[str] = "Append a row."
    parameters = Row

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.refuses: Exception | None = None
        self.breaks: Exception | None = None
        self.hold: asyncio.Event | None = None
        self.started = asyncio.Event()
        self.timeout = 5.0
        self.meanwhile: Callable[[], Awaitable[str]] | None = None
        """What happens while it acts, and what that told."""
        self.told = ""

    def extent(self, params: Row) -> str:
        return ""

    def target(self, params: Row) -> str:
        return f"row {params.name}"

    def effect(self, params: Row) -> str:
        return "A row is written."

    async def blast_radius(self, params: Row) -> BlastRadius:
        return BlastRadius(statement="one row", reach="session")

    def service(self, params: Row) -> str | None:
        return None

    def reversible(self, params: Row) -> bool:
        return False

    def rollback(self, params: Row) -> str:
        return "cannot be undone"

    def base_risk(self, params: Row) -> Risk:
        return Risk.LOW

    def timeout_s(self, params: Row) -> float:
        return self.timeout

    async def check(self, params: Row) -> None:
        if self.refuses:
            raise self.refuses

    async def perform(self, params: Row, idempotency_key: str) -> str:
        self.started.set()
        if self.meanwhile:
            self.told = await self.meanwhile()
        if self.hold:
            await self.hold.wait()
        if self.breaks:
            raise self.breaks
        await self.redis.rpush(EFFECTS, idempotency_key)
        return "a row was written"


class Gate:
    """The rooms around one gate, with a clock that the test moves."""

    def __init__(self, redis: Redis) -> None:
        self.now = NOW
        self.redis = redis
        self.journal = Journal(redis)
        self.action = Count(redis)
        self.actions = Actions([self.action])
        self.group: set[str] | None = {"UGROUP"}
        self.approvals = Approvals(self.journal, self._membership, lambda: self.now)

    def execution(self, owner: str = "worker-1") -> Execution:
        return Execution(
            self.redis, self.journal, self.actions, lambda: self.now, owner=owner, warrant=self.approvals.doubt
        )

    async def propose(self, **changed: Any) -> Proposal:
        alert = Alert(source="test", name="A", status="firing", fingerprint="f")
        await self.journal.append(INCIDENT, Opened(at=NOW, alert=alert, channel="C0"))
        proposal = a_proposal(**changed)
        await self.journal.append(INCIDENT, Proposed(at=NOW, proposal=proposal))
        return proposal

    async def incident(self) -> Incident:
        return await self.journal.read(INCIDENT)

    async def kinds(self) -> list[str]:
        return [recorded.event.kind for recorded in await self.journal.history(INCIDENT)]

    async def effects(self) -> int:
        return int(await self.redis.llen(EFFECTS))

    async def _membership(self, user: str, group: str) -> bool:
        if self.group is None:
            raise Denied("Slack did not say who is in the group.")
        return user in self.group


def a_proposal(**changed: Any) -> Proposal:
    return sealed(
        Proposal.model_validate(
            {
                "id": PROPOSAL,
                "incident_id": INCIDENT,
                "action": "test.count",
                "parameters": {"name": "a"},
                "target": "row a",
                "effect": "A row is written.",
                "why": "because",
                "risk": "low",
                "reversible": False,
                "blast_radius": "one row",
                "rollback": "cannot be undone",
                "confidence": 0.9,
                "approver_users": ("UANN", "UBOB"),
                "approver_groups": ("SONCALL",),
                "proposed_at": NOW,
                "expires_at": NOW + timedelta(minutes=15),
                "timeout_s": 5.0,
                "digest": "",
                **changed,
            }
        )
    )


@asynccontextmanager
async def open_gate(redis_url: str) -> AsyncIterator[Gate]:
    async with connect(redis_url) as redis:
        yield Gate(redis)
