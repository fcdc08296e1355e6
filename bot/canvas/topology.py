"""What follows from the drawing alone: order, loops, and what must have happened before a node runs.

Dominators are found by the iterative method of Cooper, Harvey and Kennedy ("A Simple, Fast Dominance Algorithm",
2001); a loop is the natural loop of an edge whose target dominates its source.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from bot.canvas.chart import Chart, Edge, Shape


@dataclass(frozen=True)
class Loop:
    """A cycle with one way in."""

    header: str
    body: frozenset[str]
    """Every node in it, the header included."""
    back: tuple[Edge, ...]
    """The arrows that return to the header."""


class Topology:
    """Answers about one chart; computed once for each version of a playbook."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.nodes = tuple(chart.nodes)
        self.incoming: dict[str, list[Edge]] = {node: [] for node in self.nodes}
        self.outgoing: dict[str, list[Edge]] = {node: [] for node in self.nodes}
        for edge in chart.edges:
            self.incoming[edge.target].append(edge)
            self.outgoing[edge.source].append(edge)

    @cached_property
    def starts(self) -> tuple[str, ...]:
        """Nodes drawn as `([ ])` that nothing leads to."""
        terminals = [node for node in self.nodes if self.chart.nodes[node].shape is Shape.TERMINAL]
        return tuple(node for node in terminals if not self.incoming[node])

    @cached_property
    def reachable(self) -> frozenset[str]:
        """What can be reached from a start."""
        return self.reach(self.starts)

    @cached_property
    def loops(self) -> Mapping[str, Loop]:
        """Loops by their header."""
        found: dict[str, list[Edge]] = {}
        for edge in self.chart.edges:
            if edge.source in self.reachable and edge.target in self._dominators[edge.source]:
                found.setdefault(edge.target, []).append(edge)
        return {header: Loop(header, self._body(header, back), tuple(back)) for header, back in found.items()}

    @cached_property
    def back(self) -> Mapping[int, Loop]:
        """The index of each returning arrow → its loop."""
        return {edge.index: loop for loop in self.loops.values() for edge in loop.back}

    @cached_property
    def leaves(self) -> Mapping[int, tuple[Loop, ...]]:
        """The index of each arrow → the loops that it leads out of."""
        return {
            edge.index: tuple(
                loop for loop in self.loops.values() if edge.source in loop.body and edge.target not in loop.body
            )
            for edge in self.chart.edges
        }

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The nodes, each after all that it waits for; `tangled` ones, and what follows them, are missing."""
        waits = {node: len(before) for node, before in self._waits_for.items()}
        ready = deque(node for node in self.nodes if waits[node] == 0)
        ordered: list[str] = []
        while ready:
            node = ready.popleft()
            ordered.append(node)
            for after in self.waiting_for[node]:
                waits[after] -= 1
                if waits[after] == 0:
                    ready.append(after)
        return tuple(ordered)

    @cached_property
    def rank(self) -> Mapping[str, int]:
        """Each node's place in `order`."""
        return {node: place for place, node in enumerate(self.order)}

    @cached_property
    def waiting_for(self) -> Mapping[str, tuple[str, ...]]:
        """Node → the nodes about which its own end tells something, in the drawing's order."""
        waiting: dict[str, list[str]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            for before in self._waits_for[node]:
                waiting[before].append(node)
        return {node: tuple(after) for node, after in waiting.items()}

    @cached_property
    def _waits_for(self) -> Mapping[str, frozenset[str]]:
        """Node → what must be known before it: its sources, and the returns of every loop that is left for it."""
        waits: dict[str, set[str]] = {node: set() for node in self.nodes}
        for edge in self.chart.edges:
            if edge.index not in self.back:
                returns = (back.source for loop in self.leaves[edge.index] for back in loop.back)
                waits[edge.target] |= {edge.source, *returns}
        return {node: frozenset(before) for node, before in waits.items()}

    @cached_property
    def tangled(self) -> tuple[str, ...]:
        """Nodes of cycles that have more than one way in, and whatever follows them."""
        return tuple(node for node in self.nodes if node not in self.rank)

    def reach(self, origins: Iterable[str], *, passing: Callable[[Edge], bool] = lambda _: True) -> frozenset[str]:
        """The origins and all nodes that arrows lead to from them, along arrows that `passing` lets through."""
        seen = set(origins)
        ring = list(seen)
        while ring:
            for edge in self.outgoing[ring.pop()]:
                if edge.target not in seen and passing(edge):
                    seen.add(edge.target)
                    ring.append(edge.target)
        return frozenset(seen)

    @cached_property
    def _dominators(self) -> Mapping[str, frozenset[str]]:
        known = {node: frozenset(self.reachable) for node in self.reachable}
        known.update({start: frozenset({start}) for start in self.starts})
        order = [node for node in self._reverse_postorder() if node not in self.starts]
        changed = True
        while changed:
            changed = False
            for node in order:
                before = [known[edge.source] for edge in self.incoming[node] if edge.source in known]
                now = frozenset.intersection(*before) | {node} if before else frozenset({node})
                changed = changed or now != known[node]
                known[node] = now
        return known

    def _reverse_postorder(self) -> list[str]:
        seen: set[str] = set()
        finished: list[str] = []
        for start in self.starts:
            stack = [(start, iter(self.outgoing[start]))]
            seen.add(start)
            while stack:
                following = next((edge.target for edge in stack[-1][1] if edge.target not in seen), None)
                if following is None:
                    finished.append(stack.pop()[0])
                else:
                    seen.add(following)
                    stack.append((following, iter(self.outgoing[following])))
        return finished[::-1]

    def _body(self, header: str, back: list[Edge]) -> frozenset[str]:
        body = {header}
        ring = [edge.source for edge in back]
        while ring:
            node = ring.pop()
            if node not in body:
                body.add(node)
                ring += [edge.source for edge in self.incoming[node] if edge.source in self.reachable]
        return frozenset(body)
