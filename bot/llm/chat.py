"""What is said to a model and what it says, whoever serves it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, Protocol

from pydantic import Field

from bot.models import Noun
from bot.settings.model import ModelRole

OnText = Callable[[str], Awaitable[None]]
"""Hears the next piece of an answer that is still coming in."""


class ToolCall(Noun):
    """A model wants to use a tool."""

    id: str
    name: str
    arguments: str = Field(description="as the model wrote it: JSON or not")


class Said(Noun):
    """One turn of a talk."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    answers: str | None = Field(default=None, description="the id of the call that it answers")


class ToolOffer(Noun):
    """A tool that a model may ask for."""

    name: str
    description: str
    parameters: Mapping[str, Any] = Field(description="JSON schema")


class Usage(Noun):
    """Tokens, as the server counted them."""

    prompt: int = 0
    completion: int = 0


class ChatRequest(Noun):
    """What a model is asked."""

    role: ModelRole
    said: tuple[Said, ...]
    tools: tuple[ToolOffer, ...] = ()
    schema_name: str | None = None
    json_schema: Mapping[str, Any] | None = Field(default=None, description="of the answer that is demanded")
    max_tokens: int


class ChatReply(Noun):
    """What a model answered."""

    text: str
    calls: tuple[ToolCall, ...] = ()
    usage: Usage = Usage()
    model: str = ""
    complete: bool = Field(default=True, description="False: cut off by length, or by the line")
    broken: bool = Field(default=False, description="cut off by the line: another try may give all of it")


class Spender(Noun):
    """Who pays."""

    incident: str | None = None
    channel: str | None = None


class Model(Protocol):
    """Whoever answers."""

    async def ask(self, request: ChatRequest, spender: Spender, *, on_text: OnText | None = None) -> ChatReply:
        """The answer.

        Raises:
            ModelUnavailable: no model answered.
            BudgetSpent: a stated budget is reached, so nobody was asked.
        """
        ...
