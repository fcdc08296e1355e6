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
from dataclasses import dataclass, field
from typing import Literal

from bot.agents.columns import Columns, Lines
from bot.telemetry.loglines import THREAD
from bot.telemetry.logs import stays

MAX_STEPS = 400_000
"""Lines that are kept; beyond it every other trace goes, then every other of the rest, …"""
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

    Lines are kept in columns: an object for each request would stop the process for a tenth of a second whenever
    Python looks for garbage.

    Args:
        window_start: unix seconds; a request that began before it belongs to the baseline.
        max_steps: bounds the memory.
    """

    def __init__(self, window_start: float, *, max_steps: int = MAX_STEPS) -> None:
        self._start = window_start
        self._max_steps = max_steps
        self._numbers: dict[_Key, int] = {}
        self._lengths = array("i")
        self._columns = Columns()
        self._seconds: set[int] = set()
        self._stride = 1
        self._read: dict[str | None, int] = {}
        """By service: every so-manieth trace was read."""

    def add(self, service: str | None, trace: str, template: int, at: float, *, weight: float = 1.0) -> None:
        """One line. `weight` above 1 says that only every so-manieth trace of the service was read."""
        self._seconds.add(int(at))
        if weight > self._read.get(service, 1):
            self._read[service] = int(weight)
        if not stays(trace, self._stride):
            return
        side = at >= self._start if trace.startswith(THREAD) else None
        number = self._numbers.setdefault((service, trace, side), len(self._lengths))
        if number == len(self._lengths):
            self._lengths.append(0)
        if self._lengths[number] < LONGEST:
            self._lengths[number] += 1
            self._columns.add(number, at, template)
            if len(self._columns) > self._max_steps:
                self._thin()

    def turns(self) -> list[Turn]:
        """Where paths changed, strongest first."""
        runs = self._runs()
        lines = self._columns.in_order()
        found = [
            turn for service, kept in self._by_service(lines).items() for turn in _turns(service, kept, lines, runs)
        ]
        return sorted(found, key=lambda turn: (-turn.score, -turn.count, str(turn.service), str(turn.after)))

    def _thin(self) -> None:
        """Let every other trace go."""
        self._stride *= 2
        kept = {key: number for key, number in self._numbers.items() if stays(key[1], self._stride)}
        place = {number: new for new, number in enumerate(kept.values())}
        self._columns = self._columns.only(place)
        self._lengths = array("i", (self._lengths[number] for number in kept.values()))
        self._numbers = {key: place[number] for key, number in kept.items()}

    def _by_service(self, lines: Lines) -> dict[str | None, _Kept]:
        """The requests that were read whole; where a source was thinned, the traces that the thinning left whole."""
        found: dict[str | None, _Kept] = defaultdict(_Kept)
        for (service, trace, side), number in self._numbers.items():
            if stays(trace, self._read.get(service, 1)):
                places = lines.of(number)
                began = lines.at[places.start]
                kept = found[service].now if began >= self._start else found[service].before
                (kept.requests if side is None else kept.threads).append(places)
        return found

    def _runs(self) -> _Runs:
        """The stretches that were read, by the lines that there are."""
        runs: _Runs = []
        for second in sorted(self._seconds):
            if runs and second - runs[-1][1] <= PAUSE_S:
                runs[-1] = (runs[-1][0], second + 1.0)
            else:
                runs.append((float(second), second + 1.0))
        return runs


_Key = tuple[str | None, str, bool | None]
"""Service and trace; of a thread also whether it is of the window, since it has no beginning of its own."""


@dataclass
class _Part:
    """Requests of one service as places of their lines, and what threads did, which begins and ends nowhere."""

    requests: list[range] = field(default_factory=list)
    threads: list[range] = field(default_factory=list)


@dataclass
class _Kept:
    before: _Part = field(default_factory=_Part)
    now: _Part = field(default_factory=_Part)


def _turns(service: str | None, kept: _Kept, lines: Lines, runs: _Runs) -> Iterator[Turn]:
    length_s = _length_s([*kept.before.requests, *kept.now.requests], lines)
    early, late = _halves(kept.before, lines)
    usual, window, first_half, second_half = (
        _side(part, lines, runs, length_s) for part in (kept.before, kept.now, early, late)
    )
    for after in window.paths:
        if min(usual.requests.get(after, 0), window.requests[after]) < LEAST:
            continue
        score = _excess(usual, window, after) - _drift(first_half, second_half, after)
        if score > 0:
            yield _turn(service, after, usual, window, score)


def _length_s(requests: Sequence[range], lines: Lines) -> float:
    """How long the longer requests of a service take."""
    lengths = sorted(lines.at[places[-1]] - lines.at[places[0]] for places in requests)
    return lengths[int(LONG * (len(lengths) - 1))] if lengths else 0.0


def _halves(part: _Part, lines: Lines) -> tuple[_Part, _Part]:
    """The earlier half of the requests, and the later one."""
    requests, threads = (
        sorted(places, key=lambda each: lines.at[each.start]) for places in (part.requests, part.threads)
    )
    middle, of_threads = len(requests) // 2, len(threads) // 2
    return _Part(requests[:middle], threads[:of_threads]), _Part(requests[middle:], threads[of_threads:])


def _side(part: _Part, lines: Lines, runs: _Runs, length_s: float) -> _Side:
    paths: Paths = defaultdict(Counter)
    passing: Counter[Place] = Counter()
    first: dict[tuple[Place, Place], float] = {}
    for bounded, requests in ((True, part.requests), (False, part.threads)):
        for places in requests:
            came: list[Place] = []
            for at, one, other in _steps(places, lines, runs if bounded else [], length_s):
                paths[one][other] += 1
                first[one, other] = min(at, first.get((one, other), math.inf))
                came.append(one)
            passing.update(set(came) if bounded else came)
    return _Side(paths, passing, first)


def _steps(places: range, lines: Lines, runs: _Runs, length_s: float) -> Iterator[tuple[float, Place, Place]]:
    """Each pair of neighbours with its time; the edges of the request only where they were surely seen."""
    at, template = lines.at, lines.template
    began, ended = at[places[0]], at[places[-1]]
    if any(start + length_s <= began < end for start, end in runs):
        yield began, "begin", template[places[0]]
    for place in places[1:]:
        yield at[place], template[place - 1], template[place]
    if len(places) < LONGEST and any(start <= ended < end - length_s for start, end in runs):
        yield ended, template[places[-1]], "end"


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
