"""Attacks that begin after the card was shown: on the record, the people, the settings, the store and the clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.catalog import Catalog, Service
from bot.incidents.journal import history_key, record_key
from bot.models import Alert, Endorsed, Evidence, Opened, Phase, Proposal, Proposed
from bot.remediation.action import BlastRadius
from bot.remediation.approvals import Approvals
from bot.remediation.audit import Audit
from bot.remediation.catalogue import Actions
from bot.remediation.execution import AGAIN_S, PATIENCE, Execution
from bot.remediation.policy import Judgement, rejudge
from bot.remediation.proposal import sealed
from bot.remediation.rules import Freeze, Policy, load_policy
from bot.remediation.standing import Standings
from bot.settings import RemediationSettings
from bot.work.gatekeeper import Gatekeeper
from tests.integration.remediation.gate import INCIDENT, NOW, PROPOSAL, Count, Gate, Row, a_proposal, open_gate

OTHER = "260301-OTHERS"
SETTINGS = RemediationSettings(approver_users=("UANN", "UBOB"), approver_groups=("SONCALL",))


@pytest.fixture
async def gate(redis_url: str) -> AsyncIterator[Gate]:
    async with open_gate(redis_url) as gate:
        yield gate


async def approved(gate: Gate, **changed: Any) -> Proposal:
    proposal = await gate.propose(**changed)
    assert (await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN")).outcome == "approved"
    return proposal


async def why_not(gate: Gate, incident_id: str = INCIDENT) -> str:
    """Run it; why it did not happen."""
    before = await gate.effects()
    await gate.execution().run(f"{incident_id}.1")
    event = (await gate.journal.history(incident_id))[-1].event
    assert event.kind == "not_executed"
    assert await gate.effects() == before
    return event.reason


class Law:
    """Policy and catalogue as they are now; a test changes them."""

    def __init__(self, gate: Gate, policy: Policy, catalog: Catalog | None = None) -> None:
        self.gate, self.policy, self.catalog = gate, policy, catalog or Catalog()

    def __call__(self, proposal: Proposal) -> Judgement:
        return rejudge(proposal, self.gate.now, self.catalog, self.policy)


# --- On the people, between the click and the effect


async def test_the_one_who_approved_is_taken_out_of_the_group_before_it_begins(gate: Gate) -> None:
    proposal = await gate.propose()
    await gate.approvals.approve(PROPOSAL, proposal.digest, "UGROUP")
    gate.group = set()
    assert "1 approval, and of those given 0 still count" in await why_not(gate)


async def test_slack_cannot_be_asked_about_the_group_when_it_is_to_begin(gate: Gate) -> None:
    proposal = await gate.propose()
    await gate.approvals.approve(PROPOSAL, proposal.digest, "UGROUP")
    gate.group = None
    assert await gate.execution().run(PROPOSAL) == AGAIN_S
    assert (await gate.kinds())[-1] == "approved", "nothing was touched, so it may wait for Slack a little"
    gate.now += PATIENCE
    assert "who may approve it could not be read" in await why_not(gate)


async def test_slack_is_back_before_patience_ends_and_the_approval_was_not_in_vain(gate: Gate) -> None:
    proposal = await gate.propose()
    await gate.approvals.approve(PROPOSAL, proposal.digest, "UGROUP")
    gate.group = None
    assert await gate.execution().run(PROPOSAL) == AGAIN_S
    gate.group = {"UGROUP"}
    gate.now += PATIENCE / 2
    assert await gate.execution().run(PROPOSAL) is None
    assert await gate.effects() == 1


async def test_she_was_taken_out_of_the_group_while_slack_could_not_be_asked(gate: Gate) -> None:
    proposal = await gate.propose()
    await gate.approvals.approve(PROPOSAL, proposal.digest, "UGROUP")
    gate.group = None
    assert await gate.execution().run(PROPOSAL) == AGAIN_S
    gate.group = set()
    assert "0 still count" in await why_not(gate)


async def test_the_first_of_two_approvers_is_taken_out_of_the_policy_before_the_second_presses(gate: Gate) -> None:
    law = Law(gate, load_policy(None, SETTINGS))
    gate.approvals._law = law
    proposal = await gate.propose(approvals_needed=2)
    assert (await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN")).outcome == "endorsed"
    law.policy = load_policy(None, RemediationSettings(approver_users=("UBOB",)))
    assert (await gate.approvals.approve(PROPOSAL, proposal.digest, "UBOB")).outcome == "endorsed"
    assert (await gate.incident()).phase is Phase.AWAITING


async def test_an_endorsement_is_written_into_the_record_that_nobody_gave(gate: Gate) -> None:
    """The field says that Bob has approved; the history does not, and it is what counts in the end."""
    proposal = await gate.propose(approvals_needed=2)
    await gate.redis.hset(record_key(INCIDENT), "endorsed_by", "UBOB")
    assert (await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN")).outcome == "approved"
    assert "2 approvals, and of those given 1 still count" in await why_not(gate)


async def test_an_endorsement_of_an_earlier_proposal_counts_for_the_next_one(gate: Gate) -> None:
    proposal = await gate.propose(approvals_needed=2)
    await gate.approvals.approve(PROPOSAL, proposal.digest, "UBOB")
    await gate.approvals.reject(PROPOSAL, proposal.digest, "UANN", "not this row")
    second = a_proposal(id=f"{INCIDENT}.2", parameters={"name": "b"}, target="row b", approvals_needed=2)
    await gate.journal.append(INCIDENT, Proposed(at=NOW, proposal=second))
    assert (await gate.approvals.approve(second.id, second.digest, "UANN")).outcome == "endorsed"


async def test_a_standing_approval_is_revoked_between_its_approval_and_the_effect(gate: Gate) -> None:
    catalog = Catalog(services={"shop": Service(environment="staging")})
    policy = load_policy(None, SETTINGS)
    standings = Standings(gate.redis, lambda: catalog, lambda: policy, gate._membership, lambda: gate.now)
    keeper = Gatekeeper(gate.journal, gate.approvals, standings, Audit(gate.redis), lambda: gate.now)
    on_shop: dict[str, Any] = {"service": "shop", "reach": "session", "noticed_by": ("shop",)}
    for number in range(policy.standing.after_successes):
        await standings.count(a_proposal(id=f"{INCIDENT}.{100 + number}", **on_shop), "helped")
    [earned] = await standings.earned()
    await standings.grant(earned.id, 7, "UANN")
    await gate.propose(**on_shop)
    await keeper.standing(PROPOSAL)
    assert (await gate.incident()).phase is Phase.APPROVED
    for one in await standings.granted():
        await standings.revoke(one.id)
    execution = Execution(gate.redis, gate.journal, gate.actions, lambda: gate.now, owner="w", warrant=keeper.doubt)
    await execution.run(PROPOSAL)
    assert ((await gate.kinds())[-1], await gate.effects()) == ("not_executed", 0)


async def test_trust_earned_by_a_harmless_call_is_used_for_another_one_of_the_same_action(gate: Gate) -> None:
    """`http.call flush_cache` has helped ten times; `http.call drop_traffic` on the same service is asked for."""
    catalog = Catalog(services={"shop": Service(environment="staging")})
    policy = load_policy(None, SETTINGS)
    standings = Standings(gate.redis, lambda: catalog, lambda: policy, gate._membership, lambda: gate.now)
    on_shop: dict[str, Any] = {"service": "shop", "reach": "session", "noticed_by": ("shop",)}
    for number in range(10):
        harmless = a_proposal(id=f"{INCIDENT}.{100 + number}", extent="call=flush_cache", **on_shop)
        await standings.count(harmless, "helped")
    [earned] = await standings.earned()
    await standings.grant(earned.id, 7, "UANN")
    assert await standings.covering(a_proposal(extent="call=flush_cache", **on_shop))
    assert await standings.covering(a_proposal(extent="call=drop_traffic", **on_shop)) is None
    assert await standings.covering(a_proposal(extent="", **on_shop)) is None


# --- On what would run


async def test_the_body_of_an_allowed_request_is_exchanged_after_the_approval(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Target and effect read the same; what the operator's settings send does not."""
    await approved(gate, made_of="")
    monkeypatch.setattr(gate.action, "made_of", lambda _: {"body": {"replicas": 0}})
    assert "settings have changed" in await why_not(gate)


