"""The tools and actions that a drawing may name, as its lint knows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.agents.tools import Toolbox
from bot.canvas.lint import ToolSpec
from bot.remediation.action import Action
from bot.work.world import APPLY, RANK

RANK_FACTS = ("kind", "service", "confidence", "remedy_count", "remedy_action", "remedy_parameters")
_CLOSED: Mapping[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
_APPLY: Mapping[str, Any] = {
    "type": "object",
    "properties": {"action": {"type": "string"}, "parameters": {"type": "object"}},
    "required": ["action", "parameters"],
    "additionalProperties": False,
}


def tool_specs(toolbox: Toolbox, actions: Iterable[Action[Any] | type[Action[Any]]]) -> Mapping[str, ToolSpec]:
    """By name: what agents offer, what the commander offers, and the catalogue of actions."""
    specs = [ToolSpec(tool.name, tool.parameters, tuple(tool.facts)) for tool in toolbox]
    specs.append(ToolSpec(RANK, _CLOSED, RANK_FACTS))
    specs.append(ToolSpec(APPLY, _APPLY, changes=True))
    specs += [ToolSpec(action.name, action.parameters, changes=True) for action in actions]
    return {spec.name: spec for spec in specs}
