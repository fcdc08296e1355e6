"""Causes that were told, and how long before the trouble they had been there."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.agents.commander import explain, rank
from bot.agents.course import HALF_LIFE_S
from bot.catalog import Catalog, Service
from bot.models import Finding, Hypothesis
from tests.unit.agents.test_course import CATALOG, CONFIDENT, FELT, LATE_S, SLOW, found, measured, seen

DAY_S = 86_400
TOLD = (found("metrics", "error_rate", "pay", 0.9, 0), found("metrics", "latency", "pay", 0.9, 5),
        found("metrics", "latency", "web", 0.8, 10))  # fmt: skip
QUIET_KINDS = ("idle_in_transaction", "long_transaction", "slow_statement")


def beside(cause: Finding, symptoms: Sequence[Finding] = TOLD) -> tuple[Hypothesis, ...]:
    return rank([*symptoms, cause], (), CATALOG)


def of(kind: str, ranked: Sequence[Hypothesis]) -> Hypothesis:
    return next(one for one in ranked if one.kind == kind)


@pytest.mark.parametrize("kind", QUIET_KINDS)
def test_a_session_that_was_there_long_before_and_holds_up_nobody_is_not_the_cause(kind: str) -> None:
    ranked = beside(seen(kind, -DAY_S, score=0.7))
    assert ranked[0].kind == "error_rate"
    old = of(kind, ranked)
    assert old.confidence < CONFIDENT / 2
    assert old.evidence_for == (f"database-pay-db-{kind}",)  # nothing is told to follow from it


@pytest.mark.parametrize("kind", QUIET_KINDS)
def test_one_that_began_just_before_is(kind: str) -> None:
    best = beside(seen(kind, -60, score=0.7))[0]
    assert (best.kind, best.confidence >= CONFIDENT) == (kind, True)
    assert len(best.evidence_for) == 1 + len(TOLD)


def test_the_longer_it_had_been_there_the_less_it_is_believed() -> None:
    ages_s = (0, HALF_LIFE_S / 2, HALF_LIFE_S, 4 * HALF_LIFE_S, DAY_S)
    sure = [of("idle_in_transaction", beside(seen("idle_in_transaction", -age, score=0.7))) for age in ages_s]
    assert [one.score for one in sure] == sorted((one.score for one in sure), reverse=True)
    assert sure[0].score > 3 * sure[-1].score


def test_a_session_that_others_wait_for_is_believed_however_old_it_is() -> None:
    old, young = beside(seen(began_s=-DAY_S)), beside(seen(began_s=0))
    assert old == young
    assert old[0].confidence > CONFIDENT


def test_a_symptom_that_came_late_in_the_same_trouble_follows_as_well_as_its_beginning() -> None:
    late = found("metrics", "latency", "pay", 0.9, 2 * HALF_LIFE_S)
    soon, later = (beside(seen("idle_in_transaction", 0, score=0.7), (TOLD[0], one)) for one in (TOLD[1], late))
    assert soon[0].score == pytest.approx(later[0].score, rel=0.01)


def test_where_nobody_knows_when_the_trouble_began_the_age_says_nothing() -> None:
    undated = tuple(one.model_copy(update={"started_at": None}) for one in TOLD)
    old, young = (beside(seen("idle_in_transaction", -age, score=0.7), undated) for age in (DAY_S, 0))
    assert old == young
    alone = rank([seen("idle_in_transaction", -DAY_S, score=0.7)], (), CATALOG)
    assert alone[0].kind == "idle_in_transaction"


def test_an_old_session_of_another_database_is_not_judged_by_this_trouble() -> None:
    old, young = (beside(seen("idle_in_transaction", -age, on="mail-db", score=0.7)) for age in (DAY_S, 0))
    assert old == young


def test_an_old_harmless_session_takes_little_from_what_was_measured() -> None:
    alone = rank([SLOW], (), CATALOG)[0]
    best = rank([SLOW, seen("idle_in_transaction", -DAY_S, score=0.7)], (), CATALOG)[0]
    assert (best.kind, best.confidence > CONFIDENT) == (alone.kind, True)
    assert best.score == pytest.approx(alone.score)


def test_of_a_change_its_own_score_tells_how_near_it_was() -> None:
    earlier, just = (beside(found("changes", "change", "pay", 0.3, -age, deviations=None)) for age in (HALF_LIFE_S, 60))
    assert of("change", earlier).score == of("change", just).score


def test_a_slow_service_explains_who_waits_for_it_and_neither_memory_nor_a_change() -> None:
    slow = measured("metrics", "latency", by=60, began_s=None)
    waits = found("metrics", "felt_latency", "web", 0.8, 5, deviations=20.0)
    memory = measured("metrics", "memory", "web", by=3.5, began_s=5)
    deployed = found("changes", "change", "web", 0.5, 3)
    best = rank([slow, waits, memory, deployed], (), CATALOG)[0]
    assert (best.service, best.kind) == ("pay", "latency")
    assert best.evidence_for == ("metrics-pay-latency", "metrics-web-felt_latency")


def test_what_a_service_owes_to_others_does_not_follow_from_its_own_fault() -> None:
    busy = measured("metrics", "cpu", "web", by=60, began_s=0)
    owed = found("metrics", "felt_latency", "web", 0.8, 5, deviations=20.0)
    best = rank([busy, owed], (), CATALOG)[0]
    assert (best.kind, best.evidence_for) == ("cpu", ("metrics-web-cpu",))


def test_what_else_speaks_for_a_service_is_not_told_to_follow_from_it() -> None:
    busy, memory = measured("metrics", "cpu", by=60, began_s=0), measured("metrics", "memory", by=9, began_s=5)
    best = rank([busy, memory], (), CATALOG)[0]
    assert best.evidence_for == ("metrics-pay-cpu", "metrics-pay-memory")
    assert explain([best], [busy, memory], ()) == "cpu of pay."


def callers(count: int, *, in_a_row: bool) -> tuple[Catalog, list[Finding]]:
    """So many services that call pay, all of them metered and traced and as unwell, among many that are well."""
    names = [f"caller-{place}" for place in range(count)]
    above = {name: names[place - 1] if in_a_row and place else "pay" for place, name in enumerate(names)}
    services = {**CATALOG.services, **{name: Service(depends_on=(needed,)) for name, needed in above.items()},
                **{f"quiet-{place}": Service() for place in range(60)}}  # fmt: skip
    suffering = [
        finding
        for name in names
        for finding in (measured("metrics", "latency", name, by=30, began_s=10),
                        measured("metrics", "error_rate", name, by=20, began_s=12),
                        measured("traces", "path_end", name, by=9))
    ]  # fmt: skip
    return CATALOG.model_copy(update={"services": services}), suffering


@pytest.mark.parametrize("in_a_row", [False, True])
@pytest.mark.parametrize("count", [1, 3, 6, 10])
def test_however_many_callers_suffer_they_do_not_outweigh_what_explains_them(count: int, *, in_a_row: bool) -> None:
    catalog, suffering = callers(count, in_a_row=in_a_row)
    best = rank([*FELT, *suffering, seen()], (), catalog)[0]
    assert (best.service, best.confidence > 0.7) == ("pay-db", True)


def test_callers_that_suffered_before_outweigh_it_all_the_same() -> None:
    catalog, suffering = callers(6, in_a_row=False)
    best = rank([*FELT, *suffering, seen(began_s=LATE_S + 20)], (), catalog)[0]
    assert best.confidence < CONFIDENT / 2


def test_two_causes_that_explain_as_much_stay_two() -> None:
    catalog, suffering = callers(6, in_a_row=False)
    other = seen("idle_in_transaction", 0)
    first, second, *_ = rank([*FELT, *suffering, seen(), other], (), catalog)
    assert {first.kind, second.kind} == {"blocking_session", "idle_in_transaction"}
    assert first.confidence < CONFIDENT
    assert (first, second) == rank([*FELT, *suffering, other, seen()], (), catalog)[:2]
