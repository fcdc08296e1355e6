"""The watch after the effect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from itertools import chain, repeat

import pytest

from bot.errors import RemediationError, SourceUnavailable
from bot.models import Verification
from bot.remediation.verification import Verdict, good, watch

BELOW_ONE = Verification(what="failures", query="errors", threshold=1, window_s=60, unit="%")


class Time:
    """A clock that moves when somebody pauses."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.now += seconds


def readings(values: Iterable[float | Exception | None]) -> Callable[[], Awaitable[float | None]]:
    values = iter(chain(values, repeat(None)))

    async def measure() -> float | None:
        value = next(values)
        if isinstance(value, Exception):
            raise value
        return value

    return measure


async def seen(
    values: Iterable[float | Exception | None], verification: Verification = BELOW_ONE, before: float | None = 12
) -> Verdict:
    time = Time()
    return await watch(
        verification, readings(values), before=before, interval_s=2, in_a_row=3, clock=time.clock, pause=time.pause
    )


async def test_three_good_readings_in_a_row_are_a_recovery() -> None:
    verdict = await seen([12, 5, 0.5, 0.4, 0.3])
    assert verdict == Verdict(
        recovered=True, before=12, after=0.3, unit="%", seconds=8,
        statement="Recovered: failures: 0.3 %, 12 % before; wanted < 1 %, watched for 8 s.",
    )  # fmt: skip


async def test_a_relapse_starts_the_count_again() -> None:
    assert (await seen([0.5, 0.5, 7, 0.5, 0.5, 0.5])).seconds == 10


async def test_a_good_value_too_late_is_no_recovery() -> None:
    verdict = await seen(chain(repeat(12, 40), repeat(0)))
    assert (verdict.recovered, verdict.after) == (False, 12)
    assert verdict.seconds <= 60


@pytest.mark.parametrize(
    "doubt", [None, float("nan"), SourceUnavailable("down"), RemediationError("down"), TimeoutError()]
)
async def test_a_missing_reading_is_never_good(doubt: float | Exception | None) -> None:
    assert (await seen([0.5, 0.5, doubt, 0.5, 0.5, 0.5])).seconds == 10


async def test_no_reading_at_all_is_no_recovery_and_says_so() -> None:
    verdict = await seen([], before=None)
    assert not verdict.recovered
    assert verdict.statement.startswith("Not recovered: failures: no reading; wanted < 1 %")


async def test_a_short_window_is_read_often_enough_to_recover() -> None:
    verdict = await seen(repeat(0), BELOW_ONE.model_copy(update={"window_s": 1}))
    assert verdict.recovered
    assert verdict.seconds <= 1


@pytest.mark.parametrize(
    ("comparison", "value", "expected"),
    [("<", 1, False), ("<=", 1, True), (">", 2, True), (">=", 1, True), ("==", 1, True), ("==", 2, False)],
)
def test_each_comparison_means_what_it_says(comparison: str, value: float, expected: bool) -> None:
    assert good(BELOW_ONE.model_copy(update={"comparison": comparison}), value) is expected


async def test_an_unknown_comparison_is_refused() -> None:
    with pytest.raises(RemediationError, match="is not a comparison"):
        await seen([0], BELOW_ONE.model_copy(update={"comparison": "!="}))


async def test_a_share_is_said_in_percent() -> None:
    share = Verification(query="q", what="failures of payments", threshold=0.08, window_s=60, unit="ratio")
    verdict = await seen([0.01, 0.01, 0.01], share, before=0.855)
    assert verdict.statement.startswith("Recovered: failures of payments: 1 %, 85.5 % before; wanted < 8 %")
