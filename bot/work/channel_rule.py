"""What a channel settles about how it is remembered and thought about: anybody may ask, approvers change it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import ClassVar

from bot.memory import MemoryManager
from bot.slack.desk import Command

MayDecide = Callable[[str], Awaitable[bool]]
"""Whether a user is among the approvers of the settings."""


class ChannelRule(ABC):
    """One rule, shown and set by one command."""

    asked: ClassVar[re.Pattern[str]]
    """The command; its `wish` is what is to hold from now on."""
    about: ClassVar[str]
    """What only approvers may change."""

    def __init__(self, may_decide: MayDecide) -> None:
        self._may_decide = may_decide

    async def command(self, command: Command) -> str | None:
        """The answer, None where the words are about something else."""
        asked = self.asked.fullmatch(command.text.strip())
        if asked is None:
            return None
        if asked["wish"].casefold() in {"", "show"}:
            return await self._shown(command.channel)
        if not await self._may_decide(command.user):
            return f"Only approvers may change {self.about}. Nothing was changed."
        return await self._changed(asked["wish"], command)

    @abstractmethod
    async def _shown(self, channel: str) -> str:
        """What holds there, and how to change it."""

    @abstractmethod
    async def _changed(self, wish: str, command: Command) -> str:
        """What holds from now on, or why nothing was changed."""


class MemoryRule(ChannelRule):
    """One that memory keeps."""

    def __init__(self, memory: MemoryManager, may_decide: MayDecide) -> None:
        super().__init__(may_decide)
        self._memory = memory
