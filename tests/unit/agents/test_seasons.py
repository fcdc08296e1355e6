"""Whether an earlier day excuses today."""

from __future__ import annotations

import numpy as np
import pytest

from bot.agents.change import Change
from bot.agents.seasons import reaches
from bot.telemetry.series import Series

TODAY = Change(score=0.4, baseline=100.0, level=150.0, current=150.0, deviations=5.0)
FALLEN = Change(score=0.4, baseline=100.0, level=50.0, current=50.0, deviations=-5.0)


def earlier(level: float) -> Series:
    return Series({}, np.arange(30.0), np.full(30, level))


@pytest.mark.parametrize(("level", "excused"), [(100, False), (128, False), (135, False), (140, True), (300, True)])
def test_a_rise_is_usual_only_where_the_earlier_day_had_nearly_all_of_it(level: float, excused: bool) -> None:
    assert reaches(earlier(level), TODAY) is excused


@pytest.mark.parametrize(("level", "excused"), [(100, False), (150, False), (70, False), (60, True), (0, True)])
def test_a_fall_is_measured_downwards(level: float, excused: bool) -> None:
    assert reaches(earlier(level), FALLEN) is excused
