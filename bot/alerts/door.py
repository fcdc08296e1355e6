"""The HTTP door: `POST /alerts/{source}`.

`202` is answered after the intake has made every alert durable, not before. Every other answer is JSON with `error`
(what is wrong) and `hint` (what to do); what the sender should try again is a 408, a 413 of another size, or a 503.
The order of the checks: method, source, speaker, content type, size, signature, JSON, shape, storage.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

import structlog
from prometheus_client import REGISTRY, CollectorRegistry
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot.alerts import formats, pagerduty, refusal
from bot.alerts.admission import READ_DEADLINE_S, Admission
from bot.alerts.auth import as_sent_by, check_age, check_field
from bot.alerts.decode import decode
from bot.alerts.refusal import Refusal
from bot.alerts.sns import Sns
from bot.alerts.tally import UNKNOWN, tally
from bot.errors import BadInput, Denied, Overloaded
from bot.models import Alert, Receipt
from bot.settings import AlertAuth, AlertSourceSettings, HmacAuth, Settings, SnsAuth, TokenAuth

RETRY_AFTER_S = 5
MOST_HELD_BYTES = 64_000_000
"""Of bodies that are being read and understood at the same time."""
THREAD_BYTES = 32_768
"""A larger body is parsed in a thread, so that the event loop goes on."""

log = structlog.get_logger(__name__)


class Intake(Protocol):
    """Where alerts become durable."""

    async def accept(self, alerts: Sequence[Alert]) -> Sequence[Receipt]:
        """Store every alert and tell where it went; returns when nothing can be lost any more."""
        ...


class AlertDoor:
    """Answers for all alert sources.

    Args:
        clock: now, in UTC; signatures with a timestamp are checked against it.
        registry: where the counters are.
        read_deadline_s: how long a body may take to arrive.
        sns: checks the envelopes of sources whose authentication is of the kind sns.

    Raises:
        Misconfigured: a source's format or mapping cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        intake: Intake,
        clock: Callable[[], datetime],
        *,
        registry: CollectorRegistry = REGISTRY,
        read_deadline_s: float = READ_DEADLINE_S,
        sns: Sns | None = None,
    ) -> None:
        self._settings = settings
        self._intake = intake
        self._clock = clock
        self._tally = tally(registry)
        self._read_deadline_s = read_deadline_s
        self._sns = sns or Sns()
        self._known = formats.known(settings)
        self._auth: dict[str, AlertAuth | None] = {}
        self._held = 0
        for source in self._known:
            formats.reader(source, settings)
            own = settings.alerts.get(source, AlertSourceSettings()).auth
            self._auth[source] = as_sent_by(own, formats.format_of(source, settings))

    def routes(self) -> list[Route]:
        """For the ASGI application."""
        return [Route("/alerts/{source}", self, name="alerts")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; an application of its own, so that a wrong method too is answered in JSON."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> JSONResponse:
        source = request.path_params["source"]
        try:
            alerts = await self._alerts(source, request)
            receipts = await self._store(alerts)
        except Refusal as refused:
            label = source if source in self._known else UNKNOWN
            self._tally.refused(label, refused.reason)
            log.warning("alerts.refused", source=label, reason=refused.reason, error=refused.error)
            return refused.response()
        self._tally.accepted(source, len(alerts))
        log.debug("alerts.accepted", source=source, alerts=len(alerts))
        return JSONResponse(
            {"accepted": len(alerts), "incidents": [receipt.model_dump(mode="json") for receipt in receipts]}, 202
        )

    async def _alerts(self, source: str, request: Request) -> list[Alert]:
        if request.method != "POST":
            raise refusal.method(request.method)
        if source not in self._known:
            raise refusal.unknown_source(source, self._known)
        auth = self._auth[source]
        admission = Admission(
            auth=auth,
            loopback=self._settings.loopback,
            limit=self._settings.max_body_bytes,
            deadline_s=self._read_deadline_s,
            plain_text=formats.takes_plain_text(source, self._settings),
            form=formats.takes_form(source, self._settings),
        )
        with self._room(request):
            body = await admission.body(request, self._clock())
            return await self._read(source, auth, body)

    async def _read(self, source: str, auth: AlertAuth | None, body: bytes) -> list[Alert]:
        try:
            if isinstance(auth, SnsAuth) and not await self._sns.admit(auth, body, self._clock()):
                return []
            if isinstance(auth, HmacAuth) and formats.format_of(source, self._settings) == pagerduty.NAME:
                check_age(auth, pagerduty.said_at(decode(body)), self._clock())
            if isinstance(auth, TokenAuth):
                check_field(auth, formats.document(source, body, self._settings))
            return await self._parsed(source, body)
        except Denied as error:
            raise refusal.denied(error) from None
        except BadInput as error:
            raise refusal.unreadable(error) from None

    @contextmanager
    def _room(self, request: Request) -> Iterator[None]:
        """Room for the request's body, as long as it is read and understood: what is held at once has a bound."""
        announced = request.headers.get("content-length", "")
        size = self._settings.max_body_bytes
        if announced.isdecimal() and len(announced) < 18:
            size = min(size, int(announced))
        if self._held and self._held + size > MOST_HELD_BYTES:
            raise refusal.overloaded(Overloaded("Too many bodies are being read.", retry_after_s=1))
        self._held += size
        try:
            yield
        finally:
            self._held -= size

    async def _parsed(self, source: str, body: bytes) -> list[Alert]:
        if len(body) > THREAD_BYTES:
            return await asyncio.to_thread(formats.parse, source, body, self._settings)
        return formats.parse(source, body, self._settings)

    async def _store(self, alerts: list[Alert]) -> Sequence[Receipt]:
        if not alerts:
            return ()
        try:
            return await self._intake.accept(alerts)
        except Overloaded as error:
            raise refusal.overloaded(error) from None
        except RedisError as error:
            log.error("alerts.not_stored", error=f"{type(error).__name__}: {error}")  # noqa: TRY400
            raise refusal.storage(RETRY_AFTER_S) from error
