"""The commander: from what the agents found to ranked causes, each with what speaks for and against it.

There are two sorts of findings and one ranking. What was measured as a deviation from a service's own normal is fused
by likelihood (`fusion`); what was told with a score alone is weighed by where it stands between symptom and cause
(`suspects`). 'Healthy' and 'unknown' are answers too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.agents.course import SYMPTOMS, Course
from bot.agents.fusion import Past, are_calls_seen, fare_of, healthy_below, posterior, suspicions
from bot.agents.suspects import Weighed, suspects, weigh, with_doubts_shared
from bot.agents.witnesses import dated
from bot.catalog import Catalog
from bot.models import Evidence, Finding, Gap, Hypothesis
from bot.models.evidence import unseen

NORMAL = 0.15
"""Below this score a finding says 'looked, and normal'."""
UNSEEN = 0.25
"""What is left for causes that nobody looked for …"""
UNSEEN_PER_GAP = 0.1
"""… and what each source that did not answer adds to it."""
MOST_GAPS = MOST_BLIND = 4
CERTAIN = 0.97
"""Nobody is surer than this at 3 a.m."""
EVIDENCE_SHOWN = 12


def rank(
    findings: Sequence[Finding], gaps: Sequence[Gap], catalog: Catalog, past: Sequence[Past] = ()
) -> tuple[Hypothesis, ...]:
    """The possible causes, best first; never empty: 'healthy' and 'unknown' are answers too.

    Args:
        findings: in the order in which they were found; a later word on the same indicator replaces an earlier one.
        past: what memory knows of earlier causes.
    """
    told = dated(_latest(findings), catalog)
    latest = _closest(told)
    deviating = [finding for finding in latest if _deviates(finding)]
    normal = [finding for finding in latest if not _deviates(finding)]
    calls_seen = are_calls_seen(latest, gaps)
    known = suspects(deviating, suspicions(latest, catalog, past, calls_seen=calls_seen))
    if not known:
        return (_nothing_wrong(normal, gaps),)
    course = Course.of(filter(_deviates, told), catalog)
    weighed = with_doubts_shared([weigh(one, known, deviating, normal, course) for one in known])
    weighed.sort(key=_order)
    confidence = _confidence(weighed, gaps)
    empty = _empty(normal, gaps)
    ranked = tuple(_hypothesis(item, sure, empty) for item, sure in zip(weighed, confidence, strict=True))
    calm = healthy_below(latest, calls_seen=calls_seen)
    return (_calm(weighed[0], calm, empty), *ranked) if _is_calm(weighed, calm) else ranked


def explain(hypotheses: Sequence[Hypothesis], findings: Sequence[Finding], gaps: Sequence[Gap]) -> str:
    """Three sentences that a tired person understands: what it is, why we think so, what we do not know."""
    best = hypotheses[0]
    facts = {evidence.id: evidence.statement for finding in findings for evidence in finding.evidence}
    sentences = [best.statement]
    explained = [facts[name] for name in best.follows if name in facts]
    if explained:
        sentences.append(f"It would explain that {_joined(map(_mid_sentence, explained[:2]))}")
    against = [facts[name] for name in best.evidence_against if name in facts]
    if gaps and best.kind != "unknown":  # that says it itself
        sentences.append(f"Not everything could be seen: {_blind(gaps)}")
    elif against:
        sentences.append(f"What does not fit: {_joined(against[:2])}")
    return " ".join(_sentence(sentence) for sentence in sentences)


def _latest(findings: Sequence[Finding]) -> list[Finding]:
    """The latest word of each agent on each indicator; where the indicator is the worst of many, on each kind."""
    latest: dict[tuple[str, str | None, str, str], Finding] = {}
    for finding in findings:
        indicator = finding.indicator if finding.deviations is None else ""
        latest[finding.agent, finding.service, finding.kind, indicator] = finding
    return list(latest.values())


def _closest(findings: Sequence[Finding]) -> list[Finding]:
    """Without what was told with a score of the lines of requests where these were compared one by one, or of how a
    service fares where that was measured: the same, seen less well."""
    compared = {service for finding in findings for service in finding.facts.get("requests_compared", ())}
    measured = {(one.agent, one.service, fare_of(one)) for one in findings if one.deviations is not None}

    def seen_better(one: Finding) -> bool:
        told_of_measured = one.deviations is None and (one.agent, one.service, one.kind) in measured
        return (told_of_measured and one.kind in SYMPTOMS) or (one.of_requests and one.service in compared)

    return [finding for finding in findings if not seen_better(finding)]


def _deviates(finding: Finding) -> bool:
    return finding.score >= NORMAL or (finding.deviations is not None and finding.score > 0)


def _order(item: Weighed) -> tuple[float, float, str, str, str]:
    suspect, finding = item.suspect, item.suspect.finding
    total = suspect.measured.total if suspect.measured else 0.0
    return -item.weight, -total, finding.kind, finding.service or "", finding.title


def _confidence(weighed: Sequence[Weighed], gaps: Sequence[Gap]) -> list[float]:
    """Calibrated where all was measured; else each one's part of the weights, what nobody saw being a rival."""
    measured = [item.suspect.measured for item in weighed if item.suspect.measured]
    if len(measured) == len(weighed):
        return posterior(measured)
    sources = {gap.source for gap in gaps}
    total = sum(item.weight for item in weighed) + UNSEEN + UNSEEN_PER_GAP * min(len(sources), MOST_GAPS)
    return [item.weight / total for item in weighed]


