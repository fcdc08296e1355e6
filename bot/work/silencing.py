"""`/nightdesk silence 2h service=checkout`, `silences`, `unsilence ID`: what people say of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.errors import NotFound
from bot.incidents.silences import Silences
from bot.models import Matcher, Silence
from bot.plural import many
from bot.slack.text import date, line, person

_COMMAND = re.compile(r"(?P<verb>silences|silence|unsilence)\b\s*(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_SPAN = re.compile(r"(?:(?P<d>\d{1,3})d)?(?:(?P<h>\d{1,3})h)?(?:(?P<m>\d{1,4})m(?:in)?)?", re.IGNORECASE)
_MATCHER = re.compile(r"""(?P<name>[\w.:/-]+)(?P<how>!?=)(?:"(?P<quoted>[^"]*)"|(?P<value>\S+))""")
LONGEST = timedelta(days=30)
MOST_MATCHERS = 10
MOST_LISTED = 20
USAGE = (
    "Say for how long and for which alerts: `silence 2h service=checkout`, "
    '`silence 1d alertname="Disk*" environment!=production because we migrate`. '
    "`silences` lists them, `unsilence ID` ends one."
)


class Silencing:
    """Understands the three commands."""

    def __init__(self, silences: Silences, clock: Callable[[], datetime]) -> None:
        self._silences = silences
        self._clock = clock

    async def said(self, text: str, user: str) -> str | None:
        """The answer, None where the words are about something else."""
        command = _COMMAND.fullmatch(text.strip())
        if command is None:
            return None
        verb, rest = command["verb"].casefold(), command["rest"].strip()
        if verb == "silences":
            return await self._list()
        if verb == "unsilence":
            return await self._end(rest, user)
        if rest.casefold() in {"", "list", "help"}:
            return await self._list() if rest.casefold() == "list" else USAGE
        ended = re.fullmatch(r"(?:end|stop)\s+(\S+)", rest, re.IGNORECASE)
        return await (self._end(ended[1], user) if ended else self._begin(rest, user))

    async def _begin(self, wish: str, user: str) -> str:
        span, _, rest = wish.partition(" ")
        lasts = span_of(span)
        if lasts is None:
            return f"“{line(span, 40)}” is no length of time. {USAGE}"
        if not timedelta(0) < lasts <= LONGEST:
            return f"A silence lasts from a minute to {LONGEST.days} days."
        matchers, reason = matchers_of(rest)
        if not matchers:
            return f"A silence of everything is not possible. {USAGE}"
        if len(matchers) > MOST_MATCHERS:
            return f"A silence has at most {MOST_MATCHERS} conditions."
        silence = await self._silences.begin(matchers, by=user, reason=reason, now=self._clock(), lasts=lasts)
        return (
            f":no_bell: Silence {silence.id} until {date(silence.until)}: {_matchers(silence)}. What fits is kept and "
            f"calls nobody; what still fires then becomes an incident. End it with `unsilence {silence.id}`."
        )

    async def _list(self) -> str:
        listed = await self._silences.listed(self._clock())
        if not listed:
            return "There is no silence."
        rows = [f"• {await self._row(silence)}" for silence in listed[:MOST_LISTED]]
        more = len(listed) - MOST_LISTED
        return "\n".join([*rows, *([f"… and {more} more"] if more > 0 else [])])

    async def _row(self, silence: Silence) -> str:
        kept = await self._silences.received(silence.id)
        why = f", because {line(silence.reason, 150)}" if silence.reason else ""
        return (
            f"*{silence.id}* {_matchers(silence)} until {date(silence.until)}, by {person(silence.by)}{why}; "
            f"{many(kept, 'alert')} kept quiet"
        )

    async def _end(self, wish: str, user: str) -> str:
        if not wish:
            return "Which one? `silences` lists them."
        try:
            silence = await self._silences.end(wish.upper(), by=user, now=self._clock())
        except NotFound:
            return f"There is no silence {line(wish, 20)} in force. `silences` lists them."
        return f":bell: Silence {silence.id} is ended, in your name. What still fires of it becomes an incident."


def span_of(word: str) -> timedelta | None:
    """A length of time such as 90m, 2h, 1d12h; None if it is none."""
    found = _SPAN.fullmatch(word)
    if not word or found is None:
        return None
    days, hours, minutes = (int(found[part] or 0) for part in "dhm")
    return timedelta(days=days, hours=hours, minutes=minutes)


def matchers_of(words: str) -> tuple[list[Matcher], str]:
    """The conditions, and what is said besides them: the reason."""
    matchers = [
        Matcher(
            name=found["name"],
            value=found["quoted"] if found["quoted"] is not None else found["value"],
            equal=found["how"] == "=",
        )
        for found in _MATCHER.finditer(words)
    ]
    reason = " ".join(_MATCHER.sub(" ", words).split())
    return matchers, reason.removeprefix("because ").strip()


def _matchers(silence: Silence) -> str:
    return line(str(silence), 300)
