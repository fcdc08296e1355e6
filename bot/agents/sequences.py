"""The paths that requests take through a service's log lines, and where they turn off.

A request that returns early, fails half way or takes another branch leaves its mark in the order of its lines: the line
that always came next stays away. Lines are put together by service and trace (or request, or thread); for each
template the lines that follow it are counted in the window and before it. The measure is the part of all paths behind
a template that changed (total variation distance), less what chance and the service's own drift make of it.

Plain inputs, so that live sources and recorded cases are judged by the same code.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

from bot.telemetry.loglines import THREAD
from bot.telemetry.logs import stays

MAX_STEPS = 200_000
"""Lines that are kept of each side; beyond it every other trace goes, then every other of the rest, …"""
LONGEST = 400
"""Lines that are kept of one request in one service."""
LEAST = 5
"""Lines behind which a path is counted, on either side."""
CHANCE = 2.0
"""Mean distances that chance alone makes between two such samples, up to which a change is none."""
PAUSE_S = 20.0
"""Without a line for so long the reading had an edge there: a request may be cut in two."""
LONG = 0.95
"""The part of requests that last no longer than what counts as a service's length of a request: one that begins or ends
nearer than that to an edge of the reading may lack lines there."""
REVERSED = 0.25
"""Two lines have changed places when the second leads to the first on so many more of its paths."""
MOSTLY = 0.5
"""A line is left out when it mostly led to the one that comes now."""

Edge = Literal["begin", "end"]
Place = int | Edge
"""A template's number, or the edge of the request."""
TurnKind = Literal["cut_short", "skipped", "reordered", "other_path"]
"""The request ends early; leaves a line out; has two lines the other way round; takes another branch."""

Paths = dict[Place, "Counter[Place]"]
"""What follows a template, counted."""
_Runs = list[tuple[float, float]]


@dataclass(frozen=True)
class Turn:
    """A place at which requests of one service go on otherwise than before."""

    kind: TurnKind
    service: str | None
    after: Place
    usual: Place
    """What followed and now does so less; the one that lost most."""
    instead: Place
    """What follows now; the one that gained most."""
    share: float
    """The part of the paths behind `after` on which `usual` comes next, in the window."""
    share_before: float
    score: float
    """The part of the paths that changed, beyond chance and drift, 0 to 1."""
    count: int
    """Paths behind `after` in the window."""
    started_at: float
    """When the new way was first taken in the window, unix seconds."""


@dataclass(frozen=True)
class _Side:
    paths: Paths
    requests: Mapping[Place, int]
    """How many requests came by a place. Their paths tell of one another, so chance is reckoned by requests."""
    first: Mapping[tuple[Place, Place], float]
    """When a step was first taken."""


class Sequences:
    """Collects lines and tells where their order changed.

    Args:
        window_start: unix seconds; a request that began before it belongs to the baseline.
        max_steps: bounds the memory, for each side.
    """

    def __init__(self, window_start: float, *, max_steps: int = MAX_STEPS) -> None:
        self._start = window_start
        self._max_steps = max_steps
        self._sides = (_Kept(max_steps), _Kept(max_steps))
        self._seconds: set[int] = set()

    def add(self, service: str | None, trace: str, template: int, at: float, *, weight: float = 1.0) -> None:
        """One line. `weight` above 1 says that only every so-manieth trace of the service was read."""
        self._seconds.add(int(at))
        self._sides[at >= self._start].add(service, trace, template, at, weight)

    def turns(self) -> list[Turn]:
        """Where paths changed, strongest first."""
        runs = self._runs()
        found = [turn for service in self._sides[1].services()
                 for turn in _turns(service, *self._requests(service), runs)]  # fmt: skip
        return sorted(found, key=lambda turn: (-turn.score, -turn.count, str(turn.service), str(turn.after)))

    def _requests(self, service: str | None) -> tuple[list[_Request], list[_Request]]:
        """The requests of each side; one that spans the start of the window is of the baseline."""
        stride = max(side.stride(service) for side in self._sides)
        before, now = (side.whole(service, stride) for side in self._sides)
        for trace, steps in before.items():
            if not trace.startswith(THREAD):
                steps.extend(now.pop(trace, ()))
        return _in_order(before), _in_order(now)

    def _runs(self) -> _Runs:
        """The stretches that were read, by the lines that there are."""
        runs: _Runs = []
        for second in sorted(self._seconds):
            if runs and second - runs[-1][1] <= PAUSE_S:
                runs[-1] = (runs[-1][0], second + 1.0)
            else:
                runs.append((float(second), second + 1.0))
        return runs


