"""The messages of the workspace and their timestamps, which are also their names."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bot.demo.workspace.people import TEAM_ID, App
from bot.demo.workspace.refusal import Json, Refusal


@dataclass
class Post:
    """One message. `app` is set where the bot wrote it, `integration` where an incoming webhook did."""

    channel: str
    ts: str
    text: str
    user: str | None = None
    app: App | None = None
    integration: str | None = None
    thread_ts: str | None = None
    broadcast: bool = False
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    files: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    edited_by: str | None = None
    edited_ts: str | None = None
    only_for: str | None = None
    streaming: bool = False
    gone: bool = False
    """Deleted, but its replies are still there."""

    @property
    def is_reply(self) -> bool:
        """Whether it sits in a thread below another message."""
        return self.thread_ts is not None and self.thread_ts != self.ts

    @property
    def subtype(self) -> str | None:
        """Slack's `subtype`."""
        if self.gone:
            return "tombstone"
        if self.integration:
            return "bot_message"
        if self.broadcast:
            return "thread_broadcast"
        return "file_share" if self.files else None

    def as_slack(self, *, with_metadata: bool = False) -> Json:
        """The message object of events and histories, without the fields that count replies."""
        seen: Json = {"type": "message", "ts": self.ts, "text": self.text, "team": TEAM_ID}
        optional = {
            "subtype": self.subtype,
            "user": self.user,
            "thread_ts": self.thread_ts,
            "blocks": self.blocks,
            "attachments": self.attachments,
            "files": self.files,
            "metadata": self.metadata if with_metadata else None,
            "edited": {"user": self.edited_by, "ts": self.edited_ts} if self.edited_ts else None,
            "reactions": [
                {"name": name, "users": list(users), "count": len(users)} for name, users in self.reactions.items()
            ],
        }
        return {**seen, **{name: value for name, value in optional.items() if value}, **self._author()}

    def _author(self) -> Json:
        if self.app:
            return {"bot_id": self.app.bot_id, "app_id": self.app.app_id, "bot_profile": self.app.profile}
        if self.integration:
            return {"bot_id": "B0INTEGRATION", "username": self.integration}
        return {}


class Timestamps:
    """Makes Slack's `ts`: seconds with six digits behind the point, never the same twice."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._used: set[int] = set()
        self._newest = 0

    def mint(self, at_s: float | None = None) -> str:
        """A fresh `ts` for now (later than every other), or for a moment of the past."""
        micros = round((self._clock() if at_s is None else at_s) * 1_000_000)
        if at_s is None:
            micros = max(micros, self._newest + 1)
        while micros in self._used:
            micros += 1
        self._used.add(micros)
        self._newest = max(self._newest, micros)
        return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"


class Ledger:
    """All posts, by channel and in order."""

    def __init__(self) -> None:
        self._channels: dict[str, list[Post]] = {}

    def add(self, post: Post) -> None:
        """Put a post in its place."""
        bisect.insort(self._channels.setdefault(post.channel, []), post, key=lambda other: float(other.ts))

    def remove(self, post: Post) -> None:
        """Take a post out."""
        self._channels[post.channel].remove(post)

    def __iter__(self) -> Iterator[Post]:
        for posts in self._channels.values():
            yield from posts

    def find(self, channel: str, ts: str) -> Post:
        """The post of that name.

        Raises:
            Refusal: `message_not_found`.
        """
        for post in self._channels.get(channel, ()):
            if post.ts == ts:
                return post
        raise Refusal("message_not_found")

    def by_ts(self, ts: str) -> Post:
        """The post of that name in whichever channel: timestamps are unique in the workspace.

        Raises:
            Refusal: `message_not_found`.
        """
        for post in self:
            if post.ts == ts:
                return post
        raise Refusal("message_not_found")

    def timeline(self, channel: str) -> list[Post]:
        """What the channel itself shows, oldest first: no replies, unless they were broadcast."""
        return [post for post in self._channels.get(channel, ()) if not post.is_reply or post.broadcast]

    def thread(self, channel: str, ts: str) -> list[Post]:
        """The first message and its replies, oldest first."""
        return [post for post in self._channels.get(channel, ()) if ts in {post.ts, post.thread_ts}]

    def as_slack(self, post: Post, *, with_metadata: bool = False) -> Json:
        """The message object with what its thread adds to it."""
        seen = post.as_slack(with_metadata=with_metadata)
        if post.is_reply:
            first = next((p for p in self._channels[post.channel] if p.ts == post.thread_ts), None)
            return {**seen, "parent_user_id": first.user} if first and first.user else seen
        replies = [other for other in self.thread(post.channel, post.ts) if other is not post]
        if not replies:
            return seen
        users = list(dict.fromkeys(reply.user for reply in replies if reply.user))
        return {
            **seen,
            "thread_ts": post.ts,
            "reply_count": len(replies),
            "reply_users": users[:5],
            "reply_users_count": len(users),
            "latest_reply": replies[-1].ts,
        }
