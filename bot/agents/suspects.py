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
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.agents.course import SYMPTOMS, Course
from bot.agents.fusion import FELT_FAULTS, Suspicion, may_be_felt
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
FOLLOWING = 0.25
"""The nearness from which a person is told that the one follows from the other."""
STRENGTH = 20.0
"""Evidence, in logarithms, beyond which more makes no suspect stronger."""

Following = tuple[Finding, float]
"""What may follow from a suspect, and how well, from 0 to 1."""


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
    explainer: int | None = None
    """The place, among the rivals, of the one that explains it best."""
    doubt: float = 0.0
    """The part of the weight that is left because that one may not explain it after all."""


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
    told = [(one.finding, _explaining(suspect, one, course)) for one in rivals if not one.measured]
    against = tuple(
        other
        for other in normal
        if (other.kind, other.service, other.agent) == (finding.kind, finding.service, finding.agent)
    )
    explained, explainer = _explained(suspect, rivals, course)
    if suspect.measured:  # its evidence is already free of what other measures explain
        felt = [(one, course.nearness(one, finding)) for one in findings if _is_felt_of(one, suspect)]
        follows, own, owed = _listed(felt, told), suspect.own_strength, suspect.strength - suspect.own_strength
    else:
        brought = _brought_about(suspect, findings, course)
        amount = sum(one.score * near for one, near in (*brought, *told))
        follows, own, owed = _listed(brought, told), 0.0, finding.score * _belief(suspect, course)
        owed *= (1 + EXPLAINING * (1 - math.exp(-amount))) * CONTRADICTED ** bool(against)
    weight, doubt = own + owed * (1 - EXPLAINED * explained), owed * (1 - EXPLAINED) * explained
    return Weighed(suspect, follows, against, weight, explainer, doubt)


def with_doubts_shared(weighed: Sequence[Weighed]) -> list[Weighed]:
    """Whether a cause explains those who suffer is one doubt, however many they are: they share it, so that the more of
    the trouble a cause explains, the less speaks against it."""
    doubts: dict[int | None, list[float]] = defaultdict(list)
    for one in weighed:
        doubts[one.explainer].append(one.doubt)
    shares = {place: max(each) / sum(each) if sum(each) else 1.0 for place, each in doubts.items()}
    return [replace(one, weight=one.weight - one.doubt * (1 - shares[one.explainer])) for one in weighed]


def _explained(suspect: Suspect, rivals: Sequence[Suspect], course: Course) -> tuple[float, int | None]:
    """How well, from 0 to 1, another suspect explains this one, and the place of the one that does so best."""
    amounts = [one.strength * _explaining(one, suspect, course) for one in rivals]

    def better(place: int) -> tuple[float, str, str, str]:
        one = rivals[place].finding
        return amounts[place], one.kind, one.service or "", one.agent  # so that the order of answers decides nothing

    best = max(range(len(rivals)), key=better, default=None)
    return (amounts[best], best) if best is not None and amounts[best] > 0 else (0.0, None)


def _belief(suspect: Suspect, course: Course) -> float:
    """How far a told finding is believed by itself: a cause that was there long before any trouble, as a symptom is."""
    if suspect.step != CAUSE:
        return BELIEF[suspect.step]
    return BELIEF[SYMPTOM] + (BELIEF[CAUSE] - BELIEF[SYMPTOM]) * course.timeliness(suspect.finding)


def _brought_about(suspect: Suspect, findings: Sequence[Finding], course: Course) -> list[Following]:
    """What was measured and follows from a cause that was seen, the strongest first."""
    if not _is_seen(suspect):
        return []
    near = [(one, course.dated_nearness(one, suspect.finding)) for one in findings if may_be_felt(one)]
    return sorted(near, key=lambda pair: (-pair[0].score, pair[0].title))


def _is_felt_of(finding: Finding, suspect: Suspect) -> bool:
    """Whether it was measured and may be owed to the suspect, and is none of what makes it one."""
    own = suspect.measured.findings if suspect.measured else ()
    of_others = finding.service == suspect.finding.service and finding.kind in FELT_FAULTS
    return may_be_felt(finding) and finding not in own and not of_others


def _listed(*following: Sequence[Following]) -> tuple[Finding, ...]:
    """What is told to follow; no change ever does, although a cause that was seen takes suspicion from it."""
    return tuple(one for pairs in following for one, near in pairs if near >= FOLLOWING and one.kind != "change")


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


def _explaining(one: Suspect, other: Suspect, course: Course) -> float:
    """How well, from 0 to 1: higher up, on the same service or on one that the other stands on, not begun later and not
    long before. What was measured is explained by a cause that was seen, and only where both beginnings are known."""
    if other.measured:
        return course.dated_nearness(other.finding, one.finding) if _is_seen(one) else 0.0
    return course.nearness(other.finding, one.finding) if one.step > other.step else 0.0
