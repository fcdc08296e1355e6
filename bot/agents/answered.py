"""What a metrics server answered, measured as a recording is: by the same code (`measures`), in the server's terms.

A server is asked for every signal by itself, so the unit, the way to ask again and the exactness of each series are
known, where a recording has only its name. What the baselines are too short for is told with a score alone, and so is
what no baseline shows: that something is nearly full, mostly fails, or will be full soon.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bot.agents.change import Change
from bot.agents.departure import Departure
from bot.agents.deviation import score_of as score_of_deviations
from bot.agents.edges import Seen, edge_findings
from bot.agents.fusion import FAINT
from bot.agents.measured import Measure
from bot.agents.measures import measured, strongest_evidence
from bot.agents.metered import Metered, Told, by_name
from bot.agents.metrics_findings import CREPT, USUAL, evidence_of, filling, findings_of, noun_of, score_of, sentence_of
from bot.agents.quantities import Quantity, QuantityKind, quantity_of
from bot.agents.relapse import without_earlier_trouble
from bot.agents.scope import Scope
from bot.agents.signals import Signal
from bot.agents.silence import UP, telling
from bot.agents.survey import DIRECTIONS, Floor, Reading, Survey, Surveyed
from bot.agents.wording import begun, moved
from bot.models import Finding, Report
from bot.telemetry.series import Series, instant

RESOURCES: frozenset[QuantityKind] = frozenset({"cpu", "memory"})
"""What a service uses up itself."""


@dataclass(frozen=True)
class Answered:
    """What all answers together say."""

    findings: tuple[Finding, ...]
    """The strongest first; what is normal, too."""
    readings: tuple[Reading, ...]
    """Of the services and of their calls, each as far out as it was measured to be."""


@dataclass(frozen=True)
class _Part:
    """Implements `Surveyed` for some of the readings."""

    whole: Survey
    readings: Sequence[Reading]

    @property
    def scope(self) -> Scope:
        """The assignment."""
        return self.whole.scope

    @property
    def known(self) -> set[str]:
        """Services of which there are series."""
        return self.whole.known

    def graph_url(self, query: str) -> str:
        """Where a person sees it drawn."""
        return self.whole.graph_url(query)


def answered(survey: Survey, edges: Sequence[Seen], asked: str, *, traced: bool) -> Answered:
    """Measure all answers against their own normal. Takes a while: call it in a thread.

    Args:
        asked: the service that the question was about.
        traced: whether spans tell of single calls.
    """
    of_calls = [(reading, seen.edge.caller) for seen in edges for reading in seen.readings]
    sources = {_metered(survey, reading, None): reading for reading in survey.readings}
    sources |= {_metered(survey, reading, caller): reading for reading, caller in of_calls}
    silences = [by_name(one) for one in telling([*_sent(survey.readings)])]
    every = [*sources, *silences]
    scope = without_earlier_trouble(survey.scope, lambda part: strongest_evidence(every, part) or 0.0)
    seen = measured(every, scope, traced=traced)
    measures = {sources[one.of]: one for one in seen.measures if one.of in sources}
    settled = {reading: _settled(reading, measures.get(reading)) for reading in sources.values()}
    loud = {settled[reading] for reading, measure in measures.items() if _deviates(measure)}
    own = [settled[reading] for reading in survey.readings]
    calls = [Seen(one.edge, [settled[reading] for reading in one.readings]) for one in edges]
    told = [*_told(_Part(survey, own), calls, asked, loud)]
    facts = {**_golden_facts(_Part(survey, own), calls, asked), **seen.facts}
    findings = sorted([*seen.findings, *told], key=lambda finding: -finding.score)
    readings = (*own, *(reading for one in calls for reading in one.readings))
    return Answered(tuple(_with_facts(findings, facts)), readings)


def _metered(survey: Surveyed, reading: Reading, caller: str | None) -> Metered:
    signal = reading.signal
    metric = UP if signal.kind == "target_down" else signal.alike or signal.metric
    labels = {"service": signal.service, "metric": metric} | ({"peer": caller} if caller else {})
    credit = (USUAL if reading.usual else 1.0) * (CREPT if reading.against else 1.0)
    series = _compared(reading, survey.scope)
    return Metered(
        Series(labels, series.times, series.values), _quantity(signal), _grain(reading), credit,
        lambda departure: _tell(survey, reading, departure),
    )  # fmt: skip


def _quantity(signal: Signal) -> Quantity:
    return Quantity(_kind(signal), signal.noun, signal.unit, DIRECTIONS[signal.kind])


def _kind(signal: Signal) -> QuantityKind:
    if signal.kind == "target_down":
        return "other"
    if signal.kind != "saturation":
        return signal.kind
    kind = quantity_of(signal.resource or signal.metric).kind
    return kind if kind in RESOURCES and signal.unit not in {"count", "/s"} else "saturation"


def _grain(reading: Reading) -> float:
    """Shares of failures are as exact as there are requests, and how exact times are, all services' together tell."""
    signal = reading.signal
    if signal.kind == "latency" or (signal.kind == "error_rate" and signal.unit == "ratio"):
        return 0.0
    return Floor(signal, reading.rate_s).grain(reading.change.baseline)


