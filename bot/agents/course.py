"""The course of things: what may follow from what, by who stands on whom and by what began first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.catalog import Catalog
from bot.models import Finding

SYMPTOMS = frozenset({"error_rate", "latency", "traffic_drop", "traffic_surge"})
ONSET_SLACK = timedelta(seconds=90)
"""Scrapes, flushes and rate windows blur an onset by about this much."""
HALF_LIFE_S = 1800.0
"""What had been so for half an hour when the trouble began explains it half as well as what had just begun."""
AGELESS = frozenset({"blocking_session", "change"})
"""Kinds whose age does not speak against them: a session was seen in the act, with those who wait for it, and of a
change its own score tells how near it was."""
CLEAR = 0.5
"""The part of the strongest score from which a symptom tells when a service's trouble began: slight ones begin at any
time."""


@dataclass(frozen=True)
class Course:
    """Who stands on whom, and when the trouble of each service began."""

    catalog: Catalog
    began: Mapping[str, datetime]
    _known: dict[str, frozenset[str]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, findings: Iterable[Finding], catalog: Catalog) -> Course:
        """The onsets that these findings tell. What was measured over a whole window tells none by itself."""
        symptoms = [one for one in findings if one.service and _is_symptom(one)]
        strongest: dict[str, float] = {}
        for one in symptoms:
            strongest[one.service or ""] = max(one.score, strongest.get(one.service or "", 0.0))
        began: dict[str, datetime] = {}
        for one in symptoms:
            service = one.service or ""
            if one.started_at and one.score >= CLEAR * strongest[service]:
                began[service] = min(one.started_at, began.get(service, one.started_at))
        return cls(catalog, began)

    def follows(self, effect: Finding, cause: Finding) -> bool:
        """Whether the effect may follow from the cause: on its service or on one that stands on it, not earlier."""
        elsewhere = cause.service and effect.service and cause.service != effect.service
        if elsewhere and effect.service not in self._above(cause.service or ""):
            return False
        started = _onset(cause, effect.started_at)
        if started and effect.started_at:
            return started <= effect.started_at + ONSET_SLACK
        return True

    def nearness(self, effect: Finding, cause: Finding) -> float:
        """How well, from 0 to 1, the effect follows from the cause: the less, the longer the cause had been there when
        the trouble began. Where nobody knows when one of them began, it may follow."""
        if not self.follows(effect, cause):
            return 0.0
        beginnings = [began for began in (effect.started_at, self.began.get(effect.service or "")) if began]
        return _fading(cause, min(beginnings, default=None))

    def dated_nearness(self, effect: Finding, cause: Finding) -> float:
        """The same, and 0 unless the cause is known not to have begun after the trouble of the effect's service."""
        began = self.began.get(effect.service or "")
        started = _onset(cause, began)
        known = began and cause.service and started and started <= began + ONSET_SLACK
        return self.nearness(effect, cause) if known else 0.0

    def timeliness(self, cause: Finding) -> float:
        """How near, from 0 to 1, the cause's beginning is to any trouble that it may have brought about; 1 where nobody
        knows of one when it began."""
        suffering = self.began if cause.service is None else {cause.service, *self._above(cause.service)}
        began = [self.began[service] for service in suffering if service in self.began]
        return max((_fading(cause, moment) for moment in began), default=1.0)

    def _above(self, name: str) -> frozenset[str]:
        """Who stands on it; found once, as every suspect is held against every other."""
        if name not in self._known:
            self._known[name] = frozenset(self.catalog.dependants(name))
        return self._known[name]


def _fading(cause: Finding, began: datetime | None) -> float:
    """What its age leaves of a cause."""
    started = _onset(cause, began)
    if cause.kind in AGELESS or not (began and started):
        return 1.0
    return float(0.5 ** (max(0.0, (began - started).total_seconds()) / HALF_LIFE_S))


def _onset(cause: Finding, began: datetime | None) -> datetime | None:
    """When the cause began, seen from a trouble that began then. Of one that is only known to have begun by some
    moment, that moment, where it came before the trouble; where it came after, nobody knows the order."""
    if cause.started_at or not (began and cause.started_by):
        return cause.started_at
    return cause.started_by if cause.started_by <= began + ONSET_SLACK else None


def _is_symptom(finding: Finding) -> bool:
    """How a service fares, measured or told."""
    return finding.deviations is not None or finding.kind in SYMPTOMS or finding.agent == "logs"
