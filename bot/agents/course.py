"""The course of things: what may follow from what, by who stands on whom and by what began first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.catalog import Catalog
from bot.models import Finding

SYMPTOMS = frozenset({"error_rate", "latency", "traffic_drop", "traffic_surge"})
ONSET_SLACK = timedelta(seconds=90)
"""Scrapes, flushes and rate windows blur an onset by about this much."""
HALF_LIFE_S = 1800.0
"""What had been so for half an hour when the trouble began explains it half as well as what had just begun."""
IN_THE_ACT = frozenset({"blocking_session"})
"""Kinds of causes that were seen with those who suffer: how long they had been there does not speak against them."""
CLEAR = 0.5
"""The part of the strongest score from which a symptom tells when a service's trouble began: slight ones begin at any
time."""


@dataclass(frozen=True)
class Course:
    """Who stands on whom, and when the trouble of each service began."""

    catalog: Catalog
    began: Mapping[str, datetime]

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
        if elsewhere and effect.service not in self.catalog.dependants(cause.service or ""):
            return False
        if cause.started_at and effect.started_at:
            return cause.started_at <= effect.started_at + ONSET_SLACK
        return True

    def nearness(self, effect: Finding, cause: Finding) -> float:
        """How well, from 0 to 1, the cause's place and beginning explain the trouble of the effect's service; 0 unless
        both beginnings are known."""
        began = self.began.get(effect.service or "")
        if not (began and cause.service and cause.started_at and self.follows(effect, cause)):
            return 0.0
        if cause.started_at > began + ONSET_SLACK:
            return 0.0
        if cause.kind in IN_THE_ACT:
            return 1.0
        return float(0.5 ** (max(0.0, (began - cause.started_at).total_seconds()) / HALF_LIFE_S))


def _is_symptom(finding: Finding) -> bool:
    """How a service fares, measured or told."""
    return finding.deviations is not None or finding.kind in SYMPTOMS or finding.agent == "logs"
