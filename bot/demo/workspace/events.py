"""What happened, in the words of Slack's Events API."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from bot.demo.workspace.people import TEAM_ID
from bot.demo.workspace.posts import Post
from bot.demo.workspace.refusal import Json
from bot.demo.workspace.team import Happened, Happening, Team


class Herald:
    """Turns happenings into `event_callback` envelopes, each with its own `event_id`."""

    def __init__(self, team: Team) -> None:
        self._team = team
        self._count = itertools.count(1)

    def envelopes(self, happening: Happening) -> Iterator[Json]:
        """What the bot gets to know; nothing for what Slack tells no app (ephemeral messages, views)."""
        for event in self._events(happening):
            yield self.envelope(event)

    def envelope(self, event: Json) -> Json:
        """Wrap one event."""
        app, moment = self._team.app, self._team.clock()
        return {
            "token": "verification",
            "team_id": TEAM_ID,
            "api_app_id": app.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{int(moment)}{next(self._count):06d}",
            "event_time": int(moment),
            "authorizations": [{"team_id": TEAM_ID, "user_id": app.user_id, "is_bot": True}],
            "is_ext_shared_channel": False,
            "event_context": f"4-{event.get('event_ts', '')}",
        }

    def _events(self, happening: Happening) -> Iterator[Json]:
        if happening.what is Happened.JOINED:
            yield self._joined(happening)
        if happening.post is None or happening.post.only_for:
            return
        if happening.what is Happened.POSTED:
            yield from self._posted(happening.post)
        elif happening.what is Happened.CHANGED:
            yield {**self._hidden(happening.post, "message_changed"), "message": self._message(happening.post),
                   "previous_message": happening.before}  # fmt: skip
        elif happening.what is Happened.DELETED:
            yield {**self._hidden(happening.post, "message_deleted"), "deleted_ts": happening.post.ts,
                   "previous_message": happening.before}  # fmt: skip
        elif happening.what in {Happened.REACTED, Happened.UNREACTED}:
            yield self._reaction(happening, happening.post)

    def _message(self, post: Post) -> Json:
        return self._team.ledger.as_slack(post, with_metadata=True)

    def _posted(self, post: Post) -> Iterator[Json]:
        kind = self._team.channel(post.channel).kind
        event = {**self._message(post), "channel": post.channel, "event_ts": post.ts, "channel_type": kind}
        yield event
        if f"<@{self._team.app.user_id}>" in post.text and kind == "channel" and post.app is None:
            yield {name: event[name] for name in event if name != "channel_type"} | {"type": "app_mention"}

    def _hidden(self, post: Post, subtype: str) -> Json:
        ts = self._team.timestamps.mint()
        kind = self._team.channel(post.channel).kind
        return {"type": "message", "subtype": subtype, "hidden": True, "channel": post.channel, "ts": ts,
                "event_ts": ts, "channel_type": kind}  # fmt: skip

    def _reaction(self, happening: Happening, post: Post) -> Json:
        kind = "reaction_added" if happening.what is Happened.REACTED else "reaction_removed"
        item = {"type": "message", "channel": post.channel, "ts": post.ts}
        return {"type": kind, "user": happening.user, "reaction": happening.reaction, "item": item,
                "item_user": post.user, "event_ts": self._team.timestamps.mint()}  # fmt: skip

    def _joined(self, happening: Happening) -> Json:
        return {"type": "member_joined_channel", "user": happening.user, "channel": happening.channel,
                "channel_type": "C", "team": TEAM_ID, "event_ts": self._team.timestamps.mint()}  # fmt: skip
