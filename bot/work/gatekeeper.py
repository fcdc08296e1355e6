"""What follows at the gate from what happens there: standing approvals, earned trust, the audit trail."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.errors import NotFound
from bot.incidents import Journal
from bot.models import Approved, Incident, Noted, Noun, Proposal, StandingApproval
from bot.remediation.approvals import Approvals, incident_of
from bot.remediation.audit import Audit
from bot.remediation.standing import Outcome, Standings
from bot.work.queue import Queue

log = structlog.get_logger(__name__)


class Said(Noun):
    """Something for the audit trail that belongs to no incident."""

    at: datetime
    who: str
    what: str
    standing: StandingApproval
    why: str = ""


@dataclass(frozen=True)
class Gatekeeper:
    """Runs where the gate's work is done."""

    journal: Journal
    approvals: Approvals
    standings: Standings
    audit: Audit
    clock: Callable[[], datetime]

    async def standing(self, proposal_id: str) -> None:
        """Approve a proposal that a standing approval covers."""
        proposal = await self._proposal(proposal_id)
        one = await self.standings.covering(proposal) if proposal else None
        if proposal and one:
            verdict = await self.approvals.under(one, proposal)
            log.info("standing.used", proposal=proposal_id, standing=one.id, outcome=verdict.outcome)

    async def doubt(self, incident: Incident, proposal: Proposal) -> str | None:
        """Why an approved proposal must not run any more: who approved it, or what it rests on, does not count now.

        Raises:
            NotNow: it cannot be told at the moment.
        """
        approved = incident.last("approved")
        standing = approved.event.standing if approved and isinstance(approved.event, Approved) else None
        if standing and not await self.standings.still_covers(standing, proposal):
            return f"the standing approval {standing} does not cover it any more"
        return await self.approvals.doubt(incident, proposal)

    async def trust(self, proposal_id: str) -> None:
        """Count how a proposal ended; a failure takes back what was allowed because of earlier successes."""
        proposal = await self._proposal(proposal_id)
        if proposal is None:
            return
        outcome = _outcome(await self.journal.read(proposal.incident_id), proposal_id)
        for one in await self.standings.count(proposal, outcome) if outcome else ():
            why = f"The standing approval {one.id} for {one.action} on {one.service} is taken back: it did not help."
            await self.journal.append(proposal.incident_id, Noted(at=self.clock(), text=why), once=f"revoked:{one.id}")
            await self.say(Said(at=self.clock(), who="nightdesk", what="standing_revoked", standing=one, why=why))

    async def record(self, incident_id: str) -> None:
        """Bring the audit trail up to date with the incident."""
        await self.audit.take(incident_id, await self.journal.history(incident_id))

    async def say(self, said: Said) -> None:
        """Keep a grant or a revocation."""
        content = {"standing": said.standing.model_dump(mode="json"), "why": said.why}
        await self.audit.say(f"{said.what}:{said.standing.id}", said.at, said.who, said.what, content)

    async def _proposal(self, proposal_id: str) -> Proposal | None:
        try:
            incident = await self.journal.read(incident_of(proposal_id))
        except NotFound:
            return None
        return incident.proposed(proposal_id)


class Trust:
    """Grants and revokes standing approvals in a person's name, and has it kept. For the front desk."""

    def __init__(self, standings: Standings, queue: Queue, clock: Callable[[], datetime]) -> None:
        self.standings = standings
        self._queue = queue
        self._clock = clock

    async def grant(self, earned_id: str, days: int, user: str) -> str:
        """Allow it; empty, or why not."""
        granted = await self.standings.grant(earned_id, days, user)
        if isinstance(granted, str):
            return granted
        await self._keep(Said(at=self._clock(), who=user, what="standing_granted", standing=granted))
        return ""

    async def revoke(self, standing_id: str, user: str) -> None:
        """Take it back. Anybody may: it only means that people are asked again."""
        if gone := await self.standings.revoke(standing_id):
            await self._keep(Said(at=self._clock(), who=user, what="standing_revoked", standing=gone))

    async def _keep(self, said: Said) -> None:
        written = said.model_dump_json()
        await self._queue.add("say", written, key=hashlib.sha256(written.encode()).hexdigest()[:32])


def _outcome(incident: Incident, proposal_id: str) -> Outcome | None:
    """Whether it helped; a doubt counts as a failure, what did not run counts as nothing."""
    for event in reversed(incident.about(proposal_id)):
        if event.kind == "verified":
            return "helped" if event.recovered else "failed"
        if event.kind == "outcome_unknown":
            return "failed"
    return None
