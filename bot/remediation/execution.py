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

from bot.errors import (
    EffectFailed,
    EffectUnknown,
    IllegalTransition,
    NightdeskError,
    NotFound,
    NotNow,
    PreconditionFailed,
)
from bot.incidents.journal import Journal
from bot.models import Event, Executed, Executing, Incident, Noted, NotExecuted, OutcomeUnknown, Phase, Proposal
from bot.remediation.action import Action, ActionParameters, BlastRadius, definition
from bot.remediation.approvals import incident_of
from bot.remediation.catalogue import Actions
from bot.remediation.proposal import matches
from bot.storage.scripts import release, swap

log = structlog.get_logger(__name__)
Clock = Callable[[], datetime]

REACHES = ("session", "service", "unknown")
"""The narrowest first."""
PREPARING_S = 10.0
"""The lease while preconditions are read; nothing has been touched yet."""
GRACE_S = 5.0
"""How much longer than the action's timeout the lease lasts."""
AGAIN_S = 2.0
"""How long after a reading that failed the next one comes."""
PATIENCE = timedelta(minutes=1)
"""For how long after an approval what must be read before the effect is tried again: nothing was touched yet."""
LATEST_START = timedelta(minutes=5)
"""An approval is for now: what could not begin for this long, as in an outage of ours, is asked for again."""

Perform = Callable[[], Awaitable[str]]
Warrant = Callable[[Incident, Proposal], Awaitable[str | None]]
"""Why an approved proposal must not run; None where nothing speaks against it. Raises NotNow where nobody can tell."""


class Lease(NamedTuple):
    """One run's right to decide about a proposal; no two runs are the same holder, even in one process."""

    key: str
    holder: str


class Execution:
    """Runs approved proposals.

    Args:
        owner: names this process in the history.
        warrant: whether policy and the people who approved it would still have it, asked right before the effect.
    """

    def __init__(
        self, redis: Redis, journal: Journal, actions: Actions, clock: Clock, *, owner: str, warrant: Warrant
    ) -> None:
        self._redis = redis
        self._journal = journal
        self._actions = actions
        self._clock = clock
        self._owner = owner
        self._warrant = warrant
        self._begun: set[str] = set()
        """Proposals that this process has begun: a Redis that lost its latest writes would have it begin them again."""

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
                return await self._carry_out(incident, proposal, lease)
            elif incident.phase is Phase.RESOLVED:
                await self._overtaken(incident, proposal)
        except NotFound:
            log.warning("execution.unknown_incident", incident=incident_id, proposal=proposal_id)
        finally:
            await release(self._redis, lease.key, lease.holder)
        return None

    async def _carry_out(self, incident: Incident, proposal: Proposal, lease: Lease) -> float | None:
        """Do it, or say why not; the seconds after which to try again, if something could not be read."""
        try:
            await self._unless_doubted(incident, proposal, lease)
        except NotNow as unread:
            await self._let_go(proposal)
            approved = incident.last("approved")
            if approved and self._clock() - approved.event.at < PATIENCE:
                log.info("execution.not_now", incident=incident.id, proposal=proposal.id, why=str(unread))
                return AGAIN_S
            tried = f"Nothing was done: {unread} This was tried for {PATIENCE.seconds} s."
            await self._not_executed(incident, proposal, tried)
        return None

    async def _unless_doubted(self, incident: Incident, proposal: Proposal, lease: Lease) -> None:
        """Do it, or say why not.

        Raises:
            NotNow: what must be read before cannot be read at the moment.
        """
        approved = incident.last("approved")
        if approved is None or getattr(approved.event, "digest", None) != proposal.digest or not matches(proposal):
            await self._not_executed(incident, proposal, "what was approved is not what would run")
        elif self._clock() - approved.event.at > LATEST_START:
            reason = f"it could not begin within {LATEST_START.seconds // 60} minutes of its approval"
            await self._not_executed(incident, proposal, reason)
        elif taken := await self._hold(proposal):
            await self._not_executed(incident, proposal, f"another incident is acting on {taken} right now")
            await self._let_go(proposal)
        elif await self._perform(incident, proposal, lease):
            await self._let_go(proposal)
        else:
            await self._hold(proposal)

    async def _hold(self, proposal: Proposal) -> str | None:
        """Keep all others from what it acts on for as long as it may still act; what another holds, if one does."""
        held_s = math.ceil(proposal.timeout_s + GRACE_S)
        for what in _acted_on(proposal):
            if await swap(self._redis, _lock(what), held="", to=proposal.id, ttl_s=held_s) != proposal.id:
                return what
            await self._redis.expire(_lock(what), held_s)  # a run of this proposal that died may have left it
        return None

    async def _let_go(self, proposal: Proposal) -> None:
        for what in _acted_on(proposal):
            await release(self._redis, _lock(what), proposal.id)

    async def _ready(
        self, action: Action[Any], parameters: ActionParameters, incident: Incident, proposal: Proposal
    ) -> None:
        """People and policy still stand by it, the world is as it was, and the target would take it.

        Raises:
            RemediationError: one of them is not so.
        """
        if doubt := await self._warrant(incident, proposal):
            raise PreconditionFailed(doubt)
        _require_no_further(await action.blast_radius(parameters), proposal)
        await action.check(parameters)
        await action.rehearse(parameters)

    async def _perform(self, incident: Incident, proposal: Proposal, lease: Lease) -> bool:
        """Check, act and record; whether it is known what became of it.

        Raises:
            NotNow: what must be read before cannot be read at the moment.
        """
        try:
            action, parameters = self._actions.resolve(proposal.action, proposal.parameters)
            _require_as_shown(action, parameters, proposal)
            await asyncio.wait_for(self._ready(action, parameters, incident, proposal), PREPARING_S / 2)
        except TimeoutError:
            raise NotNow("approvals and preconditions could not be read in time.") from None
        except NotNow:
            raise
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
        if proposal.id in self._begun:
            outcome: Event = self._unknown(proposal, "it was begun before, and Redis has lost what came of it")
        else:
            self._begun.add(proposal.id)
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
        if not any(event.kind in {"executing", "not_executed"} for event in incident.about(proposal.id)):
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


def _acted_on(proposal: Proposal) -> tuple[str, ...]:
    """What no two actions may touch at once: its target, and the service where it is the whole of it.

    A restart by systemd and a rollback by a workflow call their target differently, and meet on one service.
    """
    if proposal.service is None or proposal.reach == "session":
        return (proposal.target,)
    return (proposal.target, proposal.service)


def _lock(what: str) -> str:
    return "nd:target:" + hashlib.sha256(what.encode()).hexdigest()[:32]


def _require_no_further(now: BlastRadius, proposal: Proposal) -> None:
    """Nobody and nothing notices it whom the approvers were not told of.

    Raises:
        PreconditionFailed: it has grown.
    """
    more = [name for name in now.services if name not in proposal.noticed_by]
    if more or REACHES.index(now.reach) > REACHES.index(proposal.reach):
        further = f"{', '.join(more[:8])} would notice it too" if more else f"its reach is {now.reach} now"
        raise PreconditionFailed(f"Nothing was done: it reaches further than was shown, {further}.")


def _require_as_shown(action: Action[Any], parameters: ActionParameters, proposal: Proposal) -> None:
    """The settings behind an action's name may have changed since a person saw what it would do.

    Raises:
        PreconditionFailed: they have.
    """
    now = (action.target(parameters), action.effect(parameters), definition(action, parameters))
    if now != (proposal.target, proposal.effect, proposal.made_of):
        raise PreconditionFailed("Nothing was done: the settings have changed what this action would do.")
