"""From readings to findings: how strongly each deviates, in one sentence, with the query that shows it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from bot.agents.change import Change
from bot.agents.exporters import SignalKind
from bot.agents.forecast import Forecast, forecast
from bot.agents.signals import Signal
from bot.agents.survey import Reading, Surveyed
from bot.agents.wording import begun, compared, duration, figure, sentence
from bot.models import Evidence, Finding

MOST_FINDINGS: Mapping[SignalKind, int] = {
    "error_rate": 3, "latency": 2, "saturation": 3, "traffic": 2, "target_down": 1,
}  # fmt: skip
FACT_NAMES: Mapping[SignalKind, str] = {
    "error_rate": "error_ratio", "latency": "latency_p95_s", "traffic": "traffic_rps", "saturation": "saturation",
    "target_down": "up_ratio",
}  # fmt: skip
NEAR_FULL, NEAR_FULL_SCORE = 0.9, 0.3
MOSTLY = 0.5
"""The part of all calls that fail, or of all instances that are up, beyond which nobody would call it normal."""
USUAL = 0.35
"""What is left of a score where the same was so at this time on earlier days."""
CREPT = 0.6
"""What a deviation from earlier days counts beside one from the hour before."""
SOON_SCORE, SOON_HALF_LIFE_S = 0.6, 7200.0
"""Full right now scores so much; in two hours half of it."""
SIGHT_S = 4 * 3600.0
"""How far a look at the incident looks ahead."""


def score_of(reading: Reading) -> float:
    """The change's score, weighed by earlier days; what is nearly full, or mostly fails, is worth a look even if it
    always is."""
    score = reading.change.score * (USUAL if reading.usual else 1.0) * (CREPT if reading.against else 1.0)
    return max(score, NEAR_FULL_SCORE if _ails(reading.signal, reading.change.current) else 0.0)


def _ails(signal: Signal, level: float) -> bool:
    """Whether the level by itself is bad, whatever it was before."""
    if signal.kind == "saturation":
        return signal.bounded and level >= NEAR_FULL
    if signal.unit != "ratio":
        return False
    return level > MOSTLY if signal.kind == "error_rate" else signal.kind == "target_down" and level < MOSTLY


def findings_of(survey: Surveyed, asked: str) -> tuple[Finding, ...]:
    """Per service and kind: each deviation up to a limit, or one finding that says 'looked, and normal'."""
    found: list[Finding] = []
    for service in sorted(survey.known):
        for kind, most in MOST_FINDINGS.items():
            readings = _strongest(survey.readings, service, kind)
            deviating = [reading for reading in readings if score_of(reading) > 0][:most]
            prefix = "" if service == asked else "dependency_"
            for place, reading in enumerate(deviating or readings[:1]):
                facts = _facts(reading, prefix) if place == 0 else {}
                found.append(finding_of(survey, reading, facts))
    found += filling(survey)
    found.sort(key=lambda finding: -finding.score)
    if found and found[0].score > 0:
        worst = found[0]
        facts = {"worst_service": worst.service, "worst_kind": worst.kind, "worst_score": worst.score}
        found[0] = worst.model_copy(update={"facts": {**worst.facts, **facts}})
    return tuple(found)


def finding_of(survey: Surveyed, reading: Reading, facts: Mapping[str, Any]) -> Finding:
    """One reading in words."""
    signal = reading.signal
    said = sentence_of(reading)
    return Finding(
        agent="metrics",
        title=begun(said),
        service=signal.service,
        indicator=signal.metric,
        kind=_kind(reading),
        score=round(score_of(reading), 4),
        started_at=None if reading.against else reading.change.onset,
        evidence=(evidence_of(survey, reading, said),),
        facts=facts,
    )


def sentence_of(reading: Reading) -> str:
    """'payment failures rose from 0 % to 96 % at 03:12 UTC (payments)', with what earlier days say."""
    signal, change = reading.signal, reading.change
    noun = noun_of(reading)
    if reading.against:
        days = " and ".join(reading.against)
        usual, now = figure(change.baseline, signal.unit), figure(change.level, signal.unit)
        return f"{noun}: {now}, but {usual} at this time {days}; the hour before was no better ({signal.service})"
    if change.onset is None and _ails(signal, change.current):
        return f"{noun}: {_standing(signal, change)} ({signal.service})"
    said = sentence(noun, signal.service, change, signal.unit)
    return f"{said}, as at this time {' and '.join(reading.usual)}" if reading.usual else said


def _standing(signal: Signal, change: Change) -> str:
    """'92 %, as before – nearly full': no news, and not normal either."""
    why = {"saturation": "full" if change.current >= 1 else "nearly full", "error_rate": "most of them fail"}
    return f"{compared(change.current, change.baseline, signal.unit)} – {why.get(signal.kind, 'most are down')}"


def noun_of(reading: Reading) -> str:
    """'disk /var of db-1:9100', where it is known which."""
    return f"{reading.signal.noun} {reading.item}".rstrip()


def evidence_of(survey: Surveyed, reading: Reading, said: str) -> Evidence:
    """The fact, and the query that shows it."""
    scope = survey.scope
    asked = f"{reading.query}|{scope.baseline.start:%s}|{scope.window.end:%s}|{'|'.join(reading.against)}"
    return Evidence(
        id=f"metrics-{hashlib.sha256(asked.encode()).hexdigest()[:8]}",
        statement=said,
        query=reading.query,
        url=survey.graph_url(reading.query),
        observed_at=scope.window.end,
        value=reading.change.level,
        baseline=reading.change.baseline,
        unit=reading.signal.unit,
    )


def when_full(found: Forecast) -> str:
    """'full in 40 min (33 min to 52 min)', without the interval where it says no more than the middle."""
    soonest = duration(found.soonest_s)
    latest = duration(found.latest_s) if found.latest_s is not None else "much later"
    interval = "" if soonest == latest else f" ({soonest} to {latest})"
    return f"full in {duration(found.full_in_s)}{interval} if it goes on like this"


def soon_score(full_in_s: float) -> float:
    """The sooner it is full, the stronger."""
    return float(SOON_SCORE * 0.5 ** (full_in_s / SOON_HALF_LIFE_S))


def foretold(readings: Iterable[Reading]) -> list[Reading]:
    """The readings with what is full within hours. Takes some milliseconds for each: call it in a thread."""
    return [replace(reading, filling=_forecast_of(reading)) for reading in readings]


def _forecast_of(reading: Reading) -> Forecast | None:
    if not (reading.signal.kind == "saturation" and reading.signal.bounded):
        return None
    found = forecast(reading.series)
    return found if found is not None and found.full_in_s <= SIGHT_S else None


def filling(survey: Surveyed) -> Iterable[Finding]:
    """What fills steadily and is full within hours."""
    for reading in survey.readings:
        found = reading.filling
        if found is None:
            continue
        noun = noun_of(reading)
        said = f"{noun} at {figure(found.level, 'ratio')}, {when_full(found)} ({reading.signal.service})"
        fact = evidence_of(survey, reading, said)
        yield Finding(
            agent="metrics",
            title=begun(said),
            service=reading.signal.service,
            indicator=f"{reading.signal.metric} forecast",
            kind="saturation",
            score=round(soon_score(found.full_in_s), 4),
            started_at=reading.change.onset,
            evidence=(fact.model_copy(update={"id": f"{fact.id}-forecast", "value": found.level, "baseline": None}),),
            facts={"full_in_s": found.full_in_s, "full_what": noun},
        )


def _strongest(readings: Iterable[Reading], service: str, kind: SignalKind) -> list[Reading]:
    """Strongest first; among normal ones the busiest, since it says most."""
    own = [reading for reading in readings if reading.signal.service == service and reading.signal.kind == kind]
    return sorted(own, key=lambda reading: (-score_of(reading), -abs(reading.change.baseline), reading.signal.metric))


def _kind(reading: Reading) -> str:
    if reading.signal.kind != "traffic":
        return reading.signal.kind
    return "traffic_surge" if reading.change.level > reading.change.baseline else "traffic_drop"


def _facts(reading: Reading, prefix: str) -> dict[str, Any]:
    name = prefix + FACT_NAMES[reading.signal.kind]
    change = reading.change
    if prefix:
        return {name: change.level}
    return {name: change.level, f"{name}_now": change.current, f"{name}_baseline": change.baseline}
