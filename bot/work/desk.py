"""The front desk: what the Slack door hands in is kept or scheduled here, durably, before Slack hears 'ok'."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from bot.alerts.posted import alerts_in
from bot.catalog import Catalog
from bot.errors import NotFound
from bot.incidents import Intake, Journal
from bot.incidents.intake import new_id
from bot.incidents.reception import Reception
from bot.memory import MemoryManager
from bot.models import Incident, Message, Phase, Proposal
from bot.remediation.approvals import incident_of
from bot.slack.desk import Command, Decision, HomeContent, Mention, Regrouping, Reply, Taught
from bot.work.answers import Answers
from bot.work.gaps import Gaps
from bot.work.gatekeeper import Trust
from bot.work.lesson import relearn
from bot.work.mentions import Mentions
from bot.work.question import question, service_in
from bot.work.queue import Queue
from bot.work.scribe import Cost, no_cost, with_cost
from bot.work.stage import Stage

SEEN_S = 24 * 3600
"""Slack delivers an event again for up to about an hour."""


class FrontDesk:
    """Implements `bot.slack.desk.Desk`."""

    def __init__(
        self,
        redis: Redis,
        queue: Queue,
        journal: Journal,
        intake: Intake,
        memory: MemoryManager,
        answers: Answers,
        stage: Stage,
        catalog: Catalog,
        clock: Callable[[], datetime],
        trust: Trust,
        reception: Reception,
        cost: Cost = no_cost,
    ) -> None:
        self._redis = redis
        self._queue = queue
        self._journal = journal
        self._intake = intake
        self._memory = memory
        self._answers = answers
        self._stage = stage
        self._catalog = catalog
        self._clock = clock
        self._trust = trust
        self._reception = reception
        self._cost = cost
        self._mentions = Mentions(redis)
        self._gaps = Gaps(redis, memory)

    async def heard(self, mention: Mention) -> None:
        """Schedule an answer."""
        await self._mentions.keep(mention)
        await self._queue.add("hear", mention.event_id, key=mention.event_id)

    async def remembered(self, message: Message) -> None:
        """Keep the message; one that was forgotten and is delivered again stays forgotten."""
        await self._memory.remember([message], unless_forgotten=True)

    async def edited(self, message: Message) -> None:
        """The message now says this, and so does what was taught by it."""
        await relearn(self._memory, message)

    async def deleted(self, channel: str, message_id: str) -> None:
        """Forget the message, and what was taught by it."""
        await self._memory.forget(message_id, channel=channel)

    async def taught(self, lesson: Taught) -> None:
        """Schedule keeping the pinned message as a lesson."""
        await self._queue.add("teach", lesson.model_dump_json(), key=lesson.event_id)

    async def decided(self, decision: Decision) -> None:
        """Schedule the decision: a click that Slack saw acknowledged is never lost."""
        key = hashlib.sha256(decision.model_dump_json().encode()).hexdigest()[:32]
        await self._queue.add("decide", decision.model_dump_json(), key=key)

    async def replied(self, reply: Reply) -> None:
        """Schedule the answer: a click that Slack saw acknowledged is never lost."""
        await self._queue.add("reply", reply.model_dump_json(), key=f"{reply.question_id}:{reply.user}:{reply.at}")

    async def commanded(self, command: Command) -> str:
        """Answer `/nightdesk …` at once, from what is stored."""
        return await self._answers.command(command)

    async def asked_triage(self, channel: str, ts: str, text: str, user: str) -> None:
        """Open an incident from a message; the same message again opens no second one."""
        alert = question(text, f"{channel}:{ts}", self._clock(), service=service_in(text, self._catalog))
        await self._intake.open_for(alert, channel=channel, actor=user)

    async def home(self, user: str) -> HomeContent:  # noqa: ARG002 - the same for everybody so far
        """Open incidents, and the proposals that wait for a decision."""
        found = [incident async for incident in self._journal.open_incidents()]
        incidents = tuple([await with_cost(incident, self._cost) for incident in found])
        pending = tuple(
            incident.proposal for incident in incidents if incident.proposal and incident.phase is Phase.AWAITING
        )
        links = {incident.id: link for incident in incidents if (link := await self._stage.link(incident))}
        standings = self._trust.standings
        return HomeContent(
            incidents=incidents,
            pending=pending,
            links=links,
            standing=await standings.granted(),
            earned=await standings.earned(),
        )

    async def granted(self, earned_id: str, days: int, user: str) -> str:
        """Allow what has earned trust in advance; empty, or why not."""
        return await self._trust.grant(earned_id, days, user)

    async def revoked(self, standing_id: str, user: str) -> None:
        """Take a standing approval back."""
        await self._trust.revoke(standing_id, user)

    async def proposal(self, proposal_id: str) -> Proposal | None:
        """The proposal as stored, if it is the current one of its incident."""
        try:
            incident = await self._journal.read(incident_of(proposal_id))
        except NotFound:
            return None
        return incident.proposal if incident.proposal and incident.proposal.id == proposal_id else None

    async def incident(self, incident_id: str) -> Incident | None:
        """The incident as it stands, None if there is none."""
        try:
            return await self._journal.read(incident_id)
        except NotFound:
            return None

    async def others(self, incident_id: str) -> list[Incident]:
        """The open incidents besides that one, those of its channel first."""
        here = await self.incident(incident_id)
        found = [one async for one in self._journal.open_incidents() if one.id != incident_id]
        return sorted(found, key=lambda one: one.channel != (here.channel if here else None))

    async def regrouped(self, wish: Regrouping) -> None:
        """Schedule it; a split gets the id of its incident here, so that a second delivery does not make another."""
        key = hashlib.sha256(wish.model_dump_json().encode()).hexdigest()[:32]
        named = wish.model_copy(update={"new_id": new_id(self._clock())})
        await self._queue.add("regroup", named.model_dump_json(), key=key)

    async def overheard(self, message: Mapping[str, Any], channel: str) -> None:
        """Take in the alerts that a bot's message holds."""
        if alerts := alerts_in(message, channel):
            await self._reception.accept(alerts)

    async def joined(self, channel: str) -> None:
        """Schedule reading back what was said in the channel."""
        await self._queue.add("backfill", channel, key=channel)

    async def cut_off(self, since: datetime) -> None:
        """Schedule reading what was said since then, in every channel that is remembered."""
        for channel in await self._gaps.note(since):
            await self._queue.add("catch_up", channel, key=f"{channel}:{since.timestamp():.0f}")

    async def seen(self, event_id: str) -> bool:
        """Whether the event was marked before."""
        return bool(await self._redis.exists(f"nd:slack:event:{event_id}"))

    async def mark(self, event_id: str) -> None:
        """The event is durable."""
        await self._redis.set(f"nd:slack:event:{event_id}", "1", ex=SEEN_S)
