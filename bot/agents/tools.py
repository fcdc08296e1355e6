"""The read-only tools that agents offer to playbooks and to the commander."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.agents.scope import Scope
from bot.errors import BadInput, NotFound
from bot.models import AgentName, Report


class Parameters(BaseModel):
    """Base of every tool's parameters: closed to unknown names."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Tool:
    """One question that can be asked of the world.

    `run` answers within `scope.deadline_s`; a source that is down becomes a `Gap` in the report, never an exception.
    """

    name: str
    """Such as `database.blocking_sessions`; the part before the dot is the agent."""
    agent: AgentName
    summary: str
    parameters: type[Parameters]
    facts: Mapping[str, str]
    """Name → meaning of the typed values that the report's facts hold; branches refer to these."""
    run: Callable[[Any, Scope], Awaitable[Report]]


class Toolbox:
    """All tools by name."""

    def __init__(self, tools: tuple[Tool, ...]) -> None:
        self._tools = {tool.name: tool for tool in tools}

    def __contains__(self, name: str) -> bool:
        return name in self._tools

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def named(self, name: str) -> Tool:
        """The tool of that name.

        Raises:
            NotFound: listing the names there are.
        """
        if name not in self._tools:
            raise NotFound(f"There is no tool '{name}'. There are: {', '.join(sorted(self._tools))}.")
        return self._tools[name]

    async def use(self, name: str, given: Mapping[str, Any], scope: Scope) -> Report:
        """Check the parameters and ask.

        Raises:
            NotFound: no such tool.
            BadInput: parameters that do not fit its schema.
        """
        tool = self.named(name)
        try:
            parameters = tool.parameters.model_validate(dict(given))
        except ValidationError as error:
            raise BadInput(f"{name} was given parameters that do not fit: {error}") from None
        return await tool.run(parameters, scope)
