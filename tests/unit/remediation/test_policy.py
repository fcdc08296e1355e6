"""Policy only ever raises the risk, says why, and names who must approve."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalog import Catalog, Database, Owners, Service
from bot.errors import RemediationError
from bot.models import Risk
from bot.remediation.action import BlastRadius
from bot.remediation.policy import Circumstances, assess, judge
from bot.remediation.rules import Approvers, Freeze, Policy, load_policy
from bot.settings import RemediationSettings

CATALOG = Catalog(
    services={
        "payments": Service(tier="critical", databases=("ledger",), owners=Owners(users=("U-pay",), groups=("S-pay",))),
        "checkout": Service(depends_on=("payments",), owners=Owners(users=("U-shop",))),
        "sandbox": Service(environment="staging", tier="experimental"),
    },
    databases={"ledger": Database(dsn_env="LEDGER_DSN")},
)
POLICY = load_policy(None, RemediationSettings(approver_users=("U1", "U2"), approver_groups=("S1",)))
NOW = datetime(2026, 3, 1, 3, tzinfo=UTC)
names = st.sampled_from(["payments", "checkout", "sandbox", "unheard-of"])
blasts = st.builds(
    BlastRadius,
    statement=st.just("x"),
    services=st.lists(names, max_size=3, unique=True).map(tuple),
    reach=st.sampled_from(["session", "service", "unknown"]),
)
circumstances = st.builds(
    Circumstances,
    action=st.just("test.act"),
    at=st.just(NOW),
    base=st.sampled_from(Risk),
    floor=st.none() | st.sampled_from(Risk),
    blast=blasts,
    reversible=st.booleans(),
    confidence=st.floats(0, 1),
    subject=st.none() | names,
)


def case(**given: object) -> Circumstances:
    defaults: dict[str, object] = {
        "action": "test.act",
        "at": NOW,
        "base": Risk.LOW,
        "blast": BlastRadius(statement="x", services=("sandbox",), reach="session"),
        "reversible": True,
        "confidence": 0.9,
        "subject": "sandbox",
    }
    return Circumstances.model_validate({**defaults, **given})


def worst(given: Circumstances) -> Risk:
    return assess(given, CATALOG, POLICY)[-1][0]


def risk(**given: object) -> Risk:
    return worst(case(**given))


@given(circumstances)
def test_the_risk_is_never_below_the_actions_own_or_the_authors(given: Circumstances) -> None:
    result = worst(given)
    assert result.rank >= given.base.rank
    assert result.rank >= (given.floor.rank if given.floor else 0)


@given(circumstances, st.sampled_from(Risk))
def test_a_higher_floor_never_lowers_the_risk(given: Circumstances, floor: Risk) -> None:
    higher = given.model_copy(update={"floor": max([floor, given.floor or floor], key=lambda one: one.rank)})
    assert worst(higher).rank >= worst(given).rank


@given(circumstances, st.sampled_from(Risk))
def test_a_higher_base_never_lowers_the_risk(given: Circumstances, base: Risk) -> None:
    higher = given.model_copy(update={"base": max([base, given.base], key=lambda one: one.rank)})
    assert worst(higher).rank >= worst(given).rank


@given(circumstances, st.floats(0, 1))
def test_less_confidence_never_lowers_the_risk(given: Circumstances, confidence: float) -> None:
    less = given.model_copy(update={"confidence": min(confidence, given.confidence)})
    assert worst(less).rank >= worst(given).rank


@given(circumstances)
def test_what_cannot_be_undone_is_never_less_dangerous(given: Circumstances) -> None:
    final = given.model_copy(update={"reversible": False})
    assert worst(final).rank >= worst(given).rank


@given(circumstances)
def test_more_known_services_are_never_less_dangerous(given: Circumstances) -> None:
    known = tuple(name for name in given.blast.services if name in CATALOG.services)
    start = given.model_copy(update={"blast": given.blast.model_copy(update={"services": known or ("sandbox",)})})
    wider = start.blast.model_copy(update={"services": tuple(dict.fromkeys([*start.blast.services, "payments"]))})
    assert worst(start.model_copy(update={"blast": wider})).rank >= worst(start).rank


@given(circumstances)
def test_high_risk_needs_two_people(given: Circumstances) -> None:
    judgement = judge(given, CATALOG, POLICY)
    assert judgement.approvals_needed == (2 if judgement.risk is Risk.HIGH else 1)


def test_a_harmless_place_leaves_the_actions_own_risk() -> None:
    assert risk() is Risk.LOW


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"subject": "checkout"}, Risk.LOW),
        ({"subject": "payments"}, Risk.MEDIUM),
        ({"subject": None, "blast": BlastRadius(statement="x", reach="session")}, Risk.MEDIUM),
        ({"reversible": False}, Risk.MEDIUM),
        ({"confidence": 0.49}, Risk.MEDIUM),
        ({"confidence": 0.49, "reversible": False}, Risk.HIGH),
        ({"floor": Risk.HIGH}, Risk.HIGH),
        ({"floor": Risk.READ_ONLY}, Risk.LOW),
        ({"blast": BlastRadius(statement="x", services=("sandbox",), reach="unknown")}, Risk.MEDIUM),
        ({"blast": BlastRadius(statement="x", services=("payments", "checkout"), reach="service")}, Risk.HIGH),
    ],
)
def test_each_circumstance_raises_it_as_far_as_it_should(given: dict[str, object], expected: Risk) -> None:
    assert risk(**given) is expected


def test_every_reason_is_one_short_sentence() -> None:
    most = case(
        floor=Risk.HIGH, reversible=False, confidence=0.1, subject="payments",
        blast=BlastRadius(statement="x", services=("payments", "checkout"), reach="service"),
    )  # fmt: skip
    reasons = [reason for _, reason in assess(most, CATALOG, POLICY)]
    assert len(reasons) == 6
    assert all(reason.endswith(".") and reason.count(". ") == 0 and len(reason) < 90 for reason in reasons)


def test_the_owners_of_the_service_may_approve_too_but_not_its_dependants() -> None:
    judgement = judge(case(subject="payments"), CATALOG, POLICY)
    assert judgement.approver_users == ("U1", "U2", "U-pay")
    assert judgement.approver_groups == ("S1", "S-pay")


def test_the_owners_of_a_databases_direct_users_may_approve() -> None:
    judgement = judge(case(subject="ledger"), CATALOG, load_policy(None, RemediationSettings()))
    assert judgement.approver_users == ("U-pay",)


def test_without_anybody_who_may_approve_nothing_is_proposed() -> None:
    with pytest.raises(RemediationError, match="Nobody may approve"):
        judge(case(), CATALOG, load_policy(None, RemediationSettings()))


def test_with_too_few_people_nothing_of_high_risk_is_proposed() -> None:
    with pytest.raises(RemediationError, match="needs 2 people"):
        judge(case(floor=Risk.HIGH), CATALOG, load_policy(None, RemediationSettings(approver_users=("U1",))))


def test_a_confidence_of_just_half_is_no_doubt() -> None:
    assert (risk(confidence=0.5), risk(confidence=0.49)) == (Risk.LOW, Risk.MEDIUM)


def test_a_high_risk_needs_two_people_whatever_a_policy_leaves_out() -> None:
    bare = Policy(approvers=Approvers(users=("U1", "U2")))
    assert judge(case(base=Risk.HIGH), CATALOG, bare).approvals_needed == 2


@pytest.mark.parametrize(("at", "frozen"), [(-1, False), (0, True), (3599, True), (3600, False)])
def test_a_freeze_begins_at_its_start_and_is_over_at_its_end(at: int, frozen: bool) -> None:
    freeze = Freeze(name="year's end", start=NOW, end=NOW + timedelta(hours=1))
    policy = POLICY.model_copy(update={"freezes": (freeze,)})
    steps = assess(case(at=NOW + timedelta(seconds=at)), CATALOG, policy)
    assert any("year's end" in reason for _, reason in steps) is frozen
