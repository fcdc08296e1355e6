"""Carrying out an approved action: at most once, always.

A lease keeps a second run away for as long as the first may still act. Whoever holds the lease and finds
`approved` moves it to `executing` and acts; whoever finds `executing` knows that the run before it died in the
middle, and says so instead of acting again.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import structlog
from redis.asyncio import Redis

from bot.errors import EffectFailed, EffectUnknown, IllegalTransition, NightdeskError, NotFound, PreconditionFailed
from bot.incidents.journal import Journal
from bot.models import Event, Executed, Executing, Incident, Noted, NotExecuted, OutcomeUnknown, Phase, Proposal
from bot.remediation.action import Action, ActionParameters
from bot.remediation.approvals import Law, incident_of
from bot.remediation.catalogue import Actions
from bot.remediation.proposal import matches
from bot.storage.scripts import release, swap

log = structlog.get_logger(__name__)
Clock = Callable[[], datetime]

PREPARING_S = 10.0
"""The lease while preconditions are read; nothing has been touched yet."""
GRACE_S = 5.0
"""How much longer than the action's timeout the lease lasts."""
LATEST_START = timedelta(minutes=5)
"""An approval is for now: what could not begin for this long, as in an outage of ours, is asked for again."""

Perform = Callable[[], Awaitable[str]]


class Lease(NamedTuple):
    """One run's right to decide about a proposal; no two runs are the same holder, even in one process."""

    key: str
    holder: str


