"""Readings that are kept, and two that are compared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.telemetry.readings import Readings, Sample, Spans

START = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Total:
    """A reading."""

    at: datetime


def at(seconds: float) -> Total:
    return Total(START + timedelta(seconds=seconds))


def kept(*seconds: float) -> Readings[Total]:
    readings: Readings[Total] = Readings()
    for second in seconds:
        readings.add(at(second))
    return readings


def test_a_reading_is_compared_with_the_oldest_of_the_last_hour() -> None:
    assert kept(0, 1800, 3000).before(at(3500)) == at(0)
    assert kept(0, 1800, 3000).before(at(4000)) == at(1800)
    assert kept(0).before(at(4000)) is None


def test_many_looks_at_one_incident_do_not_push_out_how_it_was_before() -> None:
    readings = kept(0, *range(1000, 3000))
    assert readings.before(at(3000)) == at(0)
    assert len(readings._kept) < 20


def test_the_newest_of_a_minute_ago_and_more_is_compared_too() -> None:
    readings = kept(0, 600, 1200)
    assert readings.lately(at(1230)) == at(600)
    assert readings.lately(at(1300)) == at(1200)
    spans = Spans(at(1300), at(1301), readings.before(at(1300)), readings.lately(at(1300)))
    assert spans.pairs == ((at(1300), at(1301)), (at(1200), at(1301)), (at(0), at(1301)))


def test_where_only_one_was_kept_it_is_compared_once() -> None:
    only = at(0)
    assert Spans(at(100), at(101), only, only).pairs == ((at(100), at(101)), (at(0), at(101)))


def test_a_reading_is_never_compared_with_itself() -> None:
    assert kept(0).before(at(0)) is None


async def test_only_what_is_left_of_the_time_between_two_readings_is_waited() -> None:
    waited: list[float] = []
    taken = iter([at(0), at(1)])
    seconds = iter([10.0, 10.4])

    async def read() -> Total:
        return next(taken)

    async def pause(seconds_: float) -> None:
        waited.append(round(seconds_, 3))

    sample = Sample(read, kept(-600), over_s=1, pause=pause, clock=lambda: next(seconds))
    await sample.begin()
    spans = await sample.spans()
    assert await sample.spans() is spans
    assert waited == [0.6]
    assert (spans.first, spans.last, spans.earlier) == (at(0), at(1), at(-600))
    assert spans.longest == (at(-600), at(1))
