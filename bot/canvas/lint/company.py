"""Rules about a playbook among the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bot.canvas.faults import Fault
from bot.canvas.lint.case import Case, instead
from bot.canvas.matching import patterns_fault, tie
from bot.canvas.playbook import Kind, Playbook


def file_names(case: Case) -> Iterator[Fault]:
    """The file is named by the playbook's id, so that two cannot share one."""
    stem = Path(case.playbook.file).stem
    if stem != case.playbook.id:
        message = f"The file is named '{stem}', and the playbook '{case.playbook.id}'."
        yield case.at_front("file-name", "id", message, f"Name the file {case.playbook.id}.md, or the playbook {stem}.")


def inner_playbooks(case: Case) -> Iterator[Fault]:
    """`[[ ]]` names a playbook, and none goes into itself."""
    for node in case.nodes(Kind.PLAYBOOK):
        name = case.playbook.sub_playbook(case.playbook.chart.nodes[node])
        if name not in case.library:
            message = f"There is no playbook '{name}'."
            yield case.at_drawing("playbook-unknown", node, message, instead(name, case.library))
        elif _leads_to(case.library, name, case.playbook.id):
            message = f"'{name}' leads back into '{case.playbook.id}', so a run might never end."
            yield case.at_drawing("playbook-cycle", node, message, "Go into another playbook, or end here.")


def matches(case: Case) -> Iterator[Fault]:
    """`match` can be used, and no other playbook is as good for the same alert."""
    match = case.playbook.front.match
    if match is None:
        return
    problem = patterns_fault(match)
    if problem is not None:
        yield case.at_front("match", "match", problem, "Mend the regular expression.")
        return
    for other in case.library.values():
        if other.id < case.playbook.id and other.front.match is not None and tie(match, other.front.match):
            message = f"'{case.playbook.id}' and '{other.id}' match the same alerts equally well."
            yield case.at_front("match-tie", "match", message, "Make one of them more specific.")


def _leads_to(library: dict[str, Playbook] | object, name: str, target: str) -> bool:
    assert isinstance(library, dict)
    seen, ring = set[str](), [name]
    while ring:
        current = ring.pop()
        if current == target:
            return True
        if current in seen or current not in library:
            continue
        seen.add(current)
        inner: Playbook = library[current]
        nodes = inner.chart.nodes.values()
        ring += [inner.sub_playbook(node) for node in nodes if inner.kind(node.id) is Kind.PLAYBOOK]
    return False


RULES = (file_names, inner_playbooks, matches)
