"""The HTTP door: `POST /changes`, for any CI. `202` is answered after the changes are durable, not before.

Who may speak, how large a body may be and how it is signed is checked as at the alert doors (`bot.alerts.admission`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import cache

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot.alerts import refusal
from bot.alerts.admission import READ_DEADLINE_S, Admission
from bot.alerts.refusal import Reason, Refusal
from bot.changes.ledger import ChangeLedger
from bot.changes.posted import posted
from bot.errors import BadInput
from bot.settings import Settings

RETRY_AFTER_S = 5
LARGEST_BYTES = 262_144
"""A hundred changes with all their words fit in."""
HINTS: dict[Reason, str] = {
    "method": "Send changes by POST.",
    "not_authenticated": "Compare the sender's credentials with the setting changes.auth.",
    "not_local": "Give the door a secret in the setting changes.auth, and send it with the request.",
    "too_large": "Send fewer changes at a time.",
    "wrong_shape": "docs/changes.md shows what a change looks like.",
}

log = structlog.get_logger(__name__)


class ChangeDoor:
    """Takes changes from CI.

    Args:
        clock: now, in UTC.
        registry: where the counter is.
    """

    def __init__(
        self,
        settings: Settings,
        ledger: ChangeLedger,
        clock: Callable[[], datetime],
        *,
        registry: CollectorRegistry = REGISTRY,
        read_deadline_s: float = READ_DEADLINE_S,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._posted = _counter(registry)
        self._admission = Admission(
            auth=settings.changes.auth,
            loopback=settings.loopback,
            limit=min(settings.max_body_bytes, LARGEST_BYTES),
            deadline_s=read_deadline_s,
        )

    def routes(self) -> list[Route]:
        """For the ASGI application."""
        return [Route("/changes", self, name="changes")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; an application of its own, so that a wrong method too is answered in JSON."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> JSONResponse:
        try:
            ids = await self._taken(request)
        except Refusal as refused:
            self._posted.labels(refused.reason).inc()
            log.warning("changes.refused", reason=refused.reason, error=refused.error)
            return replace(refused, hint=HINTS.get(refused.reason, refused.hint)).response()
        self._posted.labels("accepted").inc(len(ids))
        log.info("changes.accepted", changes=len(ids))
        return JSONResponse({"accepted": len(ids), "ids": ids}, 202)

    async def _taken(self, request: Request) -> list[str]:
        if request.method != "POST":
            raise refusal.method(request.method)
        now = self._clock()
        body = await self._admission.body(request, now)
        try:
            changes = posted(body, self._ledger.name, now, self._ledger.kept)
        except BadInput as error:
            raise refusal.unreadable(error) from None
        try:
            await self._ledger.add(changes, now)
        except RedisError as error:
            log.error("changes.not_stored", error=f"{type(error).__name__}: {error}")  # noqa: TRY400
            refused = refusal.storage(RETRY_AFTER_S)
            raise replace(refused, error="The changes could not be stored, and are not accepted.") from error
        return [name for name, _ in changes]


@cache
def _counter(registry: CollectorRegistry) -> Counter:
    """The one counter of the registry, which takes a name once."""
    return Counter("nightdesk_changes_posted", "Posted changes by what became of them.", ["outcome"], registry=registry)
