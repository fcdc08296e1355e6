"""Rules about changes: none without approval, none that cannot be checked or undone unawares."""

from __future__ import annotations

from collections.abc import Iterator

from bot.canvas import templates
from bot.canvas.faults import Fault
from bot.canvas.gates import covered, repeated, ungated
from bot.canvas.lint.case import Case
from bot.canvas.playbook import Kind
from bot.canvas.settings import Verify


def unapproved_changes(case: Case) -> Iterator[Fault]:
    """Every way to a change passes a gate's `approved`."""
    for change in ungated(case.playbook):
        message = f"The change '{change}' can be reached without approval."
        yield case.at_drawing("ungated", change, message, "Draw a gate [/ /] and lead its 'approved' arrow here.")
    for change in repeated(case.playbook):
        message = f"A loop comes back to the change '{change}' without asking again."
        yield case.at_drawing("ungated", change, message, "Put the gate inside the loop.")


def idle_gates(case: Case) -> Iterator[Fault]:
    """A gate asks about something."""
    for gate in case.nodes(Kind.GATE):
        if not covered(case.playbook, gate):
            message = f"The gate '{gate}' asks about no change."
            yield case.at_drawing("gate-idle", gate, message, "Lead 'approved' to a change, or ask: in a step instead.")


def unverified_changes(case: Case) -> Iterator[Fault]:
    """A change says how one sees that it helped, and how it is undone or that it cannot be."""
    for change in case.nodes(Kind.CHANGE):
        settings = case.playbook.of(change)
        if settings.verify is None:
            message = f"The change '{change}' does not say how to see that it helped."
            mend = 'Write verify: {query: "…", below: …, within: 5m}.'
            yield case.at_node("verify", change, message, mend)
        else:
            yield from _verification(case, change, settings.verify)
        if (settings.rollback is None) == (settings.irreversible is None):
            message = f"The change '{change}' must say either how it is undone or that it cannot be."
            mend = 'Write rollback: {use: …, with: {…}}, or irreversible: "why".'
            yield case.at_node("rollback", change, message, mend)


def _verification(case: Case, change: str, verify: Verify) -> Iterator[Fault]:
    if sum(way is not None for way in (verify.query, verify.use, verify.symptom)) != 1:
        message, mend = f"verify of '{change}' must have one of query, symptom and use.", "Keep one of them."
        yield case.at_node("verify", change, message, mend, key="verify")
    if verify.use is not None and verify.fact is None:
        message, mend = f"verify of '{change}' does not say which fact to watch.", "Add fact: name."
        yield case.at_node("verify", change, message, mend, key="verify")
    if verify.symptom is not None:
        if verify.below is not None or verify.above is not None:
            message = f"verify of '{change}' watches a symptom, whose own normal says what is good."
            yield case.at_node("verify", change, message, "Leave below and above out.", key="verify")
    elif (verify.below is None) == (verify.above is None):
        message, mend = f"verify of '{change}' must say what is good.", "Add either below: or above:."
        yield case.at_node("verify", change, message, mend, key="verify")
    for path in sorted(templates.references(verify.query)):
        if path[0] != "service":
            message = f"The query of verify in '{change}' contains '{'.'.join(path)}', which comes from outside."
            mend = "A query may name {{ service.… }} only: its values come from the catalogue."
            yield case.at_node("query-outside", change, message, mend, key="verify")


RULES = (unapproved_changes, idle_gates, unverified_changes)
