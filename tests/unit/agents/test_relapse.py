"""Which parts of the stretch before are normal."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest

from bot.agents.relapse import DISTURBED, MOST_TROUBLED, PARTS, without_earlier_trouble
from bot.agents.scope import Scope
from bot.catalog import Catalog
from bot.models import Alert, AlertStatus, Window

AT = datetime(2026, 5, 1, tzinfo=UTC)
TEN = timedelta(minutes=10)
SCOPE = Scope(
    incident_id="i",
    alert=Alert(source="generic", name="Slow", status=AlertStatus.FIRING, fingerprint="f"),
    service="web",
    catalog=Catalog(),
    window=Window(start=AT + PARTS * TEN, end=AT + (PARTS + 1) * TEN),
    baseline=Window(start=AT, end=AT + PARTS * TEN),
)


def left(*troubled: int) -> list[tuple[int, int]]:
    """The baselines that are left where these parts are troubled, as numbers of parts, the latest first."""
    bad: Collection[datetime] = [AT + place * TEN for place in troubled]

    def evidence(scope: Scope) -> float:
        assert len(scope.baselines) == PARTS - 1
        assert scope.window not in scope.baselines
        return 2 * DISTURBED if scope.window.start in bad else DISTURBED

    found = without_earlier_trouble(SCOPE, evidence).baselines
    return [((one.start - AT) // TEN, (one.end - AT) // TEN) for one in found]


@pytest.mark.parametrize(
    ("troubled", "kept"),
    [
        ((), [(0, 6)]),
        ((2, 3), [(4, 6), (0, 2)]),
        ((0,), [(1, 6)]),
        ((5,), [(0, 5)]),
        ((0, 2, 4), [(5, 6), (3, 4), (1, 2)]),
    ],
)
def test_what_stands_out_is_no_normal(troubled: tuple[int, ...], kept: list[tuple[int, int]]) -> None:
    assert left(*troubled) == kept


def test_where_most_stands_out_it_is_how_things_are() -> None:
    assert left(*range(MOST_TROUBLED + 1)) == [(0, PARTS)]
