"""The page behind an evidence link: a query's curve, drawn without a script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from bot.demo.metrics.series import NAME, Labels

Points = Sequence[tuple[int, float]]
Curves = Sequence[tuple[Labels, Points]]

WIDTH, HEIGHT, MARGIN = 900, 320, 56
COLOURS = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2", "#be185d", "#4d7c0f")
STEPS = 4
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1f2937 }}
code {{ display: block; background: #f3f4f6; padding: .75rem 1rem; border-radius: .5rem; overflow-wrap: anywhere }}
svg {{ width: 100%; height: auto; margin: 1rem 0 }} text {{ font-size: 12px; fill: #6b7280 }}
li {{ list-style: none; overflow-wrap: anywhere }} ul {{ padding: 0 }} b {{ font-size: 1.3em; vertical-align: -.1em }}
</style>
<h1>Metrics of the demo</h1><code>{query}</code>{body}</html>
"""


def page(query: str, curves: Curves, start_ms: int, end_ms: int) -> str:
    """A page with the curves of a query from start to end, in Unix milliseconds."""
    drawn = [(labels, [point for point in points if math.isfinite(point[1])]) for labels, points in curves]
    drawn = [(labels, points) for labels, points in drawn if points]
    body = _drawing(drawn, start_ms, end_ms) + _legend(drawn) if drawn else "<p>No series in this stretch of time.</p>"
    return PAGE.format(title=escape(query), query=escape(query), body=body)


def refusal(query: str, why: str) -> str:
    """The page for a query that cannot be answered."""
    return PAGE.format(title="Error", query=escape(query), body=f"<p>{escape(why)}</p>")


def _drawing(curves: Curves, start_ms: int, end_ms: int) -> str:
    values = [value for _, points in curves for _, value in points]
    low, high = min(0.0, *values), max(0.0, *values)
    high = high if high > low else low + 1

    def across(at_ms: float) -> float:
        return MARGIN + (WIDTH - MARGIN) * (at_ms - start_ms) / max(1, end_ms - start_ms)

    def up(value: float) -> float:
        return (HEIGHT - 32) * (1 - (value - low) / (high - low)) + 12

    lines = [
        f'<polyline fill="none" stroke-width="2" stroke="{_colour(place)}" points="'
        + " ".join(f"{across(at_ms):.1f},{up(value):.1f}" for at_ms, value in points)
        + '"/>'
        for place, (_, points) in enumerate(curves)
    ]
    levels = [low + (high - low) * step / STEPS for step in range(STEPS + 1)]
    grid = [
        f'<line x1="{MARGIN}" x2="{WIDTH}" y1="{up(level):.1f}" y2="{up(level):.1f}" stroke="#e5e7eb"/>'
        f'<text x="{MARGIN - 8}" y="{up(level) + 4:.1f}" text-anchor="end">{level:.3g}</text>'
        for level in levels
    ]
    moments = [start_ms + (end_ms - start_ms) * step / STEPS for step in range(STEPS + 1)]
    clock = [
        f'<text x="{across(at_ms):.1f}" y="{HEIGHT}" text-anchor="{"end" if at_ms == end_ms else "middle"}">'
        f"{datetime.fromtimestamp(at_ms / 1000, UTC):%H:%M:%S}</text>"
        for at_ms in moments
    ]
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 4}" role="img">{"".join(grid + clock + lines)}</svg>'


def _legend(curves: Curves) -> str:
    rows = [
        f'<li><b style="color:{_colour(place)}">■</b> {escape(_name(labels))}: {points[-1][1]:.4g}</li>'
        for place, (labels, points) in enumerate(curves)
    ]
    return f"<ul>{''.join(rows)}</ul>"


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def _name(labels: Labels) -> str:
    inner = ", ".join(f'{name}="{value}"' for name, value in labels if name != NAME)
    return dict(labels).get(NAME, "") + "{" + inner + "}"
