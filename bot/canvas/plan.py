"""What a run has come to and what it must do next: a pure function of the drawing and the outcomes so far.

Every arrow is UNKNOWN, TAKEN or SKIPPED. A node is due when each arrow to it is known and at least one is TAKEN (with
`join: any`, as soon as one is TAKEN); when all are SKIPPED it is skipped, and so are the arrows from it. An arrow out
of a loop stays UNKNOWN to its target until the loop can no longer return. When all of a loop is settled and an arrow
returns, its nodes begin their next visit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from heapq import heappop, heappush

from bot.canvas.chart import Edge
from bot.canvas.outcome import Outcome
from bot.canvas.playbook import Kind, Playbook
from bot.canvas.settings import Default, Go
from bot.canvas.topology import Loop


class Mark(StrEnum):
    """What is known about an arrow."""

    UNKNOWN = "unknown"
    TAKEN = "taken"
    SKIPPED = "skipped"


class Status(StrEnum):
    """Where a node stands, in its latest visit."""

    PENDING = "pending"
    DUE = "due"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Plan:
    """Where a run stands."""

    nodes: Mapping[str, Status]
    edges: Mapping[int, Mark]
    visits: Mapping[str, int]
    rounds: Mapping[str, int]
    """Loop header → how often the loop has been gone through since it was entered; a loop around it enters it anew."""
    due: tuple[str, ...]
    """Nodes that may run now."""
    path: tuple[str, ...]
    """Keys of the steps that have ended, each after those that led to it."""
    error: str | None
    """Why the run has failed, if it has."""

    def key(self, node: str) -> str:
        """The step's name in the store: the node, and which visit of it."""
        return step_key(node, self.visits[node])


def step_key(node: str, visit: int) -> str:
    """`look` at first, then `look#2`, `look#3`, …"""
    return node if visit == 1 else f"{node}#{visit}"


def node_of(key: str) -> str:
    """The node that a step's key belongs to."""
    return key.partition("#")[0]


def visit_of(key: str) -> int:
    """Which visit of the node a step's key is."""
    return int(key.partition("#")[2] or 1)


def plan(playbook: Playbook, outcomes: Mapping[str, Outcome]) -> Plan:
    """Where the run stands after these outcomes, in whatever order they came."""
    return Progress(playbook, outcomes).plan()


class Progress:
    """A run followed outcome by outcome: what an outcome touches is looked at again, and nothing else.

    Args:
        outcomes: kept as it is given; whoever adds to it calls `learn` for each new key.
    """

    def __init__(self, playbook: Playbook, outcomes: Mapping[str, Outcome]) -> None:
        self._playbook, self._outcomes = playbook, outcomes
        self.visits = dict.fromkeys(playbook.topology.nodes, 1)
        self.rounds = dict.fromkeys(playbook.topology.loops, 1)
        self._path: dict[str, None] = {}
        self._pass = self._marked()
        self._go_round()

    @property
    def due(self) -> tuple[str, ...]:
        """Nodes that may run now."""
        return tuple(self._pass.due)

    @property
    def error(self) -> str | None:
        """Why the run has failed, if it has."""
        return self._pass.errors[0] if self._pass.errors else None

    def key(self, node: str) -> str:
        """The step's name in the store: the node, and which visit of it."""
        return step_key(node, self.visits[node])

    def learn(self, key: str) -> None:
        """A step has got its outcome."""
        node = node_of(key)
        if node in self.visits and key == self.key(node):
            self._pass.follow(node)
            self._go_round()

    def plan(self) -> Plan:
        """Everything about where the run stands."""
        now, path = self._pass, (*self._path, *(key for key in self._pass.ended() if key not in self._path))
        return Plan(now.nodes, now.edges, self.visits, self.rounds, self.due, path, self.error)

    def _marked(self) -> _Marking:
        marking = _Marking(self._playbook, self._outcomes, self.visits)
        marking.mark()
        return marking

    def _go_round(self) -> None:
        """Begin the next visit of the nodes of each loop that returns."""
        while (returning := self._pass.returning()) is not None:
            self._path.update(dict.fromkeys(self._pass.ended()))
            again = self.rounds[returning.header] + 1
            self.rounds.update({header: 1 for header in self.rounds if header in returning.body})
            self.rounds[returning.header] = again
            for node in returning.body:
                self.visits[node] += 1
            self._pass = self._marked()


@dataclass(frozen=True)
class Route:
    """The arrows that an outcome takes; an error where it takes none and the run must end."""

    taken: Sequence[Edge]
    error: str | None = None


def route(playbook: Playbook, node: str, outcome: Outcome) -> Route:
    """Which arrows a node's outcome takes."""
    out = playbook.topology.outgoing[node]
    failure = _failure(playbook, node, outcome)
    if failure is not None:
        return _on_error(playbook, node, out, failure)
    labelled = [edge for edge in out if edge.label is not None and edge.label == outcome.edge]
    taken = labelled or [edge for edge in out if edge.label is None]
    if not taken and out:
        return Route((), f"'{node}' ended with '{outcome.edge}', and no arrow of the drawing says so.")
    return Route(taken)


