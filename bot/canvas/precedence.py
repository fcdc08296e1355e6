"""What has certainly finished before a node begins, whatever the branches choose.

Plain dominance is too strict for drawings with forks: after a join, every arm has been walked, yet no arm dominates the
join. Here a node counts as certain when each way to begin the later node implies, by forks, which take all their
arrows, and by branches whose every arrow leads to it, that the earlier one runs and is waited for.
"""

from __future__ import annotations

from functools import cached_property

from bot.canvas.playbook import Kind, Playbook
from bot.canvas.settings import Go


class Precedence:
    """Answers about one playbook; arrows that return in a loop are left out, for they come after a first visit."""

    def __init__(self, playbook: Playbook) -> None:
        self.playbook = playbook
        topology = playbook.topology
        forward = [edge for edge in playbook.chart.edges if edge.index not in topology.back]
        self.before = {node: [edge.source for edge in forward if edge.target == node] for node in topology.nodes}
        self.after = {node: [edge.target for edge in forward if edge.source == node] for node in topology.nodes}

    def certain(self, node: str) -> frozenset[str]:
        """The nodes that have finished whenever this one begins."""
        return self._certain.get(node, frozenset())

    @cached_property
    def _certain(self) -> dict[str, frozenset[str]]:
        leading = {node: self._leading_to(node) for node in self.playbook.topology.order}
        awaited: dict[str, frozenset[str]] = {}
        certain: dict[str, frozenset[str]] = {}
        for node in self.playbook.topology.order:
            sources = [source for source in self.before[node] if source in certain]
            known = [certain[source] | {source} for source in sources]
            waits = [awaited[source] | {source} for source in sources]
            if not sources:
                awaited[node] = certain[node] = frozenset()
            elif self.playbook.of(node).join == "any":
                awaited[node], certain[node] = frozenset.intersection(*waits), frozenset.intersection(*known)
            else:
                awaited[node] = frozenset.union(*waits)
                certain[node] = frozenset(
                    early for early in awaited[node] if all(ran & leading[early] for ran in known)
                )
        return certain

    def _leading_to(self, target: str) -> frozenset[str]:
        """The nodes that cannot run without the target running too, then or later, unless the run fails."""
        leading = {target}
        for node in reversed(self.playbook.topology.order):
            after = self.after[node]
            choose = all if self._chooses(node) else any
            if after and choose(following in leading for following in after):
                leading.add(node)
        return frozenset(leading)

    def _chooses(self, node: str) -> bool:
        """Whether the node takes one of its arrows rather than all."""
        out = self.playbook.topology.outgoing[node]
        labelled = any(edge.label is not None for edge in out)
        diverts = isinstance(self.playbook.of(node).on_error, Go) and self.playbook.kind(node) is not Kind.FORK
        return labelled or diverts
