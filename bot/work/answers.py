"""What the bot answers when it is spoken to: `@nightdesk …` and `/nightdesk …`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.catalog import Catalog
from bot.incidents import Intake, Journal
from bot.memory import MemoryManager
from bot.models import Phase, Recalled
from bot.report import measure, recorded_since, table
from bot.slack.blocks import Post, with_note, words_of
from bot.slack.desk import Command, Mention
from bot.slack.inbox import moment
from bot.slack.text import escape
from bot.slack.views import talk
from bot.work import smalltalk
from bot.work.answering import Speaker, Spoken
from bot.work.closing import Closing
from bot.work.forgetting import Forgetting
from bot.work.lesson import Lesson, lesson_in
from bot.work.naming import Names
from bot.work.question import about_the_past, question, service_in
from bot.work.recollection import Recollection, told
from bot.work.silencing import Silencing
from bot.work.switching import Switching

_HELP = re.compile(r"(help|\?|帮助)?\s*[!.?]*", re.IGNORECASE)
_REPORT = re.compile(
    r"(?:weekly )?report(?:\s+(?:of )?(?:the )?(?:last )?(?P<days>[1-9][0-9]{0,2})\s*d(?:ays?)?)?\s*[!.]*",
    re.IGNORECASE,
)
WEEK = 7
"""Days that a report is about where nobody says."""
_STATUS = re.compile(r"(status|what'?s (up|open|going on)|状态)\s*[!.?]*", re.IGNORECASE)
_BRIEF = re.compile(
    r"(?:(?:brief me|brief|catch me up)\b|简报)\s*[:,：，]?\s*(?:about\b|on\b|关于)?\s*(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)


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
        switching: Switching | None = None,
    ) -> None:
        self._journal = journal
        self._intake = intake
        self._memory = memory
        self._catalog = catalog
        self._clock = clock
        self._recollection = Recollection(memory, names)
        self._forgetting = forgetting
        self._closing = Closing(journal, clock)
        self._silencing = Silencing(intake.silences, clock)
        self._speaker = speaker
        self._switching = switching

    async def mention(self, mention: Mention) -> Post | None:
        """The answer, None where the incident's own card and thread are the answer."""
        text = mention.text.strip()
        if answer := await self._known_words(text, mention.channel, asked_in=mention.ts):
            return answer
        if ordered := await self._ordered(text, mention.channel, mention.user):
            return talk.said(ordered)
        if lesson := lesson_in(text):
            return await self._learn(lesson, mention)
        if smalltalk.is_order(text):
            return await self._instead(mention)
        return await self._question(text, mention)

    async def _question(self, text: str, mention: Mention) -> Post | None:
        """A triage of the service that is named, else an answer: in a model's words where there is one."""
        service = service_in(text, self._catalog)
        incident = await self._speaker.incident_of(mention, service) if self._speaker else None
        past = about_the_past(text, await self._memory.period(text, mention.channel), self._clock())
        if service is not None and incident is None and not past:
            return await self._look(service, mention)
        found = await self._recollection.about(text, mention.channel, asked_in=mention.ts)
        spoken = await self._speaker.answer(mention, found, incident) if self._speaker else Spoken()
        if spoken.post:
            return spoken.post
        plain = await self._plainly(service, found, mention, past=past)
        return with_note(plain, spoken.unhelped) if plain and spoken.unhelped else plain

    async def _plainly(
        self, service: str | None, found: list[Recalled], mention: Mention, *, past: bool
    ) -> Post | None:
        """What is remembered, or a look at the service as it is: where that was asked, or nothing is remembered."""
        if service is None:
            return self._told(found)
        if past and found:
            return with_note(told(found), talk.look_now(service))
        return await self._look(service, mention)

    async def _instead(self, mention: Mention) -> Post:
        """Nobody's word changes anything: the service that is named is looked into."""
        service = service_in(mention.text, self._catalog)
        refused = talk.nothing_on_a_word(service)
        looked = await self._look(service, mention) if service else None
        return with_note(looked, refused) if looked else talk.said(refused)

    async def command(self, command: Command) -> str:
        """The text that answers `/nightdesk …`."""
        if forgotten := await self._forgetting.command(command):
            return forgotten
        if self._switching and (switched := await self._switching.command(command)):
            return switched
        if ordered := await self._ordered(command.text, command.channel, command.user):
            return ordered
        text = command.text.strip()
        if smalltalk.is_order(text):
            return talk.nothing_on_a_word()
        known = await self._known_words(text, command.channel)
        return words_of(known or self._told(await self._recollection.about(text, command.channel)))

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
        if smalltalk.is_greeting(text) or smalltalk.is_thanks(text):
            return talk.said(talk.welcome() if smalltalk.is_thanks(text) else talk.hello())
        if asked := _REPORT.fullmatch(text):
            return talk.said(talk.report(await self._report(int(asked["days"] or WEEK), channel)))
        if asked := _BRIEF.fullmatch(text):
            wish = asked["rest"].strip()
            brief = await self._recollection.brief(wish, channel, asked_in=asked_in)
            return brief or talk.said(talk.nothing_to_tell(wish))
        return None

    async def _report(self, days: int, channel: str) -> str:
        """What the bot was worth, as `nightdesk report` tells it, by the channel's clock."""
        zone = await self._memory.timezone(channel)
        incidents = await recorded_since(self._journal, self._clock() - timedelta(days=days))
        return table(measure(incidents, days, zone), zone=zone)

    def _told(self, found: list[Recalled]) -> Post:
        """What was found, as it was said."""
        return told(found) if found else talk.said(talk.nothing_known(sorted(self._catalog.services)))

    async def _learn(self, lesson: Lesson, mention: Mention) -> Post:
        """Keep it in the name of who said it; a brief shows a correction and what it corrects, marked."""
        kept = await self._memory.teach(
            lesson.text,
            mention.user,
            moment(mention.ts),
            corrects=mention.thread if lesson.corrects else None,
            source=(mention.channel, mention.ts),
            permalink=mention.permalink,
        )
        if kept is None:
            return talk.answer("That was to be forgotten meanwhile, so it is not remembered.")
        return talk.answer(f"{'Corrected, in your name' if lesson.corrects else 'Remembered'}: {lesson.text}")

    async def _look(self, service: str, mention: Mention) -> Post | None:
        """Start a triage, unless one of the service is under way: then that is the answer."""
        async for incident in self._journal.open_incidents():
            if incident.service == service and incident.phase is not Phase.HANDED_OVER:
                return talk.said(talk.status((incident,)))
        alert = question(mention.text, f"{mention.channel}:{mention.ts}", self._clock(), service=service)
        await self._intake.open_for(alert, channel=mention.channel, actor=mention.user)
        return talk.answer(f"Looking into {service}: see the card in this channel.")