def _failure(playbook: Playbook, node: str, outcome: Outcome) -> str | None:
    """What went wrong at the node; None where nothing did, or where the drawing has an arrow for it."""
    if outcome.state == "failed":
        return outcome.note or "it failed"
    if playbook.kind(node) is Kind.CHANGE and outcome.edge not in {None, "recovered"}:
        drawn = any(edge.label == outcome.edge for edge in playbook.topology.outgoing[node])
        return None if drawn else f"the change ended as '{outcome.edge}'"
    return None


def _on_error(playbook: Playbook, node: str, out: Sequence[Edge], failure: str) -> Route:
    remedy = playbook.of(node).on_error
    if isinstance(remedy, Go):
        taken = [edge for edge in out if edge.target == remedy.go]
    elif isinstance(remedy, Default):
        taken = [edge for edge in out if edge.label is None] or [edge for edge in out if edge.label == "otherwise"]
    else:
        taken = []
    return Route(taken, None if taken else f"'{node}' failed: {failure}")


class _Marking:
    """What is known about nodes and arrows, for given visit counts."""

    def __init__(self, playbook: Playbook, outcomes: Mapping[str, Outcome], visits: Mapping[str, int]) -> None:
        self.playbook, self.outcomes, self.visits = playbook, outcomes, visits
        self.topology = playbook.topology
        self.nodes: dict[str, Status] = {}
        self.edges: dict[int, Mark] = dict.fromkeys(range(len(playbook.chart.edges)), Mark.UNKNOWN)
        self.due: dict[str, None] = {}
        self.errors: list[str] = []

    def mark(self) -> None:
        """Settle every node, each after all that it waits for."""
        for node in self.topology.order:
            self._settle(node)

    def follow(self, node: str) -> None:
        """Settle a node that has got its outcome, and what waited for it."""
        rank = self.topology.rank
        ring = [rank[node]]
        while ring:
            now = self.topology.order[heappop(ring)]
            if self._settle(now):
                for after in self.topology.waiting_for[now]:
                    if rank[after] not in ring:
                        heappush(ring, rank[after])

    def _settle(self, node: str) -> bool:
        """Work out where the node stands, and mark the arrows from it; whether anything is new."""
        status = self._status(node)
        if self.nodes.get(node) is status:
            return False
        self.nodes[node] = status
        if status is Status.DUE:
            self.due[node] = None
            return True
        self.due.pop(node, None)
        if status is Status.SKIPPED:
            self._leave(node, ())
        elif status is not Status.PENDING:
            chosen = route(self.playbook, node, self._outcome(node))
            if chosen.error is None:
                self._leave(node, chosen.taken)
            else:
                self.errors.append(chosen.error)
        return True

    def returning(self) -> Loop | None:
        """A loop that goes round again, once all of it is settled."""
        for loop in self.topology.loops.values():
            returns = any(self.edges[edge.index] is Mark.TAKEN for edge in loop.back)
            settled = all(self.nodes[node] not in {Status.PENDING, Status.DUE} for node in loop.body)
            if returns and settled:
                return loop
        return None

    def ended(self) -> Iterator[str]:
        for node in self.topology.order:
            if self.nodes[node] in {Status.DONE, Status.FAILED}:
                yield step_key(node, self.visits[node])

    def _outcome(self, node: str) -> Outcome:
        return self.outcomes[step_key(node, self.visits[node])]

    def _status(self, node: str) -> Status:
        outcome = self.outcomes.get(step_key(node, self.visits[node]))
        arrivals = [
            self._arrival(edge) for edge in self.topology.incoming[node] if edge.index not in self.topology.back
        ]
        if not self._entered(node, arrivals):
            return Status.SKIPPED if arrivals and set(arrivals) == {Mark.SKIPPED} else Status.PENDING
        if outcome is None:
            return Status.DUE
        return Status.FAILED if outcome.state == "failed" else Status.DONE

    def _entered(self, node: str, arrivals: Sequence[Mark]) -> bool:
        if not arrivals:
            return node in self.topology.starts
        if self.playbook.of(node).join == "all" and Mark.UNKNOWN in arrivals:
            return False
        return Mark.TAKEN in arrivals

    def _arrival(self, edge: Edge) -> Mark:
        if any(self._may_return(loop.back) for loop in self.topology.leaves[edge.index]):
            return Mark.UNKNOWN
        return self.edges[edge.index]

    def _may_return(self, back: Sequence[Edge]) -> bool:
        return any(self.edges[edge.index] is not Mark.SKIPPED for edge in back)

    def _leave(self, node: str, taken: Sequence[Edge]) -> None:
        chosen = {edge.index for edge in taken}
        for edge in self.topology.outgoing[node]:
            self.edges[edge.index] = Mark.TAKEN if edge.index in chosen else Mark.SKIPPED