def _compared(reading: Reading, scope: Scope) -> Series:
    """Its samples; where an earlier day is what is normal, that day's in the place of the stretch before."""
    if reading.then is None:
        return reading.series
    parts = (reading.then, reading.series.between(scope.window.start, scope.window.end))
    return Series(reading.series.labels, *(np.concatenate(arrays) for arrays in zip(
        *((part.times, part.values) for part in parts), strict=True)))  # fmt: skip


def _sent(readings: Sequence[Reading]) -> Iterator[Series]:
    """What services tell of themselves; whether they answer at all is told by who asks them."""
    for reading in readings:
        if reading.sent is not None and reading.signal.kind != "target_down":
            labels = {"service": reading.signal.service, "metric": reading.signal.metric}
            yield Series(labels, reading.sent.times, reading.sent.values)


def _tell(survey: Surveyed, reading: Reading, departure: Departure) -> Told:
    seen = _as_measured(reading, departure)
    change = seen.change
    said = sentence_of(seen)
    if change.onset is None and not seen.against:
        said = f"{moved(noun_of(seen), change.baseline, change.level, seen.signal.unit)} ({seen.signal.service})"
    onset = None if seen.against else change.onset
    return Told(begun(said), seen.signal.metric, onset, evidence_of(survey, seen, said))


def _as_measured(reading: Reading, departure: Departure) -> Reading:
    """The reading with its level and onset as they were seen sample by sample, if that is how it deviates; else as
    measured over the whole window."""
    change = reading.change
    if reading.against or (change.score > 0 and change.rising == (departure.deviations > 0)):
        return reading
    onset = instant(departure.onset_s) if departure.onset_s is not None else None
    found = Change(0.0, departure.normal, departure.level, change.current, departure.deviations, onset)
    return replace(reading, change=found)


def _settled(reading: Reading, measure: Measure | None) -> Reading:
    """As far out as it was measured to be; as it is where it could not be measured."""
    if measure is None:
        return reading
    if not _deviates(measure):
        return replace(reading, change=replace(reading.change, score=0.0, onset=None, ended=None), usual=(), against=())
    seen = _as_measured(reading, measure.departure)
    score = score_of_deviations(max(abs(measure.weight), abs(measure.felt)), FAINT)
    return replace(seen, change=replace(seen.change, score=score / measure.of.credit))


def _deviates(measure: Measure) -> bool:
    return max(abs(measure.weight), abs(measure.felt)) > FAINT


def _told(own: _Part, calls: Sequence[Seen], asked: str, loud: set[Reading]) -> Iterator[Finding]:
    """What is told with a score alone, and what is normal."""
    kinds = {(one.signal.service, one.signal.kind) for one in own.readings if one in loud}
    quiet = [one for one in own.readings if one not in loud]
    left = [one for one in quiet if score_of(one) > 0 or (one.signal.service, one.signal.kind) not in kinds]
    yield from findings_of(_Part(own.whole, left), asked)
    yield from filling(_Part(own.whole, [one for one in own.readings if one not in left]))
    rest = [Seen(one.edge, [each for each in one.readings if each not in loud]) for one in calls]
    any_loud = any(each in loud for one in calls for each in one.readings)
    for finding in edge_findings(own, rest, asked):
        if finding.score > 0 or not any_loud:
            yield finding


def _golden_facts(own: _Part, calls: Sequence[Seen], asked: str) -> dict[str, object]:
    """The facts that conditions name, of all readings."""
    return Report(agent="metrics", findings=(*findings_of(own, asked), *edge_findings(own, calls, asked))).facts


def _with_facts(findings: Sequence[Finding], facts: dict[str, object]) -> Iterator[Finding]:
    """All facts go with the strongest finding."""
    for place, finding in enumerate(findings):
        if place:
            yield finding
            continue
        worst = {"worst_service": finding.service, "worst_kind": finding.kind, "worst_score": finding.score}
        yield finding.model_copy(update={"facts": {**facts, **(worst if finding.score > 0 else {})}})
