"""From measured deviations to suspicion."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.agents import fusion
from bot.agents.commander import explain, rank
from bot.agents.fusion import HEALTHY, RESTLESS, SIGNS, Past, Suspicion, are_calls_seen, healthy_below, posterior
from bot.catalog import Catalog, Service
from bot.models import Evidence, Finding

AT = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
CATALOG = Catalog(
    services={"web": Service(depends_on=("checkout", "ads")), "checkout": Service(depends_on=("pay", "mail")),
              "pay": Service(), "mail": Service(), "ads": Service(), "cart": Service()},
)  # fmt: skip


def measured(agent: str, kind: str, service: str, deviations: float, **changes: Any) -> Finding:
    name = f"{agent}-{service}-{kind}"
    return Finding.model_validate(
        {"agent": agent, "title": f"{kind} of {service}", "service": service, "indicator": kind, "kind": kind,
         "score": max(0.0, 1 - 3 / abs(deviations)) if deviations else 0.0, "deviations": deviations,
         "evidence": (Evidence(id=name, statement=f"{kind} of {service} moved", observed_at=AT),), **changes}
    )  # fmt: skip


CALLS = measured("traces", "path_end", "web", 0.0)
"""Traces were looked at, and normal."""


def suspicions(findings: Sequence[Finding], catalog: Catalog, past: Sequence[Past] = ()) -> list[Suspicion]:
    return fusion.suspicions(findings, catalog, past, calls_seen=are_calls_seen(findings, ()))


def named(*findings: Finding) -> list[tuple[str, str]]:
    return [(one.service, one.fault) for one in suspicions(findings, CATALOG)]


def test_the_service_that_deviates_most_is_the_most_suspect() -> None:
    assert named(measured("metrics", "cpu", "pay", 30), measured("metrics", "cpu", "ads", 5))[0] == ("pay", "cpu")


def test_channels_that_see_different_things_add_up() -> None:
    both = (measured("metrics", "cpu", "pay", 12), measured("traces", "self_time", "pay", 8))
    assert named(*both, measured("metrics", "cpu", "ads", 13))[0] == ("pay", "cpu")


def test_what_is_noticeable_everywhere_is_the_hours_doing() -> None:
    busy = [measured("metrics", "cpu", service, 20) for service in CATALOG.services]
    assert all(one.total < 0 for one in suspicions(busy, CATALOG))


def test_who_changed_because_its_callee_did_steps_back() -> None:
    found = suspicions(
        [CALLS, measured("logs", "vanished_line", "checkout", -8), measured("logs", "new_complaint", "pay", 8)], CATALOG
    )
    assert [one.service for one in found] == ["pay", "checkout"]
    alone = suspicions([CALLS, measured("logs", "vanished_line", "checkout", -8)], CATALOG)
    assert found[1].total < alone[0].total


def test_a_starved_processor_explains_that_calls_wait() -> None:
    waiting = (measured("traces", "call_gap", "pay", 60), measured("metrics", "cpu", "pay", 30))
    assert named(*waiting) == [("pay", "cpu")]
    assert named(waiting[0]) == [("pay", "network")]


def test_latency_counts_more_where_nothing_else_tells_of_calls() -> None:
    slow = measured("metrics", "latency", "pay", 30)
    assert suspicions([slow], CATALOG)[0].total > suspicions([slow, CALLS], CATALOG)[0].total


def test_symptoms_alone_are_listed_behind_all_that_is_suspect() -> None:
    felt = measured("metrics", "felt_latency", "web", 300), measured("metrics", "felt_latency", "ads", 30)
    found = suspicions([CALLS, *felt, measured("metrics", "cpu", "pay", 4)], CATALOG)
    assert [(one.service, one.total > 0) for one in found] == [("pay", True), ("web", False), ("ads", False)]
    assert posterior(found)[1:] == [0.0, 0.0]


def test_a_service_that_has_failed_before_is_more_suspect() -> None:
    even = [measured("metrics", "cpu", service, 10) for service in ("ads", "pay")]
    assert [one.service for one in suspicions(even, CATALOG)] == ["ads", "pay"]
    past = [Past(service="pay", kind="cpu", times=3)]
    assert [one.service for one in suspicions(even, CATALOG, past)] == ["pay", "ads"]


def test_the_posterior_leaves_room_for_what_nobody_sees() -> None:
    found = suspicions([measured("metrics", "cpu", "pay", 9), measured("metrics", "cpu", "ads", 8)], CATALOG)
    chances = posterior(found)
    assert 0 < chances[1] < chances[0] < 1
    assert sum(chances) < 1


def test_small_deviations_are_called_healthy_and_still_listed() -> None:
    calm, suspect = rank([CALLS, measured("metrics", "cpu", "pay", 4)], (), CATALOG)
    assert (calm.kind, calm.service) == ("healthy", None)
    assert (suspect.kind, suspect.service) == ("cpu", "pay")


def test_where_no_calls_are_seen_an_incident_must_exceed_what_quiet_times_bring() -> None:
    slow = measured("metrics", "latency", "pay", 20, facts={"quiet_evidence": [3.9, 0.2, 4.1]})
    assert rank([slow], (), CATALOG)[0].kind == "healthy"
    assert (
        rank([slow.model_copy(update={"facts": {"quiet_evidence": [0.2, 0.4, 4.1]}})], (), CATALOG)[0].service == "pay"
    )
    assert healthy_below([slow], calls_seen=True) < healthy_below([slow], calls_seen=False)


def test_in_times_that_are_never_quiet_more_is_called_healthy() -> None:
    def below(*quiet: float) -> float:
        slow = measured("metrics", "latency", "pay", 20, facts={"quiet_evidence": list(quiet)})
        return healthy_below([slow], calls_seen=False)

    assert below() == below(0.2, 0.4, 0.3) == HEALTHY
    assert below(0.2, 2.0, 9.0) == 2.0 * RESTLESS


def test_nothing_is_healthy_while_the_alerted_service_surely_feels_it() -> None:
    facts = {"quiet_evidence": [3.9, 4.0, 4.1], "felt_deviations": 7.0}
    slow = measured("metrics", "latency", "pay", 20, facts=facts)
    assert rank([slow], (), CATALOG)[0].service == "pay"


def test_the_more_the_alerted_service_feels_the_less_is_called_healthy() -> None:
    def below(felt: float) -> float:
        facts = {"quiet_evidence": [1.0], "felt_deviations": felt}
        return healthy_below([measured("metrics", "latency", "pay", 20, facts=facts)], calls_seen=False)

    assert below(1.0) == below(2.0) > below(3.0) > below(4.0) > 0


def test_a_cause_is_told_with_what_follows_from_it() -> None:
    found = [measured("traces", "call_gap", "pay", 300), measured("metrics", "felt_latency", "web", 40),
             measured("metrics", "felt_latency", "ads", 50)]  # fmt: skip
    (best, *_) = rank(found, (), CATALOG)
    assert best.evidence_for == ("traces-pay-call_gap", "metrics-web-felt_latency")
    assert explain([best], found, ()) == "call_gap of pay. It would explain that felt_latency of web moved."


def test_a_later_look_that_finds_it_normal_replaces_the_earlier_one() -> None:
    now_normal = measured("metrics", "cpu", "pay", 0.0)
    (only,) = rank([measured("metrics", "cpu", "pay", 50), now_normal], (), CATALOG)
    assert only.kind == "healthy"


FINDINGS = st.lists(
    st.builds(
        lambda sign, service, deviations: measured(sign[0], sign[1], service, deviations),
        st.sampled_from(sorted(SIGNS)), st.sampled_from(sorted(CATALOG.services)),
        st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-3),
    ),
    max_size=30,
)  # fmt: skip


@given(FINDINGS)
def test_whatever_was_measured_the_ranking_is_sound(findings: list[Finding]) -> None:
    ranked = rank(findings, (), CATALOG)
    assert ranked
    causes = [one for one in ranked if one.service]
    assert len({one.service for one in causes}) == len(causes)
    assert all(0 <= one.confidence <= 1 for one in ranked)
    assert sum(one.confidence for one in causes) <= 1 + 0.005 * len(causes)
    assert explain(ranked, findings, ()).strip()


@given(FINDINGS, st.randoms(use_true_random=False))
def test_the_order_of_findings_changes_nothing(findings: list[Finding], shuffle: Any) -> None:
    once = list({(one.agent, one.service, one.kind): one for one in findings}.values())
    shuffled = list(once)
    shuffle.shuffle(shuffled)
    told = [
        [(one.service, one.fault, round(one.total, 9)) for one in suspicions(these, CATALOG)]
        for these in (once, shuffled)
    ]
    assert told[0] == told[1]
