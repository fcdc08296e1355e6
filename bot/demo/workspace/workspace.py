"""The workspace as scenarios and tests use it: people speak and press, and one looks at what the bot made of it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from starlette.applications import Starlette

from bot.demo.workspace.api import Api
from bot.demo.workspace.delivery import ACK_WITHIN_S, SLACK_RETRIES_S, Answer, Delivery
from bot.demo.workspace.events import Herald
from bot.demo.workspace.faults import Faults, Quota
from bot.demo.workspace.hooks import Hooks
from bot.demo.workspace.interactions import Interactions, Submission
from bot.demo.workspace.page import Page
from bot.demo.workspace.plain import transcript
from bot.demo.workspace.posts import Post
from bot.demo.workspace.refusal import Json
from bot.demo.workspace.routes import application
from bot.demo.workspace.server import Lines, listening
from bot.demo.workspace.team import Happened, Happening, Team
from bot.demo.workspace.views import Views

T = TypeVar("T")


class Workspace:
    """One Slack-compatible workspace, kept in memory.

    Text is in Slack's own format, as the API has it: `&lt;` for `<`, `<@U0MINA>` for a mention.

    Args:
        team: people and channels; None: Mina and Aiko (on call), Tom, and Raj, who may not approve.
        bot_url: where the bot listens, such as `http://127.0.0.1:8080/slack/events`; may come later by `connect`.
        token: the bot token that the API wants; made up when not given.
        signing_secret: signs what is sent to the bot; made up when not given.
        clock: seconds since 1970, for timestamps, signatures and the life of triggers.
        retries_s: the pauses before an unacknowledged event is sent again.
        pause: waits for so many seconds; tests put a faster one here.
        history_quota: allow histories only once a minute, 15 messages each, as Slack does for some apps.
    """

    def __init__(
        self,
        *,
        team: Team | None = None,
        bot_url: str | None = None,
        token: str | None = None,
        signing_secret: str | None = None,
        clock: Callable[[], float] = time.time,
        retries_s: Sequence[float] = SLACK_RETRIES_S,
        ack_within_s: float = ACK_WITHIN_S,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        history_quota: bool = False,
    ) -> None:
        self.team = team or Team.seeded(clock=clock)
        self.token = token or f"xoxb-{secrets.token_hex(12)}"
        self.signing_secret = signing_secret or secrets.token_hex(16)
        self.lines = Lines()
        self.views = Views(clock, self._view_changed)
        self.hooks = Hooks(self.team, clock)
        self.herald = Herald(self.team)
        self.delivery = Delivery(bot_url, self.signing_secret, clock=clock, pause=pause, retries_s=retries_s,
                                 ack_within_s=ack_within_s)  # fmt: skip
        self.interactions = Interactions(self.team, self.views, self.hooks, self.delivery, self.herald)
        self.api = Api(self.team, self.views, self.token, self.lines.cut, Quota(clock) if history_quota else None)
        self.page = Page(self.team, self.views, self.interactions)
        self._changed = asyncio.Event()
        self.team.listeners.extend([self._deliver, self._wake])

    @property
    def url(self) -> str:
        """Where the page is, once it is served."""
        return self.team.base_url

    @property
    def api_url(self) -> str:
        """The value for SLACK_API_URL."""
        return f"{self.team.base_url}/api/"

    @property
    def faults(self) -> Faults:
        """Order trouble here: `workspace.faults.next("chat.postMessage", Trouble.RATE_LIMITED)`."""
        return self.api.faults

    @property
    def app(self) -> Starlette:
        """The ASGI application: API, files and page."""
        return application(self.team, self.hooks, self.api, self.page)

    @contextlib.asynccontextmanager
    async def serving(self, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serve until the block ends; gives the address of the page."""
        async with listening(self.app, host=host, port=port, http=self.lines.protocol()) as url:
            self.team.base_url = url
            try:
                yield url
            finally:
                self.page.feed.close()
                await self.delivery.close()

    def connect(self, bot_url: str) -> None:
        """Send everything from now on to that request URL."""
        self.delivery.url = bot_url

    # What people do

    async def say(self, user: str, channel: str, text: str, thread: str | None = None) -> str:
        """A person writes; the `ts` of the message."""
        return self.team.speak(user, channel, text, thread).ts

    async def announce(self, name: str, channel: str, text: str, *, attachments: Sequence[Json] = ()) -> str:
        """An integration posts through an incoming webhook, as monitoring systems do."""
        post = Post(self.team.channel(channel).id, self.team.timestamps.mint(), text, integration=name,
                    attachments=list(attachments))  # fmt: skip
        return self.team.post(post).ts

    def remember(
        self, user: str, channel: str, text: str, at: datetime, *, thread: str | None = None, edited: bool = False
    ) -> str:
        """Put a message into the past, unknown to the bot until it reads the history."""
        ts = self.team.timestamps.mint(at.timestamp())
        post = Post(self.team.channel(channel).id, ts, text, user=self.team.person(user).id, thread_ts=thread)
        post.edited_by, post.edited_ts = (user, ts) if edited else (None, None)
        return self.team.post(post, quietly=True).ts

    async def edit(self, ts: str, text: str) -> None:
        """Its author changes a message."""
        post = self.team.visible(ts)
        self.team.change(post, by=post.user or "", text=text)

    async def delete(self, ts: str) -> None:
        """Its author deletes a message."""
        self.team.remove(self.team.visible(ts))

    async def react(self, user: str, ts: str, name: str) -> None:
        """A person reacts, such as with `eyes`."""
        self.team.react(self.team.visible(ts), user, name)

    async def click(self, user: str, message_ts: str, action_id: str, choice: str | None = None) -> Answer:
        """A person presses a button (the confirm dialog is taken for confirmed); how the bot answered."""
        return await self.interactions.click(user, message_ts, action_id, choice)

    async def click_view(self, user: str, view_id: str, action_id: str, choice: str | None = None) -> Answer:
        """A person presses a button of a modal or of the home tab."""
        return await self.interactions.click_view(user, view_id, action_id, choice)

    async def submit(self, user: str, view_id: str, values: Mapping[str, Any]) -> Submission:
        """A person sends a modal in, with what was entered by action id or block id."""
        return await self.interactions.submit(user, view_id, values)

    async def shortcut(self, user: str, message_ts: str, callback_id: str) -> Answer:
        """A person uses a message shortcut."""
        return await self.interactions.shortcut(user, message_ts, callback_id)

    async def command(self, user: str, channel: str, command: str, text: str = "") -> Answer:
        """A person uses a slash command."""
        return await self.interactions.command(user, channel, command, text)

    def open_home(self, user: str) -> None:
        """A person opens the bot's home tab."""
        self.interactions.open_home(user)

    def join(self, user: str, channel: str) -> None:
        """A person joins a channel."""
        self.team.join(self.team.channel(channel), user)

    # What one sees

    def messages(self, channel: str) -> list[Json]:
        """What the channel shows, oldest first, without replies."""
        posts = self.team.ledger.timeline(self.team.channel(channel).id)
        return [self.team.ledger.as_slack(post, with_metadata=True) for post in posts]

    def thread(self, channel: str, ts: str) -> list[Json]:
        """A message and its replies, oldest first."""
        posts = self.team.ledger.thread(self.team.channel(channel).id, ts)
        return [self.team.ledger.as_slack(post, with_metadata=True) for post in posts]

    def ephemerals(self, user: str) -> list[Json]:
        """What only that person was shown, oldest first."""
        return [{**post.as_slack(), "channel": post.channel} for post in self.team.whispers if post.only_for == user]

    def modals(self, user: str) -> list[Json]:
        """That person's open modals, the top one last; `errors` holds what is shown below the inputs."""
        stack = self.views.stacks.get(user, [])
        return [{**view.as_slack(self.team.app), "errors": dict(view.errors)} for view in stack]

    def homes(self, user: str) -> Json | None:
        """That person's home tab."""
        home = self.views.homes.get(user)
        return home.as_slack(self.team.app) if home else None

    def as_text(self, channel: str, ts: str) -> str:
        """A thread as plain text, drawn from its blocks, for a terminal."""
        return transcript(self.team, self.team.ledger.thread(self.team.channel(channel).id, ts))

    async def wait_for(self, predicate: Callable[[], T | None], *, within_s: float = 20, what: str = "it") -> T:
        """Ask after every change, and every 50 ms, until the answer is true-ish; that answer.

        Raises:
            TimeoutError: it did not become true.
        """
        give_up = time.monotonic() + within_s
        while not (answer := predicate()):
            if time.monotonic() > give_up:
                raise TimeoutError(f"{what} did not happen within {within_s} s")
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), 0.05)
        return answer

    async def settle(self) -> None:
        """Wait until every event is delivered or given up."""
        await self.delivery.settle()

    def _deliver(self, happening: Happening) -> None:
        for envelope in self.herald.envelopes(happening):
            self.delivery.event(envelope)

    def _wake(self, _: Happening) -> None:
        self._changed.set()

    def _view_changed(self, user: str) -> None:
        self.team.tell(Happening(Happened.VIEW, user=user))
