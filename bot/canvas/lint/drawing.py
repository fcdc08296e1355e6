"""Rules about the drawing itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from math import prod

from bot.canvas.chart import Shape
from bot.canvas.faults import Fault
from bot.canvas.gates import ANSWERS
from bot.canvas.lint.case import Case
from bot.canvas.perform import FOUND, OTHERWISE
from bot.canvas.playbook import Kind
from bot.canvas.settings import Go

MOST_NODES = 120
"""More nobody reads, and Mermaid takes longer than a minute over them on a busy machine."""
MOST_VISITS = 1000
"""Of one node, the loops around it multiplied."""
CHANGE_ENDS = ("recovered", "not_recovered", "not_executed", "unknown")


def starts(case: Case) -> Iterator[Fault]:
    """Exactly one `([ ])` that nothing leads to."""
    topology = case.playbook.topology
    first = case.playbook.chart.place
    if not topology.starts:
        message, mend = "The drawing has no start.", "Draw one: begin([What has happened]) --> …"
        yield Fault(case.playbook.file, first, "start", message, mend)
    for extra in topology.starts[1:]:
        yield case.at_drawing("start", extra, f"'{extra}' is a second start.", "Keep one, or lead an arrow to it.")


def loose_ends(case: Case) -> Iterator[Fault]:
    """Every way ends at a `([ ])`, and nothing follows one."""
    for node in case.playbook.chart.nodes:
        terminal = case.playbook.chart.nodes[node].shape is Shape.TERMINAL
        if not case.out(node) and (not terminal or not case.playbook.topology.incoming[node]):
            message = f"'{node}' leads nowhere."
            yield case.at_drawing(
                "dead-end", node, message, "Lead an arrow on, or to an end: ([Said when it is over])."
            )
        if case.out(node) and terminal and case.playbook.topology.incoming[node]:
            message = f"'{node}' is drawn as an end, but an arrow leaves it."
            yield case.at_drawing("end", node, message, "Draw it as a step [ ], or delete the arrow.")


def unreachable(case: Case) -> Iterator[Fault]:
    """No node that no way leads to."""
    for node in case.playbook.chart.nodes:
        starting = node in case.playbook.topology.starts
        if not starting and node not in case.playbook.topology.reachable:
            yield case.at_drawing(
                "unreachable", node, f"Nothing leads to '{node}'.", "Lead an arrow to it, or delete it."
            )


def doubled_edges(case: Case) -> Iterator[Fault]:
    """No two arrows that say the same."""
    seen = Counter[tuple[str, str, str | None]]()
    for edge in case.playbook.chart.edges:
        same = (edge.source, edge.target, edge.label)
        seen[same] += 1
        if seen[same] == 2:
            message = f"The arrow from '{edge.source}' to '{edge.target}' is drawn twice."
            yield case.at_edge("edge-doubled", edge, message, "Keep one.")


def silent_forks(case: Case) -> Iterator[Fault]:
    """Only `{{ }}` starts several things at once, and it does split or join."""
    for node in case.nodes():
        kind, out = case.playbook.kind(node), case.out(node)
        counts = Counter(edge.label for edge in out)
        if kind is not Kind.FORK:
            for label in (label for label, count in counts.items() if count > 1):
                how = f"by '{label}'" if label else "at once"
                message = (
                    f"'{node}' leaves {how} to {counts[label]} nodes, but only a fork does several things at once."
                )
                yield case.at_drawing("fork", node, message, "Lead the arrow to a fork {{ }} and the fork's arrows on.")
        elif len(out) < 2 and len(case.playbook.topology.incoming[node]) < 2:
            message = f"'{node}' is drawn as a fork, but neither splits nor joins."
            yield case.at_drawing("fork", node, message, "Draw several arrows to or from it, or make it a step [ ].")


def labels(case: Case) -> Iterator[Fault]:
    """Every label is one that the node can end with."""
    for node in case.nodes():
        allowed = _labels_of(case, node)
        if allowed is None:
            continue
        for edge in case.out(node):
            if edge.label is not None and edge.label not in allowed:
                message = f"'{node}' never ends with '{edge.label}'."
                mend = f"Use one of: {', '.join(allowed)}." if allowed else "Delete the label."
                yield case.at_edge("label", edge, message, mend)


def _labels_of(case: Case, node: str) -> tuple[str, ...] | None:
    """The labels that arrows from the node may have; None for any."""
    settings = case.playbook.of(node)
    error = ("error",) if isinstance(settings.on_error, Go) else ()
    by_kind: Mapping[Kind, tuple[str, ...]] = {
        Kind.READ: error,
        Kind.CHANGE: (*CHANGE_ENDS, *error),
        Kind.EXPLORE: (FOUND, OTHERWISE, *error),
        Kind.ASK: (*settings.answers, "expired", *error),
        Kind.GATE: (*ANSWERS, *error),
        Kind.START: (),
        Kind.FORK: (),
        Kind.END: (),
    }
    if case.playbook.kind(node) is Kind.PLAYBOOK:
        return _ends_of(case, node, error)
    return by_kind.get(case.playbook.kind(node))


def _ends_of(case: Case, node: str, error: tuple[str, ...]) -> tuple[str, ...] | None:
    inner = case.library.get(case.playbook.sub_playbook(case.playbook.chart.nodes[node]))
    if inner is None:
        return None
    return (*(end for end in inner.chart.nodes if inner.kind(end) is Kind.END), *error)


def gate_edges(case: Case) -> Iterator[Fault]:
    """A gate has an arrow for each of its three answers."""
    for gate in case.nodes(Kind.GATE):
        drawn = {edge.label for edge in case.out(gate)}
        for answer in ANSWERS:
            if answer not in drawn:
                message = f"The gate '{gate}' has no arrow for '{answer}'."
                yield case.at_drawing("gate-edges", gate, message, f"Draw {gate} -- {answer} --> ….")
        if None in drawn:
            message = f"The gate '{gate}' has an arrow without an answer."
            yield case.at_drawing("gate-edges", gate, message, "Label it approved, rejected or expired.")


def ways_on(case: Case) -> Iterator[Fault]:
    """What ends without a label has an arrow without one, or one for each way it can end."""
    for node in case.nodes(Kind.CHANGE, Kind.EXPLORE, Kind.ASK, Kind.READ):
        drawn = {edge.label for edge in case.out(node)}
        wanted = _must_have(case, node)
        if drawn and None not in drawn and not wanted <= drawn:
            missing = ", ".join(sorted(wanted - drawn))
            message = f"'{node}' can end with {missing}, and no arrow says so."
            yield case.at_drawing("way-on", node, message, "Draw that arrow, or one without a label.")
        elif case.playbook.kind(node) is Kind.EXPLORE and OTHERWISE not in drawn:
            message = f"'{node}' has no '{OTHERWISE}' arrow for when nothing is found."
            yield case.at_drawing("way-on", node, message, f"Draw {node} -- {OTHERWISE} --> ….")


def _must_have(case: Case, node: str) -> set[str]:
    settings, kind = case.playbook.of(node), case.playbook.kind(node)
    if kind is Kind.ASK:
        return {*settings.answers, "expired"}
    return {Kind.CHANGE: {"recovered"}, Kind.EXPLORE: {FOUND, OTHERWISE}}.get(kind, {"(no label)"})


def loops(case: Case) -> Iterator[Fault]:
    """A loop has one way in, returns from a branch, and says how often."""
    topology = case.playbook.topology
    if topology.tangled:
        node = topology.tangled[0]
        message = f"The loop at '{node}' has more than one way in."
        yield case.at_drawing("loop", node, message, "Let every arrow from outside lead to the same node of the loop.")
    for loop in topology.loops.values():
        if case.playbook.of(loop.header).max_visits is None:
            message = f"A loop returns to '{loop.header}', which does not say how often."
            yield case.at_node("loop", loop.header, message, "Give it max_visits, such as 3.")
        for edge in loop.back:
            branch = case.playbook.kind(edge.source) is Kind.BRANCH
            if not branch or edge.label == OTHERWISE:
                message = f"The arrow from '{edge.source}' back to '{edge.target}' cannot be refused."
                mend = f"Return from a branch {{ }} by a label other than '{OTHERWISE}', so that the loop can end."
                yield case.at_edge("loop", edge, message, mend)


def visits(case: Case) -> Iterator[Fault]:
    """Loops within loops do not multiply to a run that hardly ever ends."""
    around = case.playbook.topology.loops.values()
    for inner in around:
        headers = [loop.header for loop in around if inner.header in loop.body]
        most = prod(case.playbook.of(header).max_visits or 1 for header in headers)
        if most > MOST_VISITS and all(inner.header == loop.header or loop.header not in inner.body for loop in around):
            message = f"'{inner.header}' may be visited {most} times, as the loops around it multiply."
            yield case.at_node("loop", inner.header, message, f"Lower their max_visits to {MOST_VISITS} in all.")


def size(case: Case) -> Iterator[Fault]:
    """A drawing that can be read, and drawn while it runs."""
    nodes = list(case.playbook.chart.nodes)
    if len(nodes) > MOST_NODES:
        message = f"The drawing has {len(nodes)} nodes; a picture shows {MOST_NODES} in time."
        mend = "Move what belongs together into a playbook of its own: name[[its-id]]."
        yield case.at_drawing("size", nodes[MOST_NODES], message, mend)


def idle_visits(case: Case) -> Iterator[Fault]:
    """`max_visits` stands where a loop begins."""
    for node in case.nodes():
        if case.playbook.of(node).max_visits is not None and node not in case.playbook.topology.loops:
            message = f"'{node}' has max_visits, but no arrow returns to it."
            yield case.at_node(
                "loop", node, message, "Write it at the node that the loop returns to.", key="max_visits"
            )


RULES = (starts, loose_ends, unreachable, doubled_edges, silent_forks, labels, gate_edges, ways_on, loops, idle_visits,
         visits, size)  # fmt: skip
