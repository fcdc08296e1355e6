"""A picture can be drawn of anything, in any script."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from bot.agents.chart import Panel, draw
from bot.models import Window
from bot.telemetry.series import Series

START = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
BASELINE = Window(start=START, end=START + timedelta(hours=1))
WINDOW = Window(start=BASELINE.end, end=BASELINE.end + timedelta(minutes=15))


def panel(title: str, values: list[float], *, onset: bool = True) -> Panel:
    times = np.linspace(START.timestamp(), START.timestamp() + 4500, len(values))
    return Panel(title, Series({}, times, np.array(values)), "ratio", 0.0, BASELINE.end if onset else None)


def drawn(*panels: Panel, baseline: Window = BASELINE, window: Window = WINDOW) -> bytes:
    return draw(panels, baseline, window)


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
    width, height = size_of(drawn(panel(title, [0.0] * 50 + [0.9] * 12)))
    assert width > 2 * height > 600


def test_a_gap_in_the_series_and_a_missing_onset_are_drawn() -> None:
    assert size_of(drawn(panel("gap", [0.0, float("nan"), 1.0, float("nan")], onset=False)))


def test_different_series_give_different_pictures() -> None:
    assert drawn(panel("a", [0.0, 1.0])) != drawn(panel("a", [1.0, 0.0]))


def test_each_series_has_its_panel_and_what_is_marked_is_seen() -> None:
    one, other = panel("errors", [0.0] * 50 + [0.9] * 12), panel("pool", [0.1] * 40 + [1.0] * 22)
    assert size_of(drawn(one, other))[1] > size_of(drawn(one))[1]
    later = Window(start=WINDOW.start + timedelta(minutes=5), end=WINDOW.end)
    shorter = Window(start=BASELINE.start, end=BASELINE.end - timedelta(minutes=20))
    unmarked = panel("errors", [0.0] * 50 + [0.9] * 12, onset=False)
    assert len({drawn(one), drawn(one, window=later), drawn(one, baseline=shorter), drawn(unmarked)}) == 4