@pytest.mark.parametrize("now", [
    BlastRadius(statement="more", services=("till",), reach="session"), BlastRadius(statement="?", reach="unknown"),
])  # fmt: skip
async def test_its_reach_has_grown_since_it_was_shown(
    gate: Gate, now: BlastRadius, monkeypatch: pytest.MonkeyPatch
) -> None:
    await approved(gate, reach="session")

    async def grown(_: Row) -> BlastRadius:
        return now

    monkeypatch.setattr(gate.action, "blast_radius", grown)
    assert "reaches further than was shown" in await why_not(gate)


async def test_the_evidence_is_exchanged_under_the_same_id(gate: Gate) -> None:
    """What the card says is part of the proposal, so the seal covers every word of it."""
    fact = Evidence(id="db-1", statement="Session 7 blocks 12 others.", observed_at=NOW)
    proposal = a_proposal(evidence=("db-1",), facts=(fact,))
    other = sealed(proposal.model_copy(update={"facts": (fact.model_copy(update={"statement": "All is well."}),)}))
    assert other.digest != proposal.digest


async def test_a_freeze_is_written_into_the_policy_that_began_before_the_proposal(gate: Gate) -> None:
    law = Law(gate, load_policy(None, SETTINGS))
    gate.approvals._law = law
    proposal = await gate.propose()
    freeze = Freeze(name="Xmas", start=NOW - timedelta(days=1), end=NOW + timedelta(days=1))
    law.policy = law.policy.model_copy(update={"freezes": (freeze,)})
    verdict = await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN")
    assert verdict.outcome == "overruled"
    assert "'Xmas' is on" in verdict.text


