"""A brief: what one agent should have read before it looks, within a budget."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from bot.memory.budget import tokens_of
from bot.memory.conversation import talk_around
from bot.memory.folding import fold, told_later
from bot.memory.passage import LONGEST_PASSAGE, passage
from bot.memory.question import BEARS, Question
from bot.memory.reserved import INCIDENTS, LEARNED
from bot.memory.roles import EMPHASIS, SECTIONS, section_of
from bot.memory.talks import Find, key_of, with_whole_talks, worthwhile
from bot.memory.tokens import Tokenizer
from bot.models import Alert, Brief, BriefLine, Incident, Message, Recalled

Placed = tuple[str, Message]
"""A section and a message in it."""
SHARES = {"known": 0.3, "tried": 0.2, "changed": 0.2, "people": 0.1, "recent": 0.2}
"""What each section may take of the budget; what one leaves, the next may use."""
LOOKED_AT = 150
TALK_BEFORE, JUST_NOW = timedelta(hours=2), timedelta(minutes=15)
"""How far back the live talk of an incident may begin; and what is so fresh that it may well be about it."""
BELONGS, TIED_NOW = 0.4, 0.1
"""What belongs less to the live talk of the incident, or has no word in common with it, is other talk."""
LONGEST_WHOLE = 1200
"""Characters; of a longer message its passage is told. A piece of the knowledge folder is shorter."""
_ANY_TIME = datetime.min.replace(tzinfo=UTC)
_TELLING_LABELS = ("service", "job", "app", "instance", "database", "db", "namespace", "cluster", "component", "team")


async def compose(find: Find, incident: Incident, role: str, budget_tokens: int, *, considered: int) -> Brief:
    """The lines for one role, section by section, in the order that helps."""
    asked = Question(
        question_of(incident),
        subject=incident.service or incident.alert.service,
        emphasis=EMPHASIS.get(role, ""),
        asked_in=incident.channel,
    )
    about = _kindred_first(incident, _bearing(await find(asked, LOOKED_AT)))
    about = await with_whole_talks(find, about)
    talk = _talk_about(incident, await find(_talk(incident), LOOKED_AT)) if incident.channel else []
    others = [recalled.message for recalled in (*about, *talk)]
    chosen = _affordable(_by_section(about, talk), budget_tokens)
    return Brief(
        role=role,
        lines=await asyncio.to_thread(_lines, chosen, others, f"{asked.text} {asked.emphasis}"),
        tokens=math.ceil(sum(_cost(message) for _, message in chosen)),
        considered=considered,
    )


def _bearing(found: list[Recalled]) -> list[Recalled]:
    """What was found, if any of it bears on the question: nothing is worth more than the nearest noise."""
    return found if any(recalled.covers >= BEARS for recalled in found) else []


def question_of(incident: Incident) -> str:
    """What to ask memory for an incident: its own words."""
    words = [word for alert in incident.alerts or (incident.alert,) for word in _words_of(alert)]
    return " ".join(dict.fromkeys(word for word in (incident.service or "", *words) if word))


def _words_of(alert: Alert) -> Iterable[str]:
    yield alert.name
    yield alert.service or ""
    yield alert.summary or ""
    yield alert.annotations.get("description", "")
    yield alert.fingerprint
    yield from (alert.labels[name] for name in _TELLING_LABELS if name in alert.labels)


def _talk(incident: Incident) -> Question:
    """What the incident's own channel said shortly before it was opened, and since."""
    return Question("", channel=incident.channel, since=incident.opened_at - TALK_BEFORE)


def _talk_about(incident: Incident, said: Sequence[Recalled]) -> list[Recalled]:
    """What of the recent talk belongs to the incident, best first."""
    call = Message(
        id=incident.id,
        channel=incident.channel or "-",
        user="",
        text=question_of(incident),
        sent_at=incident.opened_at,
    )
    belonging = talk_around(call, [recalled.message for recalled in reversed(said)], Tokenizer())
    just_now = incident.opened_at - JUST_NOW
    return [
        Recalled(message=one.message, score=one.score, why="recent")
        for one in belonging
        if one.score >= BELONGS and (one.tie >= TIED_NOW or one.message.sent_at >= just_now)
    ]


def _kindred_first(incident: Incident, found: Sequence[Recalled]) -> list[Recalled]:
    """Past incidents of the same alert come first, then those of the same service, then all else as it was."""

    def distance(recalled: Recalled) -> int:
        if recalled.message.channel != INCIDENTS:
            return 2
        if f"Fingerprint: {incident.alert.fingerprint}." in recalled.message.text:
            return 0
        return 1 if incident.service and f" on {incident.service}," in recalled.message.text else 2

    own = (INCIDENTS, incident.id)
    return sorted((each for each in found if (each.message.channel, each.id) != own), key=distance)


def _by_section(about: Sequence[Recalled], talk: Sequence[Recalled]) -> list[Placed]:
    """Every line worth reading, best first within its section."""
    live = {key_of(recalled) for recalled in talk}
    told = [
        (_section(recalled.message), recalled.message)
        for recalled in fold(worthwhile(about))
        if key_of(recalled) not in live
    ]
    return [*told, *(("recent", recalled.message) for recalled in fold(talk))]


def _section(message: Message) -> str:
    """What the bot learned itself is known; talk goes where its words point."""
    return "known" if message.channel in LEARNED else section_of(message.text)


def _affordable(lines: Sequence[Placed], budget_tokens: int) -> list[Placed]:
    """First what fits each section's own share, then, best first, what fits the rest."""
    left = float(budget_tokens)
    share = {section: budget_tokens * SHARES[section] for section in SECTIONS}
    chosen: list[int] = []
    for number, (section, message) in enumerate(lines):
        if _cost(message) <= share[section]:
            share[section] -= _cost(message)
            left -= _cost(message)
            chosen.append(number)
    for number, (_, message) in enumerate(lines):
        if number not in chosen and _cost(message) <= left:
            left -= _cost(message)
            chosen.append(number)
    return sorted((lines[number] for number in sorted(chosen)), key=_place)


def _place(line: Placed) -> tuple[int, datetime]:
    """Sections in their order; the live talk as it was said; the others stay best first."""
    section, message = line
    return SECTIONS.index(section), message.sent_at if section == "recent" else _ANY_TIME


def _lines(chosen: Sequence[Placed], others: Sequence[Message], asked: str) -> tuple[BriefLine, ...]:
    tokenize = Tokenizer()
    return tuple(
        _line(section, message, others, passage(message.text, asked, tokenize, longest=_told(message)))
        for section, message in chosen
    )


def _line(section: str, message: Message, others: Sequence[Message], text: str) -> BriefLine:
    return BriefLine(
        text=text,
        user=message.user,
        said_at=message.sent_at,
        section=section,
        permalink=message.permalink,
        superseded_by=told_later(message, others),
    )


def _cost(message: Message) -> float:
    return tokens_of(message.user, message.text, longest=_told(message))


def _told(message: Message) -> int:
    """How much of it is told, in characters."""
    return LONGEST_WHOLE if len(message.text) <= LONGEST_WHOLE else LONGEST_PASSAGE
