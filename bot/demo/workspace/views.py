"""Modals and home tabs: who sees which view, and the short-lived tickets that open them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.demo.workspace.limits import check_view
from bot.demo.workspace.people import TEAM_ID, App
from bot.demo.workspace.refusal import Json, Refusal

TRIGGER_LIFE_S = 3.0
MAX_STACK = 3


@dataclass
class View:
    """One view that one person has before them."""

    id: str
    user: str
    content: Json
    version: int = 1
    errors: dict[str, str] = field(default_factory=dict)
    previous: str | None = None

    @property
    def hash(self) -> str:
        """Changes with every update."""
        return f"{self.id}.{self.version}"

    def as_slack(self, app: App) -> Json:
        """The `view` object."""
        defaults = {"private_metadata": "", "callback_id": "", "external_id": "", "state": {"values": {}}}
        named = {
            **self.content,
            "blocks": [
                {"block_id": f"{self.id}-{index}", **block} for index, block in enumerate(self.content["blocks"])
            ],
        }
        return {
            **defaults,
            **named,
            "id": self.id,
            "team_id": TEAM_ID,
            "hash": self.hash,
            "root_view_id": self.id,
            "previous_view_id": self.previous,
            "app_id": app.app_id,
            "bot_id": app.bot_id,
        }


class Views:
    """The stack of modals of every person, their home tabs, and the triggers."""

    def __init__(self, clock: Callable[[], float], told: Callable[[str], None]) -> None:
        self._clock = clock
        self._told = told
        self._count = itertools.count(1)
        self._triggers: dict[str, tuple[str, float]] = {}
        self._used: set[str] = set()
        self.stacks: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}

    def trigger(self, user: str) -> str:
        """A ticket that opens one modal for that person within three seconds."""
        ticket = f"{next(self._count)}.{TEAM_ID}.trigger"
        self._triggers[ticket] = (user, self._clock() + TRIGGER_LIFE_S)
        return ticket

    def _redeem(self, ticket: Any) -> str:
        if ticket in self._used:
            raise Refusal("exchanged_trigger_id")
        if ticket not in self._triggers:
            raise Refusal("invalid_trigger_id")
        user, until = self._triggers[ticket]
        if self._clock() > until:
            raise Refusal("expired_trigger_id")
        self._used.add(ticket)
        return user

    def open(self, ticket: Any, content: Any) -> View:
        """Show a modal on top of nothing."""
        check_view(content)
        user = self._redeem(ticket)
        return self._stack(user, content, [])

    def push(self, ticket: Any, content: Any) -> View:
        """Show a modal on top of the one that is open."""
        check_view(content)
        user = self._redeem(ticket)
        return self.cover(user, content)

    def cover(self, user: str, content: Any) -> View:
        """Put a modal on that person's stack."""
        below = self.stacks.get(user, [])
        if len(below) >= MAX_STACK:
            raise Refusal("push_limit_reached")
        return self._stack(user, content, below)

    def _stack(self, user: str, content: Json, below: list[View]) -> View:
        view = View(f"V0{next(self._count):06d}", user, content, previous=below[-1].id if below else None)
        self.stacks[user] = [*below, view]
        self._told(user)
        return view

    def update(self, view: View, content: Any, *, expected_hash: str | None = None) -> View:
        """Give a view new content.

        Raises:
            Refusal: `hash_conflict` when somebody else has updated it since.
        """
        check_view(content)
        if expected_hash and expected_hash != view.hash:
            raise Refusal("hash_conflict")
        view.content, view.version, view.errors = content, view.version + 1, {}
        self._told(view.user)
        return view

    def publish(self, user: str, content: Any, *, expected_hash: str | None = None) -> View:
        """Set that person's home tab."""
        check_view(content)
        if user in self.homes:
            return self.update(self.homes[user], content, expected_hash=expected_hash)
        self.homes[user] = View(f"V0{next(self._count):06d}", user, content)
        self._told(user)
        return self.homes[user]

    def find(self, view_id: Any = None, external_id: Any = None) -> View:
        """A view that somebody has before them. Raises: Refusal `not_found`."""
        for view in (*itertools.chain(*self.stacks.values()), *self.homes.values()):
            if view.id == view_id or (external_id and view.content.get("external_id") == external_id):
                return view
        raise Refusal("not_found")

    def close(self, view: View) -> None:
        """Take the top modal away."""
        self.stacks[view.user] = [other for other in self.stacks.get(view.user, []) if other is not view]
        self._told(view.user)

    def clear(self, user: str) -> None:
        """Take all of that person's modals away."""
        self.stacks[user] = []
        self._told(user)

    def complain(self, view: View, errors: dict[str, str]) -> None:
        """Show errors below their inputs."""
        view.errors = errors
        self._told(view.user)
