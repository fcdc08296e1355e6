"""The metrics agent's tools for playbooks on ready-made series: a recorded case, or an export.

What a series means is read from its name (`meanings`); it is then judged as an answer of Prometheus is, so that a
drawing that is rehearsed on a recording meets the same facts. Of a quantity whose unit cannot be told nothing is said.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from bot.agents.capacity import (
    Asked,
    CapacityAgent,
    Item,
    Saturation,
)
from bot.agents.certificates import ending
from bot.agents.change import change
from bot.agents.counters import LEAST_SAMPLES, as_rate
from bot.agents.edges import Edge, Seen, edge_findings
from bot.agents.exporters import EXPIRIES, SignalKind
from bot.agents.looks import Look
from bot.agents.meanings import Meaning, meaning_of
from bot.agents.measures import FACTS as MEASURES_FACTS
from bot.agents.measures import MeasuresAgent, side_of
from bot.agents.metrics import (
    FACTS,
    Compare,
    Edges,
    GoldenSignals,
    NamedQuery,
    against,
    signal_tools,
    with_value,
)
from bot.agents.metrics_findings import FACT_NAMES, findings_of, foretold
from bot.agents.quantities import quantity_of
from bot.agents.scope import Scope
from bot.agents.survey import DIRECTIONS, Floor, Reading
from bot.agents.tools import Tool
from bot.errors import SourceUnavailable
from bot.models import Finding, Gap, Report, Window
from bot.telemetry.series import Floats, Series, SeriesSource

T = TypeVar("T")
Seeing = Callable[[Sequence[Series]], list[T]]
FOLDS: Mapping[SignalKind, Callable[[Floats], Floats]] = {
    "traffic": lambda values: np.nansum(values, axis=0),
    "error_rate": lambda values: np.nanmean(values, axis=0),
    "target_down": lambda values: np.nanmean(values, axis=0),
}
"""How the instances of a service become one; else the highest speaks."""
HELD_STEPS = 1.5
"""For so many steps an instance's latest sample stands for it; after that it is taken for gone."""


def exported_tools(source: SeriesSource, *, traced: bool = False) -> tuple[Tool, ...]:
    """The tools on this source; `traced` where spans tell of single calls."""
    agent, capacity = ExportedAgent(source, traced=traced), CapacityAgent(SeriesItems(source))
    return signal_tools(agent, capacity, {**FACTS, **MEASURES_FACTS})


class ExportedAgent:
    """Looks through one source of series."""

    def __init__(self, source: SeriesSource, *, traced: bool) -> None:
        self._source = source
        self._measures = MeasuresAgent(source, traced=traced)

    async def look(self, asked: Look, scope: Scope) -> Report:
        """What `measures` finds everywhere, with the facts of the service's golden signals, which conditions name."""
        everywhere, golden = await asyncio.gather(
            self._measures.look(asked, scope), self.golden_signals(GoldenSignals(), scope)
        )
        if not everywhere.findings:
            return everywhere
        worst, *others = everywhere.findings
        telling = worst.model_copy(update={"facts": {**golden.facts, **worst.facts}})
        return everywhere.model_copy(update={"findings": (telling, *others)})

    async def golden_signals(self, asked: GoldenSignals, scope: Scope) -> Report:
        """A service, and with it its dependencies."""
        services = _services(asked.service, scope, dependencies=asked.dependencies)
        return await self._report(lambda series: _golden(series, services, scope), scope)

    async def query(self, asked: NamedQuery, scope: Scope) -> Report:
        """One signal."""
        (service,) = _services(asked.service, scope)
        kind = next(kind for kind, name in FACT_NAMES.items() if name == asked.signal)

        def look(series: Sequence[Series]) -> list[Finding]:
            seen = _seen(series, (service,), scope)
            seen.readings = [reading for reading in seen.readings if reading.signal.kind == kind]
            return list(findings_of(seen, service))

        return with_value(await self._report(look, scope), asked.signal)

    async def compare(self, asked: Compare, scope: Scope) -> Report:
        """One signal, against a stretch that the source holds or not."""
        earlier = against(scope, asked.stretch(scope.window))
        return await self.query(NamedQuery(signal=asked.signal, service=asked.service), earlier)

    async def edges(self, asked: Edges, scope: Scope) -> Report:
        """Calls of one service to and from others."""
        (service,) = _services(asked.service, scope)
        return await self._report(lambda series: list(_edges(series, service, scope)), scope)

    async def _report(self, look: Seeing[Finding], scope: Scope) -> Report:
        began = asyncio.get_running_loop().time()
        found, gaps = await _read(self._source, scope, look)
        if not found and not gaps:
            gaps = (Gap(source=self._source.name, reason="it has no such series in the window and in the baseline"),)
        seconds = asyncio.get_running_loop().time() - began
        return Report(agent="metrics", findings=tuple(found), gaps=gaps, seconds=seconds)


