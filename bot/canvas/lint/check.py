"""Runs all rules over playbooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.canvas.faults import Fault, Place
from bot.canvas.lint import blocks, company, drawing, safety, values
from bot.canvas.lint.case import Case
from bot.canvas.lint.tools import ToolSpec
from bot.canvas.playbook import Playbook

RULES = (*drawing.RULES, *blocks.RULES, *values.RULES, *safety.RULES, *company.RULES)


def lint(
    playbook: Playbook, tools: Mapping[str, ToolSpec] | None = None, library: Mapping[str, Playbook] | None = None
) -> tuple[Fault, ...]:
    """Everything that must be mended in one playbook, in the file's order.

    Args:
        tools: what there is by name; None leaves tools, their parameters and facts unchecked.
        library: the other playbooks by id, for `[[ ]]` nodes and for ties.
    """
    case = Case(playbook, tools, dict(library or {}))
    return tuple(sorted({fault for rule in RULES for fault in rule(case)}))


def sound(playbooks: Iterable[Playbook], tools: Mapping[str, ToolSpec] | None = None) -> tuple[Fault, ...]:
    """Everything that must be mended in a set of playbooks, and between them."""
    given = list(playbooks)
    library: dict[str, Playbook] = {}
    faults: list[Fault] = []
    for playbook in given:
        first = library.setdefault(playbook.id, playbook)
        if first is not playbook:
            place = playbook.places[""].get("id", Place(1))
            message = f"The id '{playbook.id}' is taken by {first.file}."
            faults.append(Fault(playbook.file, place, "id-doubled", message, "Choose another id."))
    for playbook in given:
        faults += lint(playbook, tools, library)
    return tuple(sorted(faults))
