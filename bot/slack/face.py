"""The face: brings Slack up to date with an incident, from whatever Slack shows now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

import structlog
from slack_sdk.errors import SlackApiError

from bot.errors import SlackRefused
from bot.models import Asked, Briefed, Chart, Found, Incident, Phase, Proposed, Recorded
from bot.slack import inbox
from bot.slack.blocks import Post, post, section
from bot.slack.client import Slack, code_of, refusals
from bot.slack.desk import Mention
from bot.slack.ledger import Ledger, Mark
from bot.slack.outbox import GONE, Outbox
from bot.slack.people import People
from bot.slack.text import own
from bot.slack.views.card import card
from bot.slack.views.proposal import proposal
from bot.slack.views.question import question
from bot.slack.views.thread import REPORTS_TOGETHER, Turn, message, next_turn, overtaken

log = structlog.get_logger(__name__)

CARD = "card"
BY_PEOPLE = frozenset({"endorsed", "approved", "rejected", "answered"})
"""A person is waiting to see the effect of these."""

Read = Callable[[], Awaitable[Incident]]
"""Reads an incident as it stands."""
Pictures = Callable[[str], Awaitable[Chart | None]]
"""Gives the picture that is kept under a key of `Found.charts`."""


class Face:
    """Shows incidents and answers people.

    `show` may be called again at any time, after any crash, by any replica; calls for one incident must not overlap.

    Args:
        stopping: set when the process ends; a showing then ends after its message, and the next one goes on from there.
            At a message a second, a storm's thread would hold up the end for a minute.
    """

    def __init__(
        self,
        slack: Slack,
        outbox: Outbox,
        ledger: Ledger,
        people: People,
        pictures: Pictures,
        stopping: asyncio.Event,
    ) -> None:
        self._slack = slack
        self._outbox = outbox
        self._ledger = ledger
        self._people = people
        self._pictures = pictures
        self._stopping = stopping

    async def show(self, incident: Incident, channel: str, *, newer: Read | None = None) -> None:
        """Post what was not posted, change what has changed: the card, the thread, the buttons of proposals.

        Args:
            newer: looks again before each message. Slack takes one a second: what has come while it waited is told
                with it, and need not wait for a message of its own.

        Raises:
            SlackRefused: Slack said no or did not answer; calling again goes on from there.
        """
        thread = await self._outbox.post(_mark(incident, CARD), channel, card(incident))
        cursor = await self._ledger.cursor(incident.id)
        if cursor and incident.history and _order(incident.history[-1].id) < _order(cursor):
            return  # an older state than the one shown
        untold = _after(cursor, incident)
        await self._refresh_buttons(incident, channel)
        if any(recorded.event.kind in BY_PEOPLE for recorded in untold):
            await self._refresh_card(incident, channel, thread, at_once=True)
        incident = await self._tell_thread(incident, channel, thread, newer)
        if self._stopping.is_set():
            return
        await self._refresh_reports(incident, channel)
        asking = incident.phase is Phase.AWAITING or bool(incident.open_questions)
        await self._refresh_card(incident, channel, thread, at_once=asking)

    async def tell(self, user: str, channel: str, text: str, *, thread: str | None = None) -> None:
        """Say our own words to one person only; where Slack refuses, they stand in the log."""
        words = own(text, 2900)
        await self._outbox.whisper(user, channel, Post(words, (section(words),)), thread=thread)

    async def answer(self, mention: Mention, said: Post) -> str:
        """Answer in the thread, in one message for each mention, that says this from now on; its `ts`.

        Raises:
            SlackRefused: Slack said no or did not answer.
        """
        mark = Mark(mention.event_id, "answer")
        ts = await self._outbox.post(mark, mention.channel, said, thread=mention.thread)
        await self._outbox.edit(mark, mention.channel, ts, said)
        return ts

    async def attach(self, incident_id: str, channel: str, name: str, content: str, said: str) -> None:
        """Put a text file into the incident's thread, once, with our own words above it.

        Raises:
            SlackRefused: Slack said no or did not answer; calling again finds out.
        """
        if thread := await self.card_of(incident_id):
            mark = Mark(incident_id, f"file:{name}")
            await self._outbox.attach(mark, channel, name, content, thread=thread, said=said)

    async def keep_saying(self, mark: Mark, channel: str, text: str) -> str:
        """Say our own words in one message that changes with them; the `ts`.

        Raises:
            SlackRefused: Slack said no or did not answer.
        """
        words = post(text, [section(text)])
        ts = await self._outbox.post(mark, channel, words)
        await self._outbox.edit(mark, channel, ts, words, at_once=True)
        return ts

    async def eyes(self, mention: Mention) -> None:
        """Show that the mention was heard, as far as Slack lets us."""
        await self._outbox.react(mention.channel, mention.ts, "eyes")

    async def kept(self, channel: str, ts: str) -> None:
        """Show at a message that it is remembered as a lesson, as far as Slack lets us."""
        await self._outbox.react(channel, ts, "brain")

    async def card_of(self, incident_id: str) -> str | None:
        """The `ts` of the incident's card, which is also its thread; None before there is one."""
        return await self._ledger.sent(Mark(incident_id, CARD))

    async def permalink(self, channel: str, ts: str) -> str:
        """The address of a message.

        Raises:
            SlackRefused: Slack does not know who we are.
        """
        return (await self._slack.identity()).permalink(channel, ts)

    async def message_text(self, channel: str, ts: str) -> str | None:
        """The words of one message as Slack has them; None if it is gone.

        Raises:
            SlackRefused: Slack said no.
        """
        with refusals(f"a message of {channel}"):
            try:
                answer = await self._slack.asking.conversations_replies(
                    channel=channel, ts=ts, oldest=ts, latest=ts, inclusive=True, limit=10
                )
            except SlackApiError as error:
                if code_of(error) in GONE:
                    return None
                raise
        return next((inbox.said(raw) for raw in answer["messages"] if raw["ts"] == ts), None)

    async def _tell_thread(self, incident: Incident, channel: str, thread: str, newer: Read | None) -> Incident:
        """The incident, as far as it was told."""
        while not self._stopping.is_set():
            untold = _after(await self._ledger.cursor(incident.id), incident)
            if not untold:
                break
            if newer:
                await self._ledger.room_to_post(channel)
                incident = await newer()
                untold = _after(await self._ledger.cursor(incident.id), incident)
            await self._tell(incident, untold, channel, thread)
        return incident

    async def _tell(self, incident: Incident, untold: Sequence[Recorded], channel: str, thread: str) -> None:
        """The next message."""
        turn = next_turn(untold)
        mark = _mark(incident, turn.key)
        turn = turn.until(await self._ledger.extent(mark, turn.last))
        names = await self._people.names(_quoted(turn.recorded))
        if told := message(turn, incident, names):
            await self._outbox.post(mark, channel, told, thread=thread)
        await self._hang_up_pictures(incident, turn, channel, thread)
        await self._ledger.advance(incident.id, turn.last)

    async def _hang_up_pictures(self, incident: Incident, turn: Turn, channel: str, thread: str) -> None:
        reports = [recorded.event for recorded in turn.recorded if isinstance(recorded.event, Found)]
        for key in (key for report in reports for key in report.charts):
            chart = await self._pictures(key)
            if chart is None:
                continue
            try:
                await self._outbox.upload(_mark(incident, f"{turn.key}:{key}"), channel, chart, thread=thread)
            except SlackRefused as refusal:  # the figures are in the message; a picture does not hold up the rest
                log.warning("face.picture_missing", incident=incident.id, chart=key, reason=str(refusal))

    async def _refresh_buttons(self, incident: Incident, channel: str) -> None:
        """Take the buttons away from what is decided. What was not posted yet has none to take."""
        for recorded in incident.history:
            match recorded.event:
                case Proposed(proposal=offered):
                    shown = proposal(offered, incident)
                case Asked(question=asked):
                    shown = question(asked, incident)
                case _:
                    continue
            mark = _mark(incident, recorded.id)
            if ts := await self._ledger.sent(mark):
                await self._outbox.edit(mark, channel, ts, shown, at_once=True)

    async def _refresh_reports(self, incident: Incident, channel: str) -> None:
        """Take out of the thread what a second look has replaced since."""
        for recorded in overtaken(incident):
            turn = await self._told_turn(recorded, incident)
            said = message(turn, incident, {}) if turn else None
            if turn and said and (ts := await self._ledger.sent(_mark(incident, turn.key))):
                await self._outbox.edit(_mark(incident, turn.key), channel, ts, said)

    async def _told_turn(self, report: Recorded, incident: Incident) -> Turn | None:
        """What the message tells that tells this report; None where none does yet."""
        place = incident.history.index(report)
        for first in range(place, max(-1, place - REPORTS_TOGETHER), -1):
            mark = _mark(incident, incident.history[first].id)
            if await self._ledger.sent(mark):
                turn = next_turn(incident.history[first:]).until(await self._ledger.extent(mark, report.id))
                return turn if turn.holds(report.id) else None
        return None

    async def _refresh_card(self, incident: Incident, channel: str, ts: str, *, at_once: bool) -> None:
        await self._outbox.edit(_mark(incident, CARD), channel, ts, card(incident), at_once=at_once)


def _mark(incident: Incident, key: str) -> Mark:
    return Mark(incident.id, key)


def _order(event_id: str) -> tuple[int, ...]:
    """Stream ids sort by their numbers: 99-0 comes before 100-0."""
    return tuple(int(part) for part in event_id.split("-") if part.isdecimal())


def _after(cursor: str | None, incident: Incident) -> tuple[Recorded, ...]:
    """The events that were not told."""
    return tuple(recorded for recorded in incident.history if cursor is None or _order(recorded.id) > _order(cursor))


def _quoted(history: Sequence[Recorded]) -> Iterator[str]:
    for recorded in history:
        if isinstance(recorded.event, Briefed):
            yield from (user for quote in recorded.event.brief.lines for user in quote.user.split(", "))
