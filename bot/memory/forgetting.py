"""Forgetting: on request, by age, and so that nothing brings back what was forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

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
        async for name, ids in self._fitting(wanted):
            if before is None:
                await self._keep_away(name, ids, wanted)
                gone += await self._forget_lessons(name, ids, wanted)
            gone += await self._mirror.forget(name, ids) if ids else 0
        if user is not None and channel is None and before is None:
            await self._store.set_horizon(_person(user), self._clock())
        return gone

    async def count(self, id: str | None, *, channel: str | None, user: str | None, before: datetime | None) -> int:  # noqa: A002
        """How many messages `forget` would forget, lessons aside."""
        return sum([len(ids) async for _, ids in self._fitting(_Wanted(id, channel, user, before))])

    async def expire(self) -> int:
        """Forget what is older than its channel's retention; how many messages."""
        oldest = await self._oldest()
        return sum([await self.forget(None, channel=name, user=None, before=before) for name, before in oldest.items()])

    async def spared(self, messages: Sequence[Message], *, unless_forgotten: bool) -> list[Message]:
        """Those of the messages that are not too old to keep, nor, if that matters, forgotten on purpose."""
        oldest, barred = await self._oldest(), set[Key]()
        if unless_forgotten:
            oldest = _later(oldest, await self._store.horizons())
            barred = await self._store.barred(messages)
        return [
            message
            for message in messages
            if (message.channel, message.id) not in barred
            and message.sent_at >= oldest.get(message.channel, message.sent_at)
            and message.sent_at >= oldest.get(_person(message.user), message.sent_at)
        ]

    async def _oldest(self) -> dict[str, datetime]:
        limits = await self._store.retention()
        return {channel: self._clock() - timedelta(days=days) for channel, days in limits.items()}

    async def _fitting(self, wanted: _Wanted) -> AsyncIterator[tuple[str, list[str]]]:
        """Channel by channel, the ids of the messages that fit."""
        if wanted == _Wanted(None, None, None, None):
            raise BadInput("Say what to forget: a message id, a person, a channel or a time.")
        for name in [wanted.channel] if wanted.channel is not None else await self._store.channels():
            yield name, await self._store.matching(name, id=wanted.id, user=wanted.user, before=wanted.before)

    async def _keep_away(self, channel: str, ids: list[str], wanted: _Wanted) -> None:
        """Let nothing that is delivered again or read back bring it back, nor what has not even arrived yet."""
        if wanted.all_of_channel:
            await self._store.set_horizon(channel, self._clock())
        else:
            await self._store.bar(channel, [*ids, *filter(None, [wanted.one_message])])

    async def _forget_lessons(self, channel: str, ids: list[str], wanted: _Wanted) -> int:
        """What was taught by these messages; by any message of the channel, if the channel is forgotten."""
        taught = await self._store.ids(TAUGHT)
        said = {lesson_id(channel, each) for each in [*ids, *filter(None, [wanted.one_message])]}
        whole = lesson_id(channel, "")
        gone = [name for name in taught if name in said or (wanted.all_of_channel and name.startswith(whole))]
        return await self._mirror.forget(TAUGHT, gone) if gone else 0


def _person(user: str) -> str:
    return f"@{user}"


def _later(first: Mapping[str, datetime], second: Mapping[str, datetime]) -> dict[str, datetime]:
    """Of two moments under one name the later one."""
    return {name: max(times[name] for times in (first, second) if name in times) for name in {*first, *second}}
