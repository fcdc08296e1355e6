"""Random drawings, and a naive interpreter of them that knows nothing of the engine's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import strategies as st

from bot.canvas import Judgement, Playbook, Step
from tests.unit.canvas.worlds import ToldWorld, drawn

OUTLINES = {"step": ("[", "]"), "branch": ("{", "}"), "end": ("([", "])")}


@dataclass(frozen=True)
class Graph:
    """Nodes 0…n-1, of which 0 is the start; arrows go to greater numbers, but for those that return."""

    kinds: tuple[str, ...]
    """`step`, `branch`, `fork`, `any` (a fork that goes on with the first arrival), `end`."""
    arrows: tuple[tuple[int, int], ...]
    returns: tuple[tuple[int, int], ...]
    visits: int
    choices: int
    """Seed of what the branches choose."""

    def labels(self, node: int) -> dict[str, int]:
        """Label → target of a branch."""
        targets = [target for source, target in (*self.arrows, *self.returns) if source == node]
        forward = [target for target in targets if target > node]
        others = [target for target in targets if target != forward[0]]
        return {"otherwise": forward[0], **{f"way{target}": target for target in others}}

    def wish(self, node: int, visit: int) -> str:
        """What the branch would choose on this visit."""
        labels = sorted(self.labels(node))
        return labels[hash((self.choices, node, visit)) % len(labels)]

    def playbook(self) -> Playbook:
        """The same as a playbook's file says it."""
        blocks = {f"n{header}": f"max_visits: {self.visits}" for _, header in self.returns}
        lines = []
        for node, kind in enumerate(self.kinds):
            opening, closing = OUTLINES.get(kind, ("{{", "}}"))
            lines.append(f"n{node}{opening}{kind}{closing}" if node else "n0([start])")
            extra = {
                "step": f"use: t{node}",
                "branch": f"judge: model\nquestion: Which way from {node}?",
                "any": "join: any",
            }
            if kind in extra:
                blocks[f"n{node}"] = "\n".join(filter(None, [blocks.get(f"n{node}"), extra[kind]]))
        for node, kind in enumerate(self.kinds):
            if kind == "branch":
                lines += [f"n{node} -- {label} --> n{target}" for label, target in self.labels(node).items()]
            else:
                lines += [f"n{source} --> n{target}" for source, target in self.arrows if source == node]
        return drawn("\n".join(lines), blocks)


@st.composite
def graphs(draw: st.DrawFn, most: int = 12) -> Graph:
    """Random drawings with forks, joins, branches, and loops with one way in."""
    size = draw(st.integers(3, most))
    arrows: set[tuple[int, int]] = set()
    kinds = ["step"] * size
    for node in range(size - 1):
        ahead = st.integers(node + 1, size - 1)
        targets: list[int] = draw(st.lists(ahead, min_size=1, max_size=3 if node else 1, unique=True))
        arrows |= {(node, target) for target in targets}
        options = ["branch", "branch", "fork", "any"] if len(targets) > 1 else ["step", "branch", "any"]
        kinds[node] = draw(st.sampled_from(options)) if node else "start"
    lonely = [node for node in range(1, size) if all(target != node for _, target in arrows)]
    arrows |= {(draw(st.integers(min(1, node - 1), node - 1)), node) for node in lonely}
    for node in range(1, size - 1):
        if kinds[node] == "step" and sum(source == node for source, _ in arrows) > 1:
            kinds[node] = "fork"
    kinds[size - 1] = "end"
    returns = _returns(draw, kinds, arrows)
    return Graph(tuple(kinds), tuple(sorted(arrows)), returns, draw(st.integers(1, 3)), draw(st.integers(0, 10_000)))


def _returns(draw: st.DrawFn, kinds: list[str], arrows: set[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Arrows from branches back to nodes that every way to the branch passes."""
    chosen = []
    for branch in (node for node, kind in enumerate(kinds) if kind == "branch"):
        headers = [node for node in range(1, branch + 1) if _always_passed(arrows, branch, node)]
        if headers and draw(st.integers(0, 3)) > 0:
            chosen.append((branch, draw(st.sampled_from(headers))))
    return tuple(chosen)


def _always_passed(arrows: set[tuple[int, int]], target: int, through: int) -> bool:
    reached, ring = {0}, [0]
    while ring:
        node = ring.pop()
        for source, after in arrows:
            if source == node and after not in reached and after != through:
                reached.add(after)
                ring.append(after)
    return target == through or target not in reached


def naive(graph: Graph) -> set[tuple[int, int]]:
    """Every (node, visit) that runs: pass after pass over the whole drawing, each knowing all of its choices."""
    visits = dict.fromkeys(range(len(graph.kinds)), 1)
    rounds = {header: 1 for _, header in graph.returns}
    bodies = {header: _between(graph, header) for _, header in graph.returns}
    ran: set[tuple[int, int]] = set()
    while True:
        once = _Pass(graph, bodies, dict(visits), dict(rounds))
        ran |= {(node, visits[node]) for node in visits if once.runs(node)}
        again = next((header for header in sorted(bodies, reverse=True) if once.returning(header)), None)
        if again is None:
            return ran
        rounds = {header: 1 if header in bodies[again] - {again} else past for header, past in rounds.items()}
        rounds[again] += 1
        for node in bodies[again]:
            visits[node] += 1


@dataclass
class _Pass:
    """One pass: what runs on these visits, found by asking backwards from each node."""

    graph: Graph
    bodies: Mapping[int, set[int]]
    visits: Mapping[int, int]
    rounds: Mapping[int, int]
    known: dict[int, bool] = field(default_factory=dict)

    def runs(self, node: int) -> bool:
        if node not in self.known:
            before = [source for source, target in self.graph.arrows if target == node]
            self.known[node] = node == 0 or any(self.arrives(source, node) for source in before)
        return self.known[node]

    def arrives(self, source: int, target: int) -> bool:
        left = [header for header, body in self.bodies.items() if source in body and target not in body]
        takes = self.runs(source) and target in self.chosen(source)
        return takes and not any(self.returning(header) for header in left)

    def returning(self, header: int) -> bool:
        sources = [source for source, target in self.graph.returns if target == header]
        return any(self.runs(source) and header in self.chosen(source) for source in sources)

    def chosen(self, node: int) -> set[int]:
        if self.graph.kinds[node] != "branch":
            return {target for source, target in self.graph.arrows if source == node}
        labels = self.graph.labels(node)
        target = labels[self.graph.wish(node, self.visits[node])]
        spent = target <= node and self.rounds[target] >= self.graph.visits
        return {labels["otherwise"] if spent else target}


def _between(graph: Graph, header: int) -> set[int]:
    """The nodes on ways from the header to the arrows that return to it."""
    every = (*graph.arrows, *graph.returns)
    body = {header}
    ring = [source for source, target in graph.returns if target == header]
    while ring:
        node = ring.pop()
        if node not in body:
            body.add(node)
            ring += [source for source, target in every if target == node]
    return body


@dataclass
class Following(ToldWorld):
    """A world whose model chooses as the graph wishes."""

    graph: Graph | None = None

    async def judge(self, step: Step, *rest: object) -> Judgement | None:
        """The graph's wish for this visit."""
        assert self.graph is not None
        self.counts[step.key] += 1
        name, _, visit = step.key[1:].partition("#")
        return Judgement(self.graph.wish(int(name), int(visit or 1)), ("evidence-1",))
