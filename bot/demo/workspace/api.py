"""The door of the Web API: who calls, with which arguments, what comes back, and the trouble on order."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.demo.workspace.faults import Faults, Quota, Trouble
from bot.demo.workspace.methods import METHODS
from bot.demo.workspace.methods.call import MAX_PAGE, Call
from bot.demo.workspace.refusal import Json, Refusal
from bot.demo.workspace.team import Team
from bot.demo.workspace.views import Views
from bot.slack.scopes import SCOPES

LIMITED = {"conversations.history", "conversations.replies"}
GRANTED = ",".join(SCOPES)
"""The app was installed from our manifest."""
LOST = {Trouble.LOST_REQUEST, Trouble.LOST_ANSWER}
UNDONE = {
    Trouble.RATE_LIMITED: 429,
    Trouble.BROKEN: 500,
    Trouble.UNAVAILABLE: 503,
}


@dataclass
class Api:
    """Answers `POST /api/{method}`.

    Args:
        token: the only bot token that is let in.
        drop: breaks the connection of a request.
        quota: when set, the limit on conversations.history and conversations.replies.
    """

    team: Team
    views: Views
    token: str
    drop: Callable[[Request], None]
    quota: Quota | None = None
    faults: Faults = field(default_factory=Faults)
    calls: list[tuple[str, Json]] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        """One call, from its request to its response."""
        method = str(request.path_params["method"])
        try:
            arguments = await _arguments(request)
            self._admit(request, arguments)
        except Refusal as refusal:
            return JSONResponse(refusal.envelope)
        self.calls.append((method, arguments))
        trouble = self.faults.take(method)
        if trouble in UNDONE:
            return self._undone(UNDONE[trouble])
        if wait_s := self._over_quota(method):
            return self._undone(429, wait_s)
        body = {} if trouble is Trouble.LOST_REQUEST else self._run(method, arguments)
        if trouble in LOST:
            self.drop(request)
        if trouble is Trouble.BROKEN_ANSWER:
            return self._undone(503)
        return JSONResponse(body, headers={"X-OAuth-Scopes": GRANTED})

    def _admit(self, request: Request, arguments: Json) -> None:
        scheme, _, presented = request.headers.get("authorization", "").partition(" ")
        token = presented if scheme.lower() == "bearer" else arguments.pop("token", "")
        if token != self.token:
            raise Refusal("invalid_auth" if token else "not_authed")

    def _over_quota(self, method: str) -> int | None:
        return self.quota.wait_s(method) if self.quota and method in LIMITED else None

    def _undone(self, status: int, retry_after_s: int | None = None) -> Response:
        if status == 429:
            wait = str(retry_after_s or self.faults.retry_after_s)
            return JSONResponse(Refusal("ratelimited").envelope, 429, headers={"Retry-After": wait})
        return PlainTextResponse("upstream connect error", status)

    def _run(self, method: str, arguments: Json) -> Json:
        if method not in METHODS:
            return Refusal("unknown_method").envelope
        page = self.quota.messages if self.quota else MAX_PAGE
        try:
            return {"ok": True, **METHODS[method](Call(self.team, self.views, arguments, page))}
        except Refusal as refusal:
            return refusal.envelope


async def _arguments(request: Request) -> Json:
    arguments: dict[str, Any] = dict(request.query_params)
    if request.method != "POST":
        return arguments
    if request.headers.get("content-type", "").startswith("application/json"):
        return {**arguments, **_json(await request.body())}
    async with request.form() as form:
        return {**arguments, **dict(form)}


def _json(body: bytes) -> Json:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        raise Refusal("invalid_json") from None
    if not isinstance(found, dict):
        raise Refusal("json_not_object")
    return found
