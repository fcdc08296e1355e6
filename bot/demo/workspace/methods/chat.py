"""chat.*: the bot speaks."""

from __future__ import annotations

from typing import Any

from bot.demo.workspace.limits import MAX_UPDATE_TEXT_CHARS, check_blocks, check_metadata, check_text
from bot.demo.workspace.methods.call import Call, Method
from bot.demo.workspace.people import Channel
from bot.demo.workspace.posts import Post
from bot.demo.workspace.refusal import Json, Refusal
from bot.demo.workspace.team import Team


def post_message(call: Call) -> Json:
    """chat.postMessage."""
    channel = call.joined_channel()
    post = compose(call, channel)
    thread_ts = call.text("thread_ts")
    if thread_ts:
        post.thread_ts = call.team.ledger.find(channel.id, thread_ts).thread_ts or thread_ts
        post.broadcast = call.flag("reply_broadcast")
    call.team.post(post)
    return {"channel": channel.id, "ts": post.ts, "message": post.as_slack(with_metadata=True)}


def compose(call: Call, channel: Channel) -> Post:
    """The bot's message as the arguments describe it.

    Raises:
        Refusal: whatever is wrong with it.
    """
    blocks, text = _blocks(call), call.text("text") or call.text("markdown_text") or ""
    attachments = call.structure("attachments", "invalid_attachments") or []
    if not (text.strip() or blocks or attachments):
        raise Refusal("no_text")
    check_text(text)
    metadata = call.structure("metadata", "invalid_metadata_format")
    if metadata:
        check_metadata(metadata)
    app = call.team.app
    return Post(channel.id, call.team.timestamps.mint(), text, user=app.user_id, app=app, blocks=blocks or [],
                attachments=attachments, metadata=metadata or None)  # fmt: skip


def _blocks(call: Call) -> list[Json] | None:
    blocks = call.structure("blocks", "invalid_blocks_format")
    if blocks is None:
        return None
    check_blocks(blocks)
    check_pictures(blocks, call.team)
    return [{"block_id": f"b{index}", **block} for index, block in enumerate(blocks)]


def check_pictures(found: Any, team: Team) -> None:
    """A picture that names an uploaded file needs that file.

    Raises:
        Refusal: `invalid_blocks`.
    """
    children = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    file = found.get("slack_file") if isinstance(found, dict) else None
    if isinstance(file, dict) and "id" in file and not team.shelf.stored(file["id"]):
        raise Refusal("invalid_blocks", [f"invalid slack file: {file['id']}"])
    for child in children:
        check_pictures(child, team)


def update(call: Call) -> Json:
    """chat.update: blocks and metadata that are not given stay."""
    channel = call.channel()
    post = _own(call, channel, "cant_update_message")
    blocks, text = _blocks(call), call.text("text")
    if text is None and blocks is None and not call.structure("attachments", "invalid_attachments"):
        raise Refusal("no_text")
    check_text(text or "", MAX_UPDATE_TEXT_CHARS)
    metadata = call.structure("metadata", "invalid_metadata_format")
    if metadata:
        check_metadata(metadata)
    if metadata is not None:
        post.metadata = metadata or None
    call.team.change(post, by=call.team.app.user_id, text=text, blocks=blocks)
    return {"channel": channel.id, "ts": post.ts, "text": post.text, "message": post.as_slack(with_metadata=True)}


def _own(call: Call, channel: Channel, refusal: str) -> Post:
    post = call.team.ledger.find(channel.id, call.need("ts", "message_not_found"))
    if post.app is None:
        raise Refusal(refusal)
    return post


def delete(call: Call) -> Json:
    """chat.delete."""
    channel = call.channel()
    post = _own(call, channel, "cant_delete_message")
    call.team.remove(post)
    return {"channel": channel.id, "ts": post.ts}


def post_ephemeral(call: Call) -> Json:
    """chat.postEphemeral: one person sees it, and it is not kept."""
    channel = call.joined_channel()
    user = call.need("user", "user_not_found")
    call.team.person(user)
    if user not in channel.members:
        raise Refusal("user_not_in_channel")
    post = compose(call, channel)
    post.thread_ts, post.only_for = call.text("thread_ts"), user
    call.team.whisper(post)
    return {"message_ts": post.ts}


def get_permalink(call: Call) -> Json:
    """chat.getPermalink."""
    channel = call.channel()
    post = call.team.ledger.find(channel.id, call.need("message_ts", "message_not_found"))
    return {"channel": channel.id, "permalink": permalink(call.team, post)}


def permalink(team: Team, post: Post) -> str:
    """The address of a message: the page opens there."""
    address = f"{team.base_url}/archives/{post.channel}/p{post.ts.replace('.', '')}"
    return f"{address}?thread_ts={post.thread_ts}&cid={post.channel}" if post.is_reply else address


METHODS: dict[str, Method] = {
    "chat.postMessage": post_message,
    "chat.update": update,
    "chat.delete": delete,
    "chat.postEphemeral": post_ephemeral,
    "chat.getPermalink": get_permalink,
}