async def test_the_service_becomes_critical_after_a_low_risk_was_approved(gate: Gate) -> None:
    law = Law(gate, load_policy(None, SETTINGS), Catalog(services={"shop": Service()}))
    gate.approvals._law = law
    await approved(gate, service="shop", noticed_by=("shop",), reach="service")
    law.catalog = Catalog(services={"shop": Service(tier="critical")})
    assert "shop is critical" in await why_not(gate)


# --- On the store, and on two things at once


async def test_redis_forgets_its_latest_writes_while_an_effect_is_under_way(gate: Gate) -> None:
    """A Redis that writes to disk once a second comes back at 'approved', although the effect has happened."""
    await approved(gate)
    execution = gate.execution()
    before: Any = await gate.redis.xrange(history_key(INCIDENT))
    record: Any = await gate.redis.hgetall(record_key(INCIDENT))
    await execution.run(PROPOSAL)
    assert await gate.effects() == 1
    await go_back(gate.redis, before, record)
    await fresh(gate, execution).run(PROPOSAL)
    assert (await gate.effects(), (await gate.kinds())[-1]) == (1, "outcome_unknown")


async def go_back(redis: Redis, history: Any, record: Any) -> None:
    await redis.delete(history_key(INCIDENT), record_key(INCIDENT))
    await redis.hset(record_key(INCIDENT), mapping=record)
    for identifier, fields in history:
        await redis.xadd(history_key(INCIDENT), fields, id=identifier)


def fresh(gate: Gate, execution: Execution) -> Execution:
    """The same process, whose journal has read nothing yet."""
    gate.journal._known = type(gate.journal._known)()
    return execution


async def test_two_incidents_act_on_one_service_by_two_different_targets(gate: Gate) -> None:
    """A restart and a rollback call what they act on differently; it is one service all the same."""
    on_shop: dict[str, Any] = {"service": "shop", "reach": "unknown"}
    await approved(gate, **on_shop)
    other = a_proposal(
        id=f"{OTHER}.1", incident_id=OTHER, action="test.roll_back", parameters={"name": "b"}, target="row b", **on_shop
    )
    gate.actions = Actions([gate.action, RollBack(gate.redis)])
    alert = Alert(source="test", name="B", status="firing", fingerprint="g")
    await gate.journal.append(OTHER, Opened(at=NOW, alert=alert, channel="C0"))
    await gate.journal.append(OTHER, Proposed(at=NOW, proposal=other))
    await gate.approvals.approve(other.id, other.digest, "UANN")
    gate.action.meanwhile = lambda: why_not(gate, OTHER)
    await gate.execution("first").run(PROPOSAL)
    assert gate.action.told == "another incident is acting on shop right now"
    assert await gate.effects() == 1


class RollBack(Count):
    """Another action, on rows that are called differently."""

    name = "test.roll_back"


async def test_an_approval_of_a_proposal_is_replayed_after_it_ran(gate: Gate) -> None:
    """A click that Slack delivers again an hour later, and a task that docket delivers again."""
    proposal = await approved(gate)
    for _ in range(3):
        await gate.execution().run(PROPOSAL)
        verdict = await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN")
        assert verdict.outcome == "already"
    assert await gate.effects() == 1


async def test_a_gate_without_a_law_of_its_own_still_counts_people(gate: Gate) -> None:
    """An executor whose settings name nobody trusts no approval that another process has accepted."""
    await approved(gate)
    strict = Approvals(
        gate.journal, gate._membership, lambda: gate.now, Law(gate, load_policy(None, RemediationSettings()))
    )
    doubt = await strict.doubt(await gate.incident(), (await gate.incident()).proposal or a_proposal())
    assert doubt
    assert "Nobody may approve this" in doubt


async def test_one_person_endorses_under_two_events(gate: Gate) -> None:
    """The history holds two endorsements by the same person: they are one."""
    proposal = await gate.propose(approvals_needed=3)
    for _ in range(2):
        endorsed = Endorsed(at=NOW, actor="UANN", proposal_id=PROPOSAL, digest=proposal.digest)
        await gate.journal.append(INCIDENT, endorsed)
    await gate.redis.hset(record_key(INCIDENT), "endorsed_by", "UANN,UGROUP")
    await gate.approvals.approve(PROPOSAL, proposal.digest, "UBOB")
    assert (await gate.incident()).phase is Phase.APPROVED
    assert "3 approvals, and of those given 2 still count" in await why_not(gate)
