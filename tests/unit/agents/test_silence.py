"""Services that tell nothing any more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bot.agents.change import NOTICEABLE
from bot.telemetry.series import Series
from tests.unit.agents.test_measures import INSIDE, POINTS, at, found, look, of, series


def cut(whole: Series, places: slice) -> Series:
    """Without the samples at those places."""
    kept = np.delete(np.arange(POINTS), np.r_[places])
    return replace(whole, times=whole.times[kept], values=whole.values[kept])


WINDOW = slice(POINTS - INSIDE, POINTS)


async def test_who_falls_silent_is_suspect_and_explains_that_its_callers_fail() -> None:
    fails = series("pay", "availability", 99.0, 60.0)
    deviations = await found(fails, of("web"), of("pay"), of("mail"), cut(of("bank"), WINDOW))
    assert max(deviations, key=lambda key: abs(deviations[key])) == ("bank", "silence")
    alone = await found(fails, of("web"), of("pay"), of("mail"), of("bank"))
    assert abs(deviations.get(("pay", "error_rate"), 0.0)) < abs(alone["pay", "error_rate"])


async def test_who_is_silent_for_half_of_the_window_explains_all_that_its_callers_suffer_in_that_half() -> None:
    gone = cut(of("bank"), slice(POINTS - INSIDE // 2, POINTS))
    fails = series("pay", "availability", 99.0, 99.0)
    fails.values[POINTS - INSIDE // 2 :] = 60.0
    deviations = await found(fails, of("web"), of("pay"), of("mail"), gone)
    alone = await found(fails, of("web"), of("pay"), of("mail"), of("bank"))
    assert abs(deviations.get(("pay", "error_rate"), 0.0)) < 0.1 * abs(alone["pay", "error_rate"])


async def test_who_is_silent_because_nobody_asks_any_more_is_not() -> None:
    fails = series("pay", "availability", 99.0, 0.1)
    deviations = await found(fails, of("web"), of("pay"), of("mail"), cut(of("bank"), WINDOW))
    assert ("bank", "silence") not in deviations
    assert max(deviations, key=lambda key: abs(deviations[key])) == ("pay", "error_rate")


async def test_who_often_tells_nothing_may_do_so_again() -> None:
    rare = of("mail")
    rare.values[1::2] = np.nan
    deviations = await found(of("web"), of("pay"), of("bank"), cut(rare, slice(POINTS - 2, POINTS)))
    assert ("mail", "silence") not in deviations


async def test_a_lost_sample_here_and_there_is_no_silence() -> None:
    """One in seven is lost anyway; two of the last four say nothing, and explain nothing of what its caller suffers."""
    leaky = cut(of("bank"), slice(0, POINTS - INSIDE, 7))
    times = leaky.times
    gaps = np.flatnonzero((times == at(POINTS - 3).timestamp()) | (times == at(POINTS - 1).timestamp()))
    leaky = replace(leaky, times=np.delete(times, gaps), values=np.delete(leaky.values, gaps))
    slow = of("pay", now=0.5)
    deviations = await found(of("web"), slow, of("mail"), leaky)
    assert ("bank", "silence") not in deviations
    assert deviations["pay", "latency"] == (await found(of("web"), slow, of("mail"), of("bank")))["pay", "latency"]


async def test_the_longer_the_silence_the_more_it_says() -> None:
    half = await found(of("web"), of("pay"), of("mail"), cut(of("bank"), slice(POINTS - 2, POINTS)))
    whole = await found(of("web"), of("pay"), of("mail"), cut(of("bank"), WINDOW))
    assert whole["bank", "silence"] < half["bank", "silence"] < -NOTICEABLE


async def test_silence_is_told_with_the_time_since_when() -> None:
    report = await look(of("web"), of("pay"), of("mail"), cut(of("bank"), WINDOW))
    assert report.findings[0].title == "bank has sent no samples since 03:00 UTC, while others do"
    report = await look(of("web"), of("pay"), of("mail"), cut(of("bank"), slice(POINTS - 2, POINTS)))
    assert report.findings[0].title == "bank has sent no samples since 03:10 UTC, while others do"
    report = await look(of("web"), of("pay"), of("mail"), cut(of("bank"), slice(POINTS - INSIDE, POINTS - 1)))
    assert report.findings[0].title == "bank sends 25 % of its samples, usually 100 %"


async def test_when_all_fall_silent_together_nobody_is_told_of() -> None:
    everyone = (cut(of(service), slice(POINTS - 2, POINTS)) for service in ("web", "pay", "bank", "mail"))
    assert await found(*everyone) == {}
