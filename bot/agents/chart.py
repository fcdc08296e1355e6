"""One picture of a few series, one above the other: the baseline shaded, the window outlined, each onset marked.

Matplotlib is slow to import: import this module where a picture is wanted.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

from bot.agents.wording import clock, figure
from bot.models import Window
from bot.telemetry.series import Series, instant

INK, QUIET, SHADE, ALARM = "#1b1f24", "#57606a", "#e7ecf2", "#b42318"
FONTS = ("DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK KR", "WenQuanYi Zen Hei",
         "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", "Noto Sans SC", "Arial Unicode MS")  # fmt: skip

_drawing = threading.Lock()
"""Matplotlib's font cache is shared by all figures and is not made for several threads."""

FIRST_HEIGHT, FURTHER_HEIGHT = 3.4, 2.2
"""Inches of the first panel with its axis, and of each further one."""
SHORT_S = 480.0
"""Eight ticks on less than this are less than a minute apart."""


@dataclass(frozen=True)
class Panel:
    """One series."""

    title: str
    series: Series
    unit: str
    normal: float
    onset: datetime | None = None


def draw(panels: Sequence[Panel], baseline: Window, window: Window) -> bytes:
    """The PNG. Takes some hundred milliseconds: call it in a thread."""
    with _drawing:
        return _draw(panels, baseline, window)


def _draw(panels: Sequence[Panel], baseline: Window, window: Window) -> bytes:
    drawn = Figure(figsize=(8, FIRST_HEIGHT + FURTHER_HEIGHT * (len(panels) - 1)), dpi=110, facecolor="white",
                   layout="constrained")  # fmt: skip
    FigureCanvasAgg(drawn)
    fonts = _fonts()
    rows = drawn.subplots(len(panels), 1, sharex=True, squeeze=False)
    for (axes,), panel in zip(rows, panels, strict=True):
        _draw_panel(axes, panel, baseline, window, fonts)
    _write_times(rows[-1][0], panels[0].series, fonts)
    target = io.BytesIO()
    drawn.savefig(target, format="png")
    return target.getvalue()


def _draw_panel(axes: Any, panel: Panel, baseline: Window, window: Window, fonts: list[str]) -> None:
    times = [instant(float(at)) for at in panel.series.times]
    axes.axvspan(baseline.start, baseline.end, color=SHADE, lw=0)
    axes.axvspan(window.start, window.end, facecolor="none", edgecolor=QUIET, lw=0.8, ls=(0, (1, 2)))
    axes.axhline(panel.normal, color=QUIET, lw=1, ls=(0, (4, 3)))
    axes.plot(times, panel.series.values, color=INK, lw=1.6)
    if panel.onset is not None:
        _mark(axes, panel.onset, fonts)
    _write(axes, panel, fonts)


def _mark(axes: Any, onset: datetime, fonts: list[str]) -> None:
    axes.axvline(onset, color=ALARM, lw=1.4)
    axes.annotate(
        clock(onset), (onset, 1), xycoords=("data", "axes fraction"), xytext=(-4, -4), textcoords="offset points",
        ha="right", va="top", color=ALARM, fontsize=9, family=fonts,
    )  # fmt: skip


def _write(axes: Any, panel: Panel, fonts: list[str]) -> None:
    title = _legible(panel.title, fonts)
    axes.set_title(title, loc="left", color=INK, fontsize=11, family=fonts, parse_math=False, wrap=True)
    axes.yaxis.set_major_formatter(lambda value, _: figure(value, panel.unit))
    axes.tick_params(colors=QUIET, labelsize=9)
    axes.grid(visible=True, axis="y", color="#eef1f4")
    axes.set_axisbelow(True)
    axes.margins(x=0)
    if panel.series.values.size and panel.normal >= 0:
        axes.set_ylim(bottom=0)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _write_times(axes: Any, series: Series, fonts: list[str]) -> None:
    axes.xaxis.set_major_locator(AutoDateLocator(maxticks=8))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(DateFormatter(_clock_format(series)))  # type: ignore[no-untyped-call]
    axes.set_xlabel("UTC, baseline shaded, suspicious stretch outlined", color=QUIET, fontsize=9, family=fonts)


def _clock_format(series: Series) -> str:
    """Seconds where the ticks stand closer than a minute."""
    times = series.times
    return "%H:%M:%S" if times.size and times[-1] - times[0] < SHORT_S else "%H:%M"


def _fonts() -> list[str]:
    """Those of our fonts that this machine has; unknown names would be complained about at every text."""
    known = {font.name for font in fontManager.ttflist}
    return [name for name in FONTS if name in known] or ["sans-serif"]


def _legible(text: str, fonts: list[str]) -> str:
    """Without characters that no font here can draw."""
    maps = [get_font(findfont(FontProperties(family=name))).get_charmap() for name in fonts]
    return "".join(char if any(ord(char) in known for known in maps) else "?" for char in text if char.isprintable())
