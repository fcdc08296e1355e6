"""Counters that were recorded as they stand: only by how much they grow says anything, and a restart sets them to 0.

A name alone does not tell (`thread_count` is a level, `requests_sum` of a cloud is what came in a period), so the
samples must behave like a counter's too; of failures, which hardly ever happen, `_total` says it as OpenMetrics has it.
"""

from __future__ import annotations

import re

import numpy as np

from bot.telemetry.series import Floats, Series

_SURELY = re.compile(r"total$", re.IGNORECASE)
_PERHAPS = re.compile(r"(count|counter|sum|bucket)$", re.IGNORECASE)
LEAST_SAMPLES = 8
GROWING = 0.95
"""The part of the steps that go up or stay, at least; the others are restarts."""
RESTARTED = 0.5
"""A step down that is no restart leaves more than this of the level: such a series is no counter."""
STEADY = 0.5
"""The part of the steps that go up, at least, where the name leaves a doubt."""


def as_rate(series: Series) -> Series:
    """What a counter grew by in the usual time between samples; any other series as it is."""
    known = series.finite()
    if not _counts(series.labels.get("metric", ""), known.values):
        return series
    steps, apart_s = np.diff(known.values), np.diff(known.times)
    grown = np.where(steps < 0, known.values[1:], steps)
    rates = grown * np.median(apart_s) / np.maximum(apart_s, 1e-9)
    whole = np.array_equal(grown, np.rint(grown))
    return Series(series.labels, known.times[1:], np.rint(rates) if whole else rates)


def _counts(metric: str, values: Floats) -> bool:
    surely = _SURELY.search(metric) is not None
    if values.size < LEAST_SAMPLES or values.min() < 0 or not (surely or _PERHAPS.search(metric)):
        return False
    steps = np.diff(values)
    down = steps < 0
    if down.mean() > 1 - GROWING or (values[1:][down] > RESTARTED * values[:-1][down]).any():
        return False
    return surely or bool((steps > 0).mean() >= STEADY)
