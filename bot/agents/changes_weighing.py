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
    relation: Relation = "own"
    """upstream: the suffering service stands on the one that was changed."""
    undone: bool = False


def suspects(changes: Sequence[Change], service: str | None, catalog: Catalog, onset: datetime) -> list[Suspect]:
    """The changes before the onset that can have to do with the service, the most suspicious first."""
    known = [_placed(change, catalog) for change in changes if change.at <= onset]
    found = []
    for change, undone in recognised(merged(known)):
        relation = _relation(change.service, service, catalog)
        if relation is not None:
            age_s = (onset - change.at).total_seconds()
            nearness = _nearness(relation, change.service, service, catalog)
            weight = KINDS.get(change.kind, 1.0) * nearness * 0.5 ** (age_s / HALF_LIFE_S)
            weight *= (FAILED if change.outcome == "failed" else 1.0) * (UNDONE if undone else 1.0)
            found.append(Suspect(change, change.service or service, STRONGEST * weight, age_s, relation, undone))
    return sorted(found, key=lambda one: (-one.score, one.before_onset_s))


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
