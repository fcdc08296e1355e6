"""auth.test, users.*, usergroups.*, team.info: who is who."""

from __future__ import annotations

from bot.demo.workspace.methods.call import Call, Method
from bot.demo.workspace.people import TEAM_ID, TEAM_NAME
from bot.demo.workspace.refusal import Json, Refusal


def auth_test(call: Call) -> Json:
    """auth.test: the bot itself."""
    app = call.team.app
    return {
        "url": f"{call.team.base_url}/",
        "team": TEAM_NAME,
        "user": app.person.name,
        "team_id": TEAM_ID,
        "user_id": app.user_id,
        "bot_id": app.bot_id,
        "is_enterprise_install": False,
    }


def team_info(call: Call) -> Json:
    """team.info."""
    return {"team": {"id": TEAM_ID, "name": TEAM_NAME, "domain": "northwind", "url": f"{call.team.base_url}/"}}


def bots_info(call: Call) -> Json:
    """bots.info."""
    app = call.team.app
    return {"bot": {"id": app.bot_id, "app_id": app.app_id, "user_id": app.user_id, "name": app.name, "deleted": False}}


def users_info(call: Call) -> Json:
    """users.info."""
    return {"user": call.team.person(call.need("user", "user_not_found")).as_slack(call.team.base_url)}


def users_list(call: Call) -> Json:
    """users.list: everyone on one page."""
    people = [person.as_slack(call.team.base_url) for person in call.team.people.values()]
    return {"members": people, "response_metadata": {"next_cursor": ""}}


def groups_list(call: Call) -> Json:
    """usergroups.list."""
    with_users = call.flag("include_users")
    groups = [{**g.as_slack(), **({"users": list(g.members)} if with_users else {})} for g in call.team.groups.values()]
    return {"usergroups": groups}


def group_users(call: Call) -> Json:
    """usergroups.users.list."""
    group = call.team.groups.get(call.need("usergroup", "no_such_subteam"))
    if group is None:
        raise Refusal("no_such_subteam")
    return {"users": list(group.members)}


METHODS: dict[str, Method] = {
    "auth.test": auth_test,
    "team.info": team_info,
    "bots.info": bots_info,
    "users.info": users_info,
    "users.list": users_list,
    "usergroups.list": groups_list,
    "usergroups.users.list": group_users,
}
