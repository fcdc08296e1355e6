"""The metrics agent on ready-made series: every service's own measures and its calls, against their own normal.

Where Prometheus is asked one question a signal, a recorded case (or an export) brings all series at once; what they
measure is read from their names (`quantities`).
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bot.agents.counters import as_rate
from bot.agents.departure import LEAST_SHARE, departure
from bot.agents.deviation import score_of
from bot.agents.exactness import grains
from bot.agents.fusion import FAINT, suspicions
from bot.agents.looks import Look
from bot.agents.measured import SPREADING, Measure, agreed
from bot.agents.metered import Metered, Told, by_name
from bot.agents.quantities import Quantity, quantity_of
from bot.agents.quiet import quiet_scopes
from bot.agents.scope import Scope
from bot.agents.silence import SILENCES, TELLING, silenced, telling
from bot.agents.spreading import unexplained
from bot.agents.tools import Tool
from bot.agents.waits import Call, blamed
from bot.agents.wording import begun, clock, moved
from bot.errors import SourceUnavailable
from bot.models import Evidence, Finding, Gap, Report
from bot.telemetry.series import Series, SeriesSource, instant

MOST_EVIDENCE = 3
GAP = "call delay (s)"
"""What passes between a caller and its callee, as both ends measure the call."""
FACTS: Mapping[str, str] = {
    "series_read": "series that were compared with their normal",
    "worst_service": "the service that deviates most",
    "worst_kind": "kind of its finding",
    "worst_score": "its score, 0 to 1",
}


def measures_tools(source: SeriesSource, *, traced: bool = False) -> tuple[Tool, ...]:
    """The metrics agent's tool on this source; `traced` where spans tell of single calls."""
    agent = MeasuresAgent(source, traced=traced)
    return (
        Tool("metrics.look", "metrics", "Every measured quantity of every service, and of the calls between them.",
             Look, FACTS, agent.look),
    )  # fmt: skip


class MeasuresAgent:
    """Looks through one source of series."""

    def __init__(self, source: SeriesSource, *, traced: bool) -> None:
        self._source = source
        self._traced = traced

    async def look(self, _: Look, scope: Scope) -> Report:
        """All series that there are."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(scope.deadline_s):
                series = await self._source.read()
                findings, gaps = await asyncio.to_thread(_findings, series, scope, traced=self._traced)
        except SourceUnavailable as error:
            findings, gaps = (), (Gap(source=self._source.name, reason=str(error)),)
        except TimeoutError:
            findings, gaps = (), (Gap(source=self._source.name, reason="there was no time to compare all series"),)
        return Report(agent="metrics", findings=findings, gaps=gaps, seconds=loop.time() - began)


@dataclass(frozen=True)
class Measured:
    """What all series together say."""

    measures: Sequence[Measure]
    """Every series that could be compared."""
    findings: Sequence[Finding]
    """What deviates, strongest first."""
    facts: Mapping[str, object]
    """How many series were compared; where no calls are seen, what quiet times bring and what the alert feels."""


def measured(metered: Sequence[Metered], scope: Scope, *, traced: bool) -> Measured:
    """Compare every series with its own normal, wherever the series come from."""
    calls = sum(one.metric == GAP for one in metered)
    alone = not calls and not traced
    found, measures = _compared(metered, scope, alone=alone)
    facts: dict[str, object] = {"series_read": len(measures)}
    if alone and measures:
        facts["quiet_evidence"] = [*_quiet_evidence(metered, scope)]
        facts["felt_deviations"] = _felt(metered, scope)
    elif calls and not any(one.kind == "call_gap" for one in found):
        found.append(_normal("calls", "call_gap", calls, scope))
    return Measured(measures, found, facts)


def _findings(series: Sequence[Series], scope: Scope, *, traced: bool) -> tuple[tuple[Finding, ...], tuple[Gap, ...]]:
    sent = [_named(one, scope) for one in series]
    named = [as_rate(one) for one in sent]
    named += [*_call_gaps(named), *telling(sent)]
    seen = measured([by_name(one) for one in named], scope, traced=traced)
    if not seen.measures:
        return (), (Gap(source="metrics", reason="no series has samples in the window and in a baseline"),)
    worst, *others = seen.findings or [_normal("series", "latency", len(seen.measures), scope)]
    facts = {**seen.facts, "worst_service": worst.service, "worst_kind": worst.kind, "worst_score": worst.score}
    return (worst.model_copy(update={"facts": facts}), *others), ()


def strongest_evidence(metered: Sequence[Metered], scope: Scope) -> float | None:
    """The strongest against any service where no calls are seen; None where nothing can be compared."""
    found, measures = _compared(metered, scope, alone=True)
    suspected = suspicions(found, scope.catalog, calls_seen=False)
    return (suspected[0].total if suspected else 0.0) if measures else None


def _quiet_evidence(metered: Sequence[Metered], scope: Scope) -> Iterator[float]:
    """The strongest evidence that each quiet stretch brings against any service."""
    for calm in quiet_scopes(scope):
        evidence = strongest_evidence(metered, calm)
        if evidence is not None:
            yield evidence


def _felt(metered: Sequence[Metered], scope: Scope) -> float:
    """How far the alerted service's own latency and errors left their normal, whoever may explain it."""
    alerted = scope.service or scope.catalog.resolve(scope.alert.service) or scope.alert.service
    own = _measures([one for one in metered if one.service == alerted], scope)
    return max((abs(one.weight) for one in own if one.quantity.kind in SPREADING), default=0.0)


