"""Rules about the blocks: that each node has what its shape needs, and that tools are used as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.canvas.faults import Fault
from bot.canvas.lint.case import Case, instead
from bot.canvas.lint.tools import ToolSpec, misfits
from bot.canvas.perform import OTHERWISE
from bot.canvas.playbook import Kind
from bot.canvas.settings import Go
from bot.nearest import meant

COMMON = frozenset({"max_visits", "join"})
FOUND = frozenset({"save_as", "on_error"})
KEYS: Mapping[Kind, frozenset[str]] = {
    Kind.START: frozenset(),
    Kind.END: frozenset({"say", "outcome"}),
    Kind.READ: FOUND | {"use", "with", "foreach", "as", "at_most", "retry", "deadline"},
    Kind.CHANGE: FOUND | {"change", "with", "verify", "rollback", "irreversible", "risk"},
    Kind.EXPLORE: FOUND | {"explore", "deadline"},
    Kind.ASK: FOUND | {"ask", "answers", "expires"},
    Kind.BLANK: frozenset(),
    Kind.BRANCH: frozenset({"when", "judge", "question", "save_as", "deadline"}),
    Kind.FORK: frozenset(),
    Kind.GATE: FOUND | {"why", "expires"},
    Kind.PLAYBOOK: FOUND | {"playbook", "with"},
}
"""The keys that a node of each kind may have, besides the common ones."""
WORKING = (Kind.READ, Kind.CHANGE, Kind.EXPLORE, Kind.ASK, Kind.BRANCH, Kind.GATE)
"""Kinds that a person could not do by hand without being told how."""


def strangers(case: Case) -> Iterator[Fault]:
    """Every section belongs to a node."""
    for node, section in case.playbook.sections.items():
        if node not in case.playbook.chart.nodes:
            message = f"There is no node '{node}' in the drawing."
            untold = set(case.playbook.chart.nodes) - set(case.playbook.sections)
            mend = f"{meant(node, untold)}Draw it, rename the section to a node's id, or make it a #### heading."
            yield Fault(case.playbook.file, section.place, "section-unknown", message, mend)


def missing(case: Case) -> Iterator[Fault]:
    """A step says what it does, a branch how it decides, and both why."""
    for node in case.nodes(Kind.BLANK):
        message = f"The step '{node}' says nothing to do."
        others = set(case.playbook.chart.nodes) - {node} if case.playbook.chart.nodes[node].label == node else ()
        mend = f"{meant(node, others)}Write ### {node} with a ```yaml block: use:, change:, explore: or ask:."
        yield case.at_node("block-missing", node, message, mend)
    for node in case.nodes(*WORKING):
        section = case.playbook.sections.get(node)
        if section is None or not section.prose.strip():
            message = f"'{node}' does not say what a person would do here, and why."
            yield case.at_node("prose", node, message, f"Write a sentence under ### {node}.")


def misplaced_keys(case: Case) -> Iterator[Fault]:
    """A block has only keys that its node's shape knows."""
    for node in case.nodes():
        kind = case.playbook.kind(node)
        allowed = KEYS[kind] | COMMON
        for key in sorted(case.playbook.of(node).written - allowed):
            message = f"'{key}' means nothing for '{node}', which is a {kind} by its shape and block."
            mend = f"Delete it, or draw the node differently; here it may have: {', '.join(sorted(allowed))}."
            yield case.at_node("shape", node, message, mend, key=key)


def joins(case: Case) -> Iterator[Fault]:
    """`join` stands where arrows meet."""
    for node in case.nodes():
        if "join" in case.playbook.of(node).written and len(case.playbook.topology.incoming[node]) < 2:
            message = f"'{node}' has a join, but fewer than two arrows lead to it."
            yield case.at_node("join", node, message, "Delete the key.", key="join")


def branches(case: Case) -> Iterator[Fault]:
    """Conditions and labels match one to one, and there is an `otherwise`."""
    for node in case.nodes(Kind.BRANCH):
        settings = case.playbook.of(node)
        drawn = [edge.label for edge in case.out(node)]
        if None in drawn:
            message = f"An arrow from the branch '{node}' has no label."
            yield case.at_drawing("branch", node, message, "Label every arrow from a branch.")
        if OTHERWISE not in drawn:
            message = f"The branch '{node}' has no '{OTHERWISE}' arrow."
            yield case.at_drawing("branch", node, message, f"Draw {node} -- {OTHERWISE} --> ….")
        yield from _conditions(case, node) if settings.judge is None else _judged(case, node)


