"""How suspicious a change is: near in time before the onset, and on the service or on what it stands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.catalog import Catalog
from bot.changes.change import Change, ChangeKind
from bot.changes.merging import merged, recognised

HALF_LIFE_S = 1800.0
"""A change half an hour before the onset is half as suspicious as one right before it."""
STRONGEST = 0.55
"""A change near in time is a suspicion, not a proof."""
FARTHER = 0.9
"""What each step along the dependencies leaves of it."""
UNPLACED = 0.7
"""Nobody says which service it was on."""
CALLER = 0.4
"""On a service that calls the one that suffers: it may have brought load, no more."""
FAILED = 0.7
UNDONE = 0.3
"""It was rolled back before the onset."""
LATE = 0.5
"""It came after the onset and before the alert: no cause, but it may be what made it bad enough to alert."""
KINDS: Mapping[ChangeKind, float] = {"rollback": 0.7, "restart": 0.5, "scale": 0.5, "other": 0.6}
"""Those that are less often to blame than a new version, a configuration or a migration."""


Relation = Literal["own", "upstream", "caller", "unknown"]


@dataclass(frozen=True)
class Suspect:
    """One change before the onset."""

    change: Change
    service: str | None
    """Catalogue name of the service that it was on, where that is known."""
    score: float
    before_onset_s: float
    """Less than 0 where it came between the onset and the alert."""
    before_alert_s: float
    relation: Relation = "own"
    """upstream: the suffering service stands on the one that was changed."""
    undone: bool = False

    @property
    def late(self) -> bool:
        """Whether it came only after the trouble began."""
        return self.before_onset_s < 0


def suspects(
    changes: Sequence[Change], service: str | None, catalog: Catalog, onset: datetime, alerted: datetime
) -> list[Suspect]:
    """The changes before the alert that can have to do with the service, the most suspicious first.

    Args:
        onset: when the trouble began; what came after it counts less.
        alerted: when the alert says that it began, which may be later.
    """
    found = []
    for change, undone in _known(changes, catalog, onset, alerted):
        relation = _relation(change.service, service, catalog)
        if relation is not None:
            before_s, alert_s = ((moment - change.at).total_seconds() for moment in (onset, alerted))
            weight = _nearness(relation, change.service, service, catalog) * _gravity(change, before_s, alert_s)
            score = STRONGEST * weight * (UNDONE if undone else 1.0)
            found.append(Suspect(change, change.service or service, score, before_s, alert_s, relation, undone))
    return sorted(found, key=lambda one: (-one.score, one.before_onset_s))


def _gravity(change: Change, before_onset_s: float, before_alert_s: float) -> float:
    """What its time, its kind and its outcome leave of the suspicion."""
    late = before_onset_s < 0
    nearness = float(0.5 ** ((before_alert_s if late else before_onset_s) / HALF_LIFE_S))
    outcome = FAILED if change.outcome == "failed" else 1.0
    return nearness * KINDS.get(change.kind, 1.0) * outcome * (LATE if late else 1.0)


def _known(
    changes: Sequence[Change], catalog: Catalog, onset: datetime, alerted: datetime
) -> tuple[tuple[Change, bool], ...]:
    """Each change once, and whether it was undone; a rollback after the onset acquits nobody of what came before."""
    known = merged(_placed(change, catalog) for change in changes if change.at <= max(onset, alerted))
    before = [change for change in known if change.at <= onset]
    return (*recognised(before), *recognised(known)[len(before) :])


def _placed(change: Change, catalog: Catalog) -> Change:
    """With the catalogue's name of its service; a name that the catalogue does not know stays as it is."""
    return change.but(service=catalog.resolve(change.service) or change.service)


def _relation(on: str | None, service: str | None, catalog: Catalog) -> Relation | None:
    """None for a service that the suffering one has nothing to do with."""
    if on is None or service is None:
        return "unknown"
    if on == service:
        return "own"
    if on in catalog.dependencies(service):
        return "upstream"
    return "caller" if on in catalog.dependants(service) else None


def _nearness(relation: Relation, on: str | None, service: str | None, catalog: Catalog) -> float:
    if relation == "upstream":
        return FARTHER ** (_steps(service or "", on or "", catalog) or 1)
    return {"own": 1.0, "caller": CALLER, "unknown": UNPLACED}[relation]


def _steps(service: str, on: str, catalog: Catalog) -> int | None:
    """How many dependencies lie between the two; None where none leads there."""
    ring, seen, steps = {service}, {service}, 0
    while ring:
        steps += 1
        ring = {
            needed for name in ring if (entry := catalog.services.get(name))
            for needed in (*entry.depends_on, *entry.databases)
        } - seen  # fmt: skip
        seen |= ring
        if on in ring:
            return steps
    return None
