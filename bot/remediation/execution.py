"""Carrying out an approved action: at most once, always.

A lease keeps a second run away for as long as the first may still act. Whoever holds the lease and finds
`approved` moves it to `executing` and acts; whoever finds `executing` knows that the run before it died in the
middle, and says so instead of acting again.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from redis.asyncio import Redis

from bot.errors import EffectFailed, EffectUnknown, IllegalTransition, NotFound, PreconditionFailed, RemediationError
from bot.incidents.journal import Journal
from bot.models import Event, Executed, Executing, Incident, Noted, NotExecuted, OutcomeUnknown, Phase, Proposal
from bot.remediation.action import Action, ActionParameters
from bot.remediation.approvals import incident_of
from bot.remediation.catalogue import Actions
from bot.remediation.proposal import matches
from bot.storage.scripts import release, swap

log = structlog.get_logger(__name__)
Clock = Callable[[], datetime]

PREPARING_S = 10.0
"""The lease while preconditions are read; nothing has been touched yet."""
GRACE_S = 5.0
"""How much longer than the action's timeout the lease lasts."""


class Execution:
    """Runs approved proposals.

    Args:
        owner: names this process in the history.
    """

    def __init__(self, redis: Redis, journal: Journal, actions: Actions, clock: Clock, *, owner: str) -> None:
        self._redis = redis
        self._journal = journal
        self._actions = actions
        self._clock = clock
        self._owner = owner

    async def run(self, proposal_id: str) -> float | None:
        """Carry it out, or say why not. Gives the seconds after which to look again, if another run may still act."""
        incident_id = incident_of(proposal_id)
        lease = f"nd:lease:{proposal_id}"
        if not await self._redis.set(lease, self._owner, nx=True, px=int(PREPARING_S * 1000)):
            return max(0.05, await self._redis.pttl(lease) / 1000)
        try:
            incident = await self._journal.read(incident_id)
            proposal = incident.proposal
            if proposal is None or proposal.id != proposal_id:
                log.warning("execution.superseded", incident=incident_id, proposal=proposal_id)
            elif incident.phase is Phase.EXECUTING:
                await self._died_before(incident, proposal)
            elif incident.phase is Phase.APPROVED:
                await self._carry_out(incident, proposal, lease)
        except NotFound:
            log.warning("execution.unknown_incident", incident=incident_id, proposal=proposal_id)
        finally:
            await release(self._redis, lease, self._owner)
        return None

    async def _carry_out(self, incident: Incident, proposal: Proposal, lease: str) -> None:
        approved = incident.last("approved")
        if approved is None or getattr(approved.event, "digest", None) != proposal.digest or not matches(proposal):
            await self._not_executed(incident, proposal, "what was approved is not what would run")
            return
        lock = "nd:target:" + hashlib.sha256(f"{proposal.action}\n{proposal.target}".encode()).hexdigest()[:32]
        held_s = math.ceil(proposal.timeout_s + GRACE_S)
        if await swap(self._redis, lock, held="", to=proposal.id, ttl_s=held_s) != proposal.id:
            await self._not_executed(incident, proposal, f"another incident is acting on {proposal.target} right now")
            return
        await self._redis.expire(lock, held_s)  # it may be that of a run of this proposal that died before it acted
        try:
            await self._perform(incident, proposal, lease)
        finally:
            await release(self._redis, lock, proposal.id)

    async def _perform(self, incident: Incident, proposal: Proposal, lease: str) -> None:
        try:
            action, parameters = self._actions.resolve(proposal.action, proposal.parameters)
            await asyncio.wait_for(action.check(parameters), PREPARING_S / 2)
        except TimeoutError:
            await self._not_executed(incident, proposal, "its preconditions could not be read in time")
            return
        except RemediationError as reason:
            await self._not_executed(incident, proposal, str(reason))
            return
        await self._redis.pexpire(lease, int((proposal.timeout_s + GRACE_S) * 1000))
        executing = Executing(at=self._clock(), proposal_id=proposal.id, owner=self._owner)
        exactly = {"proposal": proposal.id, "digest": proposal.digest}
        try:
            await self._journal.append(incident.id, executing, expected=exactly)
        except IllegalTransition as moved_on:
            log.warning("execution.withdrawn", incident=incident.id, proposal=proposal.id, why=str(moved_on))
            return
        outcome = await self._effect(action, parameters, proposal)
        try:
            await self._journal.append(incident.id, outcome)
        except IllegalTransition:  # taken for dead meanwhile: the record stays with the doubt, and this is kept
            late = f"A late answer about {proposal.id}: {outcome.model_dump_json(exclude={'at', 'actor'})}"
            await self._journal.append(incident.id, Noted(at=self._clock(), text=late))

    async def _effect(self, action: Action[Any], parameters: ActionParameters, proposal: Proposal) -> Event:
        """Act, and say in an event what became of it."""
        try:
            outcome = await asyncio.wait_for(action.perform(parameters, proposal.id), proposal.timeout_s)
        except (PreconditionFailed, EffectFailed) as reason:
            return NotExecuted(at=self._clock(), proposal_id=proposal.id, reason=str(reason))
        except TimeoutError:
            return self._unknown(proposal, f"it gave no answer within {proposal.timeout_s:g} s")
        except EffectUnknown as reason:
            return self._unknown(proposal, str(reason))
        except Exception as error:  # boundary: whatever an action raises, the effect may have happened
            log.exception("execution.failed", proposal=proposal.id, action=proposal.action)
            return self._unknown(proposal, f"the action broke off with {type(error).__name__}")
        return Executed(at=self._clock(), proposal_id=proposal.id, outcome=outcome)

    async def _died_before(self, incident: Incident, proposal: Proposal) -> None:
        reason = "the process that carried it out ended before it could say what happened"
        await self._journal.append(incident.id, self._unknown(proposal, reason))

    async def _not_executed(self, incident: Incident, proposal: Proposal, reason: str) -> None:
        await self._journal.append(incident.id, NotExecuted(at=self._clock(), proposal_id=proposal.id, reason=reason))

    def _unknown(self, proposal: Proposal, reason: str) -> OutcomeUnknown:
        at = self._clock()
        return OutcomeUnknown(
            at=at,
            proposal_id=proposal.id,
            reason=reason,
            quarantined_until=at + timedelta(seconds=proposal.timeout_s + GRACE_S),
        )