class SeriesItems:
    """Implements `bot.agents.capacity.Items` on a source of series."""

    def __init__(self, source: SeriesSource) -> None:
        self._source = source

    async def full(self, asked: Saturation, scope: Scope, stretch: Window) -> tuple[list[Item], tuple[Gap, ...]]:
        """Each instance's share of each resource that is measured as one."""
        services = _services(asked.service, scope, dependencies=asked.dependencies)
        return await _read(self._source, scope, lambda series: list(_items(series, services, asked.resource, stretch)))

    async def certificates(self, asked: Saturation, scope: Scope) -> tuple[list[Finding], tuple[Gap, ...]]:
        """Those whose end is measured under a name that an exporter gives it."""
        if asked.resource not in {"any", "certificates"}:
            return [], ()
        services = _services(asked.service, scope, dependencies=asked.dependencies)
        return await _read(self._source, scope, lambda series: _certificates(series, services, scope))

    def graph_url(self, _query: str, _stretch: Window) -> str | None:
        """Nowhere."""
        return None


@dataclass
class _Survey:
    """Implements `bot.agents.survey.Surveyed`."""

    scope: Scope
    readings: list[Reading] = field(default_factory=list)
    known: set[str] = field(default_factory=set)

    def graph_url(self, _query: str) -> str | None:
        """Nowhere."""
        return None


async def _read(source: SeriesSource, scope: Scope, look: Seeing[T]) -> tuple[list[T], tuple[Gap, ...]]:
    """What is seen in the series within the deadline, else the gap."""
    try:
        async with asyncio.timeout(scope.deadline_s):
            series = await source.read()
            return await asyncio.to_thread(lambda: look([_rated(one) for one in series])), ()
    except SourceUnavailable as error:
        return [], (Gap(source=source.name, reason=str(error)),)
    except TimeoutError:
        return [], (Gap(source=source.name, reason=f"it was not read within {scope.deadline_s:g} s"),)


def _rated(series: Series) -> Series:
    """A counter of calls as calls a second, under a name that says so; any other series as it is."""
    metric = series.labels["metric"]
    quantity = quantity_of(metric)
    grown = as_rate(series) if quantity.kind == "traffic" and not quantity.unit else series
    if grown is series or grown.times.size < LEAST_SAMPLES:
        return series
    every_s = float(np.median(np.diff(grown.times)))
    return Series({**series.labels, "metric": f"{metric}_per_second"}, grown.times, grown.values / max(every_s, 1e-9))


def _services(named: str | None, scope: Scope, *, dependencies: bool = False) -> tuple[str, ...]:
    """The service that is asked about, and what it stands on; series may be of services that no topology names."""
    service = scope.catalog.resolve(named) or named or scope.service or scope.alert.service or ""
    known = dependencies and service in scope.catalog.services
    return (service, *(scope.catalog.dependencies(service) if known else ()))


def _golden(series: Sequence[Series], services: Sequence[str], scope: Scope) -> list[Finding]:
    seen = _seen(series, services, scope)
    seen.readings = foretold(seen.readings)
    return [*findings_of(seen, services[0]), *_edges(series, services[0], scope)]


def _seen(series: Iterable[Series], services: Sequence[str], scope: Scope) -> _Survey:
    seen = _Survey(scope)
    together: dict[tuple[str, str], list[Series]] = defaultdict(list)
    for service, one in _own(series, services):
        seen.known.add(service)
        together[service, one.labels["metric"]].append(one)
    for (service, metric), ones in sorted(together.items()):
        if (meant := meaning_of(service, metric)) and (reading := _reading(meant, ones, scope)):
            seen.readings.append(reading)
    return seen


def _own(series: Iterable[Series], services: Sequence[str]) -> Iterator[tuple[str, Series]]:
    """The services' own series, without those of their calls."""
    names = {service.casefold(): service for service in services}
    for one in series:
        service = names.get(one.labels["service"].casefold())
        if service is not None and "peer" not in one.labels:
            yield service, one


