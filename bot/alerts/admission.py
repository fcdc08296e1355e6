"""What every door that takes JSON from programs checks before it reads what was said.

The order: speaker, content type, size, signature. What a door of its own adds (method, source, shape, storage) stands
around it.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import ClientDisconnect, Request

from bot.alerts import refusal
from bot.alerts.auth import check_signature, check_speaker
from bot.body import LINGER_BYTES, limited
from bot.errors import Denied, TooLarge
from bot.settings import AlertAuth, HmacAuth

READ_DEADLINE_S = 20.0
"""A body that has not arrived by then holds a connection that others need."""

_JSON = re.compile(r"application/(?:[^/;]+\+)?json")


@dataclass(frozen=True)
class Admission:
    """The conditions of one door."""

    auth: AlertAuth | None
    loopback: bool
    """Whether the server can be reached from this machine only."""
    limit: int
    """Bytes that a body may have."""
    deadline_s: float = READ_DEADLINE_S
    plain_text: bool = False
    """Whether a sender of this door cannot name its content type."""
    form: bool = False
    """Whether the sender of this door posts forms."""

    async def body(self, request: Request, now: datetime) -> bytes:
        """The body of a request from somebody who may speak here.

        Raises:
            Refusal: what is wrong, as the sender is told.
        """
        try:
            check_speaker(self.auth, request.headers, request.query_params, loopback=self.loopback)
            _check_media_type(request, self._others)
            body = await self._read(request)
            if isinstance(self.auth, HmacAuth):
                check_signature(self.auth, request.headers, body, now)
        except Denied as error:
            raise refusal.denied(error) from None
        return body

    @property
    def _others(self) -> frozenset[str]:
        """Content types that are taken besides JSON."""
        form = {"application/x-www-form-urlencoded"} if self.form else set()
        return frozenset({*form, "text/plain"} if self.plain_text else form)

    async def _read(self, request: Request) -> bytes:
        try:
            async with asyncio.timeout(self.deadline_s):
                return await _read(request, self.limit)
        except TimeoutError:
            raise refusal.slow(self.deadline_s) from None
        except ClientDisconnect:
            raise refusal.disconnected() from None


def _check_media_type(request: Request, others: frozenset[str]) -> None:
    given = request.headers.get("content-type", "")
    kind = given.partition(";")[0].strip().casefold()
    if not (_JSON.fullmatch(kind) or kind in others):
        raise refusal.media_type(given)
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.casefold() != "identity":
        raise refusal.encoded(encoding)


async def _read(request: Request, limit: int) -> bytes:
    """The whole body, keeping no more of it once it is larger than the limit."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > 18 or int(announced) > limit + LINGER_BYTES):
        raise refusal.too_large(limit)
    try:
        return await Request(request.scope, limited(request.receive, limit)).body()
    except TooLarge:
        raise refusal.too_large(limit) from None
