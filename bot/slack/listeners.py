"""The Bolt app: which listener hears what.

Bolt acknowledges an event before its listener has run, unless `process_before_response` is set. With it, an error
in a listener is answered 500 and Slack delivers again, so nothing is acknowledged before the desk has kept it. Bolt
does not drop repetitions; here an event that the desk has marked is acknowledged and goes no further.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.characters import sound
from bot.errors import BadInput, NightdeskError
from bot.slack import inbox
from bot.slack.client import Identity, Slack
from bot.slack.desk import Desk
from bot.slack.gate import GateListeners
from bot.slack.menu import MenuListeners
from bot.slack.text import escape, own
from bot.slack.views.question import ANSWER

log = structlog.get_logger(__name__)

COMMAND = "/nightdesk"
TRIAGE = "triage_this"
ANYTHING = re.compile(".*")

Json = dict[str, Any]
Handler = Callable[[str, Json, Identity], Awaitable[None]]


class Listeners:
    """Hands what Slack says to the desk."""

    def __init__(self, desk: Desk, slack: Slack, clock: Callable[[], datetime], *, hear_bots: bool = True) -> None:
        self._hear_bots = hear_bots
        self._desk = desk
        self._slack = slack
        self._gate = GateListeners(desk, slack, clock)
        self._menu = MenuListeners(desk, slack)

    def app(self) -> AsyncApp:
        """The Bolt app. Signatures are checked by the door, before anything is parsed."""
        app = AsyncApp(
            name="nightdesk",
            logger=_bolt_logger(),
            client=AsyncWebClient(base_url=self._slack.asking.base_url),
            authorize=_authorizing(self._slack),
            signing_secret="",
            request_verification_enabled=False,
            process_before_response=True,
        )
        app.middleware(_mended)
        app.error(_failed)
        self._hear(app)
        self._obey(app)
        return app

    def _hear(self, app: AsyncApp) -> None:
        handlers: dict[str, Handler] = {
            "app_mention": self._mentioned,
            "message": self._said,
            "reaction_added": self._reacted,
            "member_joined_channel": self._joined,
            "app_home_opened": self._home_opened,
        }
        for kind, handler in handlers.items():
            app.event(kind)(self._once(handler))
        app.event(ANYTHING)(_ignored)

    def _obey(self, app: AsyncApp) -> None:
        app.command(COMMAND)(self._commanded)
        app.message_shortcut(TRIAGE)(self._triage)
        self._gate.obey(app)
        app.action(re.compile(rf"{ANSWER}\d"))(self._replied)
        self._menu.obey(app)
        app.action(ANYTHING)(_ignored)

    def _once(self, handler: Handler) -> Callable[..., Awaitable[None]]:
        """Ask whether it was dealt with, deal with it, mark it: a crash between the two repeats an idempotent call."""

        async def heard(body: Json) -> None:
            event_id = inbox.needed(body, "event_id")
            if await self._desk.seen(event_id):
                return
            await handler(event_id, body["event"], await self._slack.identity())
            await self._desk.mark(event_id)

        return heard

    async def _mentioned(self, event_id: str, event: Json, identity: Identity) -> None:
        await self._desk.heard(inbox.mention(event_id, event, identity))

    async def _said(self, event_id: str, event: Json, identity: Identity) -> None:
        if gone := inbox.deleted(event, identity):
            await self._desk.deleted(inbox.needed(event, "channel"), gone)
        elif event.get("subtype") == "message_changed":
            if message := inbox.edited(event, identity):
                await self._desk.edited(message)
        elif message := inbox.message(event, inbox.needed(event, "channel"), identity):
            await self._desk.remembered(message)
            if self._hear_bots and event.get("bot_id"):
                await self._desk.overheard(event, inbox.needed(event, "channel"))
            if event.get("channel_type") == "im" and "user" in event:
                await self._desk.heard(inbox.mention(event_id, event, identity))

    async def _reacted(self, event_id: str, event: Json, _: Identity) -> None:
        if lesson := inbox.lesson(event_id, event):
            await self._desk.taught(lesson)

    async def _joined(self, _: str, event: Json, identity: Identity) -> None:
        if event.get("user") == identity.user:
            await self._desk.joined(inbox.needed(event, "channel"))

    async def _home_opened(self, _: str, event: Json, __: Identity) -> None:
        if event.get("tab") == "home":
            await self._gate.show_home(inbox.needed(event, "user"))

    async def _commanded(self, ack: AsyncAck, body: Json) -> None:
        try:
            answer = await self._desk.commanded(inbox.command(body))
        except NightdeskError as error:
            answer = escape(str(error))
        await ack(text=own(answer, 3500) or "Nothing to say.", response_type="ephemeral")

    async def _triage(self, ack: AsyncAck, body: Json) -> None:
        message = body["message"]
        await self._desk.asked_triage(body["channel"]["id"], message["ts"], inbox.said(message), body["user"]["id"])
        await ack()

    async def _replied(self, ack: AsyncAck, body: Json) -> None:
        await self._desk.replied(inbox.replied(body))
        await ack()


def _authorizing(slack: Slack) -> Callable[[], Awaitable[AuthorizeResult]]:
    """Our one token. When Slack fails, no SlackApiError: Bolt would answer that with 200, and lose the event."""

    async def authorize() -> AuthorizeResult:
        identity = await slack.identity()
        return AuthorizeResult(
            enterprise_id=None,
            team_id=identity.team,
            bot_user_id=identity.user,
            bot_id=identity.bot,
            bot_token=slack.telling.token,
        )

    return authorize


async def _mended(req: AsyncBoltRequest, next_: Callable[[], Awaitable[None]]) -> None:
    """Whatever a listener hears can be stored."""
    req.body = sound(req.body)
    await next_()


async def _ignored(ack: AsyncAck) -> None:
    """Not for us (a link button, an event nobody asked for): acknowledged, so that Slack does not deliver it again."""
    await ack()


async def _failed(error: Exception, body: Json) -> BoltResponse | None:
    """Called by Bolt when a listener raised; the answer is 500, and Slack delivers events again.

    An event that cannot be understood is acknowledged: it would read the same again, and Slack stops sending to an app
    that fails too often.
    """
    event = body.get("event")
    what = (event.get("type") if isinstance(event, dict) else None) or body.get("type") or body.get("command")
    if isinstance(error, BadInput):
        log.warning("slack.not_understood", what=what, event_id=body.get("event_id"), reason=str(error))
        return BoltResponse(status=200) if event else None
    log.error("slack.not_dealt_with", what=what, event_id=body.get("event_id"), exc_info=error)
    return None


def _bolt_logger() -> logging.Logger:
    """Bolt warns about environment variables that are read elsewhere here; only its errors matter."""
    logger = logging.getLogger("bot.slack.bolt")
    logger.setLevel(logging.ERROR)
    return logger
