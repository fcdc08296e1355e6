"""The Memory Manager: look back first, and hand each agent only what matters."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.characters import well_formed
from bot.errors import Misconfigured
from bot.memory.briefing import compose
from bot.memory.budget import enough, within
from bot.memory.condensing import LONGER, Condenser, condensed
from bot.memory.conversation import LOOKED_BACK, talk_around
from bot.memory.dates import Period, read_period
from bot.memory.folding import demote_repetitions, marked
from bot.memory.forgetting import Forgetting
from bot.memory.knowledge import Synced, chunks, pages
from bot.memory.lessons import lesson
from bot.memory.lookback import look_back
from bot.memory.opening import assemble, private_redis, running
from bot.memory.question import Key, Question, matter_of
from bot.memory.reserved import KNOWLEDGE, LEARNED, TAUGHT, home_of, lesson_id
from bot.memory.store import Store
from bot.memory.tokens import Tokenizer
from bot.models import Brief, Incident, Message, Recalled
from bot.models.base import as_utc
from bot.redaction import redact
from bot.storage import connect

if TYPE_CHECKING:
    from bot.memory.encoder import Encoder
    from bot.memory.index import Index
    from bot.memory.meaning import Meaning
    from bot.memory.mirror import Mirror

DEFAULT_LIMIT = 20
Clock = Callable[[], datetime]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class MemoryManager:
    """What the channels said, ready to be asked. Make one with `open`."""

    def __init__(
        self, store: Store, index: Index, meaning: Meaning | None, mirror: Mirror, *, zone: ZoneInfo, clock: Clock
    ) -> None:
        self._store = store
        self._index = index
        self._meaning = meaning
        self._mirror = mirror
        self._forgetting = Forgetting(store, mirror, clock)
        self._zone = zone
        self._clock = clock

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        redis_url: str | None = None,
        encoder: str | Encoder | None = None,
        *,
        folder: Path | None = None,
        timezone: str = "UTC",
        clock: Clock = _utc_now,
    ) -> AsyncIterator[MemoryManager]:
        """A manager over that Redis; without a URL over a private one in `folder`, or in a temporary folder.

        `encoder` is the name or folder of a sentence-transformers model, or one that is loaded;
        without one recall goes by wording.
        `timezone` is the IANA name of the zone in which people say 'yesterday', where `set_timezone` has not named
        another for their channel; `clock` tells the time.

        Raises:
            Misconfigured: Redis cannot be used, or the encoder cannot be loaded.
        """
        zone = _zone(timezone)
        async with AsyncExitStack() as stack:
            url = redis_url if redis_url is not None else await stack.enter_async_context(private_redis(folder))
            redis = await stack.enter_async_context(connect(url, decode=False))
            store = Store(redis, origin=uuid.uuid4().hex)
            index, meaning, mirror = await assemble(store, encoder, stack)
            unencoded = await mirror.load()
            await stack.enter_async_context(running(mirror.follow()))
            await stack.enter_async_context(running(mirror.encode(unencoded)))
            yield cls(store, index, meaning, mirror, zone=zone, clock=clock)

    async def remember(self, messages: Iterable[Message], *, unless_forgotten: bool = False) -> None:
        """Keep messages, secrets taken out. The same id in the same channel again replaces the earlier text.

        They can be recalled when this returns, by wording and by meaning. A message older than its channel's
        retention is passed over; `unless_forgotten` also passes over what was forgotten on purpose: for what is read
        back, or delivered again.
        """
        said = list(messages)
        fresh = await self._forgetting.spared(said, unless_forgotten=unless_forgotten)
        clean = [_clean(message) for message in fresh]
        if unless_forgotten:
            await self._mirror.remember(await self._store.unlike(clean))
            await self._forgetting.forget_late(said)
        else:
            await self._mirror.remember(clean)

    async def edit(self, message: Message, *, lesson: str | None = None) -> None:
        """The message now says this, and so does what was taught by it, if anything was.

        Of a message to the bot that is its `lesson`; without one it no longer teaches anything.
        """
        await self.remember([message], unless_forgotten=True)
        name = lesson_id(message.channel, message.id)
        (taught,) = await self._store.get([(TAUGHT, name)])
        words = lesson if message.to_bot else message.text
        if taught is not None and words:
            await self.remember([taught.model_copy(update={"text": words})])
        elif taught is not None:
            await self._mirror.forget(TAUGHT, [name])

    async def forget(
        self,
        id: str | None = None,  # noqa: A002 - the name that the message has for it
        *,
        channel: str | None = None,
        user: str | None = None,
        before: datetime | None = None,
    ) -> int:
        """Forget what fits everything that is given: one message, a person, a channel, what was sent before a time.

        It is gone from Redis and from this index when this returns, and no other process hands it out any more.
        What was taught by a forgotten message goes with it, unless it only grew too old (`before`).
        Gives the number of messages forgotten.

        Raises:
            BadInput: nothing is given, which would mean everything.
        """
        return await self._forgetting.forget(id, channel=channel, user=user, before=_instant(before))

    async def wipe(self) -> None:
        """Take what was forgotten out of the file that Redis appends to as well, soon: for what people had forgotten.

        A Redis that does not let itself be told so is named in the log.
        """
        await self._store.rewrite()

    async def count(
        self,
        id: str | None = None,  # noqa: A002 - as in `forget`
        *,
        channel: str | None = None,
        user: str | None = None,
        before: datetime | None = None,
    ) -> int:
        """How many messages `forget` would forget, lessons that go with them aside."""
        return await self._forgetting.count(id, channel=channel, user=user, before=_instant(before))

    async def recall(
        self,
        query: str,
        *,
        channel: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        budget_tokens: int | None = None,
    ) -> list[Recalled]:
        """What was said about that, best first; with an empty query the latest, newest first.

        Args:
            query: a question or a statement in words; a time that it names ('since yesterday', 上周二) counts, unless
                `since` or `until` is given.
            channel: only what was said there.
            since: included; without a time zone it is read as UTC.
            until: excluded.
            limit: at most so many; 20 when there is no budget either.
            budget_tokens: at most so many estimated tokens of `user: text`.
        """
        if limit is None and budget_tokens is None:
            limit = DEFAULT_LIMIT
        query = well_formed(query)
        since, until = _instant(since), _instant(until)
        open_ended = since is None and until is None
        period = await self.period(query, channel) if open_ended else None
        question = Question(query, channel=channel, since=since, until=until, period=period)
        found = await self._find(question, enough(limit, budget_tokens))
        return marked(within(demote_repetitions(found), limit, budget_tokens), found)

    async def look_back(self, query: str, *, channel: str, limit: int, budget_tokens: int) -> list[Recalled]:
        """What a person who asks in a channel is told: what was learned anywhere, and what was said there.

        Best first, whole talks, repetitions folded; nothing where nothing bears on the question. With an empty query,
        or one that asks for all of a time, the latest.
        """
        query = well_formed(query)
        period = await self.period(query, channel)
        question = Question(
            matter_of(query) or query, channel=channel, period=period and period.about(matter_of(period.rest))
        )
        return await look_back(self._find, question, limit=limit, budget_tokens=budget_tokens)

    async def writers(self, channel: str, *, most: int) -> list[str]:
        """Who wrote most in a channel."""
        return await asyncio.to_thread(self._index.writers, channel, most)

    async def talk(
        self, message: Message, *, limit: int | None = None, budget_tokens: int | None = None
    ) -> list[Recalled]:
        """The talk in its channel that a message belongs to, said before it; what belongs surest comes first."""
        if limit is None and budget_tokens is None:
            limit = DEFAULT_LIMIT
        said = await self._find(Question("", channel=message.channel, until=message.sent_at), LOOKED_BACK)
        earlier = [recalled.message for recalled in reversed(said) if recalled.id != message.id]
        belonging = await asyncio.to_thread(talk_around, message, earlier, Tokenizer())
        found = [Recalled(message=one.message, score=one.score, why="conversation") for one in belonging]
        return within(found, limit, budget_tokens)

    async def brief(
        self, incident: Incident, role: str, budget_tokens: int, *, condenser: Condenser | None = None
    ) -> Brief:
        """What matters now for one agent (metrics, logs, database, changes, …), within the budget.

        With a `condenser` more is looked at and said in fewer words; its citations are checked and kept.
        """
        room = budget_tokens * LONGER if condenser else budget_tokens
        brief = await compose(self._find, incident, role, room, considered=len(self._index))
        return await condensed(brief, condenser, budget_tokens) if condenser else brief

    async def teach(
        self,
        text: str,
        author: str,
        at: datetime,
        *,
        corrects: str | None = None,
        source: Key | None = None,
        permalink: str | None = None,
    ) -> Message | None:
        """Keep what a person said to remember, as knowledge with an author and a date; None if it is to be forgotten.

        `corrects` is the id of a message that this proves wrong: a brief shows both, the older one marked.
        `source` names the message (channel, id) in which it was said: when that is edited or forgotten, so is the
        lesson; it lends its `permalink`, where none is given. What was forgotten is not taught.
        """
        said = (await self._store.get([source]))[0] if source is not None else None
        name = lesson_id(*source) if source is not None else _digest(f"{author}|{at.isoformat()}|{text}")
        origin = [Message(id=source[1], channel=source[0], user=author, text=text, sent_at=at)] if source else []
        taught = Message(
            id=name,
            channel=TAUGHT,
            thread=corrects,
            user=author,
            text=text,
            sent_at=at,
            permalink=permalink or (said.permalink if said is not None else None),
        )
        if await self._forgetting.forgotten(origin):
            return None
        await self.remember([taught])
        if await self._forgetting.forgotten(origin):  # meanwhile
            await self._mirror.forget(TAUGHT, [name])
            return None
        return taught

    async def learn(self, incident: Incident, *, permalink: str | None = None) -> None:
        """Keep what a closed incident teaches: cause, deciding evidence, action, outcome and who.

        `permalink` is where people can read it up: its card.
        """
        await self.remember([lesson(incident).model_copy(update={"permalink": permalink})])

    async def sync_knowledge(self, folder: Path) -> Synced:
        """Take in the Markdown files below a folder: what is new or changed by content, and without what is gone.

        Raises:
            Misconfigured: there is no such folder.
        """
        found = {page.path: page for page in await asyncio.to_thread(pages, folder)}
        known = await self._store.digests()
        removed = known.keys() - found.keys()
        stale = {path for path, page in found.items() if known.get(path) != page.digest}
        for path in removed | (stale & known.keys()):
            await self._drop_page(path)
        for path in sorted(stale):
            await self.remember(chunks(found[path]))
            await self._store.set_digest(path, found[path].digest)
        added = len(stale - known.keys())
        return Synced(added, len(stale) - added, len(removed), len(found) - len(stale))

    async def keep_private(self, channel: str, *, private: bool = True) -> None:
        """Whether a channel's talk may only be recalled in that channel."""
        await self._store.set_private(channel, private=private)

    async def retain(self, channel: str, days: float | None) -> None:
        """Keep a channel's messages for so many days; None: for ever. `expire` forgets what is older."""
        await self._store.set_retention(channel, days)

    async def retention(self, channel: str) -> float | None:
        """For how many days a channel's messages are kept; None: for ever."""
        return (await self._store.retention()).get(channel)

    async def set_timezone(self, channel: str, name: str) -> None:
        """Read what a question in that channel says about time in the zone of that IANA name.

        Raises:
            Misconfigured: there is no such time zone.
        """
        await self._store.set_zone(channel, _zone(name).key)

    async def timezone(self, channel: str) -> str:
        """The time zone of a channel; where none was set, that of `open`."""
        return await self._store.zone(channel) or self._zone.key

    async def period(self, query: str, channel: str | None = None) -> Period | None:
        """The time that words name, by the channel's clock; None where they name none."""
        now = self._clock()
        period = read_period(query, now=now, zone=self._zone)
        if period is None or channel is None:
            return period
        return read_period(query, now=now, zone=_zone(await self.timezone(channel)))

    async def said(self, channel: str, *, since: datetime, until: datetime) -> list[Message]:
        """All that is remembered of a channel from that stretch, both moments included, in the order of time."""
        ids = await self._store.ids(channel, since=_instant(since), until=_instant(until))
        return [message for message in await self._store.get([(channel, name) for name in ids]) if message is not None]

    async def reworded(self, messages: Sequence[Message]) -> list[Message]:
        """Those of the messages that are remembered in other words."""
        there = await self._store.get([(message.channel, message.id) for message in messages])
        pairs = zip(messages, there, strict=True)
        return [message for message, kept in pairs if kept is not None and kept.text != _clean(message).text]

    async def ends(self) -> dict[str, datetime]:
        """Channel → when the last message that is remembered of it was sent."""
        return await self._store.newest([name for name in await self._store.channels() if name not in LEARNED])

    async def stale(self, channel: str, days: float) -> int:
        """How many of a channel's messages are older than so many days."""
        return await self.count(channel=channel, before=self._clock() - timedelta(days=days))

    async def expire(self) -> int:
        """Forget what is older than its channel's retention; how many messages."""
        return await self._forgetting.expire()

    async def _drop_page(self, path: str) -> None:
        ids = [name for name in await self._store.ids(KNOWLEDGE) if name.rpartition("#")[0] == path]
        await self._mirror.forget(KNOWLEDGE, ids)
        await self._store.set_digest(path, None)

    async def _find(self, question: Question, count: int) -> list[Recalled]:
        await self._mirror.catch_up()
        question = replace(question, hidden=await self._store.private() - {question.channel, question.asked_in})
        vector = await self._meaning.of(question.text) if self._meaning is not None else None
        hits = await asyncio.to_thread(self._index.search, question, limit=count, vector=vector)
        messages = await self._store.get([(hit.channel, hit.id) for hit in hits])
        return [
            Recalled(message=message, score=hit.score, why=hit.why, covers=hit.covers)
            for hit, message in zip(hits, messages, strict=True)
            if message is not None and home_of(message) not in question.hidden
        ]


def _instant(moment: datetime | None) -> datetime | None:
    return None if moment is None else as_utc(moment)


def _clean(message: Message) -> Message:
    """As it is kept: without secrets."""
    return message.model_copy(update={"text": redact(well_formed(message.text))})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Misconfigured(f"There is no time zone {name!r}: use an IANA name such as Europe/Berlin.") from error
