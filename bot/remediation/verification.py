"""Watch whether the remedy worked: a good value, several times in a row, within a window."""

from __future__ import annotations

import asyncio
import math
import operator
import time
from collections.abc import Awaitable, Callable

from pydantic import Field

from bot.errors import RemediationError, SourceUnavailable
from bot.models import Noun, Verification
from bot.remediation.action import Measure

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}

READING_S = 10.0
"""No single reading may take longer."""


class Verdict(Noun):
    """What the watch saw; the fields of the event `verified`."""

    recovered: bool
    before: float | None = None
    after: float | None = Field(default=None, description="the last reading")
    unit: str | None = None
    seconds: float = Field(description="from the start of the watch to the verdict")
    statement: str


def good(verification: Verification, value: float | None) -> bool:
    """Whether that reading is good; no reading is not.

    Raises:
        RemediationError: a comparison that does not exist.
    """
    if verification.comparison not in COMPARISONS:
        raise RemediationError(f"'{verification.comparison}' is not a comparison: use one of {', '.join(COMPARISONS)}.")
    if value is None or math.isnan(value):
        return False
    return COMPARISONS[verification.comparison](value, verification.threshold)


async def reading(measure: Measure, within_s: float) -> float | None:
    """One reading; None where the source has none, fails, or takes too long."""
    try:
        async with asyncio.timeout(within_s):
            return await measure()
    except (SourceUnavailable, RemediationError, TimeoutError):
        return None


async def watch(
    verification: Verification,
    measure: Measure,
    *,
    before: float | None = None,
    interval_s: float = 2.0,
    in_a_row: int = 3,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Verdict:
    """Read until the value was good `in_a_row` times, or the window ends.

    Raises:
        RemediationError: a verification that cannot be read.
    """
    started, streak, last = clock(), 0, None
    interval_s = min(interval_s, verification.window_s / (in_a_row + 1))
    while True:
        left = verification.window_s - (clock() - started)
        value = await reading(measure, min(max(left, 0.1), READING_S))
        last = last if value is None else value
        streak = streak + 1 if good(verification, value) else 0
        seconds = clock() - started
        if streak >= in_a_row or seconds + interval_s > verification.window_s:
            return _verdict(verification, streak >= in_a_row, before, last, seconds)
        await pause(interval_s)


def _verdict(
    verification: Verification, recovered: bool, before: float | None, after: float | None, seconds: float
) -> Verdict:
    what = verification.what or verification.query
    wanted = f"{verification.comparison} {_figure(verification.threshold, verification.unit)}"
    now = "no reading" if after is None else _figure(after, verification.unit)
    then = "" if before is None else f", {_figure(before, verification.unit)} before"
    outcome = "Recovered" if recovered else "Not recovered"
    return Verdict(
        recovered=recovered,
        before=before,
        after=after,
        unit=verification.unit,
        seconds=seconds,
        statement=f"{outcome}: {what}: {now}{then}; wanted {wanted}, watched for {seconds:.0f} s.",
    )


def _figure(value: float, unit: str | None) -> str:
    if unit == "ratio":
        return f"{100 * value:.3g} %"
    return f"{value:.4g} {unit}" if unit else f"{value:.4g}"
