"""How exactly a series can be known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from bot.agents.exactness import GRAIN, SHARE_GRAIN, grains
from bot.agents.metered import by_name
from bot.agents.scope import Scope
from bot.catalog import Catalog, Service
from bot.models import Alert, AlertStatus, Window
from bot.telemetry.series import Series

AT = datetime(2026, 5, 1, tzinfo=UTC)
STEP = timedelta(minutes=1)
USUAL, INSIDE = 16, 4
WORSE_HALF = INSIDE // 2
SCOPE = Scope(
    incident_id="i",
    alert=Alert(source="generic", name="Failing", status=AlertStatus.FIRING, fingerprint="f", service="web"),
    service=None,
    catalog=Catalog(services={"web": Service(), "pay": Service()}),
    window=Window(start=AT + USUAL * STEP, end=AT + (USUAL + INSIDE) * STEP),
    baseline=Window(start=AT, end=AT + USUAL * STEP),
)


def series(metric: str, values: Sequence[float], service: str = "web") -> Series:
    times = np.array([(AT + place * STEP).timestamp() for place in range(len(values))])
    return Series({"service": service, "metric": metric}, times, np.array(values, dtype=np.float64))


def steady(metric: str, level: float, service: str = "web") -> Series:
    return series(metric, [level] * (USUAL + INSIDE), service)


def grain(one: Series, *others: Series) -> float:
    return grains([by_name(each) for each in (one, *others)], SCOPE)(by_name(one))


def test_one_failure_counts_for_one_and_many_for_what_chance_makes_of_them() -> None:
    assert grain(steady("errors", 0)) == 1 / WORSE_HALF
    assert grain(steady("errors", 8)) == math.sqrt(8 * WORSE_HALF) / WORSE_HALF


def test_failures_by_the_second_are_no_count_of_them() -> None:
    assert grain(steady("errors", 0.25)) == GRAIN * 0.25


def test_of_many_failures_a_twentieth_of_what_is_usual_everywhere_matters_to_nobody() -> None:
    assert grain(steady("errors", 0), steady("errors", 900, "pay")) == GRAIN * 900


@pytest.mark.parametrize(
    ("metric", "usual", "whole"),
    [
        ("availability", 99.0, 100.0),
        ("success_ratio", 0.99, 1.0),
        ("error_percent", 1.0, 100.0),
        ("error_ratio", 0.01, 1.0),
    ],
)
def test_a_share_is_as_exact_as_its_requests_are_many(metric: str, usual: float, whole: float) -> None:
    share = steady(metric, usual)
    assert grain(share, steady("requests", 5)) == pytest.approx(whole / (5 * WORSE_HALF))
    few = whole * math.sqrt(0.01 * 0.99 / (40 * WORSE_HALF))
    assert grain(share, steady("requests", 40)) == pytest.approx(max(few, whole / (40 * WORSE_HALF)))
    assert grain(share, steady("requests", 1e5)) == pytest.approx(whole * SHARE_GRAIN)


def test_a_percentage_beyond_all_is_none() -> None:
    assert grain(steady("error_percent", 250.0)) == GRAIN * 250.0
