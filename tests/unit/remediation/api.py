"""A JSON API at the transport: it answers as its documentation says, and keeps what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx

Json = dict[str, Any]


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    params: dict[str, str]
    body: Any
    headers: httpx.Headers


Answer = tuple[int, Any]
Serve = Callable[[Asked], Answer]


class Api(httpx.MockTransport):
    """Every request, and what `serve` answers to it."""

    def __init__(self, serve: Serve) -> None:
        self.asked: list[Asked] = []
        self._serve = serve
        super().__init__(self._handle)

    @property
    def changes(self) -> list[Asked]:
        """The requests that are no GET."""
        return [asked for asked in self.asked if asked.method != "GET"]

    def _handle(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        asked = Asked(request.method, request.url.path, dict(request.url.params), body, request.headers)
        self.asked.append(asked)
        status, answer = self._serve(asked)
        return httpx.Response(status, json=answer) if answer is not None else httpx.Response(status)
