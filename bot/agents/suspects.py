"""Suspects among findings that carry no measured deviations: a score from 0 to 1, and a place in the order of things.

Findings stand on three steps. A *symptom* says how a service feels (errors, latency, traffic). An *echo* is nearer to
the cause, but often only its trace: a full pool, a new log line, a change that happened to be made. A *cause* is
something that was seen doing harm, such as a session that holds a lock. What stands higher explains what stands
lower, on the same service and on those that depend on it, unless it began later; what is explained steps back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.agents.fusion import Suspicion
from bot.catalog import Catalog
from bot.models import Evidence, Finding

SYMPTOMS = frozenset({"error_rate", "latency", "traffic_drop", "traffic_surge"})
ECHOES = frozenset({"saturation", "change"})
SYMPTOM, ECHO, CAUSE = range(3)
BELIEF = {SYMPTOM: 0.35, ECHO: 0.6, CAUSE: 1.0}
"""How far a finding of each step is believed to be the cause itself, before it is seen with the others."""
ONSET_SLACK = timedelta(seconds=90)
"""Scrapes, flushes and rate windows blur an onset by about this much."""
EXPLAINING = 0.8
"""What explaining many strong findings adds to a belief, at most, as a share."""
EXPLAINED = 0.8
"""What a belief loses when something strong explains it, at most, as a share."""
CONTRADICTED = 0.7


STRENGTH = 20.0
"""Evidence, in logarithms, beyond which more makes no suspect stronger."""


@dataclass(frozen=True)
class Suspect:
    """One kind of trouble on one service: the strongest finding of it, and what else speaks for it."""

    finding: Finding
    evidence: tuple[Evidence, ...]
    measured: Suspicion | None = None
    """Where it was measured by deviations: how."""

    @property
    def step(self) -> int:
        """Symptom, echo or cause."""
        if self.measured:
            return CAUSE
        if self.finding.kind in SYMPTOMS or self.finding.deviations is not None:
            return SYMPTOM
        return ECHO if self.finding.kind in ECHOES or self.finding.agent == "logs" else CAUSE

    @property
    def strength(self) -> float:
        """0 to 1; of a measured one, the chance that its evidence is none."""
        return 1 - math.exp(-min(max(self.measured.total, 0.0), STRENGTH)) if self.measured else self.finding.score


@dataclass(frozen=True)
class Weighed:
    """A suspect seen with the others."""

    suspect: Suspect
    explains: tuple[Finding, ...]
    """What follows from it elsewhere, or lower on the same service."""
    against: tuple[Finding, ...]
    weight: float


def suspects(findings: Sequence[Finding], suspected: Sequence[Suspicion]) -> list[Suspect]:
    """Who may be at fault; what was measured only as a symptom makes nobody suspect by itself."""
    together: dict[tuple[str, str | None, str], list[Finding]] = {}
    for finding in sorted(findings, key=lambda one: -one.score):
        if finding.deviations is None:
            together.setdefault((finding.agent, finding.service, finding.kind), []).append(finding)
    told = [Suspect(group[0], _facts(group)) for group in together.values()]
    return [*map(_measured, suspected), *told]


def weigh(suspect: Suspect, rivals: Sequence[Suspect], findings: Sequence[Finding], normal: Sequence[Finding],
          catalog: Catalog) -> Weighed:  # fmt: skip
    """How far the suspect is believed, having seen the others."""
    finding = suspect.finding
    explains = tuple(one.finding for one in rivals if not one.measured and _explains(suspect, one, catalog))
    against = tuple(
        other
        for other in normal
        if (other.kind, other.service, other.agent) == (finding.kind, finding.service, finding.agent)
    )
    if suspect.measured:  # its evidence is already free of what others explain
        symptoms = tuple(one for one in findings if one.deviations is not None and one not in suspect.measured.findings)
        follows = tuple(one for one in symptoms if _follows(one, suspect.finding, catalog))
        return Weighed(suspect, (*follows, *explains), against, suspect.strength)
    weight = finding.score * BELIEF[suspect.step]
    weight *= 1 + EXPLAINING * (1 - math.exp(-sum(other.score for other in explains)))
    explained = max((one.strength for one in rivals if _explains(one, suspect, catalog)), default=0.0)
    return Weighed(suspect, explains, against, weight * (1 - EXPLAINED * explained) * CONTRADICTED ** bool(against))


def _measured(suspicion: Suspicion) -> Suspect:
    best = suspicion.findings[0].model_copy(update={"kind": suspicion.fault, "service": suspicion.service})
    return Suspect(best, _facts(suspicion.findings), suspicion)


def _facts(findings: Sequence[Finding]) -> tuple[Evidence, ...]:
    return tuple(fact for finding in findings for fact in finding.evidence)


def _explains(one: Suspect, other: Suspect, catalog: Catalog) -> bool:
    """Higher up, on the same service or on one that the other stands on, and not begun later."""
    return one.step > other.step and _follows(other.finding, one.finding, catalog)


def _follows(effect: Finding, cause: Finding, catalog: Catalog) -> bool:
    """Whether the effect may follow from the cause: on the same service or on one that stands on it, not earlier."""
    elsewhere = cause.service and effect.service and cause.service != effect.service
    if elsewhere and effect.service not in catalog.dependants(cause.service or ""):
        return False
    if cause.started_at and effect.started_at:
        return cause.started_at <= effect.started_at + ONSET_SLACK
    return True
