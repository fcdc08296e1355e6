"""The drawing: nodes, edges, and the lines as their author wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from bot.canvas.faults import Place

NOWHERE = Place(0, 0)


class Shape(Enum):
    """What a node is, told by its outline: the opening and the closing brackets in Mermaid."""

    TERMINAL = ("([", "])")
    STEP = ("[", "]")
    BRANCH = ("{", "}")
    FORK = ("{{", "}}")
    GATE = ("[/", "/]")
    PLAYBOOK = ("[[", "]]")


@dataclass(frozen=True)
class Mention:
    """A node in a line of the chart; the first mention draws it, later ones give the id alone."""

    id: str
    shape: Shape | None = None
    label: str | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Link:
    """An arrow between two groups of nodes."""

    label: str | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Statement:
    """One line of the chart: groups joined by links, so one more group than links."""

    groups: tuple[tuple[Mention, ...], ...]
    links: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Remark:
    """A `%%` line, or an empty one."""

    text: str


@dataclass(frozen=True)
class Node:
    """A node of the drawing."""

    id: str
    shape: Shape
    label: str
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Edge:
    """An arrow from one node to one other."""

    index: int
    source: str
    target: str
    label: str | None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Chart:
    """A whole drawing."""

    direction: str
    lines: tuple[Statement | Remark, ...]
    place: Place = field(default=NOWHERE, compare=False)

    @cached_property
    def nodes(self) -> Mapping[str, Node]:
        """Every node by id, in the order of first mention; one without an outline is a step labelled with its id."""
        drawn: dict[str, Node] = {}
        for mention in self._mentions():
            if mention.shape is not None or mention.id not in drawn:
                shape, label = mention.shape or Shape.STEP, mention.label or mention.id
                drawn[mention.id] = Node(mention.id, shape, label, mention.place)
        return drawn

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Every arrow, in Mermaid's own order, which `linkStyle` counts by."""
        edges: list[Edge] = []
        for line in self.lines:
            if isinstance(line, Statement):
                for link, before, after in zip(line.links, line.groups, line.groups[1:], strict=False):
                    for source in before:
                        for target in after:
                            edges.append(Edge(len(edges), source.id, target.id, link.label, link.place))
        return tuple(edges)

    def _mentions(self) -> list[Mention]:
        statements = [line for line in self.lines if isinstance(line, Statement)]
        return [mention for statement in statements for group in statement.groups for mention in group]
