"""Where incidents are shown and people answered: a Slack workspace, or nowhere where none is configured."""

from __future__ import annotations

from collections.abc import AsyncIterator, Container
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from bot.canvas.learned import Draft
from bot.errors import SlackRefused
from bot.models import Incident
from bot.observability import TO_FIRST_CARD
from bot.slack.blocks import Post
from bot.slack.client import shut_out
from bot.slack.desk import Mention
from bot.slack.easel import Easel, Sketch
from bot.slack.face import Face, Read
from bot.slack.history import History, Page
from bot.slack.ledger import Ledger
from bot.work.backfill import Backfill, Keep
from bot.work.gaps import Stretch

log = structlog.get_logger(__name__)

THREADS_GO_ON = timedelta(hours=12)
"""A thread that began earlier, and of which memory knows nothing newer, is not looked for: every message would be."""


class Stage(Protocol):
    """Where incidents are shown and people answered."""

    async def show(self, read: Read) -> None:
        """Bring the card and the thread up to date, with what comes while they are."""

    async def draw(self, incident: Incident, sketch: Sketch) -> None:
        """Bring the picture of one of its runs up to date."""

    async def thread(self, incident: Incident) -> str | None:
        """The thread of the incident; None where there is none."""
        ...

    async def offer(self, incident: Incident, drafted: Draft) -> None:
        """Put a draft into the thread, as a file."""

    async def attach(self, incident: Incident, name: str, content: str, said: str) -> None:
        """Put a text file into the thread, once."""

    async def behind(self, incident: Incident) -> bool:
        """Whether there are events that are not shown yet."""
        ...

    async def link(self, incident: Incident) -> str | None:
        """Where the incident's card is."""
        ...

    async def answer(self, mention: Mention, post: Post) -> None:
        """Answer in the thread."""

    async def seen(self, mention: Mention) -> None:
        """Show at once that the mention was heard."""

    async def kept(self, channel: str, ts: str) -> None:
        """Show at a message that it is remembered as a lesson."""

    async def tell(self, user: str, channel: str, text: str) -> None:
        """Tell one person alone."""

    async def message_text(self, channel: str, ts: str) -> str | None:
        """The words of one message."""
        ...

    async def is_private(self, channel: str) -> bool:
        """Whether only its members may read the channel."""
        ...

    async def history(self, channel: str, keep: Keep, *, oldest: datetime | None = None) -> None:
        """Hand over what was said in the channel, page by page."""

    @property
    def reach(self) -> timedelta:
        """How far behind a pause of the bot its reading begins."""
        ...

    async def missed(self, channel: str, keep: Keep, stretch: Stretch) -> frozenset[str] | None:
        """Hand over what was said in the channel in that stretch, without a word about it.

        Gives the names of all that stands there, whoever wrote it; None where that cannot be said.
        """
        ...

    async def not_read_back(self, channel: str, reason: str) -> None:
        """Say in the channel that reading it back did not work."""


class SlackStage:
    """A workspace. Implements `Stage`."""

    def __init__(self, face: Face, easel: Easel, ledger: Ledger, history: History, backfill: Backfill) -> None:
        self._face = face
        self._easel = easel
        self._ledger = ledger
        self._history = history
        self._backfill = backfill

    async def show(self, read: Read) -> None:
        """Bring the card and the thread up to date, with what comes while they are."""
        incident = await read()
        if incident.channel is None:
            log.warning("stage.no_channel", incident=incident.id, mend="set NIGHTDESK_SLACK__CHANNEL")
            return
        new = await self._face.card_of(incident.id) is None
        await self._face.show(incident, incident.channel, newer=read)
        if new:
            TO_FIRST_CARD.observe(max(0.0, (datetime.now(UTC) - incident.opened_at).total_seconds()))

    async def draw(self, incident: Incident, sketch: Sketch) -> None:
        """Bring the picture of one of its runs up to date; before there is a card there is no thread for it."""
        thread = await self._face.card_of(incident.id)
        if thread and incident.channel:
            await self._easel.show(incident.id, incident.channel, thread, sketch)

    async def thread(self, incident: Incident) -> str | None:
        """The thread of the incident: its card."""
        return await self._face.card_of(incident.id)

    async def offer(self, incident: Incident, drafted: Draft) -> None:
        """Put a draft into the thread, as a file for people to review."""
        thread = await self._face.card_of(incident.id)
        if thread and incident.channel:
            await self._easel.offer(incident.id, incident.channel, thread, drafted.name, drafted.text, drafted.what)

    async def attach(self, incident: Incident, name: str, content: str, said: str) -> None:
        """Put a text file into the thread, once."""
        if incident.channel:
            await self._face.attach(incident.id, incident.channel, name, content, said)

    async def behind(self, incident: Incident) -> bool:
        """Whether there are events that Slack does not show yet."""
        return incident.channel is not None and await self._ledger.cursor(incident.id) != incident.history[-1].id

    async def link(self, incident: Incident) -> str | None:
        """Where the incident's card is."""
        ts = await self._face.card_of(incident.id)
        return await self._face.permalink(incident.channel, ts) if ts and incident.channel else None

    async def answer(self, mention: Mention, post: Post) -> None:
        """Answer in the thread."""
        await self._face.answer(mention, post)

    async def seen(self, mention: Mention) -> None:
        """Show at once that the mention was heard."""
        await self._face.eyes(mention)

    async def kept(self, channel: str, ts: str) -> None:
        """Show at a message that it is remembered as a lesson."""
        await self._face.kept(channel, ts)

    async def tell(self, user: str, channel: str, text: str) -> None:
        """Tell one person alone."""
        await self._face.tell(user, channel, text)

    async def message_text(self, channel: str, ts: str) -> str | None:
        """The words of one message as Slack has them."""
        return await self._face.message_text(channel, ts)

    async def is_private(self, channel: str) -> bool:
        """Whether only its members may read the channel."""
        return await self._history.is_private(channel)

    async def history(self, channel: str, keep: Keep, *, oldest: datetime | None = None) -> None:
        """Hand over what was said in the channel, and show there how it goes."""
        await self._backfill.run(channel, keep, oldest=oldest)

    @property
    def reach(self) -> timedelta:
        """Half a day; nothing at 15 messages a minute."""
        return timedelta() if self._history.slow else THREADS_GO_ON

    async def missed(self, channel: str, keep: Keep, stretch: Stretch) -> frozenset[str] | None:
        """Hand over what was said in the channel in that stretch, in threads that began a while before too."""
        standing: set[str] = set()
        whole = True
        try:
            async for page in self._pages(channel, stretch, standing):
                await keep(page.messages)
                standing |= page.standing or frozenset()
                whole = whole and page.standing is not None
        except SlackRefused as refusal:
            if not shut_out(refusal):
                raise
            log.info("stage.shut_out", channel=channel, reason=str(refusal))
            return None
        return frozenset(standing) if whole else None

    async def _pages(self, channel: str, stretch: Stretch, standing: Container[str]) -> AsyncIterator[Page]:
        """The channel, then the threads that it has not shown yet."""
        oldest = stretch.since - self.reach
        pages = self._history.read(channel, oldest=oldest, replied_since=stretch.since, threads=stretch.threads)
        async for page in pages:
            yield page
        for thread in sorted(stretch.threads):
            if thread not in standing:
                async for page in self._history.replies(channel, thread, oldest=oldest):
                    yield page

    async def not_read_back(self, channel: str, reason: str) -> None:
        """Say in the channel that reading it back did not work."""
        await self._backfill.give_up(channel, reason)


