"""What a rule looks at, and how it complains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

from bot.canvas.chart import Edge
from bot.canvas.faults import Fault, Place
from bot.canvas.lint.tools import ToolSpec
from bot.canvas.playbook import Kind, Playbook
from bot.canvas.precedence import Precedence


@dataclass(frozen=True)
class Case:
    """One playbook with what surrounds it."""

    playbook: Playbook
    tools: Mapping[str, ToolSpec] | None
    """None where the caller knows no tools: then nothing is said about them."""
    library: Mapping[str, Playbook]

    @cached_property
    def precedence(self) -> Precedence:
        """What has certainly happened before a node."""
        return Precedence(self.playbook)

    def nodes(self, *kinds: Kind) -> Iterator[str]:
        """The nodes of these kinds, in the drawing's order; all of them for none."""
        return (node for node in self.playbook.chart.nodes if not kinds or self.playbook.kind(node) in kinds)

    def out(self, node: str) -> list[Edge]:
        """The arrows from a node."""
        return self.playbook.topology.outgoing[node]

    def at_node(self, rule: str, node: str, message: str, mend: str, *, key: str | None = None) -> Fault:
        """A fault at a node's block, or at one key of it."""
        return Fault(self.playbook.file, self.playbook.place(node, key), rule, message, mend)

    def at_drawing(self, rule: str, node: str, message: str, mend: str) -> Fault:
        """A fault where the node is drawn."""
        return Fault(self.playbook.file, self.playbook.chart.nodes[node].place, rule, message, mend)

    def at_edge(self, rule: str, edge: Edge, message: str, mend: str) -> Fault:
        """A fault at an arrow."""
        return Fault(self.playbook.file, edge.place, rule, message, mend)

    def at_front(self, rule: str, key: str, message: str, mend: str) -> Fault:
        """A fault in the front matter."""
        return Fault(self.playbook.file, self.playbook.places[""].get(key, Place(1)), rule, message, mend)


def instead(name: str, known: Iterable[str]) -> str:
    """What may have been meant by a name that there is not; all that there are, where none is like it."""
    names = sorted(known)
    like = get_close_matches(name, names, n=3, cutoff=0.75)
    return f"Did you mean {' or '.join(like)}?" if like else f"Use one of: {', '.join(names)}."
