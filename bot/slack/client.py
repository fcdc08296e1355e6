"""The connection to the workspace's Web API.

Two clients share one session. `asking` repeats a call whose connection broke; `telling` never does, because Slack may
have carried it out: a second `chat.postMessage` is a second message. Both wait when Slack says how long to.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import structlog
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import Misconfigured, SlackRefused
from bot.settings import SlackSettings

log = structlog.get_logger(__name__)

TIMEOUT_S = 20
LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})
ELSEWHERE = frozenset({"not_in_channel", "channel_not_found", "is_archived", "missing_scope"})
REMEDIES = {
    "not_in_channel": "invite the bot there with /invite",
    "channel_not_found": "check the channel id, and invite the bot if the channel is private",
    "is_archived": "unarchive the channel or configure another",
    "invalid_auth": "set SLACK_BOT_TOKEN to the bot token of the installed app",
    "not_authed": "set SLACK_BOT_TOKEN",
    "token_revoked": "install the app again and set SLACK_BOT_TOKEN to its new token",
    "account_inactive": "install the app again and set SLACK_BOT_TOKEN to its new token",
    "ratelimited": "Slack limits how often this may be called; it is tried again later",
    "missing_scope": "add the scope to the app (slack-manifest.yaml lists them all) and install it again",
}


Told = Callable[[float], Awaitable[None]]
"""Told for how many seconds Slack asks to wait, before the wait."""
_told: ContextVar[Told | None] = ContextVar("told", default=None)


@contextmanager
def telling_of_waits(told: Told) -> Iterator[None]:
    """Whoever calls Slack in this block hears when Slack asks to wait."""
    token = _told.set(told)
    try:
        yield
    finally:
        _told.reset(token)


@dataclass(frozen=True)
class Identity:
    """Who the bot is in the workspace."""

    user: str
    bot: str | None
    team: str
    url: str
    scopes: frozenset[str]

    def permalink(self, channel: str, ts: str, thread: str | None = None) -> str:
        """The address of a message, as `chat.getPermalink` gives it, without asking."""
        address = f"{self.url.rstrip('/')}/archives/{channel}/p{ts.replace('.', '')}"
        return f"{address}?thread_ts={thread}&cid={channel}" if thread and thread != ts else address


class Slack:
    """Calls to one workspace; see the module for the two clients."""

    def __init__(self, asking: AsyncWebClient, telling: AsyncWebClient) -> None:
        self.asking = asking
        self.telling = telling
        self._identity: Identity | None = None
        self._looking = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: SlackSettings) -> AsyncIterator[Slack]:
        """Connected for as long as the block lasts.

        Raises:
            Misconfigured: there is no bot token, or a token that cannot be one.
        """
        if settings.bot_token is None:
            raise Misconfigured("There is no Slack bot token: set SLACK_BOT_TOKEN.")
        token = _token("SLACK_BOT_TOKEN", settings.bot_token)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
            repeating = [AsyncConnectionErrorRetryHandler(max_retry_count=2), AsyncServerErrorRetryHandler()]
            yield cls(
                _client(settings.api_url, token, session, [*repeating, _Patient(max_retry_count=5)]),
                _client(settings.api_url, token, session, [_Patient(max_retry_count=5)]),
            )

    async def identity(self) -> Identity:
        """Who the token belongs to; asked once.

        Raises:
            SlackRefused: Slack does not know the token, or does not answer.
        """
        async with self._looking:
            if self._identity is None:
                self._identity = await self._ask_identity()
        return self._identity

    async def _ask_identity(self) -> Identity:
        with refusals("auth.test"):
            answer = await self.asking.auth_test()
        scopes = str(answer.headers.get("x-oauth-scopes", ""))
        return Identity(
            user=answer["user_id"],
            bot=answer.get("bot_id"),
            team=answer["team_id"],
            url=answer["url"],
            scopes=frozenset(scope.strip() for scope in scopes.split(",") if scope.strip()),
        )


def token_of(settings: SlackSettings) -> str | None:
    """The app token, None where Slack calls in.

    Raises:
        Misconfigured: it cannot be a token.
    """
    return _token("SLACK_APP_TOKEN", settings.app_token) if settings.app_token else None


def _token(name: str, given: SecretStr) -> str:
    """Without the line end that a file or a variable often has."""
    token = given.get_secret_value().strip()
    if not token.isascii() or not token.isprintable():
        raise Misconfigured(f"{name} holds a line end or letters that no token has: copy it again from the app's page.")
    return token


@contextmanager
def refusals(what: str) -> Iterator[None]:
    """Turn whatever the SDK raises into one sentence.

    Raises:
        SlackRefused: Slack said no, or no answer came.
    """
    try:
        yield
    except SlackApiError as error:
        raise SlackRefused(f"Slack refused {what}: {_reason(error)}.") from error
    except (SlackClientError, aiohttp.ClientError) as error:
        raise SlackRefused(f"Slack did not answer {what}: {type(error).__name__} {error}.") from error
    except TimeoutError as error:
        raise SlackRefused(f"Slack did not answer {what} in time.") from error


def code_of(error: SlackApiError) -> str:
    """Slack's word for what is wrong, such as `channel_not_found`; the HTTP status where there is no such word."""
    return str(_said(error).get("error") or f"HTTP {getattr(error.response, 'status_code', 'error')}")


def shut_out(refusal: SlackRefused) -> bool:
    """Whether the bot has no place there, or none any more: asking again would change nothing."""
    cause = refusal.__cause__
    return isinstance(cause, SlackApiError) and code_of(cause) in ELSEWHERE


def _reason(error: SlackApiError) -> str:
    code = code_of(error)
    needed = f" ({_said(error).get('needed')})" if code == "missing_scope" else ""
    remedy = f" — {REMEDIES[code]}" if code in REMEDIES else ""
    return f"{code}{needed}{remedy}"


def _said(error: SlackApiError) -> dict[str, object]:
    """The answer's body; a gateway's error page is none."""
    body = getattr(error.response, "data", None)
    return body if isinstance(body, dict) else {}


def _client(url: str, token: str, session: aiohttp.ClientSession, handlers: list[AsyncRetryHandler]) -> AsyncWebClient:
    client = AsyncWebClient(token=token, base_url=url, timeout=TIMEOUT_S, session=session, retry_handlers=handlers)
    if urlsplit(url).hostname in LOCAL:
        client.proxy = None  # the SDK takes the proxy from the environment, which does not lead to this machine
    return client


class _Patient(AsyncRateLimitErrorRetryHandler):
    """Waits as long as Slack says, and says so."""

    async def prepare_for_next_attempt_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> None:
        told = response.headers.get("retry-after") or response.headers.get("Retry-After") if response else None
        log.warning("slack.rate_limited", url=request.url, wait_s=told)
        await _tell_of_wait(told)
        await super().prepare_for_next_attempt_async(state=state, request=request, response=response, error=error)


async def _tell_of_wait(told: object) -> None:
    listener = _told.get()
    if listener is None:
        return
    seconds = str(next(iter(told), "") if isinstance(told, (list, tuple)) else told or "")
    token = _told.set(None)  # telling people calls Slack too
    try:
        await listener(float(seconds) if seconds.isdecimal() else 0.0)
    finally:
        _told.reset(token)
