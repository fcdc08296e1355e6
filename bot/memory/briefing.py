"""A brief: what one agent should have read before it looks, within a budget."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from bot.memory.budget import tokens_of
from bot.memory.conversation import talk_around, talk_of
from bot.memory.folding import fold, told_later
from bot.memory.question import BEARS, Key, Question
from bot.memory.reserved import INCIDENTS, LEARNED
from bot.memory.roles import EMPHASIS, SECTIONS, section_of
from bot.memory.tokens import Tokenizer
from bot.models import Alert, Brief, BriefLine, Incident, Message, Recalled

Placed = tuple[str, Message]
"""A section and a message in it."""
Find = Callable[[Question, int], Awaitable[list[Recalled]]]
SHARES = {"known": 0.3, "tried": 0.2, "changed": 0.2, "people": 0.1, "recent": 0.2}
"""What each section may take of the budget; what one leaves, the next may use."""
LOOKED_AT = 150
TALK_BEFORE, JUST_NOW = timedelta(hours=2), timedelta(minutes=15)
"""How far back the live talk of an incident may begin; and what is so fresh that it may well be about it."""
SCORE_KEPT = {"wording": 0.2, "conversation": 0.5}
"""Lines that score less than this share of the best are not worth their tokens, the less so if only those around them
speak of the matter."""
WHOLE_TALKS = 3
"""Talks that are brought whole, because one of their lines is among the nearest: how it ended is said below it."""
TALK_LASTS, TALK_LINES = timedelta(hours=2), 5
"""How far a talk in the main flow is looked for, and so many of its other lines are brought."""
THREAD_LASTS = timedelta(days=2)
NEAREST = 0.4
"""A line among the nearest scores at least this share of the best."""
BELONGS, TIED_NOW = 0.4, 0.1
"""What belongs less to the live talk of the incident, or has no word in common with it, is other talk."""
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
    about = await _with_whole_talks(find, about)
    talk = _talk_about(incident, await find(_talk(incident), LOOKED_AT)) if incident.channel else []
    others = [recalled.message for recalled in (*about, *talk)]
    chosen = _affordable(_by_section(about, talk), budget_tokens)
    return Brief(
        role=role,
        lines=tuple(_line(section, message, others) for section, message in chosen),
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
    live = {(recalled.message.channel, recalled.id) for recalled in talk}
    best = max((recalled.score for recalled in about), default=0.0)
    worthwhile = (each for each in about if each.score >= SCORE_KEPT.get(each.why, SCORE_KEPT["wording"]) * best > 0)
    told = [
        (_section(recalled.message), recalled.message)
        for recalled in fold(worthwhile)
        if (recalled.message.channel, recalled.id) not in live
    ]
    return [*told, *(("recent", recalled.message) for recalled in fold(talk))]


async def _with_whole_talks(find: Find, about: list[Recalled]) -> list[Recalled]:
    """The talks of the nearest lines, each whole where its best line stood; then all else as it was."""
    best = max((recalled.score for recalled in about), default=0.0)
    near = [each for each in about if each.score >= NEAREST * best > 0]
    talks: dict[Key, list[Recalled]] = {}
    brought: set[Key] = set()
    for head in near:
        if len(talks) < WHOLE_TALKS and _key(head) not in brought and head.message.channel not in LEARNED:
            talk = await _talk_of(find, head)
            if len(talk) > 1:
                talks[_key(head)] = talk
                brought |= {_key(each) for each in talk}
    tied = [each for each in about if each.why != "conversation" or _key(each) in brought]
    told = [each for recalled in tied for each in talks.get(_key(recalled), [recalled])]
    once: dict[Key, Recalled] = {}
    for each in told:
        once.setdefault(_key(each), each)
    return list(once.values())


async def _talk_of(find: Find, head: Recalled) -> list[Recalled]:
    """The talk of a line in the order in which it was said; each of its lines counts as much as that one."""
    message = head.message
    lasts = THREAD_LASTS if message.thread else TALK_LASTS
    around = Question("", channel=message.channel, since=message.sent_at - lasts, until=message.sent_at + lasts)
    said = sorted((each.message for each in await find(around, LOOKED_AT)), key=lambda each: each.sent_at)
    talk = [each for each in said if _thread(each) == _thread(message)]
    if len(talk) < 2:
        talk = talk_of(message, [each for each in said if not each.thread], Tokenizer(), most=TALK_LINES)
    return [head.model_copy(update={"message": each, "why": "thread"}) for each in talk]


def _key(recalled: Recalled) -> Key:
    return recalled.message.channel, recalled.id


def _thread(message: Message) -> Key:
    return message.channel, message.thread or message.id


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


def _line(section: str, message: Message, others: Sequence[Message]) -> BriefLine:
    return BriefLine(
        text=message.text,
        user=message.user,
        said_at=message.sent_at,
        section=section,
        permalink=message.permalink,
        superseded_by=told_later(message, others),
    )


def _cost(message: Message) -> float:
    return tokens_of(message.user, message.text)
