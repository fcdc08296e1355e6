"""What was measured on a service, beside a cause that was seen in what it stands on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.agents.commander import rank
from bot.agents.course import HALF_LIFE_S, ONSET_SLACK, Course
from bot.catalog import Catalog, Database, Service
from bot.models import Evidence, Finding, Hypothesis

AT = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
CATALOG = Catalog(
    services={"web": Service(depends_on=("pay",)), "pay": Service(databases=("pay-db",)),
              "mail": Service(databases=("mail-db",))},
    databases={"pay-db": Database(dsn_env="X"), "mail-db": Database(dsn_env="Y")},
)  # fmt: skip
LATE_S = ONSET_SLACK.total_seconds() + 1
CONFIDENT = 0.6
"""What the general playbook asks for."""


def found(agent: str, kind: str, service: str, score: float, began_s: float | None, **changes: Any) -> Finding:
    fact = Evidence(id=f"{agent}-{service}-{kind}", statement=f"{kind} of {service}", observed_at=AT)
    began = None if began_s is None else AT + timedelta(seconds=began_s)
    return Finding.model_validate(
        {"agent": agent, "title": f"{kind} of {service}", "service": service, "indicator": kind, "kind": kind,
         "score": score, "started_at": began, "evidence": (fact,), **changes}
    )  # fmt: skip


def seen(
    kind: str = "blocking_session", began_s: float | None = 0, *, on: str = "pay-db", score: float = 0.98
) -> Finding:
    """By the database agent."""
    return found("database", kind, on, score, began_s)


def measured(agent: str, kind: str, service: str = "pay", *, by: float = 60.0, began_s: float | None = None) -> Finding:
    """A deviation from the service's own normal."""
    return found(agent, kind, service, 1 - 3 / by, began_s, deviations=by)


SLOW = measured("metrics", "latency", began_s=0)
FAILING = measured("metrics", "error_rate", by=40, began_s=10)
CUT_SHORT = measured("traces", "path_end", by=9)
COMPLAINING = measured("logs", "new_complaint", by=9)
FELT = (SLOW, FAILING, CUT_SHORT, COMPLAINING)
TOLD = (found("metrics", "latency", "pay", 0.9, 0), found("metrics", "error_rate", "pay", 0.9, 10))
"""The same of a live server of metrics, whose golden signals are told with a score alone."""


def of(kind: str, *findings: Finding) -> Hypothesis:
    """The hypothesis of that kind."""
    return next(one for one in rank(findings, (), CATALOG) if one.kind == kind)


@pytest.mark.parametrize(
    "felt", [(SLOW,), (SLOW, FAILING), (SLOW, CUT_SHORT, COMPLAINING), FELT, (*TOLD, CUT_SHORT, COMPLAINING)]
)
def test_what_a_service_feels_of_its_own_database_speaks_for_the_database(felt: tuple[Finding, ...]) -> None:
    best, *others = rank([*felt, seen()], (), CATALOG)
    assert (best.service, best.kind, best.confidence > CONFIDENT) == ("pay-db", "blocking_session", True)
    assert {fact.id for one in felt for fact in one.evidence} <= set(best.evidence_for)
    assert {one.service for one in others} == {"pay"}


def test_who_calls_the_service_is_no_rival_either() -> None:
    callers = (measured("metrics", "latency", "web", by=30, began_s=20), measured("traces", "path_end", "web"))
    best = rank([*FELT, *callers, seen()], (), CATALOG)[0]
    assert (best.service, best.confidence > CONFIDENT) == ("pay-db", True)
    assert {fact.id for one in callers for fact in one.evidence} <= set(best.evidence_for)


