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


def plan(playbook: Playbook, outcomes: Mapping[str, Outcome]) -> Plan:
    """Where the run stands after these outcomes."""
    visits = dict.fromkeys(playbook.topology.nodes, 1)
    rounds = dict.fromkeys(playbook.topology.loops, 1)
    path: dict[str, None] = {}
    while True:
        state = _Marking(playbook, outcomes, visits)
        state.mark()
        path.update(dict.fromkeys(state.ended()))
        returning = state.returning()
        if returning is None:
            return state.plan(tuple(path), rounds)
        again = rounds[returning.header] + 1
        rounds.update({header: 1 for header in rounds if header in returning.body})
        rounds[returning.header] = again
        for node in returning.body:
            visits[node] += 1


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
    """One pass over the nodes in order, for given visit counts."""

    def __init__(self, playbook: Playbook, outcomes: Mapping[str, Outcome], visits: Mapping[str, int]) -> None:
        self.playbook, self.outcomes, self.visits = playbook, outcomes, visits
        self.topology = playbook.topology
        self.nodes: dict[str, Status] = {}
        self.edges: dict[int, Mark] = dict.fromkeys(range(len(playbook.chart.edges)), Mark.UNKNOWN)
        self.errors: list[str] = []

    def mark(self) -> None:
        for node in self.topology.order:
            self.nodes[node] = status = self._status(node)
            if status is Status.SKIPPED:
                self._leave(node, ())
            elif status in {Status.DONE, Status.FAILED}:
                chosen = route(self.playbook, node, self._outcome(node))
                if chosen.error is None:
                    self._leave(node, chosen.taken)
                else:
                    self.errors.append(chosen.error)

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

    def plan(self, path: tuple[str, ...], rounds: Mapping[str, int]) -> Plan:
        due = tuple(node for node in self.topology.order if self.nodes[node] is Status.DUE)
        return Plan(self.nodes, self.edges, self.visits, rounds, due, path, self.errors[0] if self.errors else None)

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
