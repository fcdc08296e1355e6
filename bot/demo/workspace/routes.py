"""Every address of the workspace."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.demo.workspace.api import Api
from bot.demo.workspace.hooks import Hooks
from bot.demo.workspace.page import Page
from bot.demo.workspace.refusal import Refusal
from bot.demo.workspace.team import Team

Endpoint = Callable[[Request], Awaitable[Response]]
LOCAL_NAMES = ["127.0.0.1", "localhost", "[::1]"]


def application(team: Team, hooks: Hooks, api: Api, page: Page) -> Starlette:
    """The ASGI application; it answers to local names only, so that no other site can be pointed at it."""
    return Starlette(
        routes=[
            Route("/api/{method}", api.answer, methods=["GET", "POST"]),
            Route("/upload/v1/{file}", _upload(team), methods=["POST"]),
            Route("/actions/{hook}", _respond(hooks), methods=["POST"]),
            *page.routes,
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=LOCAL_NAMES)],
    )


def _upload(team: Team) -> Endpoint:
    async def upload(request: Request) -> Response:
        content = await _content(request)
        try:
            team.shelf.fill(request.path_params["file"], content)
        except Refusal as refusal:
            return PlainTextResponse(refusal.code, 400)
        return PlainTextResponse(f"OK - {len(content)}")

    return upload


async def _content(request: Request) -> bytes:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await request.body()
    async with request.form() as form:
        parts = [await part.read() for part in form.values() if not isinstance(part, str)]
    return parts[0] if parts else b""


def _respond(hooks: Hooks) -> Endpoint:
    async def respond(request: Request) -> Response:
        try:
            hooks.use(request.path_params["hook"], json.loads(await request.body()))
        except Refusal as refusal:
            return JSONResponse(refusal.envelope, 404 if refusal.code in {"expired_url", "used_url"} else 400)
        return PlainTextResponse("ok")

    return respond