@pytest.mark.parametrize(
    "beside",
    [
        pytest.param(seen(began_s=LATE_S), id="began after the symptom"),
        pytest.param(seen(began_s=None), id="nobody knows since when"),
        pytest.param(seen(on="mail-db"), id="of a database that the service does not use"),
        pytest.param(seen(on="nobody-db"), id="of a database that nobody knows"),
    ],
)
def test_a_finding_that_cannot_have_brought_it_about_gains_nothing(beside: Finding) -> None:
    without, alone = of("exception", *FELT), of("blocking_session", beside)
    assert of("blocking_session", *FELT, beside).score == alone.score
    assert of("blocking_session", *FELT, beside).evidence_for == alone.evidence_for
    assert of("exception", *FELT, beside).score == without.score


def test_a_calm_database_gains_nothing() -> None:
    ranked, without = rank([*FELT, seen(score=0.0)], (), CATALOG), rank(FELT, (), CATALOG)
    assert [(one.service, one.score, one.confidence) for one in ranked] == [
        (one.service, one.score, one.confidence) for one in without
    ]


def test_a_symptom_of_which_nobody_knows_when_it_began_is_explained_by_nothing() -> None:
    assert of("exception", CUT_SHORT, seen()).score == of("exception", CUT_SHORT).score
    line = found("logs", "new_error", "pay", 0.9, 0, of_requests=True)
    compared = found("logs", "vanished_line", "pay", 0.0, None, facts={"requests_compared": ["pay"]})
    dated = of("exception", CUT_SHORT, line, compared, seen())  # the line makes no suspect and tells when it began
    assert dated.score < of("exception", CUT_SHORT).score / 2


def test_what_only_the_service_itself_brings_about_stays_a_rival() -> None:
    busy = measured("metrics", "cpu", by=60, began_s=0)
    assert of("cpu", busy, seen()).score == of("cpu", busy).score
    assert rank([busy, seen()], (), CATALOG)[0].confidence < CONFIDENT


def test_a_service_that_is_starved_as_well_keeps_that_part_of_the_suspicion() -> None:
    busy, cut = measured("metrics", "cpu", by=6, began_s=0), measured("traces", "path_end", by=9, began_s=0)
    alone, beside = of("exception", busy, cut).score, of("exception", busy, cut, seen()).score
    traced = found("traces", "path_end", "web", 0.0, None, deviations=0.0)
    assert of("cpu", busy, traced).score < beside < alone
    assert of("exception", cut, seen()).score < beside


def test_a_weak_finding_explains_little() -> None:
    weak = of("latency", SLOW, seen(score=0.3)).score
    assert of("latency", SLOW, seen()).score < weak < of("latency", SLOW).score
    assert rank([SLOW, seen(score=0.3)], (), CATALOG)[0].kind == "latency"


def test_what_was_so_long_before_explains_the_less_unless_it_was_seen_in_the_act() -> None:
    def nearness(kind: str, before_s: float) -> float:
        return Course.of([SLOW], CATALOG).dated_nearness(SLOW, seen(kind, -before_s))

    assert nearness("idle_in_transaction", 0) == 1
    assert nearness("idle_in_transaction", HALF_LIFE_S) == pytest.approx(0.5)
    assert nearness("idle_in_transaction", 86_400) < 0.001
    assert nearness("blocking_session", 86_400) == 1


def test_a_slight_symptom_does_not_tell_when_the_trouble_began() -> None:
    slight = measured("metrics", "traffic_drop", by=3.3, began_s=-LATE_S)
    assert rank([*FELT, slight, seen()], (), CATALOG)[0].confidence > CONFIDENT
    strong = measured("metrics", "traffic_drop", by=50, began_s=-LATE_S)
    assert rank([*FELT, strong, seen()], (), CATALOG)[0].confidence < CONFIDENT


def test_who_stands_on_what_is_found_once_however_many_are_held_against_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    found_by_catalog = Catalog.dependants

    def dependants(catalog: Catalog, name: str) -> tuple[str, ...]:
        asked.append(name)
        return found_by_catalog(catalog, name)

    monkeypatch.setattr(Catalog, "dependants", dependants)
    rank([*FELT, *TOLD, measured("metrics", "latency", "web", by=30, began_s=20), seen()], (), CATALOG)
    assert sorted(asked) == sorted(set(asked))
