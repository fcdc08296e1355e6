"""Since when connections have run out, by what was written where they ran out."""

from __future__ import annotations

import pytest

from bot.agents.commander import rank
from bot.agents.witnesses import dated
from bot.models import Finding, Hypothesis
from tests.unit.agents.test_course import CATALOG, CONFIDENT, FELT, SLOW, found, seen

REFUSED = "FATAL: sorry, too many clients already"


def full(by_s: float | None = None) -> Finding:
    """The server refuses us now."""
    told = seen("connection_exhaustion", by_s)
    return told.model_copy(update={"started_at": None, "started_by": told.started_at})


def wrote(words: str, began_s: float, service: str = "pay") -> Finding:
    return found("logs", "new_error", service, 0.9, began_s, title=f"New: “{words}”", of_requests=True)


def exhaustion(*findings: Finding) -> Hypothesis:
    return next(one for one in rank(findings, (), CATALOG) if one.kind == "connection_exhaustion")


@pytest.mark.parametrize(
    "words",
    [REFUSED, "remaining connection slots are reserved for roles", "(1040, 'Too many connections')",
     "ERR max number of clients reached"],
)  # fmt: skip
def test_the_first_refusal_tells_since_when_at_the_latest(words: str) -> None:
    first = wrote(words, 5)
    assert dated([full(), first], CATALOG)[0].started_by == first.started_at
    assert dated([full(600), first], CATALOG)[0].started_by == first.started_at
    assert dated([full(-60), first], CATALOG)[0] == full(-60)


@pytest.mark.parametrize("line", [wrote("payment declined", 5), wrote(REFUSED, 5, "mail")])
def test_another_line_or_another_service_tells_nothing(line: Finding) -> None:
    assert dated([full(), line], CATALOG) == [full(), line]


def test_connections_that_ran_out_before_the_trouble_explain_it() -> None:
    assert exhaustion(*FELT, full()).confidence < CONFIDENT
    for known in ([full(-60)], [full(), wrote(REFUSED, 5)]):
        assert exhaustion(*FELT, *known).confidence > CONFIDENT


def test_a_later_moment_is_no_later_beginning() -> None:
    undated = [*FELT, full()]
    assert exhaustion(*FELT, full(600)) == exhaustion(*undated)  # as if nobody knew
    told = found("metrics", "latency", "pay", 0.9, 0)
    assert exhaustion(told, full(600)) == exhaustion(told, full())


def test_a_pool_that_has_been_full_for_a_day_explains_nothing_new() -> None:
    old = exhaustion(SLOW, full(-86_400))
    assert old.confidence < CONFIDENT / 2
    assert old.evidence_for == ("database-pay-db-connection_exhaustion",)
