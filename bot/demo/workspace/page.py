"""What the browser asks for and sends: the whole state once, the changes as a stream, and what its person does."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from importlib.resources import files as packaged
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bot.demo.workspace.delivery import Answer
from bot.demo.workspace.feed import Feed, concerns
from bot.demo.workspace.interactions import Interactions
from bot.demo.workspace.people import TEAM_NAME, Person
from bot.demo.workspace.posts import Post
from bot.demo.workspace.refusal import Json, Refusal
from bot.demo.workspace.team import Happened, Happening, Team
from bot.demo.workspace.typed import as_slack
from bot.demo.workspace.views import View, Views

STATIC = packaged("bot.demo.workspace") / "static"
GUARDS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' https: data:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
NO_ANSWER = {
    "http_timeout": "did not answer within 3 seconds",
    "connection_failed": "cannot be reached",
}


class Page:
    """The page of one workspace."""

    def __init__(self, team: Team, views: Views, interactions: Interactions) -> None:
        self._team = team
        self._views = views
        self._interactions = interactions
        self.feed = Feed(self._picture)
        team.listeners.append(self.feed.tell)

    @property
    def routes(self) -> list[Route | Mount]:
        """Its addresses."""
        deeds: dict[str, Callable[[Json], Awaitable[Json]]] = {
            "say": self._say,
            "react": self._react,
            "click": self._click,
            "submit": self._submit,
            "dismiss": self._dismiss,
            "shortcut": self._shortcut,
            "home": self._open_home,
        }
        return [
            Route("/", self._index),
            Route("/archives/{channel}", self._index),
            Route("/archives/{channel}/{message}", self._index),
            Route("/page/state", self._state),
            Route("/page/stream", self._stream),
            *(Route(f"/page/{name}", _door(deed), methods=["POST"]) for name, deed in deeds.items()),
            Route("/avatars/{user}.svg", self._avatar),
            Route("/files-pri/{file}/{name}", self._file),
            Mount("/static", StaticFiles(directory=str(STATIC))),
        ]

    async def _index(self, _: Request) -> Response:
        return FileResponse(str(STATIC / "index.html"), headers=GUARDS)

    async def _state(self, request: Request) -> Response:
        user = request.query_params.get("as", "")
        if user not in self._team.people:
            user = next(iter(self._team.people))
        return JSONResponse(self._snapshot(user), headers=GUARDS)

    async def _stream(self, request: Request) -> Response:
        stream = self.feed.follow(request.query_params.get("as", ""))
        return StreamingResponse(stream, media_type="text/event-stream", headers=GUARDS)

    def _snapshot(self, user: str) -> Json:
        team = self._team
        return {
            "me": user,
            "team": {"name": TEAM_NAME},
            "app": {"id": team.app.user_id, "name": team.app.name, "direct": team.direct(user).id,
                    "shortcuts": team.app.message_shortcuts, "commands": team.app.commands},
            "people": {person.id: _face(person) for person in team.people.values()},
            "groups": {group.id: group.handle for group in team.groups.values()},
            "channels": [{"id": c.id, "name": c.name, "topic": c.topic, "members": len(c.members)}
                         for c in team.channels.values() if c.direct_with is None],
            "messages": [_shown(post) for post in (*team.ledger, *team.whispers) if self._may_see(post, user)],
            **self._panels(user),
        }  # fmt: skip

    def _may_see(self, post: Post, user: str) -> bool:
        return user in self._team.channel(post.channel).members and post.only_for in {None, user}

    def _panels(self, user: str) -> Json:
        home = self._views.homes.get(user)
        return {
            "home": self._panel(home) if home else None,
            "modals": [self._panel(view) for view in self._views.stacks.get(user, [])],
        }

    def _panel(self, view: View) -> Json:
        return {**view.as_slack(self._team.app), "errors": view.errors}

    def _picture(self, happening: Happening, user: str) -> Json | None:
        if not concerns(happening, user) or (happening.post and not self._may_see(happening.post, user)):
            return None
        if happening.what is Happened.VIEW:
            return {"kind": "views", **self._panels(user)}
        if happening.post is None:
            return None
        if happening.what is Happened.STATUS:
            thread = happening.post.thread_ts or happening.post.ts
            return {"kind": "status", "channel": happening.channel, "thread": thread, "text": happening.status}
        if happening.what is Happened.DELETED:
            return {"kind": "gone", "ts": happening.post.ts}
        return {"kind": "message", "message": _shown(happening.post)}

    async def _say(self, body: Json) -> Json:
        user, channel, typed = str(body["as"]), str(body["channel"]), str(body["text"]).strip()
        command, _, rest = typed.partition(" ")
        if command in self._team.app.commands:
            return self._told(
                await self._interactions.command(user, channel, command, as_slack(rest.strip(), self._team))
            )
        return {"ok": True, "ts": self._team.speak(user, channel, as_slack(typed, self._team), body.get("thread")).ts}

    async def _react(self, body: Json) -> Json:
        post, user, name = self._team.visible(str(body["ts"])), self._team.person(str(body["as"])).id, str(body["name"])
        if user in post.reactions.get(name, ()):
            self._team.unreact(post, user, name)
        else:
            self._team.react(post, user, name)
        return {"ok": True}

    async def _click(self, body: Json) -> Json:
        user, action, choice = str(body["as"]), str(body["action"]), body.get("choice")
        if view := body.get("view"):
            return self._told(await self._interactions.click_view(user, str(view), action, choice))
        return self._told(await self._interactions.click(user, str(body["ts"]), action, choice))

    async def _submit(self, body: Json) -> Json:
        sent = await self._interactions.submit(str(body["as"]), str(body["view"]), dict(body["values"]))
        return {"ok": sent.ok, "errors": dict(sent.errors)}

    async def _dismiss(self, body: Json) -> Json:
        await self._interactions.dismiss(str(body["as"]), str(body["view"]))
        return {"ok": True}

    async def _shortcut(self, body: Json) -> Json:
        answer = await self._interactions.shortcut(str(body["as"]), str(body["ts"]), str(body["callback"]))
        return self._told(answer)

    async def _open_home(self, body: Json) -> Json:
        self._interactions.open_home(str(body["as"]))
        return {"ok": True}

    def _told(self, answer: Answer) -> Json:
        if answer.ok:
            return {"ok": True}
        what = NO_ANSWER.get(answer.failure or "") or answer.failure or f"answered {answer.status}"
        return {"ok": False, "error": f"{self._team.app.name} {what}."}

    async def _avatar(self, request: Request) -> Response:
        person = self._team.people.get(request.path_params["user"])
        if person is None:
            return Response(status_code=404)
        return Response(_portrait(person), media_type="image/svg+xml", headers=GUARDS)

    async def _file(self, request: Request) -> Response:
        try:
            file = self._team.shelf.find(request.path_params["file"].rpartition("-")[2])
        except Refusal:
            return Response(status_code=404)
        inline = file.mimetype in {"image/png", "image/jpeg", "image/gif", "image/webp"}
        kind = file.mimetype if inline else "text/plain; charset=utf-8"
        return Response(file.content or b"", media_type=kind, headers=GUARDS)


def _door(deed: Callable[[Json], Awaitable[Json]]) -> Callable[[Request], Awaitable[Response]]:
    async def door(request: Request) -> Response:
        # A JSON body cannot be sent by another site's page without a preflight, which nobody answers here.
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return JSONResponse({"ok": False, "error": "send JSON"}, 415)
        try:
            return JSONResponse(await deed(json.loads(await request.body())))
        except Refusal as refusal:
            return JSONResponse(refusal.envelope)
        except (KeyError, TypeError, ValueError) as problem:
            return JSONResponse({"ok": False, "error": f"cannot be understood: {problem}"}, 400)

    return door


def _shown(post: Post) -> Json:
    mark: dict[str, Any] = {"only_for": post.only_for, "broadcast": post.broadcast, "streaming": post.streaming}
    return {**post.as_slack(), "channel": post.channel, **{name: value for name, value in mark.items() if value}}


def _face(person: Person) -> Json:
    return {"id": person.id, "name": person.real_name, "handle": person.name, "title": person.title,
            "initials": person.initials, "colour": person.colour, "bot": person.is_bot}  # fmt: skip


def _portrait(person: Person) -> str:
    drawing = (
        '<circle cx="34" cy="37" r="20" fill="#f7d774"/><circle cx="43" cy="31" r="18" fill="{colour}"/>'
        '<path d="M53 17l1.6 4.4 4.4 1.6-4.4 1.6-1.6 4.4-1.6-4.4-4.4-1.6 4.4-1.6z" fill="#fff"/>'
        if person.is_bot
        else '<text x="36" y="47" font-family="sans-serif" font-size="29" font-weight="600" fill="#fff" '
        'text-anchor="middle">{initials}</text>'
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 72" width="72" height="72">'
        f'<rect width="72" height="72" fill="{person.colour}"/>'
        + drawing.format(colour=person.colour, initials=person.initials)
        + "</svg>"
    )
