"""conversations.*: what was said, and where."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from bot.demo.workspace.methods.call import Call, Method
from bot.demo.workspace.posts import Post
from bot.demo.workspace.refusal import Json, Refusal


def history(call: Call) -> Json:
    """conversations.history: newest first, without replies."""
    channel = call.joined_channel()
    before = _read_cursor(call)
    posts = [post for post in _within(call, call.team.ledger.timeline(channel.id))[::-1] if _older(post, before)]
    limit = _limit(call, 100)
    page, rest = posts[:limit], posts[limit:]
    return {"messages": _shown(call, page), "pin_count": 0, **_more(page, has_more=bool(rest))}


def replies(call: Call) -> Json:
    """conversations.replies: the first message, then its replies, oldest first."""
    channel = call.joined_channel()
    first = call.team.ledger.find(channel.id, call.need("ts", "thread_not_found"))
    root = first.thread_ts or first.ts
    after = _read_cursor(call)
    thread = call.team.ledger.thread(channel.id, root)
    posts = [post for post in thread if post.ts == root and after is None] + [
        post for post in _within(call, thread) if post.ts != root and (after is None or float(post.ts) > after)
    ]
    limit = _limit(call, 1000)
    page, rest = posts[:limit], posts[limit:]
    return {"messages": _shown(call, page), **_more(page, has_more=bool(rest))}


def _limit(call: Call, default: int) -> int:
    return max(1, min(call.number("limit", default), call.page))


def _within(call: Call, posts: Sequence[Post]) -> list[Post]:
    oldest, latest = _moment(call, "oldest", 0.0), _moment(call, "latest", float("inf"))
    if call.flag("inclusive"):
        return [post for post in posts if oldest <= float(post.ts) <= latest]
    return [post for post in posts if oldest < float(post.ts) < latest]


def _moment(call: Call, name: str, default: float) -> float:
    value = call.text(name)
    try:
        return float(value) if value else default
    except ValueError:
        raise Refusal(f"invalid_ts_{name}") from None


def _older(post: Post, before: float | None) -> bool:
    return before is None or float(post.ts) < before


def _read_cursor(call: Call) -> float | None:
    cursor = call.text("cursor")
    if not cursor:
        return None
    try:
        return float(base64.b64decode(cursor, validate=True).decode().removeprefix("next_ts:"))
    except (binascii.Error, ValueError):
        raise Refusal("invalid_cursor") from None


def _more(page: Sequence[Post], *, has_more: bool) -> Json:
    if not has_more:
        return {"has_more": False}
    cursor = base64.b64encode(f"next_ts:{page[-1].ts}".encode()).decode()
    return {"has_more": True, "response_metadata": {"next_cursor": cursor}}


def _shown(call: Call, posts: Sequence[Post]) -> list[Json]:
    with_metadata = call.flag("include_all_metadata")
    return [call.team.ledger.as_slack(post, with_metadata=with_metadata) for post in posts]


def describe(call: Call) -> Json:
    """conversations.info."""
    return {"channel": call.channel().as_slack(call.team.app.user_id)}


def listing(call: Call) -> Json:
    """conversations.list: everything on one page."""
    kinds = {"im" if kind == "im" else "channel" for kind in (call.text("types") or "public_channel").split(",")}
    viewer = call.team.app.user_id
    found = [channel.as_slack(viewer) for channel in call.team.channels.values() if channel.kind in kinds]
    return {"channels": found, "response_metadata": {"next_cursor": ""}}


def join(call: Call) -> Json:
    """conversations.join."""
    channel, bot = call.channel(), call.team.app.user_id
    already = bot in channel.members
    call.team.join(channel, bot)
    return {"channel": channel.as_slack(bot), **({"warning": "already_in_channel"} if already else {})}


def open_direct(call: Call) -> Json:
    """conversations.open: the conversation with one person."""
    user = call.need("users", "users_list_not_supplied")
    call.team.person(user)
    return {"channel": call.team.direct(user).as_slack(call.team.app.user_id)}


def members(call: Call) -> Json:
    """conversations.members."""
    return {"members": sorted(call.channel().members), "response_metadata": {"next_cursor": ""}}


METHODS: dict[str, Method] = {
    "conversations.history": history,
    "conversations.replies": replies,
    "conversations.info": describe,
    "conversations.list": listing,
    "conversations.join": join,
    "conversations.open": open_direct,
    "conversations.members": members,
}
