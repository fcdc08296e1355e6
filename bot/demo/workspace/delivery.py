"""How the workspace reaches the bot: signed POSTs, an answer within three seconds, Slack's three retries of events."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import aiohttp

from bot.demo.workspace.refusal import Json

SLACK_RETRIES_S = (0.0, 60.0, 300.0)
ACK_WITHIN_S = 3.0


@dataclass(frozen=True)
class Answer:
    """What the bot said: a status and a body, or the reason why there is none."""

    status: int | None
    body: str = ""
    failure: str | None = None
    no_retry: bool = False

    @property
    def ok(self) -> bool:
        """Whether Slack would take it for an acknowledgement."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def json(self) -> Json:
        """The body as an object; empty where it is none."""
        try:
            found = json.loads(self.body or "{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def reason(self) -> str:
        """Slack's word in X-Slack-Retry-Reason."""
        return self.failure or "http_error"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The `X-Slack-Signature`: https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    return "v0=" + hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()


class Delivery:
    """Sends to one bot.

    Args:
        url: the bot's request URL; None: there is no bot, and what would be sent is only noted.
        secret: the signing secret that both sides know.
        retries_s: the pauses before each repetition of an event that was not acknowledged.
        ack_within_s: how long the bot may take.
    """

    def __init__(
        self,
        url: str | None,
        secret: str,
        *,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        retries_s: Sequence[float] = SLACK_RETRIES_S,
        ack_within_s: float = ACK_WITHIN_S,
    ) -> None:
        self.url = url
        self.sent: list[Json] = []
        self._secret = secret
        self._clock = clock
        self._pause = pause
        self._retries_s = tuple(retries_s)
        self._ack_within_s = ack_within_s
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def event(self, envelope: Json) -> None:
        """Send an event in the background, again and again until it is acknowledged or Slack would give up."""
        self.sent.append(envelope)
        if self.url is None:
            return
        task = asyncio.create_task(self._persist(json.dumps(envelope, ensure_ascii=False).encode()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def form(self, fields: Mapping[str, str]) -> Answer:
        """Send a slash command, once."""
        self.sent.append(dict(fields))
        return await self._send(urlencode(fields).encode(), "application/x-www-form-urlencoded")

    async def interaction(self, payload: Json) -> Answer:
        """Send a click, a submission or a shortcut, once."""
        self.sent.append(payload)
        body = urlencode({"payload": json.dumps(payload, ensure_ascii=False)}).encode()
        return await self._send(body, "application/x-www-form-urlencoded")

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    async def _persist(self, body: bytes) -> None:
        answer = await self._send(body, "application/json")
        for number, pause_s in enumerate(self._retries_s, start=1):
            if answer.ok or answer.no_retry:
                return
            await self._pause(pause_s)
            again = {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": answer.reason}
            answer = await self._send(body, "application/json", again)

    async def _send(self, body: bytes, content_type: str, extra: Mapping[str, str] | None = None) -> Answer:
        if self.url is None:
            return Answer(None, failure="no bot is connected")
        timestamp = str(int(self._clock()))
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": sign(self._secret, timestamp, body),
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            **(extra or {}),
        }
        timeout = aiohttp.ClientTimeout(total=self._ack_within_s)
        try:
            async with self._http().post(self.url, data=body, headers=headers, timeout=timeout) as response:
                no_retry = response.headers.get("X-Slack-No-Retry") == "1"
                return Answer(response.status, await response.text(), no_retry=no_retry)
        except TimeoutError:
            return Answer(None, failure="http_timeout")
        except aiohttp.ClientError:
            return Answer(None, failure="connection_failed")

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session
