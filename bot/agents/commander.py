"""The commander: from what the agents found to ranked causes, each with what speaks for and against it.

Findings stand on three steps. A *symptom* says how a service feels (errors, latency, traffic). An *echo* is nearer to
the cause, but often only its trace: a full pool, a new log line, a change that happened to be made. A *cause* is
something that was seen doing harm, such as a session that holds a lock. What stands higher explains what stands
lower, on the same service and on those that depend on it, unless it began later; what is explained steps back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.catalog import Catalog
from bot.models import Evidence, Finding, Gap, Hypothesis

SYMPTOMS = frozenset({"error_rate", "latency", "traffic_drop", "traffic_surge"})
ECHOES = frozenset({"saturation", "change"})
SYMPTOM, ECHO, CAUSE = range(3)
BELIEF = {SYMPTOM: 0.35, ECHO: 0.6, CAUSE: 1.0}
"""How far a finding of each step is believed to be the cause itself, before it is seen with the others."""
NORMAL = 0.15
"""Below this score a finding says 'looked, and normal'."""
ONSET_SLACK = timedelta(seconds=90)
"""Scrapes, flushes and rate windows blur an onset by about this much."""
EXPLAINING = 0.8
"""What explaining many strong findings adds to a belief, at most, as a share."""
EXPLAINED = 0.8
"""What a belief loses when something strong explains it, at most, as a share."""
CONTRADICTED = 0.7
UNSEEN = 0.25
"""What is left for causes that nobody looked for …"""
UNSEEN_PER_GAP = 0.1
"""… and what each source that did not answer adds to it."""
MOST_GAPS = 4
CERTAIN = 0.97
"""Nobody is surer than this at 3 a.m."""
EVIDENCE_SHOWN = 12


@dataclass(frozen=True)
class _Suspect:
    """Findings of one agent about one kind of trouble on one service: the strongest, and the others behind it."""

    finding: Finding
    evidence: tuple[Evidence, ...]

    @property
    def step(self) -> int:
        if self.finding.kind in SYMPTOMS:
            return SYMPTOM
        return ECHO if self.finding.kind in ECHOES or self.finding.agent == "logs" else CAUSE


@dataclass(frozen=True)
class _Weighed:
    suspect: _Suspect
    explains: tuple[_Suspect, ...]
    against: tuple[Finding, ...]
    weight: float


def rank(findings: Sequence[Finding], gaps: Sequence[Gap], catalog: Catalog) -> tuple[Hypothesis, ...]:
    """The possible causes, best first; never empty: 'healthy' and 'unknown' are answers too."""
    suspects = _suspects([finding for finding in findings if finding.score >= NORMAL])
    normal = [finding for finding in findings if finding.score < NORMAL]
    if not suspects:
        return (_nothing_wrong(normal, gaps),)
    weighed = sorted((_weigh(suspect, suspects, normal, catalog) for suspect in suspects), key=_order)
    sources = {gap.source for gap in gaps}
    total = sum(item.weight for item in weighed) + UNSEEN + UNSEEN_PER_GAP * min(len(sources), MOST_GAPS)
    empty = _empty(normal, gaps)
    return tuple(_hypothesis(item, total, empty) for item in weighed)


def explain(hypotheses: Sequence[Hypothesis], findings: Sequence[Finding], gaps: Sequence[Gap]) -> str:
    """Three sentences that a tired person understands: what it is, why we think so, what we do not know."""
    best = hypotheses[0]
    facts = {evidence.id: evidence.statement for finding in findings for evidence in finding.evidence}
    sentences = [best.statement]
    own = {fact.id for finding in findings if finding.title == best.statement for fact in finding.evidence}
    explained = [facts[name] for name in best.evidence_for if name in facts and name not in own]
    if explained:
        sentences.append(f"It would explain that {_joined(map(_mid_sentence, explained[:2]))}")
    against = [facts[name] for name in best.evidence_against if name in facts]
    unseen = sorted({gap.source for gap in gaps})
    if unseen:
        sentences.append(f"Not everything could be seen: {', '.join(unseen[:4])}")
    elif against:
        sentences.append(f"What does not fit: {_joined(against[:2])}")
    return " ".join(_sentence(sentence) for sentence in sentences)


def _suspects(findings: Sequence[Finding]) -> list[_Suspect]:
    """The latest word of each agent on each indicator, put together by service and kind."""
    latest = {(one.agent, one.service, one.kind, one.indicator): one for one in findings}
    together: dict[tuple[str, str | None, str], list[Finding]] = {}
    for finding in sorted(latest.values(), key=lambda one: -one.score):
        together.setdefault((finding.agent, finding.service, finding.kind), []).append(finding)
    return [
        _Suspect(group[0], tuple(fact for finding in group for fact in finding.evidence)) for group in together.values()
    ]


def _weigh(suspect: _Suspect, all_of_them: Sequence[_Suspect], normal: Sequence[Finding], catalog: Catalog) -> _Weighed:
    finding = suspect.finding
    explains = tuple(other for other in all_of_them if _explains(suspect, other, catalog))
    against = tuple(
        other
        for other in normal
        if (other.kind, other.service, other.agent) == (finding.kind, finding.service, finding.agent)
    )
    weight = finding.score * BELIEF[suspect.step]
    weight *= 1 + EXPLAINING * (1 - math.exp(-sum(other.finding.score for other in explains)))
    weight *= 1 - EXPLAINED * max((o.finding.score for o in all_of_them if _explains(o, suspect, catalog)), default=0.0)
    return _Weighed(suspect, explains, against, weight * CONTRADICTED ** bool(against))


def _explains(one: _Suspect, other: _Suspect, catalog: Catalog) -> bool:
    """Higher up, on the same service or on one that the other stands on, and not begun later."""
    if one.step <= other.step:
        return False
    cause, effect = one.finding, other.finding
    elsewhere = cause.service and effect.service and cause.service != effect.service
    if elsewhere and effect.service not in catalog.dependants(cause.service or ""):
        return False
    if cause.started_at and effect.started_at:
        return cause.started_at <= effect.started_at + ONSET_SLACK
    return True


def _order(item: _Weighed) -> tuple[float, str, str, str]:
    finding = item.suspect.finding
    return -item.weight, finding.kind, finding.service or "", finding.title


def _hypothesis(item: _Weighed, total: float, empty: tuple[str, ...]) -> Hypothesis:
    finding = item.suspect.finding
    supporting = (*item.suspect.evidence, *(fact for other in item.explains for fact in other.evidence))
    return Hypothesis(
        service=finding.service,
        indicator=finding.indicator,
        kind=finding.kind,
        statement=finding.title,
        score=item.weight,
        confidence=round(min(CERTAIN, item.weight / total), 2),
        evidence_for=_ids(supporting)[:EVIDENCE_SHOWN],
        evidence_against=_ids(evidence for other in item.against for evidence in other.evidence),
        empty=empty,
        remedies=finding.remedies,
    )


def _nothing_wrong(normal: Sequence[Finding], gaps: Sequence[Gap]) -> Hypothesis:
    looked = _ids(evidence for finding in normal for evidence in finding.evidence)
    if gaps or not normal:
        blind = ", ".join(sorted({gap.source for gap in gaps})) or "no agent saw anything"
        kind, confidence = "unknown", 0.5
        statement = f"The cause is unknown: nothing that was seen deviates, and not everything could be seen ({blind})"
    else:
        kind, confidence = "healthy", 0.8
        statement = f"All that was looked at is normal ({len(normal)} checks): perhaps a false alarm, or already over"
    return Hypothesis(
        service=None,
        indicator="",
        kind=kind,
        statement=statement,
        score=0.0,
        confidence=confidence,
        evidence_for=looked[:EVIDENCE_SHOWN],
        empty=_empty(normal, gaps),
    )


def _empty(normal: Sequence[Finding], gaps: Sequence[Gap]) -> tuple[str, ...]:
    said = (*(finding.title for finding in normal), *(f"{gap.source}: {gap.reason}" for gap in gaps))
    return tuple(dict.fromkeys(said))


def _ids(evidence: Iterable[Evidence]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.id for item in evidence))


def _mid_sentence(text: str) -> str:
    first, _, rest = text.partition(" ")
    return text if first.isupper() else f"{first[:1].lower()}{first[1:]} {rest}".rstrip()


def _joined(parts: Iterable[str]) -> str:
    return "; ".join(part.rstrip(".") for part in parts)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
