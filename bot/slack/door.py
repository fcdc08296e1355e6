"""The Slack door: HTTP requests are measured and their signature checked before a byte is parsed; or Socket Mode."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_sdk.signature import Clock, SignatureVerifier
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.body import LINGER_BYTES, limited
from bot.errors import BadInput, SlackRefused, TooLarge
from bot.settings import Settings
from bot.slack.client import Slack, refusals, token_of
from bot.slack.desk import Desk
from bot.slack.lifeline import LOOK_S, lifeline
from bot.slack.listeners import Listeners

PATH = "/slack/events"


class Door:
    """Where Slack comes in.

    Args:
        clock: seconds since 1970, for the age of signatures and the moment of decisions.
    """

    def __init__(self, settings: Settings, desk: Desk, slack: Slack, *, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings.slack
        self._max_body_bytes = settings.max_body_bytes
        self._slack = slack
        self._desk = desk
        self._now = lambda: datetime.fromtimestamp(clock(), UTC)
        secret = settings.slack.signing_secret
        self._verifier = SignatureVerifier(secret.get_secret_value(), _At(clock)) if secret else None
        self._app = Listeners(desk, slack, self._now, hear_bots=settings.slack.hear_bots).app()
        self._handler = AsyncSlackRequestHandler(self._app)

    @property
    def routes(self) -> list[Route]:
        """`POST /slack/events`: events, buttons, dialogs and commands."""
        return [Route(PATH, self._serve, methods=["POST"])]

    @asynccontextmanager
    async def listening(self, look_s: float = LOOK_S) -> AsyncIterator[None]:
        """Connected by Socket Mode for as long as the block lasts; does nothing where there is no app token.

        Args:
            look_s: seconds between two looks whether it still is.

        Raises:
            SlackRefused: Slack does not take the app token, or does not answer.
            Misconfigured: the app token cannot be one.
        """
        token = token_of(self._settings)
        if token is None:
            yield
            return
        handler = AsyncSocketModeHandler(self._app, token, web_client=self._slack.asking)
        try:
            with refusals("a Socket Mode connection"):
                await handler.connect_async()  # type: ignore[no-untyped-call]
            async with lifeline(handler.client.is_connected, self._desk.cut_off, self._now, look_s):
                yield
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]

    async def _serve(self, request: Request) -> Response:
        measured = Request(request.scope, limited(request.receive, self._max_body_bytes))
        try:
            self._require_announced_size(request)
            body = await measured.body()
        except TooLarge as refusal:
            return _refused(413, "too_large", str(refusal), close=True)
        if self._verifier is None:
            return _refused(403, "socket_mode", "There is no signing secret: set SLACK_SIGNING_SECRET to be called.")
        if not self._signed(body, request):
            return _refused(401, "bad_signature", "The signature is wrong, or older than five minutes.")
        return await self._dispatch(measured)

    async def _dispatch(self, request: Request) -> Response:
        try:
            return await self._handler.handle(request)
        except (ValueError, RecursionError, BadInput):
            return _refused(400, "bad_payload", "The body is not what Slack sends.")
        except SlackRefused as refusal:
            return _refused(503, "slack_unavailable", str(refusal))

    def _require_announced_size(self, request: Request) -> None:
        announced = request.headers.get("content-length", "0")
        if not announced.isdecimal() or int(announced) > self._max_body_bytes + LINGER_BYTES:
            raise TooLarge(f"A body may have at most {self._max_body_bytes:,} bytes.")

    def _signed(self, body: bytes, request: Request) -> bool:
        if self._verifier is None:
            return False
        try:
            return self._verifier.is_valid_request(body, dict(request.headers))
        except (ValueError, TypeError):  # a timestamp that is no number, bytes that are no text
            return False


class _At(Clock):
    """The verifier's clock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock()


def _refused(status: int, error: str, message: str, *, close: bool = False) -> Response:
    headers = {"connection": "close"} if close else None
    return JSONResponse({"error": error, "message": message}, status_code=status, headers=headers)