class _Kept:
    """The lines of one side by service and trace; when they become too many, whole traces go."""

    def __init__(self, max_steps: int) -> None:
        self._max_steps = max_steps
        self._steps: dict[str | None, dict[str, array[float]]] = defaultdict(dict)
        self._size = 0
        self._stride = 1
        self._read: dict[str | None, int] = {}

    def add(self, service: str | None, trace: str, template: int, at: float, weight: float) -> None:
        self._read[service] = max(self._read.get(service, 1), int(weight))
        if not stays(trace, self._stride):
            return
        steps = self._steps[service].get(trace)
        if steps is None:
            steps = self._steps[service][trace] = array("d")
        if len(steps) < 2 * LONGEST:
            steps.extend((at, template))
            self._size += 1
            if self._size > self._max_steps:
                self._thin()

    def services(self) -> list[str | None]:
        return list(self._steps)

    def stride(self, service: str | None) -> int:
        """One trace of so many is whole, by our thinning and by that of the source."""
        return max(self._stride, self._read.get(service, 1))

    def whole(self, service: str | None, stride: int) -> dict[str, array[float]]:
        """Copies of the requests that a thinning by this stride leaves whole."""
        kept = self._steps.get(service, {})
        return {trace: steps[:] for trace, steps in kept.items() if stays(trace, stride)}

    def _thin(self) -> None:
        self._stride *= 2
        for service, kept in self._steps.items():
            self._steps[service] = {trace: steps for trace, steps in kept.items() if stays(trace, self._stride)}
        self._size = sum(len(steps) // 2 for kept in self._steps.values() for steps in kept.values())


class _Request(NamedTuple):
    """The lines of one trace in one service, by time.

    Times and templates take turns in one array: hundreds of thousands of small objects would stop the process while
    Python looks through them for garbage.
    """

    trace: str
    flat: array[float]

    @property
    def began(self) -> float:
        return self.flat[0]

    @property
    def ended(self) -> float:
        return self.flat[-2]

    @property
    def bounded(self) -> bool:
        """Whether it has a beginning and an end."""
        return not self.trace.startswith(THREAD)

    def steps(self, runs: _Runs, length_s: float) -> Iterator[tuple[float, Place, Place]]:
        """Each pair of neighbours with its time; the edges of the request only where they were surely seen."""
        flat = self.flat
        if self.bounded and any(start + length_s <= self.began < end for start, end in runs):
            yield flat[0], "begin", int(flat[1])
        for place in range(3, len(flat), 2):
            yield flat[place - 1], int(flat[place - 2]), int(flat[place])
        seen = self.bounded and len(flat) < 2 * LONGEST
        if seen and any(start <= self.ended < end - length_s for start, end in runs):
            yield flat[-2], int(flat[-1]), "end"


def _in_order(kept: Mapping[str, array[float]]) -> list[_Request]:
    return [_Request(trace, _by_time(flat)) for trace, flat in kept.items()]


def _by_time(flat: array[float]) -> array[float]:
    """Lines of one moment stay as they came."""
    times = flat[::2]
    if all(one <= other for one, other in pairwise(times)):
        return flat
    ordered = array("d")
    for place in sorted(range(len(times)), key=times.__getitem__):
        ordered.extend(flat[2 * place : 2 * place + 2])
    return ordered


def _length_s(requests: Sequence[_Request]) -> float:
    """How long the longer requests of a service take."""
    lengths = sorted(request.ended - request.began for request in requests if request.bounded)
    return lengths[int(LONG * (len(lengths) - 1))] if lengths else 0.0


def _turns(service: str | None, before: Sequence[_Request], now: Sequence[_Request], runs: _Runs) -> Iterator[Turn]:
    length_s = _length_s([*before, *now])
    ordered = sorted(before, key=lambda request: request.began)
    middle = len(ordered) // 2
    usual, window, early, late = (
        _side(part, runs, length_s) for part in (before, now, ordered[:middle], ordered[middle:])
    )
    for after in window.paths:
        if min(usual.requests.get(after, 0), window.requests[after]) < LEAST:
            continue
        score = _excess(usual, window, after) - _drift(early, late, after)
        if score > 0:
            yield _turn(service, after, usual, window, score)


def _side(requests: Sequence[_Request], runs: _Runs, length_s: float) -> _Side:
    paths: Paths = defaultdict(Counter)
    passing: Counter[Place] = Counter()
    first: dict[tuple[Place, Place], float] = {}
    for request in requests:
        came: list[Place] = []
        for at, one, other in request.steps(runs, length_s):
            paths[one][other] += 1
            first[one, other] = min(at, first.get((one, other), math.inf))
            came.append(one)
        passing.update(set(came) if request.bounded else came)
    return _Side(paths, passing, first)


def _drift(early: _Side, late: _Side, after: Place) -> float:
    """How much the earlier half of the baseline already differs from the later one, beyond chance."""
    enough = min(early.requests.get(after, 0), late.requests.get(after, 0)) >= LEAST
    return _excess(early, late, after) if enough else 0.0


def _excess(one: _Side, other: _Side, after: Place) -> float:
    """Total variation distance of two samples, less what chance makes of it; 0 at least."""
    paths, other_paths = one.paths[after], other.paths[after]
    size, other_size = paths.total(), other_paths.total()
    requests, other_requests = one.requests[after], other.requests[after]
    distance = chance = 0.0
    for place in paths.keys() | other_paths.keys():
        share, other_share = paths[place] / size, other_paths[place] / other_size
        distance += abs(share - other_share) / 2
        together = (share * requests + other_share * other_requests) / (requests + other_requests)
        variance = together * (1 - together) * (1 / requests + 1 / other_requests)
        chance += math.sqrt(2 / math.pi * max(0.0, variance)) / 2
    return max(0.0, distance - CHANCE * chance)


def _turn(service: str | None, after: Place, usual: _Side, window: _Side, score: float) -> Turn:
    known, following = usual.paths[after], window.paths[after]
    places = sorted(known.keys() | following.keys(), key=str)
    gains = {place: _share(following, place) - _share(known, place) for place in places}
    lost, gained = min(gains, key=gains.__getitem__), max(gains, key=gains.__getitem__)
    return Turn(
        kind=_kind(lost, gained, usual.paths, window.paths),
        service=service,
        after=after,
        usual=lost,
        instead=gained,
        share=_share(following, lost),
        share_before=_share(known, lost),
        score=min(1.0, score),
        count=following.total(),
        started_at=window.first[after, gained],
    )


def _kind(lost: Place, gained: Place, usual: Paths, window: Paths) -> TurnKind:
    if gained == "end":
        return "cut_short"
    if lost != "end" and _leads(window, gained, lost) > _leads(usual, gained, lost) + REVERSED:
        return "reordered"
    return "skipped" if _leads(usual, lost, gained) >= MOSTLY else "other_path"


def _leads(paths: Paths, one: Place, other: Place) -> float:
    """The part of the paths behind one place that go on to the other."""
    following = paths.get(one)
    return _share(following, other) if following else 0.0


def _share(following: Counter[Place], place: Place) -> float:
    return following[place] / following.total()
