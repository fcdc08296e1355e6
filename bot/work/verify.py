"""After the effect: watch whether the service recovered, and say so in figures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from bot.errors import IllegalTransition, NotFound
from bot.incidents import Journal
from bot.models import Incident, Phase, Proposal, Verified
from bot.observability import TO_RECOVERY
from bot.remediation.approvals import incident_of
from bot.remediation.verification import Verdict, watch
from bot.work.drafting import before_field
from bot.work.measure import Measures
from bot.work.scoping import last_began
from bot.work.stopping import unless

log = structlog.get_logger(__name__)


NOTHING_TO_VERIFY_BY = "Nothing was there to verify it by: please look yourself."


class Verifier:
    """Watches executed proposals.

    Args:
        stopping: set when the process ends; watching then ends at once.
        interval_s: between two readings.
    """

    def __init__(
        self,
        journal: Journal,
        measures: Measures,
        clock: Callable[[], datetime],
        stopping: asyncio.Event,
        *,
        interval_s: float = 1.0,
    ) -> None:
        self._journal = journal
        self._measures = measures
        self._clock = clock
        self._pause = unless(stopping, "the watch of a recovery begins anew elsewhere")
        self._interval_s = interval_s

    async def run(self, proposal_id: str) -> None:
        """Watch, and record what was seen."""
        try:
            incident = await self._journal.read(incident_of(proposal_id))
        except NotFound:
            return
        proposal = incident.proposal
        if proposal is None or proposal.id != proposal_id or incident.phase is not Phase.VERIFYING:
            return
        verdict = await self._verdict(proposal)
        verified = Verified(
            at=self._clock(),
            proposal_id=proposal_id,
            recovered=verdict.recovered,
            before=verdict.before,
            after=verdict.after,
            unit=verdict.unit,
            seconds=self._since_effect(incident),
            statement=verdict.statement,
        )
        try:
            await self._journal.append(incident.id, verified)
            if verified.recovered:
                TO_RECOVERY.observe(max(0.0, (verified.at - last_began(incident)).total_seconds()))
        except IllegalTransition as late:
            log.warning("verify.late", incident=incident.id, proposal=proposal_id, why=str(late))

    async def _verdict(self, proposal: Proposal) -> Verdict:
        measure = self._measures.of(proposal)
        if proposal.verification is None or measure is None:
            return Verdict(recovered=False, seconds=0, statement=NOTHING_TO_VERIFY_BY)
        before = await self._journal.field(proposal.incident_id, before_field(proposal))
        return await watch(
            proposal.verification,
            measure,
            before=float(before) if before else None,
            interval_s=self._interval_s,
            pause=self._pause,
        )

    def _since_effect(self, incident: Incident) -> float:
        executed = incident.last("executed")
        return (self._clock() - executed.event.at).total_seconds() if executed else 0.0
