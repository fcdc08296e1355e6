"""Which changes a gate asks about, and which gates stand before a change."""

from __future__ import annotations

from collections.abc import Iterator

from bot.canvas.chart import Edge, Shape
from bot.canvas.playbook import Kind, Playbook

APPROVED, REJECTED, EXPIRED = "approved", "rejected", "expired"
ANSWERS = (APPROVED, REJECTED, EXPIRED)


def gates(playbook: Playbook) -> Iterator[str]:
    """Every gate of the drawing."""
    return (node for node, drawn in playbook.chart.nodes.items() if drawn.shape is Shape.GATE)


def covered(playbook: Playbook, gate: str) -> tuple[str, ...]:
    """The changes that approval of the gate leads to, without another gate between; in the drawing's order."""
    topology = playbook.topology
    first = [edge.target for edge in topology.outgoing[gate] if edge.label == APPROVED]
    reached = topology.reach(first, passing=lambda edge: playbook.chart.nodes[edge.source].shape is not Shape.GATE)
    return tuple(node for node in playbook.chart.nodes if node in reached and playbook.kind(node) is Kind.CHANGE)


def approved_by(playbook: Playbook, change: str) -> tuple[str, ...]:
    """The gates that ask about the change."""
    return tuple(gate for gate in gates(playbook) if change in covered(playbook, gate))


def ungated(playbook: Playbook) -> tuple[str, ...]:
    """The changes that can be reached without any approval."""
    unapproved = playbook.topology.reach(playbook.topology.starts, passing=lambda edge: not approval(playbook, edge))
    return tuple(node for node in playbook.chart.nodes if node in unapproved and playbook.kind(node) is Kind.CHANGE)


def repeated(playbook: Playbook) -> tuple[str, ...]:
    """The changes that a loop can come back to without asking again."""
    topology = playbook.topology
    changes = [node for node in playbook.chart.nodes if playbook.kind(node) is Kind.CHANGE]

    def again(change: str) -> bool:
        after = [edge.target for edge in topology.outgoing[change]]
        return change in topology.reach(after, passing=lambda edge: not approval(playbook, edge))

    return tuple(change for change in changes if again(change))


def approval(playbook: Playbook, edge: Edge) -> bool:
    """Whether the arrow is a gate's `approved`."""
    return edge.label == APPROVED and playbook.chart.nodes[edge.source].shape is Shape.GATE
