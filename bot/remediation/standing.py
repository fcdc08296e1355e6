"""Earned trust: after enough verified successes a person may allow an action on a service in advance.

The first failure takes it back, and so does anybody by one click. Any doubt about whether it covers a proposal is a no.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import structlog
from pydantic import ValidationError
from redis.asyncio import Redis

from bot.catalog import Catalog, CatalogNow
from bot.errors import Denied, NotNow
from bot.models import EarnedTrust, Proposal, Risk, StandingApproval
from bot.remediation.approvals import Membership, belongs, doubt_about
from bot.remediation.policy import approvers
from bot.remediation.rules import Policy, PolicyNow, StandingRules
from bot.storage.scripts import note_trial

log = structlog.get_logger(__name__)

GRANTED = "nd:{standing}:granted"
"""Hash: id → standing approval (JSON)."""
STREAKS = "nd:{standing}:streaks"
"""Hash: action, service and extent (JSON) → verified successes in a row."""
TRIAL_KEPT = timedelta(days=400)
"""How long it is known that a proposal has been counted."""

Outcome = Literal["helped", "failed"]


class About(NamedTuple):
    """What trust is in: never a whole action, only what of it has helped, on the service where it did."""

    action: str
    service: str
    extent: str


NOTHING = About("", "", "")


class Standings:
    """Grants, finds and revokes standing approvals."""

    def __init__(
        self,
        redis: Redis,
        catalog: CatalogNow,
        policy: PolicyNow,
        membership: Membership,
        clock: Callable[[], datetime],
    ) -> None:
        self._redis = redis
        self._catalog = catalog
        self._policy = policy
        self._membership = membership
        self._clock = clock

    async def granted(self) -> tuple[StandingApproval, ...]:
        """Those that are not over, by action and service."""
        now, found = self._clock(), []
        for written in (await self._redis.hgetall(GRANTED)).values():
            try:
                one = StandingApproval.model_validate_json(written)
            except ValidationError:
                log.error("standing.unreadable")  # noqa: TRY400 - what cannot be read allows nothing
                continue
            if now < one.until:
                found.append(one)
        return tuple(sorted(found, key=lambda one: (one.action, one.service, one.id)))

    async def earned(self) -> tuple[EarnedTrust, ...]:
        """What a person could allow now: enough successes in a row, and not allowed yet."""
        try:
            return await self._earned(self._policy().standing)
        except NotNow:
            return ()

    async def _earned(self, rules: StandingRules) -> tuple[EarnedTrust, ...]:
        if rules.most_days == 0:
            return ()
        allowed = {_about(one) for one in await self.granted()}
        streaks = {_read(str(name)): int(count) for name, count in (await self._redis.hgetall(STREAKS)).items()}
        return tuple(
            EarnedTrust(
                id=hashlib.sha256(_written(about).encode()).hexdigest()[:16],
                action=about.action,
                service=about.service,
                extent=about.extent,
                successes=count,
                most_tier=Risk(rules.most_tier),
                most_services=rules.most_services,
                most_days=rules.most_days,
            )
            for about, count in sorted(streaks.items())
            if count >= rules.after_successes and about not in allowed and about != NOTHING
        )

    async def grant(self, earned_id: str, days: int, user: str) -> StandingApproval | str:
        """Allow what has earned it, in the user's name; or why not."""
        try:
            policy, catalog = self._policy(), self._catalog()
        except NotNow as unread:
            return str(unread)
        earned = next((one for one in await self._earned(policy.standing) if one.id == earned_id), None)
        if earned is None:
            return f"It has not earned it, or not any more: it takes {policy.standing.after_successes} successes."
        if not 1 <= days <= earned.most_days:
            return f"A standing approval lasts 1 to {earned.most_days} days."
        if doubt := await self._doubt(user, earned.service, earned.most_tier, catalog, policy):
            return doubt
        now = self._clock()
        one = StandingApproval(
            id=f"S-{secrets.token_hex(4)}",
            action=earned.action,
            extent=earned.extent,
            service=earned.service,
            most_tier=earned.most_tier,
            most_services=earned.most_services,
            until=now + timedelta(days=days),
            granted_by=user,
            granted_at=now,
            successes=earned.successes,
        )
        await self._redis.hset(GRANTED, one.id, one.model_dump_json())
        log.info("standing.granted", **one.model_dump(mode="json"))
        return one

    async def revoke(self, standing_id: str) -> StandingApproval | None:
        """Take it back; what it was, None if it was gone already."""
        known = {one.id: one for one in await self.granted()}
        gone = await self._redis.hdel(GRANTED, standing_id)
        return known.get(standing_id) if gone else None

    async def count(self, proposal: Proposal, outcome: Outcome) -> tuple[StandingApproval, ...]:
        """Count how a proposal ended, once; the standing approvals that a failure has taken back.

        That taking something back helped says nothing of the action where it is proposed for itself.
        """
        if proposal.service is None or (proposal.undoes is not None and outcome == "helped"):
            return ()
        counted = await note_trial(
            self._redis,
            seen=f"nd:{{standing}}:trial:{proposal.id}",
            streaks=STREAKS,
            name=_written(About(proposal.action, proposal.service, proposal.extent)),
            helped=outcome == "helped",
            keep_s=int(TRIAL_KEPT.total_seconds()),
        )
        log.info("standing.trial", proposal=proposal.id, outcome=outcome, counted=counted)
        if outcome == "helped":
            return ()
        # also where it was counted before: the process may have died between the two
        about = About(proposal.action, proposal.service, proposal.extent)
        failed = [one for one in await self.granted() if _about(one) == about]
        return tuple([one for one in failed if await self.revoke(one.id)])

    async def covering(self, proposal: Proposal) -> StandingApproval | None:
        """The standing approval under which the proposal may run without asking.

        None ever covers a way back: something has just not helped, and that is a moment for people.
        """
        try:
            policy, catalog = self._policy(), self._catalog()
        except NotNow:
            return None
        for one in await self._meant_for(proposal, policy.standing):
            if await self._doubt(one.granted_by, one.service, proposal.risk, catalog, policy) is None:
                return one
        return None

    async def still_covers(self, standing_id: str, proposal: Proposal) -> bool:
        """Whether that one covers the proposal now.

        Raises:
            NotNow: policy, the catalogue, or whether its granter may approve, cannot be told at the moment.
        """
        policy = self._policy()
        one = next((one for one in await self._meant_for(proposal, policy.standing) if one.id == standing_id), None)
        if one is None:
            return False
        users, groups = approvers(proposal.risk, one.service, self._catalog(), policy)
        try:
            return await belongs(one.granted_by, users, groups, self._membership)
        except Denied as unread:
            raise NotNow(f"who may approve it could not be read: {unread}") from None

    async def _meant_for(self, proposal: Proposal, rules: StandingRules) -> list[StandingApproval]:
        """Those whose bounds hold it, whoever granted them."""
        if proposal.undoes is not None:
            return []
        if proposal.risk is Risk.HIGH or proposal.approvals_needed > 1 or proposal.reason_needed:
            return []
        if proposal.reach == "unknown" or not proposal.noticed_by:
            return []
        return [one for one in await self.granted() if _bounds(one, proposal, rules)]

    async def _doubt(self, user: str, service: str, risk: Risk, catalog: Catalog, policy: Policy) -> str | None:
        users, groups = approvers(risk, service, catalog, policy)
        return await doubt_about(user, users, groups, self._membership)


def _bounds(one: StandingApproval, proposal: Proposal, rules: StandingRules) -> bool:
    """Whether the proposal lies within what was granted, and within what policy lets be granted now."""
    tier = min(one.most_tier, Risk(rules.most_tier), key=lambda risk: risk.rank)
    return (
        _about(one) == (proposal.action, proposal.service, proposal.extent)
        and rules.most_days > 0
        and proposal.risk.rank <= tier.rank
        and len(proposal.noticed_by) <= min(one.most_services, rules.most_services)
    )


def _about(one: StandingApproval) -> About:
    return About(one.action, one.service, one.extent)


def _written(about: About) -> str:
    return json.dumps(about, ensure_ascii=False)


def _read(name: str) -> About:
    """What a streak is about; nothing where that cannot be read."""
    try:
        action, service, extent = json.loads(name)
    except ValueError:
        return NOTHING
    return About(str(action), str(service), str(extent))
