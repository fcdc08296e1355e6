"""Drafting proposals where the credentials are: in this process, or by asking one that holds them.

A worker knows the catalogue of actions, but not how to reach their targets. It hands its wish to an executor over Redis
and waits; what does not answer in time proposes nothing.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import Field
from redis.asyncio import Redis

from bot.catalog import CatalogNow
from bot.errors import RemediationError
from bot.models import Incident, Noun, Proposal
from bot.remediation.catalogue import Actions
from bot.remediation.proposal import Grounds, draft
from bot.remediation.rules import PolicyNow
from bot.work.queue import Queue

ANSWER_WITHIN_S = 30
LOOK_S = 3.0
LONGEST_REFUSAL = 2000


class Wish(Noun):
    """What a drawing wants to propose."""

    proposal_id: str
    action: str
    parameters: Mapping[str, Any]
    grounds: Grounds


class Drafted(Noun):
    """What became of a wish: a proposal, or why there is none."""

    proposal: Proposal | None = None
    before: float | None = Field(default=None, description="what its verification reads now, where it can be read")
    refusal: str = ""

    @property
    def fields(self) -> dict[str, str]:
        """What the incident's record keeps beside the proposal: the reading before the effect, where there is one."""
        if self.proposal is None or self.before is None:
            return {}
        return {before_field(self.proposal): repr(self.before)}


def next_proposal_id(incident: Incident) -> str:
    """The id of the incident's next proposal; `bot.remediation.approvals.incident_of` reads it."""
    return f"{incident.id}.{len(incident.proposals) + 1}"


def before_field(proposal: Proposal) -> str:
    """The field of the incident's record that holds what the proposal's verification read before the effect."""
    return f"before:{proposal.id}"


Draft = Callable[[Wish], Awaitable[Drafted]]
MeasureNow = Callable[[Proposal], Awaitable[float | None]]


class Drafter:
    """Drafts with the actions of this process."""

    def __init__(
        self,
        actions: Actions,
        catalog: CatalogNow,
        policy: PolicyNow,
        measure_now: MeasureNow,
        clock: Callable[[], datetime],
        *,
        verify_s: float,
    ) -> None:
        self._actions = actions
        self._catalog = catalog
        self._policy = policy
        self._measure_now = measure_now
        self._clock = clock
        self._verify_s = verify_s

    async def draft(self, wish: Wish) -> Drafted:
        """The proposal with the live state in it, or why there is none."""
        try:
            action, parameters = self._actions.resolve(wish.action, wish.parameters)
            proposal = await draft(
                action,
                parameters,
                wish.grounds,
                proposal_id=wish.proposal_id,
                catalog=self._catalog(),
                policy=self._policy(),
                verify_s=self._verify_s,
                now=self._clock(),
            )
        except RemediationError as refusal:
            return Drafted(refusal=str(refusal)[:LONGEST_REFUSAL])
        return Drafted(proposal=proposal, before=await self._measure_now(proposal))


class Drafting:
    """Has an executor draft."""

    def __init__(self, redis: Redis, queue: Queue, *, within_s: float = ANSWER_WITHIN_S) -> None:
        self._redis = redis
        self._queue = queue
        self._within_s = within_s

    async def draft(self, wish: Wish) -> Drafted:
        """What the executor answers; a refusal where none does in time."""
        reply = f"nd:draft:{wish.proposal_id}:{secrets.token_hex(8)}"
        await self._queue.add("draft", wish.model_dump_json(), reply, key=reply)
        give_up = time.monotonic() + self._within_s
        while (left_s := give_up - time.monotonic()) > 0:
            # shorter than the connection's own timeout, which would take the waiting for a broken connection
            if answered := await self._redis.blpop([reply], timeout=min(LOOK_S, left_s)):
                return Drafted.model_validate_json(answered[1])
        return Drafted(
            refusal=f"No executor answered within {self._within_s:g} s: start `nightdesk serve --role executor`."
        )


async def answer(redis: Redis, drafter: Drafter, wish: str, reply: str) -> None:
    """Draft for a worker that waits (JSON in, JSON out)."""
    drafted = await drafter.draft(Wish.model_validate_json(wish))
    async with redis.pipeline(transaction=True) as pipe:
        pipe.rpush(reply, drafted.model_dump_json())
        pipe.expire(reply, 2 * ANSWER_WITHIN_S)
        await pipe.execute()
