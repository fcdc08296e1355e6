"""Suspects among findings that carry no measured deviations: a score from 0 to 1, and a place in the order of things.

Findings stand on three steps. A *symptom* says how a service feels (errors, latency, traffic). An *echo* is nearer to
the cause, but often only its trace: a full pool, a new log line, a change that happened to be made. A *cause* is
something that was seen doing harm, such as a session that holds a lock. What stands higher explains what stands
lower, on the same service and on those that depend on it, unless it began later; what is explained steps back.

A cause that was seen also explains what was measured there, where the order of things is known (`course`). Then the
measured evidence speaks for the cause, and the service that feels it is no rival.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bot.agents.course import SYMPTOMS, Course
from bot.agents.fusion import Suspicion, may_be_felt
from bot.models import Evidence, Finding

ECHOES = frozenset({"saturation", "change"})
SYMPTOM, ECHO, CAUSE = range(3)
BELIEF = {SYMPTOM: 0.35, ECHO: 0.6, CAUSE: 1.0}
"""How far a finding of each step is believed to be the cause itself, before it is seen with the others."""
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
        return _strength(self.measured.total) if self.measured else self.finding.score

    @property
    def own_strength(self) -> float:
        """The same of what only the service itself brings about."""
        return min(self.strength, _strength(self.measured.own)) if self.measured else self.strength


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
          course: Course) -> Weighed:  # fmt: skip
    """How far the suspect is believed, having seen the others."""
    finding = suspect.finding
    explains = tuple(one.finding for one in rivals if not one.measured and _explains(suspect, one, course))
    against = tuple(
        other
        for other in normal
        if (other.kind, other.service, other.agent) == (finding.kind, finding.service, finding.agent)
    )
    if suspect.measured:  # its evidence is already free of what other measures explain
        symptoms = tuple(one for one in findings if one.deviations is not None and one not in suspect.measured.findings)
        follows = tuple(one for one in symptoms if course.follows(one, suspect.finding))
        return Weighed(suspect, (*follows, *explains), against, _weight_of_measured(suspect, rivals, course))
    brought = _brought_about(suspect, findings, course)
    weight = finding.score * BELIEF[suspect.step]
    amount = sum(other.score for other in explains) + sum(one.score * near for one, near in brought)
    weight *= 1 + EXPLAINING * (1 - math.exp(-amount))
    explained = max((one.strength for one in rivals if _explains(one, suspect, course)), default=0.0)
    weight *= (1 - EXPLAINED * explained) * CONTRADICTED ** bool(against)
    return Weighed(suspect, (*(one for one, _ in brought), *explains), against, weight)


def _weight_of_measured(suspect: Suspect, rivals: Sequence[Suspect], course: Course) -> float:
    """Its strength; of what it may owe to others, only what no cause that was seen explains."""
    seen = (one for one in rivals if _is_seen(one))
    explained = max((one.strength * course.nearness(suspect.finding, one.finding) for one in seen), default=0.0)
    return suspect.own_strength + (suspect.strength - suspect.own_strength) * (1 - EXPLAINED * explained)


def _brought_about(suspect: Suspect, findings: Sequence[Finding], course: Course) -> list[tuple[Finding, float]]:
    """What was measured and follows from a cause that was seen, the strongest first, and how near in time."""
    if not _is_seen(suspect):
        return []
    near = [(one, course.nearness(one, suspect.finding)) for one in findings if may_be_felt(one)]
    return sorted(((one, much) for one, much in near if much > 0), key=lambda pair: (-pair[0].score, pair[0].title))


def _is_seen(suspect: Suspect) -> bool:
    """A cause that was seen doing harm, and not inferred from what was measured."""
    return suspect.step == CAUSE and not suspect.measured


def _strength(evidence: float) -> float:
    return 1 - math.exp(-min(max(evidence, 0.0), STRENGTH))


def _measured(suspicion: Suspicion) -> Suspect:
    best = suspicion.findings[0].model_copy(update={"kind": suspicion.fault, "service": suspicion.service})
    return Suspect(best, _facts(suspicion.findings), suspicion)


def _facts(findings: Sequence[Finding]) -> tuple[Evidence, ...]:
    return tuple(fact for finding in findings for fact in finding.evidence)


def _explains(one: Suspect, other: Suspect, course: Course) -> bool:
    """Higher up, on the same service or on one that the other stands on, and not begun later."""
    return one.step > other.step and course.follows(other.finding, one.finding)
