"""What deploy bots and people say in the channel that they change."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from bot.catalog import Catalog
from bot.changes.change import Change, ChangeKind, Seen
from bot.changes.words import author_in, kind_of, outcome_in, versions_in
from bot.models import Message, Window

Heard = Callable[[str | None, datetime, datetime], Awaitable[Sequence[Message]]]
"""Gives what was said in a channel (None: in all) between two moments."""

_CONFIGURED = re.compile(r"\bconfig(uration)? change|\bchanged? .{0,40}\bconfig", re.IGNORECASE)
_UPGRADED = re.compile(r"\b(upgrad(ed|ing)|fail(ed|ing)?[ -]?over|failover)\b", re.IGNORECASE)
_DONE = re.compile(
    r"\b(deploy(ed|ing|s)?|roll(ed|ing)? out|releas(ed|ing)|shipp(ed|ing))\b|部署|发布|上线", re.IGNORECASE
)
_ID = re.compile(r"(?=.*\d)[UWB][A-Z0-9]{2,20}")
"""Slack's, of a person or a bot."""
_WORD = re.compile(r"[\w][\w.-]*[\w]|\w")


class Announced:
    """Reads the channel of the first service that is of interest, and those where everything is announced.

    Args:
        channels: where deploys of all services are announced.
    """

    name = "channel"

    def __init__(self, heard: Heard, catalog: Catalog, channels: Sequence[str] = ()) -> None:
        self._heard = heard
        self._catalog = catalog
        self._channels = channels

    async def changes(self, span: Window, services: Sequence[str]) -> Seen:
        """Every message that tells of a change; one that names no service is about the channel's own, if it has one."""
        entry = self._catalog.services.get(services[0]) if services else None
        own = entry.channel if entry else None
        asked = dict.fromkeys((own, *self._channels))
        said = [message for channel in asked for message in await self._heard(channel, span.start, span.end)]
        unique = {(message.channel, message.id): message for message in said}.values()
        told = [(message, kind) for message in unique if (kind := _kind(message.text))]
        return Seen(
            tuple(
                self._change(message, kind, services[0] if own and message.channel == own else None)
                for message, kind in told
            )
        )

    async def check(self) -> str:
        """There is nothing to connect to."""
        return "what is said in the channels"

    def _change(self, message: Message, kind: ChangeKind, own: str | None) -> Change:
        before, after = versions_in(message.text)
        return Change(
            source=self.name,
            kind=kind,
            what=message.text,
            service=self._named(message.text) or own,
            before=before,
            after=after,
            who=_by_name(author_in(message.text) or message.user),
            at=message.sent_at,
            outcome=outcome_in(message.text),
            url=message.permalink,
            details=(message.text,) if after else (),
        )

    def _named(self, text: str) -> str | None:
        """The first word that is a service's name or alias."""
        return next(filter(None, (self._catalog.resolve(word) for word in _WORD.findall(text))), None)


def _by_name(who: str) -> str | None:
    """Who it was; nobody where only an id is known: it tells people nothing."""
    return None if _ID.fullmatch(who) else who


def _kind(text: str) -> ChangeKind | None:
    """Talk is full of the nouns; a change is told with its verb."""
    kind = kind_of(text)
    told = {"config": _CONFIGURED, "infrastructure": _UPGRADED, "deploy": _DONE}.get(kind or "")
    return kind if kind and kind != "restart" and (told is None or told.search(text)) else None