def _hypothesis(item: Weighed, confidence: float, empty: tuple[str, ...]) -> Hypothesis:
    suspect, finding = item.suspect, item.suspect.finding
    follows = _ids(fact for other in item.explains for fact in other.evidence)
    return Hypothesis(
        service=finding.service,
        indicator=finding.indicator,
        kind=finding.kind,
        statement=finding.title,
        score=item.weight,
        confidence=round(min(CERTAIN, confidence), 2),
        evidence_for=tuple(dict.fromkeys((*_ids(suspect.evidence), *follows)))[:EVIDENCE_SHOWN],
        follows=follows[:EVIDENCE_SHOWN],
        evidence_against=_ids(evidence for other in item.against for evidence in other.evidence),
        empty=empty,
        remedies=finding.remedies,
    )


def _is_calm(weighed: Sequence[Weighed], below: float) -> bool:
    """Whether all that deviates was measured, and is no more than quiet times bring."""
    return below > 0 and all(one.suspect.measured and one.suspect.measured.total < below for one in weighed)


def _calm(best: Weighed, below: float, empty: tuple[str, ...]) -> Hypothesis:
    """What deviates is too little to be a fault."""
    total = max(0.0, best.suspect.measured.total) if best.suspect.measured else 0.0
    return Hypothesis(
        service=None,
        indicator="",
        kind="healthy",
        statement="Nothing deviates more than it does in quiet times: perhaps a false alarm, or already over",
        score=1.0,
        confidence=round(1 - total / (2 * below), 2),
        evidence_for=_ids(best.suspect.evidence)[:EVIDENCE_SHOWN],
        empty=empty,
    )


def _nothing_wrong(normal: Sequence[Finding], gaps: Sequence[Gap]) -> Hypothesis:
    looked = _ids(evidence for finding in normal for evidence in finding.evidence)
    blind = _blind(gaps) or "no agent saw anything"
    measured = any(finding.deviations is not None for finding in normal)
    if normal and (measured or not gaps):
        kind, confidence = "healthy", 0.6 if gaps else 0.8
        statement = f"All that was looked at is normal ({len(normal)} checks): perhaps a false alarm, or already over"
    else:
        kind, confidence = "unknown", 0.5
        statement = f"The cause is unknown: nothing that was seen deviates, and not everything could be seen ({blind})"
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
    """What came back empty, in its own words, and what did not come back; a weak finding is neither."""
    said = (*(finding.title for finding in normal if not finding.score), *unseen(gaps))
    return tuple(dict.fromkeys(said))


def _blind(gaps: Sequence[Gap]) -> str:
    """The sources that did not answer everything."""
    sources = sorted({gap.source for gap in gaps})
    more = len(sources) - MOST_BLIND
    return ", ".join(sources[:MOST_BLIND]) + (f" and {more} more" if more > 0 else "")


def _ids(evidence: Iterable[Evidence]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.id for item in evidence))


def _mid_sentence(text: str) -> str:
    first, _, rest = text.partition(" ")
    return text if first.isupper() else f"{first[:1].lower()}{first[1:]} {rest}".rstrip()


def _joined(parts: Iterable[str]) -> str:
    return "; ".join(part.rstrip(".") for part in parts)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