def _reading(meant: Meaning, series: Sequence[Series], scope: Scope) -> Reading | None:
    """The service's own figure, against its baseline."""
    signal = meant.signal
    whole = _folded(series, FOLDS.get(signal.kind, lambda values: np.nanmax(values, axis=0)))
    turned = Series(whole.labels, whole.times, meant.turn(whole.values))
    step_s = max(1.0, float(np.median(np.diff(turned.times)))) if turned.times.size > 1 else 1.0
    found = change(turned, scope.baseline, scope.window, floor=Floor(signal, step_s), direction=DIRECTIONS[signal.kind])
    return Reading(signal, f"{signal.metric} of {signal.service}", turned, found, step_s) if found else None


def _folded(series: Sequence[Series], fold: Callable[[Floats], Floats]) -> Series:
    """All instances as one, at common moments: they are not sampled at the same seconds."""
    known = [one for one in (one.finite() for one in series) if one.times.size]
    if len(known) < 2:
        return known[0] if known else series[0].finite()
    step_s = max(max(1.0, float(np.median(np.diff(one.times)))) if one.times.size > 1 else 1.0 for one in known)
    begin, end = min(one.times[0] for one in known), max(one.times[-1] for one in known)
    times = np.arange(begin, end + step_s, step_s)
    values = np.stack([_at(one, times, HELD_STEPS * step_s) for one in known])
    told = np.isfinite(values).any(axis=0)
    return Series(series[0].labels, times[told], fold(values[:, told]))


def _at(one: Series, times: Floats, held_s: float) -> Floats:
    """Its latest sample at each of these times; nothing once that is older than it is held."""
    latest = np.searchsorted(one.times, times, side="right") - 1
    held = (latest >= 0) & (times - one.times[latest] <= held_s)
    return np.where(held, one.values[latest], np.nan)


def _items(series: Iterable[Series], services: Sequence[str], resource: Asked, stretch: Window) -> Iterator[Item]:
    for service, one in _own(series, services):
        meant = meaning_of(service, one.labels["metric"])
        if meant is None or meant.signal.kind != "saturation" or resource not in {"any", meant.signal.resource}:
            continue
        part = one.between(stretch.start, stretch.end).finite()
        if part.values.size:
            words = f"of {one.labels['instance']}" if "instance" in one.labels else ""
            shares = Series(one.labels, part.times, meant.turn(part.values))
            yield Item(meant.signal, f"{one.labels['metric']} of {service}", words, shares)


def _certificates(series: Iterable[Series], services: Sequence[str], scope: Scope) -> list[Finding]:
    """A certificate's end is told in Unix seconds."""
    seen, ends = _Survey(scope), {metric for metric, _ in EXPIRIES}
    found: list[Finding] = []
    for one in series:
        metric, inside = one.labels["metric"], one.between(scope.window.start, scope.window.end)
        if metric in ends and inside.last:  # 0 until the first is issued
            named = {label: value for label, value in one.labels.items() if label in {"service", "instance"}}
            left = Series(named, inside.times, inside.values - scope.window.end.timestamp())
            found += ending((left,), services, seen, metric, metric)
    return sorted(found, key=lambda finding: -finding.score)


def _edges(series: Iterable[Series], service: str, scope: Scope) -> tuple[Finding, ...]:
    together: dict[tuple[Edge, str], list[Series]] = defaultdict(list)
    for one in series:
        if edge := _edge(one):
            together[edge, one.labels["metric"]].append(one)
    seen: dict[Edge, Seen] = {}
    for (edge, metric), ones in together.items():
        meant = meaning_of(edge.callee, metric)
        if meant is None or service.casefold() not in {edge.caller.casefold(), edge.callee.casefold()}:
            continue
        worded = replace(meant.signal, noun=f"{meant.signal.noun} of {edge.words}")
        if reading := _reading(replace(meant, signal=worded), ones, scope):
            seen.setdefault(edge, Seen(edge, [])).readings.append(reading)
    return edge_findings(_Survey(scope), tuple(seen.values()), service)


def _edge(one: Series) -> Edge | None:
    """The call that a series measures, at whichever of its ends."""
    own, peer = one.labels["service"], one.labels.get("peer")
    if peer is None:
        return None
    return Edge(peer, own, ()) if side_of(one.labels["metric"])[0] == "callee" else Edge(own, peer, ())
