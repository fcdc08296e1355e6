"""What the bot answers when it is spoken to: `@nightdesk …` and `/nightdesk …`."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime

from bot.catalog import Catalog
from bot.incidents import Intake, Journal
from bot.memory import MemoryManager
from bot.memory.question import BEARS
from bot.memory.reserved import LEARNED
from bot.models import Brief, Briefed, BriefLine, Phase, Recalled
from bot.slack.blocks import Post, with_note, words_of
from bot.slack.desk import Command, Mention
from bot.slack.inbox import moment
from bot.slack.text import escape
from bot.slack.views import brief as brief_view
from bot.slack.views import talk
from bot.work.answering import Speaker, Spoken
from bot.work.closing import Closing
from bot.work.forgetting import Forgetting
from bot.work.lesson import Lesson, lesson_in
from bot.work.question import question, service_in
from bot.work.silencing import Silencing

_HELP = re.compile(r"(help|\?|帮助)?\s*[!.?]*", re.IGNORECASE)
_STATUS = re.compile(r"(status|what'?s (up|open|going on)|状态)\s*[!.?]*", re.IGNORECASE)
_BRIEF = re.compile(r"(brief me|brief|catch me up|简报)\b\s*[:,]?\s*(?P<rest>.*)", re.IGNORECASE | re.DOTALL)

BRIEF_TOKENS = 900
RECALL_TOKENS = 500
LESSONS = 3
"""Lessons, past incidents and runbook pages told with an answer, at most."""

Names = Callable[[Iterable[str]], Awaitable[Mapping[str, str]]]
"""Display names for user ids."""


class Answers:
    """Understands the few things that can be asked, and answers from the journal and from memory."""

    def __init__(
        self,
        journal: Journal,
        intake: Intake,
        memory: MemoryManager,
        catalog: Catalog,
        clock: Callable[[], datetime],
        names: Names,
        forgetting: Forgetting,
        speaker: Speaker | None = None,
    ) -> None:
        self._journal = journal
        self._intake = intake
        self._memory = memory
        self._catalog = catalog
        self._clock = clock
        self._names = names
        self._forgetting = forgetting
        self._closing = Closing(journal, clock)
        self._silencing = Silencing(intake.silences, clock)
        self._speaker = speaker

    async def mention(self, mention: Mention) -> Post | None:
        """The answer, None where the incident's own card and thread are the answer."""
        text = mention.text.strip()
        if answer := await self._known_words(text, mention.channel, asked_in=mention.ts):
            return answer
        if ordered := await self._ordered(text, mention.channel, mention.user):
            return talk.said(ordered)
        if lesson := lesson_in(text):
            return await self._learn(lesson, mention)
        return await self._question(text, mention)

    async def _question(self, text: str, mention: Mention) -> Post | None:
        """A triage of the service that is named, else an answer: in a model's words where there is one."""
        service = service_in(text, self._catalog)
        incident = await self._speaker.incident_of(mention, service) if self._speaker else None
        if service is not None and incident is None:
            return await self._look(service, mention)
        bearing = await self._bears(text, mention.channel, mention.ts)
        spoken = await self._speaker.answer(mention, bearing, incident) if self._speaker else Spoken()
        if spoken.post:
            return spoken.post
        plain = await self._look(service, mention) if service is not None else await self._told(bearing)
        return with_note(plain, spoken.unhelped) if plain and spoken.unhelped else plain

    async def command(self, command: Command) -> str:
        """The text that answers `/nightdesk …`."""
        if forgotten := await self._forgetting.command(command):
            return forgotten
        if ordered := await self._ordered(command.text, command.channel, command.user):
            return ordered
        text = command.text.strip()
        known = await self._known_words(text, command.channel)
        return words_of(known or await self._told(await self._bears(text, command.channel)))

    async def _ordered(self, text: str, channel: str, user: str) -> str | None:
        """What became of an order: to end an incident, to be silent; None where the words are none."""
        if closed := await self._closing.said(text, channel, user):
            return escape(closed)
        return await self._silencing.said(text, user)

    async def _known_words(self, text: str, channel: str, *, asked_in: str = "") -> Post | None:
        if _HELP.fullmatch(text):
            return talk.said(talk.help_text())
        if _STATUS.fullmatch(text):
            incidents = tuple([incident async for incident in self._journal.open_incidents()])
            return talk.said(talk.status(incidents))
        if asked := _BRIEF.fullmatch(text):
            return await self._brief(asked["rest"].strip(), channel, asked_in)
        return None

    async def _brief(self, wish: str, channel: str, asked_in: str) -> Post:
        """The latest of the channel, or of the time that the wish names, or what is near to its words."""
        recalled = await self._memory.recall(wish, channel=channel, budget_tokens=BRIEF_TOKENS)
        found = _without(asked_in, _bearing(recalled))
        return await self._shown(found) if found else talk.said(talk.nothing_to_tell(wish))

    async def _told(self, found: list[Recalled]) -> Post:
        """What was found, as it was said."""
        return await self._shown(found) if found else talk.said(talk.nothing_known(sorted(self._catalog.services)))

    async def _bears(self, text: str, channel: str, asked_in: str = "") -> list[Recalled]:
        """What was said here and what was learned anywhere: talk of other channels stays there."""
        said = await self._memory.recall(text, channel=channel, limit=5, budget_tokens=RECALL_TOKENS)
        anywhere = await self._memory.recall(text, limit=40)
        learned = [recalled for recalled in _bearing(anywhere) if recalled.message.channel in LEARNED]
        return [*learned[:LESSONS], *_without(asked_in, _bearing(said))]

    async def _shown(self, found: list[Recalled]) -> Post:
        names = await self._names({recalled.message.user for recalled in found})
        return brief_view.brief(Briefed(at=self._clock(), brief=_as_brief(found)), names)

    async def _learn(self, lesson: Lesson, mention: Mention) -> Post:
        """Keep it in the name of who said it; a brief shows a correction and what it corrects, marked."""
        await self._memory.teach(
            lesson.text,
            mention.user,
            moment(mention.ts),
            corrects=mention.thread if lesson.corrects else None,
            source=(mention.channel, mention.ts),
            permalink=mention.permalink,
        )
        return talk.answer(f"{'Corrected, in your name' if lesson.corrects else 'Remembered'}: {lesson.text}")

    async def _look(self, service: str, mention: Mention) -> Post | None:
        """Start a triage, unless one of the service is under way: then that is the answer."""
        async for incident in self._journal.open_incidents():
            if incident.service == service and incident.phase is not Phase.HANDED_OVER:
                return talk.said(talk.status((incident,)))
        alert = question(mention.text, f"{mention.channel}:{mention.ts}", self._clock(), service=service)
        await self._intake.open_for(alert, channel=mention.channel, actor=mention.user)
        return talk.answer(f"Looking into {service}: see the card in this channel.")


def _bearing(found: list[Recalled]) -> list[Recalled]:
    """Without what has nothing to do with the question: an honest "nothing" is worth more than the nearest noise."""
    return [recalled for recalled in found if recalled.covers >= BEARS]


def _without(message_id: str, found: list[Recalled]) -> list[Recalled]:
    """Without the question itself, which memory has heard too."""
    return [recalled for recalled in found if recalled.id != message_id]


def _as_brief(found: list[Recalled]) -> Brief:
    """Recalled messages in the order in which they were said."""
    in_order = sorted(found, key=lambda recalled: recalled.message.sent_at)
    lines = tuple(_line(recalled) for recalled in in_order)
    return Brief(role="person", lines=lines, considered=len(found))


def _line(recalled: Recalled) -> BriefLine:
    message = recalled.message
    return BriefLine(
        text=message.text,
        user=message.user,
        said_at=message.sent_at,
        section="recent",
        permalink=message.permalink,
        superseded_by=recalled.superseded_by,
    )
