"""Weights of the channels chosen without the case that is judged by them: what the ranking is worth on faults of
services that nobody has seen.

A case is reduced to the evidence that each channel has against each service; a ranking is then a sum of weights times
evidence, with *healthy* as a candidate of its own. For each group of cases, all that had the same fault on the same
service, the weights are chosen on others and the group is ranked with them. All weights start alike, so those in use,
which were chosen with every case in view, have no part in it. A weight leaves its start only for what that is worth by
Schwarz's criterion (1978), half a logarithm of the number of cases: with some fifty labels a dozen free weights follow
single cases.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bot.agents.fusion import CHANNELS, HEALTHY, SHARPNESS, are_calls_seen, suspicions
from bot.diagnosis import Diagnosis, scope_of
from bot.telemetry.recorded import Case
from bot.telemetry.series import Floats

WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 2.5, 3.0)
"""What a weight may be."""
START = 1.0
ROUNDS = 3
"""Times that each weight is chosen anew, the others standing still."""
SURPRISE = 1e-6
"""The least chance that is believed of anything: a single case does not outweigh all others."""
MISSED = 10_000
"""The place of a service against which nothing speaks."""
UNSEEN = " (no calls seen)"

Group = tuple[str, str, str]
"""System, service, fault."""


@dataclass(frozen=True)
class Evidence:
    """What speaks against whom in one case."""

    group: Group | None
    """None where nothing is wrong."""
    services: tuple[str, ...]
    columns: tuple[str, ...]
    """Channels, those told apart that count otherwise where no calls are seen."""
    table: Floats
    """Service × channel: evidence at a weight of 1."""


def evidence_of(case: Case, found: Diagnosis, group: Group | None) -> Evidence:
    """Each channel asked alone."""
    catalog = scope_of(case).catalog
    seen = are_calls_seen(found.findings, found.gaps)
    columns = {}
    for name in CHANNELS:
        alone = {other: replace(one, weight=float(other == name), alone=None) for other, one in CHANNELS.items()}
        ranked = suspicions(found.findings, catalog, calls_seen=seen, channels=alone)
        columns[name if seen or CHANNELS[name].alone is None else name + UNSEEN] = {
            one.service: max(0.0, one.total) for one in ranked
        }
    services = tuple(sorted({service for column in columns.values() for service in column}))
    table = np.array([[column.get(service, 0.0) for column in columns.values()] for service in services])
    return Evidence(group, services, tuple(columns), table.reshape(len(services), len(columns)))


def report(cases: Sequence[Evidence]) -> str:
    """How often the right service comes first, or among the first three, by how the weights were chosen."""
    board = _Board(cases)
    groups = sorted({case.group for case in cases if case.group})
    columns = board.columns
    chosen: Mapping[str, Mapping[Group, Floats]] = {
        "in use": dict.fromkeys(groups, np.array([_in_use(column) for column in columns])),
        "all alike": dict.fromkeys(groups, np.full(len(columns), START)),
        "chosen on all cases": dict.fromkeys(groups, board.choose(())),
        "chosen without the same fault of the same service": {group: board.choose((group,)) for group in groups},
        "chosen without the service and without the fault": {
            group: board.choose([other for other in groups if _akin(other, group)]) for group in groups
        },
    }
    systems = sorted({system for system, _, _ in groups})
    rows = [f"\n| weights | {' | '.join(systems)} | all |", "|---" * (len(systems) + 2) + "|"]
    for name, weights in chosen.items():
        places = [(group, board.place(number, weights[group])) for number, group in board.faults]
        parts = [[place for group, place in places if group[0] == system] for system in systems]
        rows.append(f"| {name} | {' | '.join(_shares(part) for part in (*parts, [place for _, place in places]))} |")
    return "\n".join((*rows, "", *_spans_of(columns, chosen)))


class _Board:
    """All cases side by side: case × candidate × channel, *healthy* the first candidate of each."""

    def __init__(self, cases: Sequence[Evidence]) -> None:
        self.columns = sorted({column for case in cases for column in case.columns})
        self.faults = [(number, case.group) for number, case in enumerate(cases) if case.group]
        self._groups = [case.group for case in cases]
        most = max(len(case.services) for case in cases) + 1
        self._table = np.zeros((len(cases), most, len(self.columns)))
        self._fixed = np.full((len(cases), most), -np.inf)
        self._fixed[:, 0] = HEALTHY
        self._right = np.zeros(len(cases), dtype=int)
        for number, case in enumerate(cases):
            self._fixed[number, 1 : 1 + len(case.services)] = 0.0
            places = [self.columns.index(column) for column in case.columns]
            self._table[number, 1 : 1 + len(case.services), places] = case.table.T
            if case.group:
                right = case.group[1]
                self._right[number] = 1 + case.services.index(right) if right in case.services else -1

    def choose(self, without: Collection[Group]) -> Floats:
        """The weights under which the truths of the other groups are most likely, as many left at their start as the
        criterion asks: one after the other, on a grid."""
        numbers = np.array([number for number, group in enumerate(self._groups) if group not in without])
        table, right = self._table[numbers], self._right[numbers]
        prices = np.array(
            [0.0 if weight == START else math.log(numbers.size) / (2 * numbers.size) for weight in WEIGHTS]
        )
        weights = np.full(len(self.columns), START)
        for _ in range(ROUNDS):
            for column in range(len(self.columns)):
                others = self._fixed[numbers] + table @ np.where(np.arange(weights.size) == column, 0.0, weights)
                losses = [_loss(others + weight * table[:, :, column], right) for weight in WEIGHTS]
                weights[column] = WEIGHTS[int(np.argmin(losses + prices))]
        return weights

    def place(self, number: int, weights: Floats) -> int:
        """Where the right service of a case stands, 1 the best; far away where nothing speaks against it."""
        totals = self._fixed[number] + self._table[number] @ weights
        right = self._right[number]
        if right < 0:
            return MISSED
        return int((totals > totals[right]).sum() + (totals[:right] == totals[right]).sum()) + 1


def _loss(totals: Floats, right: Floats) -> float:
    """The mean surprise at what was the matter."""
    odds = np.exp(SHARPNESS * (totals - totals.max(axis=1, keepdims=True)))
    chances = np.where(right >= 0, odds[np.arange(right.size), right] / odds.sum(axis=1), 0.0)
    return float(-np.log(np.maximum(SURPRISE, chances)).mean())


def _akin(one: Group, other: Group) -> bool:
    """Whether two groups share the service or the fault."""
    return one[:2] == other[:2] or one[2] == other[2]


def _in_use(column: str) -> float:
    channel = CHANNELS[column.removesuffix(UNSEEN)]
    return channel.alone if column.endswith(UNSEEN) and channel.alone is not None else channel.weight


def _shares(places: Sequence[int]) -> str:
    return " / ".join(f"{sum(place <= depth for place in places) / len(places):.2f}" for depth in (1, 3))


def _spans_of(columns: Sequence[str], chosen: Mapping[str, Mapping[Group, Floats]]) -> Iterator[str]:
    """The weights by channel: the least and the most of the groups."""
    yield f"| channel | {' | '.join(chosen)} |"
    yield "|---" * (len(chosen) + 1) + "|"
    for place, column in enumerate(columns):
        spans = [[weights[place] for weights in by_group.values()] for by_group in chosen.values()]
        told = [f"{min(span):g}" if min(span) == max(span) else f"{min(span):g} to {max(span):g}" for span in spans]
        yield f"| {column} | {' | '.join(told)} |"
