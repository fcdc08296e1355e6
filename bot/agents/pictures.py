"""The picture of what decides: two or three series, one above the other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from bot.agents.metrics_findings import score_of, sentence_of
from bot.agents.survey import Reading, Survey
from bot.agents.wording import clock, figure
from bot.models import Chart

MOST_DRAWN, DRAWN_SHARE = 3, 0.5
"""Series of one picture: those that score at least half of the worst."""


async def pictures(survey: Survey, readings: Sequence[Reading]) -> tuple[Chart, ...]:
    """One picture of the two or three series that decide; nothing where all is normal."""
    decisive = _decisive(readings)
    return (await asyncio.to_thread(_picture, decisive, survey),) if decisive else ()


def _decisive(readings: Iterable[Reading]) -> list[Reading]:
    """The strongest of each service and kind, as long as they come near the worst."""
    begun = sorted((one for one in readings if one.change.onset), key=lambda one: (-score_of(one), one.query))
    first: dict[tuple[str, str], Reading] = {}
    for reading in begun:
        if score_of(reading) >= DRAWN_SHARE * score_of(begun[0]) > 0:
            first.setdefault((reading.signal.service, reading.signal.kind), reading)
    return list(first.values())[:MOST_DRAWN]


def _picture(decisive: Sequence[Reading], survey: Survey) -> Chart:
    from bot.agents.chart import Panel, draw  # noqa: PLC0415 – matplotlib takes a second to import

    scope = survey.scope
    panels = [
        Panel(sentence_of(one), one.series, one.signal.unit, one.change.baseline, one.change.onset) for one in decisive
    ]
    said = [
        f"{one.signal.noun} of {one.signal.service}: normally {figure(one.change.baseline, one.signal.unit)}, "
        f"{figure(one.change.level, one.signal.unit)} from {clock(one.change.onset or scope.window.start)} on"
        for one in decisive
    ]
    span = f"from {clock(survey.span.start)} to {clock(survey.span.end)}"
    alt = f"Line chart {span}, baseline shaded, the suspicious stretch outlined. {'; '.join(said)}."
    return Chart(title=panels[0].title, alt=alt, png=draw(panels, scope.baseline, scope.window))