def _compared(metered: Sequence[Metered], scope: Scope, *, alone: bool) -> tuple[list[Finding], list[Measure]]:
    """What deviates, strongest first, and every series that was compared; `alone`: no calls are seen."""
    measures = unexplained([*_measures(metered, scope)], scope.catalog)
    grouped: dict[tuple[str, str], list[Measure]] = defaultdict(list)
    calls: dict[Call, float] = {}
    for measure in measures:
        if measure.metric == GAP and measure.peer:
            calls[measure.service, measure.peer] = measure.weight
        elif measure.weight and not measure.quantity.of_host:
            grouped[measure.service, _kind(measure)].append(measure)
    found = [_finding(_ordered(ones, alone=alone), kind, scope) for (_, kind), ones in grouped.items()]
    found += _of_calls(calls, [measure for measure in measures if measure.metric == GAP], scope)
    deviating = [one for one in found if one.score > 0]
    deviating += _felt_only(measures, {one.service for one in deviating}, scope)
    return sorted(deviating, key=lambda one: (-one.score, one.service or "", one.kind)), measures


def _ordered(measures: Sequence[Measure], *, alone: bool) -> list[Measure]:
    """The strongest first, with its weight as far as the others bear it out where there is little else to go by."""
    ordered = sorted(measures, key=lambda one: -abs(one.weight))
    return [agreed(ordered), *ordered[1:]] if alone else ordered


def _felt_only(measures: Sequence[Measure], known: Collection[str | None], scope: Scope) -> Iterator[Finding]:
    """Services that deviate, and of which others explain all: as what they feel."""
    felt: dict[str, list[Measure]] = defaultdict(list)
    for measure in measures:
        if measure.service not in known and _score(measure.felt) > 0 and measure.quantity.kind in SPREADING:
            felt[measure.service].append(replace(measure, weight=measure.felt))
    for ones in felt.values():
        ones.sort(key=lambda one: -abs(one.weight))
        yield _finding(ones, f"felt_{ones[0].quantity.kind}", scope)


def _named(series: Series, scope: Scope) -> Series:
    """Under catalogue names, where the catalogue knows the name."""
    names = {label: scope.catalog.resolve(name) or name for label, name in series.labels.items()
             if label in {"service", "peer"}}  # fmt: skip
    return Series({**series.labels, **names}, series.times, series.values)


def _measures(metered: Sequence[Metered], scope: Scope) -> Iterator[Measure]:
    grain = grains(metered, scope)
    services = sum(one.metric == TELLING for one in metered)
    for one in metered:
        if one.metric == TELLING:
            compared = silenced(one.series, scope.window, scope.baselines, services)
        else:
            share = 0.0 if one.quantity.direction == "down" else LEAST_SHARE  # 100 % is no large success
            compared = departure(one.series, scope.window, scope.baselines, grain(one), share)
        if compared is not None:
            yield Measure(one, compared, _credited(_directed(compared.deviations, one.quantity), one.credit))


def _directed(deviations: float, quantity: Quantity) -> float:
    if quantity.direction == "up":
        return max(0.0, deviations)
    return min(0.0, deviations) if quantity.direction == "down" else deviations


def _credited(deviations: float, credit: float) -> float:
    """So many deviations that the score is that part of what it was."""
    least = FAINT / (1.0 - credit * _score(deviations))
    return deviations if credit == 1.0 else math.copysign(min(abs(deviations), least), deviations)


def _call_gaps(series: Sequence[Series]) -> Iterator[Series]:
    """For each call: what the caller sees beyond what the callee does; all of it where the callee tells nothing."""
    ends: dict[tuple[str, str, str], dict[str, Series]] = defaultdict(dict)
    for one in series:
        side, rest = side_of(one.labels["metric"])
        if side and (peer := one.labels.get("peer")) and quantity_of(one.labels["metric"]).kind == "latency":
            call = (one.labels["service"], peer) if side == "caller" else (peer, one.labels["service"])
            ends[(*call, rest)][side] = one
    for (caller, callee, _), sides in ends.items():
        if outer := sides.get("caller"):
            times, values = outer.times, outer.values
            if inner := sides.get("callee"):
                _, places, others = np.intersect1d(times, inner.times, return_indices=True)
                values = values.copy()
                values[places] = np.maximum(values[places] - inner.values[others], 0.0)
            yield Series({"service": caller, "peer": callee, "metric": GAP}, times, values)


