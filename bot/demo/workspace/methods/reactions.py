"""reactions.*."""

from __future__ import annotations

import re

from bot.demo.workspace.methods.call import Call, Method
from bot.demo.workspace.posts import Post
from bot.demo.workspace.refusal import Json, Refusal

EMOJI_NAME = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")


def add(call: Call) -> Json:
    """reactions.add."""
    call.team.react(_post(call), call.team.app.user_id, _name(call))
    return {}


def remove(call: Call) -> Json:
    """reactions.remove."""
    call.team.unreact(_post(call), call.team.app.user_id, _name(call))
    return {}


def get(call: Call) -> Json:
    """reactions.get."""
    post = _post(call)
    return {"type": "message", "channel": post.channel, "message": post.as_slack()}


def _post(call: Call) -> Post:
    return call.team.ledger.find(call.joined_channel().id, call.need("timestamp", "message_not_found"))


def _name(call: Call) -> str:
    name = call.need("name", "invalid_name")
    if not EMOJI_NAME.fullmatch(name):
        raise Refusal("invalid_name")
    return name


METHODS: dict[str, Method] = {"reactions.add": add, "reactions.remove": remove, "reactions.get": get}
