"""The commander: from what the agents found to ranked causes, each with what speaks for and against it.

A finding is a *symptom* when its kind says how a service feels (errors, latency, traffic), and a *cause* when it
says what somebody or something does (a session holds a lock, a new exception). A cause is believed the more, the
stronger it deviates, the more symptoms of its dependants it explains, and the better its onset fits theirs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.catalog import Catalog
from bot.models import Finding, Gap, Hypothesis

SYMPTOMS = frozenset({"error_rate", "latency", "traffic_drop", "traffic_surge"})
"""Kinds that say how a service feels, not why."""
NORMAL = 0.15
"""Below this score a finding says 'looked, and normal'."""
ONSET_SLACK = timedelta(seconds=90)
"""Scrapes, flushes and rate windows blur an onset by about this much."""
PLAIN_SYMPTOM_WEIGHT = 0.35
"""A symptom is its own explanation only for want of a better one."""
LOG_WEIGHT = 0.6
"""A new log line is nearer to the cause than a symptom, but is often its echo."""
UNKNOWN_WEIGHT = 0.45
"""What is left for causes that nobody looked for; the gaps add to it."""


@dataclass(frozen=True)
class _Weighed:
    finding: Finding
    explained: tuple[Finding, ...]
    against: tuple[Finding, ...]
    weight: float


def rank(findings: Sequence[Finding], gaps: Sequence[Gap], catalog: Catalog) -> tuple[Hypothesis, ...]:
    """The possible causes, best first; never empty: 'healthy' and 'unknown' are answers too."""
    suspicious = [finding for finding in findings if finding.score >= NORMAL]
    normal = [finding for finding in findings if finding.score < NORMAL]
    if not suspicious:
        return (_nothing_wrong(normal, gaps),)
    symptoms = [finding for finding in suspicious if finding.kind in SYMPTOMS]
    weighed = [_weigh(finding, symptoms, normal, catalog) for finding in suspicious]
    weighed.sort(key=lambda item: (-item.weight, item.finding.kind, item.finding.service or "", item.finding.title))
    total = sum(item.weight for item in weighed) + UNKNOWN_WEIGHT * (1 + len(gaps) / 4)
    empty = _empty(normal, gaps)
    return tuple(_hypothesis(item, total, empty) for item in weighed)


def explain(hypotheses: Sequence[Hypothesis], findings: Sequence[Finding], gaps: Sequence[Gap]) -> str:
    """Three sentences that a tired person understands: what it is, why we think so, what we do not know."""
    best = hypotheses[0]
    sentences = [best.statement]
    facts = {evidence.id: evidence.statement for finding in findings for evidence in finding.evidence}
    reasons = [facts[name] for name in best.evidence_for if name in facts and facts[name] not in best.statement]
    if reasons:
        sentences.append(f"It fits what else was seen: {_joined(reasons[:2])}.")
    if gaps:
        sentences.append(f"Not seen: {_joined(f'{gap.source} ({gap.reason})' for gap in gaps[:3])}.")
    elif best.evidence_against:
        against = [facts[name] for name in best.evidence_against if name in facts]
        sentences.append(f"What does not fit: {_joined(against[:2])}.")
    return " ".join(_sentence(sentence) for sentence in sentences)


def _weigh(finding: Finding, symptoms: Sequence[Finding], normal: Sequence[Finding], catalog: Catalog) -> _Weighed:
    explained = tuple(
        symptom for symptom in symptoms if symptom is not finding and _explains(finding, symptom, catalog)
    )
    against = tuple(other for other in normal if other.kind == finding.kind and other.service == finding.service)
    weight = finding.score * _nature(finding)
    if finding.kind not in SYMPTOMS:
        weight *= 1 + 0.8 * (1 - math.exp(-sum(symptom.score for symptom in explained)))
    weight *= 0.7 ** len(against)
    return _Weighed(finding, explained, against, weight)


def _nature(finding: Finding) -> float:
    if finding.kind in SYMPTOMS:
        return PLAIN_SYMPTOM_WEIGHT
    return LOG_WEIGHT if finding.agent == "logs" else 1.0


def _explains(cause: Finding, symptom: Finding, catalog: Catalog) -> bool:
    """A cause explains symptoms of its own service and of those that stand on it, unless it came after them."""
    if cause.kind in SYMPTOMS and cause.service == symptom.service:
        return False
    elsewhere = cause.service and symptom.service and cause.service != symptom.service
    if elsewhere and symptom.service not in catalog.dependants(cause.service or ""):
        return False
    if cause.started_at and symptom.started_at:
        return cause.started_at <= symptom.started_at + ONSET_SLACK
    return True


def _hypothesis(item: _Weighed, total: float, empty: tuple[str, ...]) -> Hypothesis:
    finding = item.finding
    supporting = (*finding.evidence, *(evidence for symptom in item.explained for evidence in symptom.evidence))
    return Hypothesis(
        service=finding.service,
        indicator=finding.indicator,
        kind=finding.kind,
        statement=finding.title,
        score=item.weight,
        confidence=round(min(0.97, item.weight / total), 2),
        evidence_for=_ids(supporting),
        evidence_against=_ids(evidence for other in item.against for evidence in other.evidence),
        empty=empty,
        remedies=finding.remedies,
    )


def _nothing_wrong(normal: Sequence[Finding], gaps: Sequence[Gap]) -> Hypothesis:
    looked = _ids(evidence for finding in normal for evidence in finding.evidence)
    if gaps or not normal:
        blind = "; ".join(f"{gap.source}: {gap.reason}" for gap in gaps) or "no agent saw anything"
        statement = (
            f"The cause is unknown: nothing that could be seen deviates, and not everything could be seen ({blind})"
        )
        return Hypothesis(
            service=None, indicator="", kind="unknown", statement=statement, score=0.0, confidence=0.5,
            evidence_for=looked, empty=_empty(normal, gaps),
        )  # fmt: skip
    return Hypothesis(
        service=None, indicator="", kind="healthy", score=0.0, confidence=0.8, evidence_for=looked,
        statement=f"All that was looked at is normal ({len(normal)} checks): perhaps a false alarm, or already over",
        empty=_empty(normal, gaps),
    )  # fmt: skip


def _empty(normal: Sequence[Finding], gaps: Sequence[Gap]) -> tuple[str, ...]:
    return (*(finding.title for finding in normal), *(f"{gap.source}: {gap.reason}" for gap in gaps))


def _ids(evidence: Iterable[object]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(getattr(item, "id", item)) for item in evidence))


def _joined(parts: Iterable[str]) -> str:
    return "; ".join(part.rstrip(".") for part in parts)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
