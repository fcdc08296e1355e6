"""`/nightdesk model …`: whether a model is asked for a channel, and what that has taken today.

What is turned off in a channel is nothing: no question leaves, and everything there is as without a model. The settings
have the last word; in their channels no command turns a model on.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import structlog
from redis.asyncio import Redis

from bot.llm.budget import Spent
from bot.llm.door import Door
from bot.settings.model import ModelSettings
from bot.slack.desk import Command
from bot.slack.text import line
from bot.slack.views import words
from bot.work.channel_rule import ChannelRule, MayDecide

log = structlog.get_logger(__name__)

OFF = "nd:model:off"
"""Hash: channel → who has turned it off there."""
SET = "NIGHTDESK_MODEL__OFF_IN"
WITHOUT = "Everything here works without one."
NONE = f"No model is configured. {WITHOUT}"
USAGE = "Say `model` to see whether a model is asked for this channel, `model off` or `model on` to change it."


@dataclass(frozen=True)
class Switch:
    """Where no model is asked.

    Args:
        redis: decodes responses.
        never: the channels of the settings.
    """

    redis: Redis
    never: Collection[str] = ()

    async def is_off(self, channel: str | None) -> bool:
        """Whether no model is asked for this channel, which is read anew each time."""
        return channel is not None and (channel in self.never or bool(await self.redis.hexists(OFF, channel)))

    async def turn_off(self, channel: str, by: str) -> None:
        """From the next question on."""
        await self.redis.hset(OFF, channel, by)

    async def turn_on(self, channel: str) -> None:
        """Unless the settings turn it off."""
        await self.redis.hdel(OFF, channel)


class Switching(ChannelRule):
    """Whether a model is asked for a channel.

    Args:
        door: None where no model is configured.
    """

    asked = re.compile(r"model\b\s*(?P<wish>\w*)\s*[.!?]*", re.IGNORECASE)
    about = "whether a model is asked for this channel"

    def __init__(self, switch: Switch, door: Door | None, settings: ModelSettings, may_decide: MayDecide) -> None:
        super().__init__(may_decide)
        self.switch = switch
        self._door = door
        self._settings = settings

    async def _shown(self, channel: str) -> str:
        if self._door is None:
            return NONE
        if channel in self.switch.never:
            return f"No model is asked for this channel: `{SET}` of the settings says so."
        if await self.switch.is_off(channel):
            return f"No model is asked for this channel. Approvers turn it on with `/nightdesk model on`. {WITHOUT}"
        here, everywhere = await self._door.today(channel)
        budget = self._settings.budget
        return (
            f"For this channel {line(', '.join(self._settings.names), 200)} is asked. Today (UTC) that has taken "
            f"{_of(here, budget.channel_tokens)} here, and {_of(everywhere, budget.day_tokens)} in all channels. "
            "Approvers turn it off here with `/nightdesk model off`."
        )

    async def _changed(self, wish: str, command: Command) -> str:
        match wish.casefold():
            case "off":
                await self.switch.turn_off(command.channel, command.user)
            case "on":
                await self.switch.turn_on(command.channel)
            case _:
                return USAGE
        log.info("model.switched", user=command.user, channel=command.channel, to=wish.casefold())
        return await self._shown(command.channel)


def _of(spent: Spent, most: int) -> str:
    return f"{words.cost(spent.cost)} (of {most:,})"
