"""Response URLs: for half an hour an interaction may be answered five times, by posting here."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.demo.workspace.limits import check_blocks, check_text
from bot.demo.workspace.posts import Post
from bot.demo.workspace.refusal import Json, Refusal
from bot.demo.workspace.team import Team

USES = 5
LIFE_S = 1800.0


@dataclass
class Hook:
    """One response URL: who acted, where, and on which message if on one."""

    user: str
    channel: str
    post: Post | None
    until: float
    left: int = USES


class Hooks:
    """All response URLs."""

    def __init__(self, team: Team, clock: Callable[[], float]) -> None:
        self._team = team
        self._clock = clock
        self._count = itertools.count(1)
        self._hooks: dict[str, Hook] = {}

    def make(self, user: str, channel: str, post: Post | None = None) -> str:
        """A fresh URL."""
        id_ = f"{next(self._count)}"
        self._hooks[id_] = Hook(user, channel, post, self._clock() + LIFE_S)
        return f"{self._team.base_url}/actions/{id_}"

    def use(self, id_: str, body: Any) -> None:
        """Do what was posted to it: replace, delete, or say something new.

        Raises:
            Refusal: `expired_url`, `used_url`, and what a message can be refused for.
        """
        hook = self._hooks.get(id_)
        if hook is None or self._clock() > hook.until:
            raise Refusal("expired_url")
        if hook.left == 0:
            raise Refusal("used_url")
        hook.left -= 1
        self._act(hook, body)

    def _act(self, hook: Hook, body: Json) -> None:
        if hook.post and body.get("delete_original"):
            self._team.remove(hook.post)
            return
        blocks, text = body.get("blocks") or [], body.get("text") or ""
        if not (blocks or text):
            raise Refusal("no_text")
        check_blocks(blocks)
        check_text(text)
        if hook.post and body.get("replace_original"):
            self._team.change(hook.post, by=self._team.app.user_id, text=text, blocks=blocks)
            return
        self._say(hook, body, Post(hook.channel, self._team.timestamps.mint(), text, user=self._team.app.user_id,
                                   app=self._team.app, blocks=blocks))  # fmt: skip

    def _say(self, hook: Hook, body: Json, post: Post) -> None:
        post.thread_ts = body.get("thread_ts")
        if body.get("response_type") == "in_channel":
            self._team.post(post)
        else:
            post.only_for = hook.user
            self._team.whisper(post)
