"""The tools and actions that a drawing may name, as its lint knows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.agents.changes import changes_tools
from bot.agents.database import database_tools
from bot.agents.logs import logs_tools
from bot.agents.metrics import metrics_tools
from bot.agents.requests import request_tools
from bot.agents.tools import Toolbox
from bot.agents.traces import traces_tools
from bot.canvas.lint import ToolSpec
from bot.remediation.action import Action
from bot.remediation.awx import LaunchJob
from bot.remediation.flags import TurnFlag
from bot.remediation.github import DispatchWorkflow
from bot.remediation.http_call import HttpCall
from bot.remediation.kubernetes_nodes import CordonNode
from bot.remediation.kubernetes_workloads import RestartRollout, RollBack, Scale
from bot.remediation.postgres import CancelQuery, TerminateBackend
from bot.remediation.postgres_roles import LimitRole
from bot.remediation.redis_config import SetRedisConfig
from bot.remediation.restart import Restart
from bot.work.world import APPLY, RANK

SHIPPED = (
    TerminateBackend, CancelQuery, LimitRole, HttpCall, Restart, RestartRollout, Scale, RollBack, CordonNode,
    LaunchJob, DispatchWorkflow, TurnFlag, SetRedisConfig,
)  # fmt: skip
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


def shipped_specs() -> Mapping[str, ToolSpec]:
    """Every tool and action that a drawing may name, whatever is configured."""
    toolbox = Toolbox(
        (
            *metrics_tools(None),
            *logs_tools(()),
            *request_tools((), ()),
            *traces_tools(()),
            *database_tools({}),
            *changes_tools(()),
        )
    )
    return tool_specs(toolbox, SHIPPED)
