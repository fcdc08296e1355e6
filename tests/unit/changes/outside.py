"""A source's server, put in at the transport: it answers by path and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from bot.models import Window

ONSET = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
SPAN = Window(start=ONSET - timedelta(hours=6), end=ONSET)

Answer = httpx.Response | Callable[[httpx.Request], httpx.Response] | list[Any] | dict[str, Any]


def at(minutes_before: float) -> str:
    """A moment before the onset, as APIs write it."""
    return (ONSET - timedelta(minutes=minutes_before)).isoformat().replace("+00:00", "Z")


class Outside:
    """Answers what it was told to; anything else is not there."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = dict(answers)
        self.asked: list[httpx.Request] = []

    @property
    def transport(self) -> httpx.MockTransport:
        """What takes the network's place."""
        return httpx.MockTransport(self._answer)

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [request.url.path for request in self.asked]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        given = self.answers.get(request.url.raw_path.decode().partition("?")[0])
        if given is None:
            return httpx.Response(404, json={"message": "Not Found"})
        if isinstance(given, httpx.Response):
            return given
        return given(request) if callable(given) else httpx.Response(200, json=given)
