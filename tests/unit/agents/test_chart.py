"""A picture can be drawn of anything, in any script."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from bot.agents.chart import Picture, draw
from bot.models import Window
from bot.telemetry.series import Series

START = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
BASELINE = Window(start=START, end=START + timedelta(hours=1))


def picture(title: str, values: list[float], *, onset: bool = True) -> Picture:
    times = np.linspace(START.timestamp(), START.timestamp() + 4500, len(values))
    return Picture(title, Series({}, times, np.array(values)), "ratio", BASELINE, 0.0, BASELINE.end if onset else None)


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


@pytest.mark.parametrize(
    "title",
    [
        "payment failures rose",
        "支払いの失敗が増えた 결제 실패 支付失败",
        "$5 of $x_{1",
        "🔥\x00 \ue000",
        "very long " * 40,
    ],
)
def test_any_title_is_drawn_without_a_complaint(title: str) -> None:
    width, height = size_of(draw(picture(title, [0.0] * 50 + [0.9] * 12)))
    assert width > 2 * height > 600


def test_a_gap_in_the_series_and_a_missing_onset_are_drawn() -> None:
    assert size_of(draw(picture("gap", [0.0, float("nan"), 1.0, float("nan")], onset=False)))


def test_different_series_give_different_pictures() -> None:
    assert draw(picture("a", [0.0, 1.0])) != draw(picture("a", [1.0, 0.0]))