class NoStage:
    """No workspace is configured: everything is in the journal and in the log. Implements `Stage`."""

    async def show(self, read: Read) -> None:
        """Say in the log what Slack would show."""
        incident = await read()
        event = incident.history[-1].event
        log.info("stage.none", incident=incident.id, kind=event.kind, phase=incident.phase.value)

    async def draw(self, incident: Incident, sketch: Sketch) -> None:
        """Nothing is painted where nobody looks."""
        log.debug("stage.none", incident=incident.id, drawn=sketch.fingerprint)

    async def thread(self, incident: Incident) -> str | None:
        """There is no thread."""
        log.debug("stage.none", incident=incident.id)
        return None

    async def offer(self, incident: Incident, drafted: Draft) -> None:
        """Nobody is there to review it; kept for the log."""
        log.info("stage.none", incident=incident.id, draft=drafted.name, what=drafted.what)

    async def attach(self, incident: Incident, name: str, content: str, said: str) -> None:
        """Nobody is there to read it; kept for the log."""
        log.info("stage.none", incident=incident.id, file=name, characters=len(content), said=said)

    async def behind(self, incident: Incident) -> bool:
        """Nothing is shown, so nothing is behind."""
        return not incident.history

    async def link(self, incident: Incident) -> str | None:
        """There is no card."""
        log.debug("stage.none", incident=incident.id)
        return None

    async def answer(self, mention: Mention, post: Post) -> None:
        """Nobody can have asked; kept for the log."""
        log.warning("stage.none", mention=mention.event_id, answer=post.text)

    async def seen(self, mention: Mention) -> None:
        """There is nothing to react to."""
        log.warning("stage.none", mention=mention.event_id)

    async def kept(self, channel: str, ts: str) -> None:
        """There is nothing to react to."""
        log.warning("stage.none", channel=channel, ts=ts)

    async def tell(self, user: str, channel: str, text: str) -> None:
        """Nobody can be told."""
        log.warning("stage.none", user=user, channel=channel, text=text)

    async def message_text(self, channel: str, ts: str) -> str | None:
        """There is no message."""
        log.warning("stage.none", channel=channel, ts=ts)
        return None

    async def is_private(self, channel: str) -> bool:
        """What cannot be told is private."""
        log.warning("stage.none", channel=channel)
        return True

    async def history(self, channel: str, keep: Keep, *, oldest: datetime | None = None) -> None:
        """There is no history."""
        log.warning("stage.none", channel=channel, oldest=oldest)
        await keep(())

    @property
    def reach(self) -> timedelta:
        """There is no history."""
        return timedelta()

    async def missed(self, channel: str, keep: Keep, stretch: Stretch) -> frozenset[str] | None:
        """There is no history, and nobody can say what stands in it."""
        log.warning("stage.none", channel=channel, since=stretch.since)
        await keep(())
        return None

    async def not_read_back(self, channel: str, reason: str) -> None:
        """Nobody can be told."""
        log.warning("stage.none", channel=channel, reason=reason)