def side_of(metric: str) -> tuple[str | None, str]:
    """Which end of a call a metric is measured at, and the rest of its name."""
    for side, words in (("caller", ("outgoing", "client", "egress")), ("callee", ("incoming", "server", "ingress"))):
        for word in words:
            if word in metric.lower():
                return side, metric.lower().replace(word, "")
    return None, metric


def _kind(measure: Measure) -> str:
    kind = measure.quantity.kind
    if measure.metric in SILENCES:
        return "silence"
    if kind in SPREADING and (side_of(measure.metric)[0] == "caller" or measure.metric.lower().startswith("entry")):
        return f"felt_{kind}"
    if kind in {"traffic", "cpu", "memory", "disk", "network_io"} and measure.weight < 0:
        return "traffic_drop" if kind == "traffic" else f"{kind}_drop"
    return "traffic_surge" if kind == "traffic" else kind


def _finding(measures: Sequence[Measure], kind: str, scope: Scope) -> Finding:
    first = measures[0]
    told = _told(first, scope)
    deviating = [one for one in measures[:MOST_EVIDENCE] if _score(one.weight) > 0]
    return Finding(
        agent="metrics",
        title=told.title,
        service=first.service,
        indicator=told.indicator,
        kind=kind,
        score=round(_score(first.weight), 4),
        deviations=round(first.weight, 2),
        peer=first.peer,
        started_at=told.onset,
        evidence=tuple(_told(one, scope).fact for one in deviating),
    )


def _told(measure: Measure, scope: Scope) -> Told:
    if measure.of.tell:
        return measure.of.tell(measure.departure)
    onset, fact = measure.departure.onset_s, _evidence(measure, scope)
    return Told(fact.statement, measure.metric, None if onset is None else instant(onset), fact)


def _of_calls(calls: Mapping[Call, float], measures: Sequence[Measure], scope: Scope) -> Iterator[Finding]:
    for service, deviations in blamed(calls).items():
        own = [measure for measure in measures if service in {measure.service, measure.peer} and measure.weight > 0]
        if own and _score(deviations) > 0:
            own.sort(key=lambda measure: -measure.weight)
            found = _finding(own, "call_gap", scope)
            other = own[0].peer if own[0].service == service else own[0].service
            yield found.model_copy(update={
                "service": service, "peer": other, "score": round(_score(deviations), 4),
                "deviations": round(deviations, 2),
            })  # fmt: skip


def _sentence(measure: Measure) -> str:
    if measure.metric == TELLING:
        return _of_silence(measure)
    noun = measure.quantity.words
    if measure.metric == GAP:
        noun = "time lost on the way"
    compared, onset = measure.departure, measure.departure.onset_s
    at = f" at {clock(instant(onset))}" if onset is not None else ""
    return f"{moved(begun(noun), compared.normal, compared.level, measure.quantity.unit)}{at} ({_who(measure)})"


def _who(measure: Measure) -> str:
    """The service, or the caller and its callee; where the metric does not tell which is which, both ends."""
    if not measure.peer:
        return measure.service
    side = "caller" if measure.metric == GAP else side_of(measure.metric)[0]
    if side is None:
        return f"{measure.service} with {measure.peer}"
    caller, callee = (measure.service, measure.peer) if side == "caller" else (measure.peer, measure.service)
    return f"{caller} to {callee}"


def _of_silence(measure: Measure) -> str:
    level, normal, since_s = measure.departure.level, measure.departure.normal, measure.departure.onset_s
    if level == 0 and since_s is not None:
        return f"{measure.service} has sent no samples since {clock(instant(since_s))}, while others do"
    return f"{measure.service} sends {level:.0f} % of its samples, usually {normal:.0f} %"


def _evidence(measure: Measure, scope: Scope) -> Evidence:
    asked = f"{measure.metric} of {measure.service}" + (f" with {measure.peer}" if measure.peer else "")
    stretch = f"{scope.window.start:%Y-%m-%dT%H:%M:%SZ} to {scope.window.end:%Y-%m-%dT%H:%M:%SZ}"
    return Evidence(
        id=f"metrics-{hashlib.sha256(f'{asked}|{stretch}'.encode()).hexdigest()[:8]}",
        statement=_sentence(measure),
        query=f"{asked}, {stretch}",
        observed_at=scope.window.end,
        value=measure.departure.level,
        baseline=measure.departure.normal,
        unit=measure.quantity.unit or None,
    )


def _score(deviations: float) -> float:
    """0 up to what is faint, then towards 1."""
    return score_of(deviations, FAINT)


def _normal(what: str, kind: str, compared: int, scope: Scope) -> Finding:
    return Finding(
        agent="metrics",
        title=f"{what.capitalize()}: looked, and normal – {compared} compared",
        service=scope.service,
        indicator=what,
        kind=kind,
        score=0.0,
        deviations=0.0,
    )
