"""Rules about references and conditions: every value named is one that has been found by then."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from bot.canvas import conditions, templates
from bot.canvas.faults import Fault
from bot.canvas.gates import approved_by
from bot.canvas.lint.case import Case, instead
from bot.canvas.playbook import Kind
from bot.canvas.settings import Settings
from bot.errors import PlaybookError
from bot.models import Alert
from bot.nearest import meant

GIVEN = frozenset({"alert", "service"})
ALWAYS: Mapping[Kind, frozenset[str] | None] = {
    Kind.BRANCH: frozenset({"chosen", "cites", "why"}),
    Kind.FORK: frozenset(),
    Kind.START: frozenset(),
    Kind.END: frozenset(),
}
"""The facts of kinds that no tool stands behind; kinds that are missing may have any."""
HASTY: tuple[tuple[str, str], ...] = (
    (r"\b(and|or|not)\b", "CEL writes && for 'and', || for 'or', ! for 'not'."),
    (r"\d\s*%", "A share is a number: write 0.05 for 5 %."),
    (r"\d\s*(ms|s|m|h)\b", "A time is a number of seconds: write 300 for 5m."),
    (r"(?<![=!<>])=(?!=)", "CEL compares with '=='."),
    (r"[≥≤≠]", "CEL writes >=, <= and !=."),
)
"""What hasty hands write for CEL, and how it is said there."""


def conditions_read(case: Case) -> Iterator[Fault]:
    """Conditions are CEL over known values."""
    for node in case.nodes(Kind.BRANCH):
        for label, condition in case.playbook.of(node).when.items():
            yield from _condition(case, node, "when", f"The condition for '{label}'", condition)
    for node in case.nodes(Kind.EXPLORE):
        exploration = case.playbook.of(node).explore
        if exploration and exploration.until:
            yield from _condition(case, node, "explore", "until", exploration.until)


def _mend(condition: str) -> str:
    """How to write it."""
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", "", condition)
    found = next((mend for pattern, mend in HASTY if re.search(pattern, bare, re.IGNORECASE)), None)
    return found or 'Mend the expression, such as "locks.blocked_count >= 3 && locks.root_age_s > 60".'


def _condition(case: Case, node: str, key: str, what: str, condition: str) -> Iterator[Fault]:
    try:
        paths = conditions.references(condition)
    except PlaybookError as error:
        mend = _mend(condition)
        yield case.at_node("condition", node, f"{what}: {error}", mend, key=key)
        return
    for path in sorted(paths):
        if key == "explore" and path[0] == case.playbook.saved_as(node):
            yield from _fact(case, node, node, path, key)
        else:
            yield from _reference(case, node, path, key, [node])


def templates_read(case: Case) -> Iterator[Fault]:
    """`{{ }}` holds a reference to a known value, and nothing else."""
    for node in case.nodes():
        moments = _moments(case, node)
        for key, value, extra in _written(case.playbook.of(node)):
            broken = templates.malformed(value)
            if broken is not None:
                message = f"'{broken}' has braces that are no reference."
                yield case.at_node(
                    "reference", node, message, "Write {{ name.fact }}: nothing else is evaluated.", key=key
                )
            for path in sorted(templates.references(value)):
                if path[0] not in extra:
                    yield from _reference(case, node, path, key, moments)


def inputs(case: Case) -> Iterator[Fault]:
    """Defaults of inputs come from the alert or the service."""
    for name, default in case.playbook.front.inputs.items():
        for path in templates.references(default):
            if path[0] not in GIVEN:
                message = f"The input '{name}' refers to '{path[0]}', which is not there when a run begins."
                yield case.at_front("reference", "inputs", message, "Refer to alert.… or service.….")


def lists(case: Case) -> Iterator[Fault]:
    """`foreach` is one reference."""
    for node in case.nodes(Kind.READ):
        foreach = case.playbook.of(node).foreach
        if foreach is not None and not templates.REFERENCE.fullmatch(foreach.strip()):
            message = f"foreach of '{node}' is not a single reference."
            yield case.at_node("foreach", node, message, 'Write foreach: "{{ name.list }}".', key="foreach")


def _written(settings: Settings) -> Iterator[tuple[str, Any, Collection[str]]]:
    """Key, its value, and the names that only this value may use."""
    own = {settings.as_} if settings.foreach else set()
    yield "with", settings.with_, own
    yield "foreach", settings.foreach, ()
    yield "ask", settings.ask, ()
    yield "say", settings.say, ()
    if settings.explore is not None:
        yield "explore", [settings.explore.goal, *(offer.with_ for offer in settings.explore.tools)], ()
    if settings.rollback is not None:
        yield "rollback", settings.rollback.with_, ()
    if settings.verify is not None:
        yield "verify", [settings.verify.query, settings.verify.with_], ()


def _moments(case: Case, node: str) -> list[str]:
    """The nodes at whose turn the values are read: for a change, its gates, since what they show is what runs."""
    if case.playbook.kind(node) is Kind.CHANGE:
        return list(approved_by(case.playbook, node)) or [node]
    return [node]


def _reference(case: Case, node: str, path: templates.Path, key: str, moments: list[str]) -> Iterator[Fault]:
    root = path[0]
    if root in GIVEN:
        yield from _given(case, node, path, key)
        return
    if root in case.playbook.front.inputs:
        return
    sources = [other for other in case.nodes() if case.playbook.saved_as(other) == root]
    if not sources:
        message = f"'{'.'.join(path)}' is found by no node."
        yield case.at_node("reference", node, message, instead(root, _names(case)), key=key)
        return
    source = sources[0]
    late = [moment for moment in moments if source not in case.precedence.certain(moment)]
    if late:
        when = f"the gate '{late[0]}' asks" if late[0] != node else f"'{node}' begins"
        message = f"'{'.'.join(path)}' may not be known when {when}: not every way there passes '{source}'."
        yield case.at_node("reference-order", node, message, f"Let every way pass '{source}' first.", key=key)
    yield from _fact(case, node, source, path, key)


def _given(case: Case, node: str, path: templates.Path, key: str) -> Iterator[Fault]:
    if path[0] == "alert" and len(path) > 1 and path[1] not in Alert.model_fields:
        fields = ", ".join(Alert.model_fields)
        yield case.at_node(
            "fact-unknown",
            node,
            f"An alert has no '{path[1]}'.",
            f"{meant(path[1], Alert.model_fields)}It has: {fields}.",
            key=key,
        )


def _fact(case: Case, node: str, source: str, path: templates.Path, key: str) -> Iterator[Fault]:
    facts = _facts_of(case, source)
    if facts is not None and len(path) > 1 and path[1] not in facts:
        message = f"'{source}' finds no '{path[1]}'."
        mend = (
            f"{meant(path[1], facts)}It finds: {', '.join(sorted(facts))}."
            if facts
            else "It finds nothing: refer to another node."
        )
        yield case.at_node("fact-unknown", node, message, mend, key=key)


def _facts_of(case: Case, source: str) -> Collection[str] | None:
    kind, settings = case.playbook.kind(source), case.playbook.of(source)
    if kind is Kind.READ and settings.foreach:
        return {"items", "count", "left_out"}
    if kind is Kind.READ:
        tool = (case.tools or {}).get(settings.use or "")
        return tool.facts if tool else None
    if kind is Kind.EXPLORE:
        return _facts_of_exploration(case, settings)
    return ALWAYS.get(kind)


def _facts_of_exploration(case: Case, settings: Settings) -> Collection[str] | None:
    """Those of all its tools, and which were used; a model may find more, but nothing may rely on that."""
    offers = settings.explore.tools if settings.explore else ()
    specs = [(case.tools or {}).get(offer.use) for offer in offers]
    if any(tool is None or tool.facts is None for tool in specs):
        return None
    return {"looked", *(fact for tool in specs if tool and tool.facts is not None for fact in tool.facts)}


def _names(case: Case) -> list[str]:
    return sorted(
        {*GIVEN, *case.playbook.front.inputs, *(case.playbook.saved_as(node) for node in case.nodes(Kind.READ))}
    )


RULES = (conditions_read, templates_read, inputs, lists)
