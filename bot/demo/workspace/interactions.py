"""What people do with the bot's buttons, modals, shortcuts and commands, told to the bot as Slack tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.demo.workspace.controls import control, filled, pressed
from bot.demo.workspace.delivery import Answer, Delivery
from bot.demo.workspace.events import Herald
from bot.demo.workspace.hooks import Hooks
from bot.demo.workspace.people import TEAM_ID, TEAM_NAME
from bot.demo.workspace.posts import Post
from bot.demo.workspace.refusal import Json, Refusal
from bot.demo.workspace.team import Team
from bot.demo.workspace.views import View, Views

TROUBLE = "We had some trouble connecting. Try again?"


@dataclass(frozen=True)
class Submission:
    """What became of a form: taken, or with errors by block id, or not delivered."""

    ok: bool
    errors: Mapping[str, str] = field(default_factory=dict)
    answer: Answer | None = None


@dataclass
class Interactions:
    """Acts for people."""

    team: Team
    views: Views
    hooks: Hooks
    delivery: Delivery
    herald: Herald

    async def click(self, user: str, ts: str, action_id: str, choice: str | None = None) -> Answer:
        """Press a button of a message, or pick the option of that value.

        Raises:
            Refusal: `message_not_found`, `no_such_action`.
        """
        post = self._visible(user, ts)
        action = pressed(*control(post.blocks, action_id), choice)
        return await self.delivery.interaction({
            **self._about(user, "block_actions"),
            **self._where(user, post),
            "container": self._container(post),
            "state": {"values": {}},
            "actions": [{**action, "action_ts": self.team.timestamps.mint()}],
        })  # fmt: skip

    async def click_view(self, user: str, view_id: str, action_id: str, choice: str | None = None) -> Answer:
        """Press a button of a modal or of the home tab."""
        view = self._view(user, view_id)
        seen = view.as_slack(self.team.app)
        action = pressed(*control(seen["blocks"], action_id), choice)
        return await self.delivery.interaction({
            **self._about(user, "block_actions"),
            "container": {"type": "view", "view_id": view.id},
            "view": seen,
            "actions": [{**action, "action_ts": self.team.timestamps.mint()}],
        })  # fmt: skip

    async def submit(self, user: str, view_id: str, values: Mapping[str, Any]) -> Submission:
        """Send a modal in, with what was entered by action id or block id."""
        view = self._view(user, view_id)
        seen = view.as_slack(self.team.app)
        state, errors = filled(seen["blocks"], values)
        if errors:
            self.views.complain(view, errors)
            return Submission(ok=False, errors=errors)
        answer = await self.delivery.interaction({
            **self._about(user, "view_submission"),
            "view": {**seen, "state": {"values": state}},
            "response_urls": [],
        })  # fmt: skip
        return self._submitted(view, answer)

    def _submitted(self, view: View, answer: Answer) -> Submission:
        try:
            errors = self._obey(view, answer) if answer.ok else {"": TROUBLE}
        except Refusal as refusal:
            errors = {"": f"{TROUBLE} ({refusal})"}
        if errors:
            self.views.complain(view, errors)
        return Submission(ok=not errors, errors=errors, answer=answer)

    def _obey(self, view: View, answer: Answer) -> dict[str, str]:
        wanted = answer.json
        match wanted.get("response_action"):
            case "errors":
                return self._errors(view, wanted.get("errors"))
            case "update":
                self.views.update(view, wanted.get("view"))
            case "push":
                self.views.cover(view.user, wanted.get("view"))
            case "clear":
                self.views.clear(view.user)
            case _:
                self.views.close(view)
        return {}

    def _errors(self, view: View, errors: Any) -> dict[str, str]:
        inputs = {block["block_id"] for block in view.as_slack(self.team.app)["blocks"] if block["type"] == "input"}
        if not isinstance(errors, dict) or not errors or not inputs.issuperset(errors):
            raise Refusal("invalid_errors", [f"errors must name input blocks of the view: {', '.join(sorted(inputs))}"])
        return errors

    async def dismiss(self, user: str, view_id: str) -> None:
        """Close a modal without sending it in; the app is told when it has asked to be."""
        view = self._view(user, view_id)
        self.views.close(view)
        if view.content.get("notify_on_close"):
            payload = {**self._about(user, "view_closed"), "view": view.as_slack(self.team.app), "is_cleared": False}
            await self.delivery.interaction(payload)

    async def shortcut(self, user: str, ts: str, callback_id: str) -> Answer:
        """Use a message shortcut."""
        post = self._visible(user, ts)
        about = {**self._about(user, "message_action"), **self._where(user, post), "message_ts": post.ts}
        return await self.delivery.interaction(
            {**about, "callback_id": callback_id, "action_ts": self.team.timestamps.mint(),
             "message": self.team.ledger.as_slack(post)}
        )  # fmt: skip

    async def command(self, user: str, channel: str, command: str, text: str) -> Answer:
        """Use a slash command; an answer in the body is shown to that person."""
        person, place = self.team.person(user), self.team.channel(channel)
        answer = await self.delivery.form({
            "token": "verification",
            "team_id": TEAM_ID,
            "team_domain": TEAM_NAME.lower(),
            "channel_id": place.id,
            "channel_name": place.name or "directmessage",
            "user_id": user,
            "user_name": person.name,
            "command": command,
            "text": text,
            "api_app_id": self.team.app.app_id,
            "is_enterprise_install": "false",
            "response_url": self.hooks.make(user, place.id),
            "trigger_id": self.views.trigger(user),
        })  # fmt: skip
        self._show_reply(user, place.id, answer)
        return answer

    def _show_reply(self, user: str, channel: str, answer: Answer) -> None:
        if not (answer.ok and answer.body.strip()):
            return
        words = answer.json or {"text": answer.body}
        app = self.team.app
        post = Post(channel, self.team.timestamps.mint(), words.get("text", ""), user=app.user_id, app=app,
                    blocks=words.get("blocks") or [])  # fmt: skip
        if words.get("response_type") == "in_channel":
            self.team.post(post)
        else:
            post.only_for = user
            self.team.whisper(post)

    def open_home(self, user: str) -> None:
        """Look at the bot's home tab."""
        home = self.views.homes.get(user)
        seen = {"view": home.as_slack(self.team.app)} if home else {}
        self.delivery.event(self.herald.envelope({
            "type": "app_home_opened",
            "user": user,
            "channel": self.team.direct(user).id,
            "tab": "home",
            "event_ts": self.team.timestamps.mint(),
            **seen,
        }))  # fmt: skip

    def _visible(self, user: str, ts: str) -> Post:
        post = self.team.visible(ts)
        if post.only_for not in {None, user}:
            raise Refusal("message_not_found")
        return post

    def _view(self, user: str, view_id: str) -> View:
        view = self.views.find(view_id)
        if view.user != user:
            raise Refusal("not_found")
        return view

    def _about(self, user: str, kind: str) -> Json:
        person = self.team.person(user)
        return {
            "type": kind,
            "user": {"id": user, "username": person.name, "name": person.name, "team_id": TEAM_ID},
            "api_app_id": self.team.app.app_id,
            "token": "verification",
            "trigger_id": self.views.trigger(user),
            "team": {"id": TEAM_ID, "domain": TEAM_NAME.lower()},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _where(self, user: str, post: Post) -> Json:
        place = self.team.channel(post.channel)
        where: Json = {
            "channel": {"id": place.id, "name": place.name or "directmessage"},
            "response_url": self.hooks.make(user, place.id, post),
        }
        return where if post.only_for else {**where, "message": self.team.ledger.as_slack(post)}

    def _container(self, post: Post) -> Json:
        thread = {"thread_ts": post.thread_ts} if post.thread_ts else {}
        return {"type": "message", "message_ts": post.ts, "channel_id": post.channel,
                "is_ephemeral": post.only_for is not None, **thread}  # fmt: skip
