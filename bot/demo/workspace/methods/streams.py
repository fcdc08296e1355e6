"""chat.*Stream and the assistant's status line: an answer that grows while it is written."""

from __future__ import annotations

from bot.demo.workspace.limits import MAX_MARKDOWN_CHARS, check_blocks, check_text
from bot.demo.workspace.methods.call import Call, Method
from bot.demo.workspace.posts import Post
from bot.demo.workspace.refusal import Json, Refusal
from bot.demo.workspace.team import Happened, Happening


def start(call: Call) -> Json:
    """chat.startStream: only in a thread."""
    channel, app = call.joined_channel(), call.team.app
    first = call.team.ledger.find(channel.id, call.need("thread_ts", "message_not_found"))
    text = _piece(call)
    post = Post(channel.id, call.team.timestamps.mint(), text, user=app.user_id, app=app, streaming=True,
                blocks=_prose(text), thread_ts=first.thread_ts or first.ts)  # fmt: skip
    call.team.post(post)
    return {"channel": channel.id, "ts": post.ts}


def append(call: Call) -> Json:
    """chat.appendStream."""
    post = _growing(call)
    text = post.text + _piece(call)
    call.team.extend(post, text, _prose(text))
    return {"channel": post.channel, "ts": post.ts}


def stop(call: Call) -> Json:
    """chat.stopStream: the last words, and blocks below them."""
    post, blocks = _growing(call), call.structure("blocks", "invalid_blocks_format") or []
    check_blocks(blocks)
    text = post.text + _piece(call)
    post.streaming = False
    call.team.extend(post, text, [*_prose(text), *blocks])
    return {"channel": post.channel, "ts": post.ts, "message": post.as_slack()}


def _piece(call: Call) -> str:
    chunks = call.structure("chunks", "invalid_chunks") or []
    pieces = [chunk.get("text", "") for chunk in chunks if chunk.get("type") == "markdown_text"]
    text = (call.text("markdown_text") or "") + "".join(pieces)
    check_text(text, MAX_MARKDOWN_CHARS)
    return text


def _prose(text: str) -> list[Json]:
    return [{"type": "markdown", "block_id": "stream", "text": text}] if text else []


def _growing(call: Call) -> Post:
    post = call.team.ledger.find(call.channel().id, call.need("ts", "message_not_found"))
    if not post.streaming:
        raise Refusal("message_not_in_streaming_state")
    return post


def set_status(call: Call) -> Json:
    """assistant.threads.setStatus: "Nightdesk is looking at the logs …"."""
    channel, thread_ts = call.channel("channel_id"), call.need("thread_ts")
    status = call.text("status") or ""
    post = call.team.ledger.find(channel.id, thread_ts)
    call.team.tell(Happening(Happened.STATUS, post=post, channel=channel.id, status=status))
    return {}


def accept(call: Call) -> Json:  # noqa: ARG001  # a method has this shape
    """A method with an effect that this workspace does not show."""
    return {}


METHODS: dict[str, Method] = {
    "chat.startStream": start,
    "chat.appendStream": append,
    "chat.stopStream": stop,
    "assistant.threads.setStatus": set_status,
    "assistant.threads.setTitle": accept,
    "assistant.threads.setSuggestedPrompts": accept,
}
