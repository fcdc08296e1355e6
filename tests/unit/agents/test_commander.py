"""From findings to ranked causes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agents.commander import CERTAIN, EVIDENCE_SHOWN, NORMAL, explain, rank
from bot.agents.course import ONSET_SLACK
from bot.catalog import Catalog, Database, Service
from bot.models import Evidence, Finding, Gap, Remedy

AT = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
CATALOG = Catalog(
    services={"web": Service(depends_on=("payments",)), "payments": Service(databases=("payments-db",)),
              "mail": Service()},
    databases={"payments-db": Database(dsn_env="X")},
)  # fmt: skip
REMEDY = Remedy(action="postgres.terminate_backend", parameters={"pid": 1}, why="it blocks")


def found(kind: str, service: str | None = "payments", *, score: float = 0.9, began_s: float | None = 0,
          agent: str = "metrics", facts: int = 1, **changes: Any) -> Finding:  # fmt: skip
    name = f"{agent}-{service}-{kind}"
    evidence = tuple(
        Evidence(id=f"{name}-{n}", statement=f"{kind} of {service}, fact {n}", observed_at=AT) for n in range(facts)
    )
    began = None if began_s is None else AT + timedelta(seconds=began_s)
    return Finding.model_validate(
        {"agent": agent, "title": f"{kind} on {service}", "service": service, "indicator": kind, "kind": kind,
         "score": score, "started_at": began, "evidence": evidence, **changes}
    )  # fmt: skip


BLOCKED = found("blocking_session", "payments-db", agent="database", remedies=(REMEDY,))
ERRORS = found("error_rate")
SLOW = found("latency", "web")
FULL = found("saturation")


def kinds(*findings: Finding, gaps: tuple[Gap, ...] = ()) -> list[str]:
    return [hypothesis.kind for hypothesis in rank(findings, gaps, CATALOG)]


def test_what_does_harm_comes_before_its_traces_and_those_before_how_it_feels() -> None:
    assert kinds(ERRORS, FULL, BLOCKED)[:2] == ["blocking_session", "saturation"]
    assert kinds(ERRORS, FULL, BLOCKED)[-1] == "error_rate"


def test_even_a_weaker_cause_beats_the_symptoms_that_it_explains() -> None:
    weaker = found("blocking_session", "payments-db", agent="database", score=0.6)
    assert kinds(found("error_rate", score=1.0), weaker)[0] == "blocking_session"


def test_a_cause_that_explains_more_is_more_likely() -> None:
    alone = rank([BLOCKED], (), CATALOG)[0]
    explaining = rank([BLOCKED, ERRORS, SLOW], (), CATALOG)[0]
    assert explaining.score > alone.score


def test_a_cause_explains_the_services_that_stand_on_it_and_no_others() -> None:
    elsewhere = found("latency", "mail")
    best, *others = rank([BLOCKED, SLOW, elsewhere], (), CATALOG)
    assert best.evidence_for == ("database-payments-db-blocking_session-0", "metrics-web-latency-0")
    assert [hypothesis.service for hypothesis in others] == ["mail", "web"]


def test_what_began_later_explains_nothing() -> None:
    late = found("blocking_session", "payments-db", agent="database", began_s=ONSET_SLACK.total_seconds() + 1)
    assert rank([late, ERRORS], (), CATALOG)[0].evidence_for == ("database-payments-db-blocking_session-0",)
    blurred = found("blocking_session", "payments-db", agent="database", began_s=ONSET_SLACK.total_seconds())
    assert len(rank([blurred, ERRORS], (), CATALOG)[0].evidence_for) == 2


def test_a_symptom_never_explains_a_cause() -> None:
    assert rank([BLOCKED, ERRORS], (), CATALOG)[-1].evidence_for == ("metrics-payments-error_rate-0",)


def test_the_remedies_of_the_agent_that_saw_it_stay_with_the_cause() -> None:
    assert rank([ERRORS, BLOCKED], (), CATALOG)[0].remedies == (REMEDY,)


def test_a_look_that_found_the_same_normal_speaks_against_it() -> None:
    doubted = rank([ERRORS, found("error_rate", score=0.0, indicator="other", agent="metrics")], (), CATALOG)[0]
    assert doubted.evidence_against
    assert doubted.score < rank([ERRORS], (), CATALOG)[0].score


def test_the_latest_word_on_an_indicator_counts() -> None:
    later = found("error_rate", score=0.3)
    assert rank([ERRORS, later], (), CATALOG) == rank([later], (), CATALOG)


def test_every_source_that_did_not_answer_makes_us_less_sure() -> None:
    sure = rank([BLOCKED], (), CATALOG)[0].confidence
    gap = Gap(source="logs", reason="did not answer")
    less = rank([BLOCKED], (gap,), CATALOG)[0].confidence
    still_less = rank([BLOCKED], (gap, Gap(source="metrics", reason="down")), CATALOG)[0].confidence
    assert sure > less > still_less


def test_the_same_gap_said_twice_is_one() -> None:
    gap = Gap(source="logs", reason="did not answer")
    assert rank([BLOCKED], (gap, gap), CATALOG) == rank([BLOCKED], (gap,), CATALOG)


def test_what_was_asked_and_came_back_empty_is_told() -> None:
    quiet = found("change", score=0.0, agent="changes", title="no change was announced", facts=0)
    gap = Gap(source="logs", reason="no source")
    assert rank([BLOCKED, quiet], (gap,), CATALOG)[0].empty == ("no change was announced", "logs: no source")


def test_what_deviates_a_little_is_not_told_as_nothing_unusual() -> None:
    weak = found("traffic_drop", score=NORMAL / 2, title="paid cents fell from 22,890/s to 0/s")
    assert rank([BLOCKED, weak], (), CATALOG)[0].empty == ()


def test_where_all_is_normal_it_is_healthy() -> None:
    (only,) = rank([found("error_rate", score=NORMAL / 2)], (), CATALOG)
    assert (only.kind, only.remedies) == ("healthy", ())
    assert "perhaps a false alarm" in only.statement


@pytest.mark.parametrize("findings", [(), (found("error_rate", score=0.0),)])
def test_where_not_everything_could_be_seen_it_is_unknown(findings: tuple[Finding, ...]) -> None:
    (only,) = rank(findings, (Gap(source="metrics", reason="down"),), CATALOG)
    assert only.kind == "unknown"
    assert "metrics" in only.statement


def test_only_so_much_evidence_is_cited() -> None:
    assert len(rank([found("error_rate", facts=40)], (), CATALOG)[0].evidence_for) == EVIDENCE_SHOWN


FINDINGS = st.lists(
    st.builds(
        found,
        st.sampled_from(["error_rate", "latency", "traffic_drop", "saturation", "change", "blocking_session", "oom"]),
        st.sampled_from([None, "web", "payments", "payments-db", "mail", "stranger"]),
        score=st.floats(0, 1),
        began_s=st.none() | st.floats(-600, 600),
        agent=st.sampled_from(["metrics", "logs", "database", "changes"]),
    ),
    max_size=12,
)


@given(FINDINGS, st.lists(st.builds(Gap, source=st.sampled_from("abc"), reason=st.just("down")), max_size=4))
def test_whatever_was_found_the_ranking_is_sound(findings: list[Finding], gaps: list[Gap]) -> None:
    ranked = rank(findings, gaps, CATALOG)
    assert ranked
    assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)
    assert all(0 <= one.confidence <= CERTAIN for one in ranked)
    assert sum(one.confidence for one in ranked) <= 1 + 0.005 * len(ranked)
    known = {fact.id for finding in findings for fact in finding.evidence}
    assert all(set(one.evidence_for) | set(one.evidence_against) <= known for one in ranked)
    assert explain(ranked, findings, gaps).strip()


@given(FINDINGS, st.randoms(use_true_random=False))
def test_the_order_in_which_agents_answer_does_not_change_who_is_suspected(
    findings: list[Finding], shuffle: Any
) -> None:
    once = {(finding.agent, finding.service, finding.kind): finding for finding in findings}
    ordered = list(once.values())
    shuffled = list(ordered)
    shuffle.shuffle(shuffled)

    def told(these: list[Finding]) -> list[tuple[str, str, float]]:
        return sorted((one.kind, str(one.service), round(one.score, 9)) for one in rank(these, (), CATALOG))

    assert told(ordered) == told(shuffled)


def test_the_explanation_says_what_why_and_what_is_not_known() -> None:
    ranked = rank([BLOCKED, ERRORS], (Gap(source="logs", reason="down"),), CATALOG)
    said = explain(ranked, [BLOCKED, ERRORS], (Gap(source="logs", reason="down"),))
    assert said == (
        "blocking_session on payments-db. It would explain that error_rate of payments, fact 0. "
        "Not everything could be seen: logs."
    )


def test_where_everything_was_seen_it_says_what_does_not_fit() -> None:
    against = found("error_rate", score=0.0, indicator="other", agent="metrics", title="fine")
    ranked = rank([ERRORS, against], (), CATALOG)
    assert "What does not fit: error_rate of payments, fact 0." in explain(ranked, [ERRORS, against], ())


def test_a_line_of_requests_that_were_compared_one_by_one_is_no_second_suspect() -> None:
    told = found("new_error", "web", agent="logs", score=0.8, of_requests=True)
    beside = found("new_error", "web", agent="logs", score=0.8)
    elsewhere = found("new_error", "mail", agent="logs", score=0.8, of_requests=True)
    compared = found("vanished_line", None, agent="logs", score=0.0, facts=0, deviations=0.0)
    compared = compared.model_copy(update={"facts": {"requests_compared": ["web"]}})
    assert kinds(told) == ["new_error"]
    assert kinds(told, compared) == ["healthy"]
    assert kinds(beside, compared) == kinds(elsewhere, compared) == ["new_error"]


def test_how_a_service_fares_is_no_second_suspect_where_it_was_measured() -> None:
    measured = found("latency", deviations=40.0)
    felt = found("felt_latency", deviations=2.0, score=0.2)
    assert kinds(measured, found("error_rate", "mail")) == ["latency", "error_rate"]
    assert kinds(measured, found("latency", indicator="another")) == ["latency"]
    assert kinds(felt, found("latency", indicator="another"), BLOCKED) == ["blocking_session", "latency"]
    assert kinds(measured, FULL) == ["latency", "saturation"]
