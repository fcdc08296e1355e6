"""Forgetting: on request, by age, and so that nothing brings back what was forgotten."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter

from bot.errors import BadInput
from bot.memory.mirror import Mirror
from bot.memory.question import Key
from bot.memory.reserved import TAUGHT, lesson_id
from bot.memory.store import Store
from bot.models import Message


@dataclass(frozen=True)
class _Wanted:
    """What is to go: whatever fits everything that is given."""

    id: str | None
    channel: str | None
    user: str | None
    before: datetime | None

    @property
    def one_message(self) -> str | None:
        """The id, where one message is meant, whoever wrote it."""
        return self.id if self.user is None else None

    @property
    def everywhere(self) -> str | None:
        """The person of whom everything is meant, wherever it was said."""
        return self.user if (self.id, self.channel, self.before) == (None, None, None) else None

    @property
    def all_of_channel(self) -> bool:
        return self.id is None and self.user is None


class Forgetting:
    """Takes messages out of the store and the index, and keeps them out."""

    def __init__(self, store: Store, mirror: Mirror, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._mirror = mirror
        self._clock = clock

    async def forget(self, id: str | None, *, channel: str | None, user: str | None, before: datetime | None) -> int:  # noqa: A002
        """Forget what fits everything that is given; how many messages, lessons taught by them included.

        Raises:
            BadInput: nothing is given, which would mean everything.
        """
        wanted = _Wanted(id, channel, user, before)
        gone = 0
        if wanted.everywhere:
            await self._store.set_horizon(_person(wanted.everywhere), self._clock())
        for name in await self._places(wanted):
            if before is None:  # first: whoever keeps something at this moment looks here after it
                await self._keep_away(name, wanted)
            ids = await self._fitting(name, wanted)
            if before is None:
                await self._store.bar(name, [] if wanted.all_of_channel else ids)
                gone += await self._forget_lessons(name, ids, wanted)
            gone += await self._mirror.forget(name, ids) if ids else 0
        return gone

    async def count(self, id: str | None, *, channel: str | None, user: str | None, before: datetime | None) -> int:  # noqa: A002
        """How many messages `forget` would forget, lessons aside."""
        wanted = _Wanted(id, channel, user, before)
        return sum([len(await self._fitting(name, wanted)) for name in await self._places(wanted)])

    async def expire(self) -> int:
        """Forget what is older than its channel's retention; how many messages."""
        oldest = await self._oldest()
        return sum([await self.forget(None, channel=name, user=None, before=before) for name, before in oldest.items()])

    async def spared(self, messages: Sequence[Message], *, unless_forgotten: bool) -> list[Message]:
        """Those of the messages that are not too old to keep, nor, if that matters, forgotten on purpose."""
        oldest = await self._oldest()
        lost = await self.forgotten(messages) if unless_forgotten else set[Key]()
        return [
            message
            for message in messages
            if (message.channel, message.id) not in lost
            and message.sent_at >= oldest.get(message.channel, message.sent_at)
        ]

    async def forgotten(self, messages: Sequence[Message]) -> set[Key]:
        """Those that were forgotten on purpose: they must not come back."""
        horizons, barred = await self._store.horizons(), await self._store.barred(messages)
        return {
            (message.channel, message.id)
            for message in messages
            if (message.channel, message.id) in barred
            or message.sent_at < horizons.get(message.channel, message.sent_at)
            or message.sent_at < horizons.get(_person(message.user), message.sent_at)
        }

    async def forget_late(self, messages: Sequence[Message]) -> None:
        """Take those back that were forgotten while they were being kept."""
        late = sorted(await self.forgotten(messages))
        for channel, keys in groupby(late, key=itemgetter(0)):
            await self._mirror.forget(channel, [identifier for _, identifier in keys])

    async def _oldest(self) -> dict[str, datetime]:
        limits = await self._store.retention()
        return {channel: self._clock() - timedelta(days=days) for channel, days in limits.items()}

    async def _places(self, wanted: _Wanted) -> list[str]:
        """The channels in which something may fit."""
        if wanted == _Wanted(None, None, None, None):
            raise BadInput("Say what to forget: a message id, a person, a channel or a time.")
        return [wanted.channel] if wanted.channel is not None else await self._store.channels()

    async def _fitting(self, channel: str, wanted: _Wanted) -> list[str]:
        """The ids of the channel's messages that fit."""
        return await self._store.matching(channel, id=wanted.id, user=wanted.user, before=wanted.before)

    async def _keep_away(self, channel: str, wanted: _Wanted) -> None:
        """Let nothing that is delivered again or read back bring it back, nor what has not even arrived yet."""
        if wanted.all_of_channel:
            await self._store.set_horizon(channel, self._clock())
        elif wanted.one_message is not None:
            await self._store.bar(channel, [wanted.one_message])

    async def _forget_lessons(self, channel: str, ids: list[str], wanted: _Wanted) -> int:
        """What was taught by these messages; by any message of the channel, if the channel is forgotten."""
        taught = await self._store.ids(TAUGHT)
        said = {lesson_id(channel, each) for each in [*ids, *filter(None, [wanted.one_message])]}
        whole = lesson_id(channel, "")
        gone = [name for name in taught if name in said or (wanted.all_of_channel and name.startswith(whole))]
        return await self._mirror.forget(TAUGHT, gone) if gone else 0


def _person(user: str) -> str:
    return f"@{user}"
