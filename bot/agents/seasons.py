"""The same time on earlier days: what is usual now though the last hour was not, and what crept up unnoticed.

The hour before is the first baseline, and a poor one twice: for what swings every day (a nightly batch, lunch), and for
what was already wrong an hour ago. Errors are never excused by having happened yesterday as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import numpy as np

from bot.agents.change import NOTICEABLE, Change, change
from bot.agents.survey import DIRECTIONS, Floor, Reading, Survey
from bot.errors import SourceUnavailable
from bot.models import Window
from bot.telemetry.series import Series, instant

EARLIER: tuple[tuple[str, timedelta], ...] = (("yesterday", timedelta(days=1)), ("a week ago", timedelta(days=7)))
SWINGING = frozenset({"traffic", "latency", "saturation"})
DAY_S = 86_400.0
MOST_ASKED = 12
"""Readings that are compared with earlier days; each costs two questions."""
NEARLY = 0.75
"""The part of today's distance from normal that an earlier day must have had."""
CREPT = 0.5
"""The least score against each earlier day at which something crept up."""


async def weigh_by_season(survey: Survey, service: str, within_s: float) -> None:
    """Put what earlier days say into the survey's readings; what is not answered in time changes nothing."""
    asked = _worth_asking(survey.readings, service)
    try:
        async with asyncio.timeout(within_s):
            weighed = await asyncio.gather(*(_weighed(survey, reading) for reading in asked))
    except TimeoutError:
        return
    changed = {id(before): after for before, after in zip(asked, weighed, strict=True)}
    survey.readings[:] = [changed.get(id(reading), reading) for reading in survey.readings]


def _worth_asking(readings: Iterable[Reading], service: str) -> list[Reading]:
    """What deviates and may swing, the strongest first; then what the service itself shows that seems normal."""
    swinging = [reading for reading in readings if reading.signal.kind in SWINGING]
    deviating = sorted((one for one in swinging if one.change.score > 0), key=lambda one: -one.change.score)
    calm = [one for one in swinging if one.change.score == 0 and one.signal.service == service]
    return [*deviating, *calm][:MOST_ASKED]


async def _weighed(survey: Survey, reading: Reading) -> Reading:
    earlier = [(name, seen) for name, back in EARLIER if (seen := await _earlier(survey, reading, back)) is not None]
    if not earlier:
        return reading
    if reading.change.score > 0:
        usual = tuple(name for name, seen in earlier if reaches(seen, reading.change))
        # one earlier day may have had the same trouble; it excuses only where no other day speaks against it
        return replace(reading, usual=usual) if len(usual) == len(earlier) else reading
    crept = [(_against(survey, reading, seen), seen) for _, seen in earlier]
    found = [(one, seen) for one, seen in crept if one is not None and one.score >= CREPT]
    if len(found) < len(earlier):
        return reading
    weakest, seen = min(found, key=lambda pair: pair[0].score)
    names = tuple(name for name, _ in earlier)
    return replace(reading, change=weakest, against=names, then=_just_before(seen, survey.scope.window))


async def _earlier(survey: Survey, reading: Reading, back: timedelta) -> Series | None:
    window = survey.scope.window
    stretch = Window(start=window.start - back, end=window.end - back)
    try:
        answer = await survey.discovery.over(reading.query, stretch, survey.step_s)
    except SourceUnavailable:
        return None
    series = answer.single.finite() if answer.single else None
    return series if series is not None and series.values.size >= 3 else None


def reaches(earlier: Series, found: Change) -> bool:
    """Whether the earlier day was out of today's normal as well, and nearly as far."""
    distance = abs(found.level - found.baseline)
    scale = distance / abs(found.deviations) if found.deviations else 0.0
    low, high = np.quantile(earlier.values, [0.1, 0.9])
    then = float(high) - found.baseline if found.rising else found.baseline - float(low)
    return then > NOTICEABLE * scale and then >= NEARLY * distance


def _against(survey: Survey, reading: Reading, earlier: Series) -> Change | None:
    """The window against the earlier day's stretch as its baseline."""
    window = survey.scope.window
    joined = _joined(earlier, reading.series.between(window.start, window.end))
    span = Window(start=instant(float(earlier.times[0])), end=instant(float(earlier.times[-1]) + survey.step_s))
    floor = Floor(reading.signal, max(survey.step_s, 60.0))
    return change(joined, span, window, floor=floor, direction=DIRECTIONS[reading.signal.kind])


def _just_before(earlier: Series, window: Window) -> Series:
    """An earlier day's samples as if they came just before the window."""
    days = round((window.start.timestamp() - float(earlier.times[0])) / DAY_S)
    return Series(earlier.labels, earlier.times + days * DAY_S - window.seconds, earlier.values)


def _joined(first: Series, second: Series) -> Series:
    times, values = np.concatenate((first.times, second.times)), np.concatenate((first.values, second.values))
    return Series(second.labels, times, values)