def _conditions(case: Case, node: str) -> Iterator[Fault]:
    settings = case.playbook.of(node)
    drawn = [edge.label for edge in case.out(node) if edge.label not in {None, OTHERWISE}]
    for label in drawn:
        if label not in settings.when:
            message = f"The branch '{node}' has no condition for '{label}'."
            mend = f'Write when: {{{label}: "…"}} under ### {node}.'
            yield case.at_node("branch", node, message, mend, key="when")
    for label in settings.when:
        if label not in drawn:
            message = f"The branch '{node}' has a condition for '{label}', but no such arrow."
            like = meant(label, {str(one) for one in drawn if one not in settings.when})
            mend = f"{like}Draw the arrow, or delete the condition; '{OTHERWISE}' needs none."
            yield case.at_node("branch", node, message, mend, key="when")


def _judged(case: Case, node: str) -> Iterator[Fault]:
    if case.playbook.of(node).when:
        message = f"The branch '{node}' is judged by the model and has conditions as well."
        yield case.at_node("branch", node, message, "Keep either when or judge.", key="judge")


def questions(case: Case) -> Iterator[Fault]:
    """A question has its buttons."""
    for node in case.nodes(Kind.ASK):
        answers = case.playbook.of(node).answers
        if len(answers) < 2 or len(set(answers)) != len(answers) or "expired" in answers:
            message = f"'{node}' asks, but its answers cannot be told apart."
            yield case.at_node(
                "ask", node, message, "Give two to five different answers, none of them 'expired'.", key="ask"
            )


def saved_names(case: Case) -> Iterator[Fault]:
    """Facts have one name each, and none that is given."""
    owner: dict[str, str] = {}
    for node in case.nodes():
        name = case.playbook.saved_as(node)
        reserved = {"alert", "service", *case.playbook.front.inputs}
        if name in reserved:
            message = f"'{name}' names what the run is given, so '{node}' cannot save its facts under it."
            yield case.at_node("save-as", node, message, "Choose another name.", key="save_as")
        elif owner.setdefault(name, node) != node:
            message = f"'{node}' and '{owner[name]}' both save their facts as '{name}'."
            yield case.at_node("save-as", node, message, "Choose another name.", key="save_as")


def diversions(case: Case) -> Iterator[Fault]:
    """The way out of an error is drawn."""
    for node in case.nodes():
        remedy = case.playbook.of(node).on_error
        if isinstance(remedy, Go) and all(edge.target != remedy.go for edge in case.out(node)):
            message = f"On an error '{node}' goes to '{remedy.go}', but no arrow is drawn there."
            yield case.at_node("on-error", node, message, f"Draw {node} -- error --> {remedy.go}.", key="on_error")


def tools(case: Case) -> Iterator[Fault]:
    """Tools exist, are used for what they are, and get the parameters that they take."""
    for node in case.nodes(Kind.READ, Kind.CHANGE):
        settings = case.playbook.of(node)
        key = "use" if settings.use is not None else "change"
        name = settings.use or settings.change or ""
        yield from _use(case, node, key, name, settings.with_, changes=key == "change")
    for node in case.nodes(Kind.CHANGE):
        settings = case.playbook.of(node)
        if settings.rollback is not None:
            yield from _use(case, node, "rollback", settings.rollback.use, settings.rollback.with_, changes=True)
        if settings.verify is not None and settings.verify.use is not None:
            yield from _use(case, node, "verify", settings.verify.use, settings.verify.with_, changes=False)
    for node in case.nodes(Kind.EXPLORE):
        exploration = case.playbook.of(node).explore
        for offer in exploration.tools if exploration else ():
            yield from _use(case, node, "explore", offer.use, offer.with_, changes=False)


def _use(case: Case, node: str, key: str, name: str, given: Mapping[str, Any], *, changes: bool) -> Iterator[Fault]:
    yield from _known(case, node, key, name, changes=changes)
    tool = (case.tools or {}).get(name)
    for misfit in misfits(tool, given) if tool else ():
        own = key in {"use", "change"}
        yield case.at_node("parameters", node, f"{misfit}.", "Mend `with`.", key="with" if own else key)


def _known(case: Case, node: str, key: str, name: str, *, changes: bool) -> Iterator[Fault]:
    if case.tools is None:
        return
    tool: ToolSpec | None = case.tools.get(name)
    if tool is None:
        mend = instead(name, (known for known, spec in case.tools.items() if spec.changes == changes))
        message = f"There is no {'action' if changes else 'tool'} '{name}'."
        yield case.at_node("tool-unknown", node, message, mend, key=key)
    elif tool.changes != changes:
        message = f"'{name}' {'changes' if tool.changes else 'does not change'} something."
        mend = "Write change: and put a gate before it." if tool.changes else "Write use: instead."
        yield case.at_node("tool-kind", node, message, mend, key=key)


RULES = (strangers, missing, misplaced_keys, joins, branches, questions, saved_names, diversions, tools)
