"""Every address of the workspace."""

from __future__ import annotations

import json

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.demo.workspace.api import Api
from bot.demo.workspace.hooks import Hooks
from bot.demo.workspace.interactions import Interactions
from bot.demo.workspace.refusal import Refusal
from bot.demo.workspace.team import Team
from bot.demo.workspace.views import Views


def application(team: Team, views: Views, hooks: Hooks, api: Api, interactions: Interactions) -> Starlette:  # noqa: ARG001
    """The ASGI application."""

    async def upload(request: Request) -> Response:
        form_type = "multipart/form-data"
        if request.headers.get("content-type", "").startswith(form_type):
            async with request.form() as form:
                parts = [await part.read() for part in form.values() if not isinstance(part, str)]
            content = parts[0] if parts else b""
        else:
            content = await request.body()
        try:
            team.shelf.fill(request.path_params["file"], content)
        except Refusal as refusal:
            return PlainTextResponse(refusal.code, 400)
        return PlainTextResponse(f"OK - {len(content)}")

    async def respond(request: Request) -> Response:
        try:
            hooks.use(request.path_params["hook"], json.loads(await request.body()))
        except Refusal as refusal:
            return JSONResponse(refusal.envelope, 404 if refusal.code in {"expired_url", "used_url"} else 400)
        return PlainTextResponse("ok")

    return Starlette(
        routes=[
            Route("/api/{method}", api.answer, methods=["GET", "POST"]),
            Route("/upload/v1/{file}", upload, methods=["POST"]),
            Route("/actions/{hook}", respond, methods=["POST"]),
        ]
    )