class Execution:
    """Runs approved proposals.

    Args:
        owner: names this process in the history.
        law: policy as it is now, where it is to be asked again right before the effect.
    """

    def __init__(
        self, redis: Redis, journal: Journal, actions: Actions, clock: Clock, *, owner: str, law: Law | None = None
    ) -> None:
        self._redis = redis
        self._journal = journal
        self._actions = actions
        self._clock = clock
        self._owner = owner
        self._law = law

    async def run(self, proposal_id: str) -> float | None:
        """Carry it out, or say why not. Gives the seconds after which to look again, if another run may still act."""
        incident_id = incident_of(proposal_id)
        lease = Lease(f"nd:lease:{proposal_id}", f"{self._owner}:{secrets.token_hex(8)}")
        taken = await self._redis.set(lease.key, lease.holder, nx=True, px=int(PREPARING_S * 1000))
        if not taken and await self._redis.get(lease.key) != lease.holder:  # ours, where only the answer was lost
            return max(0.05, await self._redis.pttl(lease.key) / 1000)
        try:
            incident = await self._journal.read(incident_id)
            proposal = incident.proposal
            if proposal is None or proposal.id != proposal_id:
                log.warning("execution.superseded", incident=incident_id, proposal=proposal_id)
            elif incident.phase is Phase.EXECUTING:
                await self._died_before(incident, proposal)
            elif incident.phase is Phase.APPROVED:
                await self._carry_out(incident, proposal, lease)
            elif incident.phase is Phase.RESOLVED:
                await self._overtaken(incident, proposal)
        except NotFound:
            log.warning("execution.unknown_incident", incident=incident_id, proposal=proposal_id)
        finally:
            await release(self._redis, lease.key, lease.holder)
        return None

    async def _carry_out(self, incident: Incident, proposal: Proposal, lease: Lease) -> None:
        approved = incident.last("approved")
        if approved is None or getattr(approved.event, "digest", None) != proposal.digest or not matches(proposal):
            await self._not_executed(incident, proposal, "what was approved is not what would run")
        elif self._clock() - approved.event.at > LATEST_START:
            reason = f"it could not begin within {LATEST_START.seconds // 60} minutes of its approval"
            await self._not_executed(incident, proposal, reason)
        elif not await self._hold(proposal):
            await self._not_executed(incident, proposal, f"another incident is acting on {proposal.target} right now")
        elif await self._perform(incident, proposal, lease):
            await release(self._redis, _target_key(proposal), proposal.id)
        else:
            await self._hold(proposal)

    async def _hold(self, proposal: Proposal) -> bool:
        """Keep all others from its target for as long as it may still act; False if another holds it."""
        key, held_s = _target_key(proposal), math.ceil(proposal.timeout_s + GRACE_S)
        if await swap(self._redis, key, held="", to=proposal.id, ttl_s=held_s) != proposal.id:
            return False
        await self._redis.expire(key, held_s)  # it may be that of a run of this proposal that died before it acted
        return True

    async def _perform(self, incident: Incident, proposal: Proposal, lease: Lease) -> bool:
        """Check, act and record; whether it is known what became of it."""
        try:
            action, parameters = self._actions.resolve(proposal.action, proposal.parameters)
            _require_as_shown(action, parameters, proposal)
            if self._law:
                self._law(proposal)
            await asyncio.wait_for(_ready(action, parameters), PREPARING_S / 2)
        except TimeoutError:
            await self._not_executed(incident, proposal, "its preconditions could not be read in time")
            return True
        except NightdeskError as reason:
            await self._not_executed(incident, proposal, str(reason))
            return True
        return await self._act(incident, proposal, lease, partial(action.perform, parameters, proposal.id))

    async def _act(self, incident: Incident, proposal: Proposal, lease: Lease, perform: Perform) -> bool:
        until_s = math.ceil(proposal.timeout_s + GRACE_S)
        if await swap(self._redis, lease.key, held=lease.holder, to=lease.holder, ttl_s=until_s) != lease.holder:
            log.warning("execution.lease_lost", incident=incident.id, proposal=proposal.id)
            return True  # nothing was done; whoever looks next finds it approved
        executing = Executing(at=self._clock(), proposal_id=proposal.id, owner=self._owner)
        exactly = {"proposal": proposal.id, "digest": proposal.digest}
        try:
            await self._journal.append(incident.id, executing, expected=exactly)
        except IllegalTransition as moved_on:
            log.warning("execution.withdrawn", incident=incident.id, proposal=proposal.id, why=str(moved_on))
            return True
        outcome = await self._effect(perform, proposal)
        try:
            await self._journal.append(incident.id, outcome)
        except IllegalTransition:  # taken for dead meanwhile: the record stays with the doubt, and this is kept
            late = f"A late answer about {proposal.id}: {outcome.model_dump_json(exclude={'at', 'actor'})}"
            await self._journal.append(incident.id, Noted(at=self._clock(), text=late))
        return outcome.kind != "outcome_unknown"

    async def _effect(self, perform: Perform, proposal: Proposal) -> Event:
        """Act, and say in an event what became of it."""
        try:
            outcome = await asyncio.wait_for(perform(), proposal.timeout_s)
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
        await self._hold(proposal)  # that process may only have been stalled, and act yet
        await self._journal.append(incident.id, self._unknown(proposal, reason))

    async def _overtaken(self, incident: Incident, proposal: Proposal) -> None:
        """Whoever approved it is told that it did not run, if it did not."""
        ran = (recorded.event for recorded in incident.history if recorded.event.kind in {"executing", "not_executed"})
        if not any(getattr(event, "proposal_id", None) == proposal.id for event in ran):
            text = f"The incident was over before {proposal.action} on {proposal.target} began, so it was not run."
            await self._journal.append(incident.id, Noted(at=self._clock(), text=text), once=f"overtaken:{proposal.id}")

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


def _target_key(proposal: Proposal) -> str:
    """The same for all actions on that target: a restart and a rollback must not meet on one deployment."""
    return "nd:target:" + hashlib.sha256(proposal.target.encode()).hexdigest()[:32]


async def _ready(action: Action[Any], parameters: ActionParameters) -> None:
    """The world is as it was, and the target would take it.

    Raises:
        RemediationError: one of them is not so.
    """
    await action.check(parameters)
    await action.rehearse(parameters)


def _require_as_shown(action: Action[Any], parameters: ActionParameters, proposal: Proposal) -> None:
    """The settings behind an action's name may have changed since a person saw what it would do.

    Raises:
        PreconditionFailed: they have.
    """
    if (action.target(parameters), action.effect(parameters)) != (proposal.target, proposal.effect):
        raise PreconditionFailed("Nothing was done: the settings have changed what this action would do.")
