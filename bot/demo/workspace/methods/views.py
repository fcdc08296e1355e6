"""views.*: modals and the home tab."""

from __future__ import annotations

from typing import Any

from bot.demo.workspace.methods.call import Call, Method
from bot.demo.workspace.refusal import Json
from bot.demo.workspace.views import View


def open_view(call: Call) -> Json:
    """views.open."""
    return _shown(call, call.views.open(call.need("trigger_id", "invalid_trigger_id"), _content(call)))


def push(call: Call) -> Json:
    """views.push."""
    return _shown(call, call.views.push(call.need("trigger_id", "invalid_trigger_id"), _content(call)))


def update(call: Call) -> Json:
    """views.update."""
    view = call.views.find(call.text("view_id"), call.text("external_id"))
    return _shown(call, call.views.update(view, _content(call), expected_hash=call.text("hash")))


def publish(call: Call) -> Json:
    """views.publish: that person's home tab."""
    user = call.need("user_id")
    call.team.person(user)
    return _shown(call, call.views.publish(user, _content(call), expected_hash=call.text("hash")))


def _content(call: Call) -> Any:
    return call.structure("view", "invalid_arguments")


def _shown(call: Call, view: View) -> Json:
    return {"view": view.as_slack(call.team.app)}


METHODS: dict[str, Method] = {
    "views.open": open_view,
    "views.push": push,
    "views.update": update,
    "views.publish": publish,
}
