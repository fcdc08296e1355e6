"""From what Slack sends to our nouns. Pure; what is not for us gives None.

https://docs.slack.dev/reference/events/message and the payloads of https://docs.slack.dev/interactivity
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from bot.errors import BadInput
from bot.models import Message
from bot.slack.client import Identity
from bot.slack.desk import Command, Decision, Mention, Reply, Taught
from bot.slack.text import plain
from bot.slack.views.modal import origin_of, reason_of

Json = Mapping[str, Any]

SAID = ("bot_message", "file_share", "file_comment", "me_message", "thread_broadcast")
"""Subtypes of messages that somebody wrote, besides none; the others report joins, topics and the like."""
_MENTIONED = re.compile(r"<@(?P<user>[UW][A-Z0-9]{2,20})(?:\|[^>]*)?>")
_GREETING = re.compile(r"\s*(?:(?:hey|hi|hello|ok|okay|thanks|please|嗨|你好|请)[\s,.!，。！]*)?", re.IGNORECASE)
PUSHPIN = "pushpin"
LONGEST_TEXT = 12_000


def moment(ts: str) -> datetime:
    """When a `ts` was.

    Raises:
        BadInput: it is none.
    """
    try:
        return datetime.fromtimestamp(float(ts), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise BadInput(f"{ts!r} is not a Slack timestamp.") from None


def needed(raw: Json, name: str) -> str:
    """A text that Slack always sends.

    Raises:
        BadInput: it is not there.
    """
    found = raw.get(name) if isinstance(raw, Mapping) else None
    if not isinstance(found, str) or not found:
        raise BadInput(f"There is no '{name}' where Slack sends one.")
    return found


def mention(event_id: str, event: Json, identity: Identity) -> Mention:
    """Somebody speaks to the bot.

    Raises:
        BadInput: it does not say where or when.
    """
    channel, ts, thread = needed(event, "channel"), needed(event, "ts"), _thread(event)
    words = str(event.get("text") or "").replace(f"<@{identity.user}>", " ")
    return Mention(
        event_id=event_id,
        channel=channel,
        thread=thread or ts,
        ts=ts,
        user=_author(event),
        text=" ".join(plain(words).split()),
        permalink=identity.permalink(channel, ts, thread),
    )


def message(raw: Json, channel: str, identity: Identity) -> Message | None:
    """What somebody said; None for the bot's own words, for reports of Slack and for nothing said.

    Raises:
        BadInput: it does not say when.
    """
    if raw.get("subtype") not in (None, *SAID) or own(raw, identity):
        return None
    text = said(raw)
    if not text:
        return None
    ts, thread = needed(raw, "ts"), _thread(raw)
    return Message(
        id=ts,
        channel=channel,
        thread=thread,
        user=_author(raw),
        text=text,
        sent_at=moment(ts),
        permalink=identity.permalink(channel, ts, thread),
        to_bot=_spoken_to(raw, channel, identity),
    )


def own(raw: Json, identity: Identity) -> bool:
    """Whether the bot wrote it."""
    return raw.get("user") == identity.user or (identity.bot is not None and raw.get("bot_id") == identity.bot)


def said(raw: Json) -> str:
    """The words of a message. Integrations often write theirs into attachments."""
    comment = _object(raw, "comment").get("comment")
    parts = [str(comment or raw.get("text") or ""), *_attached(raw), *_files(raw)]
    return "\n".join(dict.fromkeys(plain(part).strip() for part in parts if part.strip()))[:LONGEST_TEXT]


def says_nothing(raw: Json) -> bool:
    """Whether nothing is left of a message: a tombstone, or no words."""
    return raw.get("subtype") == "tombstone" or not said(raw)


def edited(event: Json, identity: Identity) -> Message | None:
    """The message as it reads now (`message_changed`)."""
    return message(_object(event, "message"), needed(event, "channel"), identity)


def deleted(event: Json, identity: Identity) -> str | None:
    """The id of a message that is gone: deleted, changed into a tombstone, or edited until it says nothing."""
    now = _object(event, "message")
    if event.get("subtype") == "message_deleted":
        gone = needed(event, "deleted_ts")
    elif _emptied(event):
        gone = needed(now, "ts")
    else:
        return None
    return None if own(_object(event, "previous_message") or now, identity) else gone


def _emptied(event: Json) -> bool:
    now = _object(event, "message")
    return event.get("subtype") == "message_changed" and "ts" in now and says_nothing(now)


def lesson(event_id: str, event: Json) -> Taught | None:
    """A pushpin on a message."""
    item = _object(event, "item")
    if event.get("reaction") != PUSHPIN or item.get("type") != "message":
        return None
    return Taught(
        event_id=event_id,
        channel=needed(item, "channel"),
        message_ts=needed(item, "ts"),
        user=needed(event, "user"),
        author=str(event.get("item_user") or "") or None,
    )


def pressed(body: Json, verdict: Literal["approve", "reject"]) -> Decision:
    """A press of a button under a proposal. The moment is Slack's, so that a repeated delivery reads the same.

    Raises:
        BadInput: the button is none of ours.
    """
    action: Json = next(_listed(body, "actions"), {})
    proposal_id, _, digest = str(action.get("value", "")).rpartition(":")
    channel = str(_object(body, "channel").get("id") or "")
    message_ts = str((_object(body, "message") or _object(body, "container")).get("ts") or "")
    if not proposal_id or not digest or not channel:
        raise BadInput("That button does not say which proposal it belongs to.")
    return Decision(
        proposal_id=proposal_id,
        digest=digest,
        verdict=verdict,
        user=needed(_object(body, "user"), "id"),
        channel=channel,
        message_ts=message_ts,
        at=moment(action.get("action_ts", "")),
    )


def replied(body: Json) -> Reply:
    """A press of an answer's button under a question.

    Raises:
        BadInput: the button is none of ours.
    """
    action: Json = next(_listed(body, "actions"), {})
    question_id, _, number = str(action.get("value", "")).rpartition(":")
    channel = str(_object(body, "channel").get("id") or "")
    if not question_id or not number.isdecimal() or not channel:
        raise BadInput("That button does not say which question it belongs to.")
    return Reply(
        question_id=question_id,
        number=int(number),
        user=needed(_object(body, "user"), "id"),
        channel=channel,
        at=moment(action.get("action_ts", "")),
    )


def reasoned(body: Json, verdict: Literal["approve", "reject"], at: datetime) -> Decision:
    """A submitted reason; it may be empty.

    Raises:
        BadInput: the modal is none of ours.
    """
    view = body["view"]
    return Decision(
        verdict=verdict, user=needed(_object(body, "user"), "id"), reason=reason_of(view), at=at, **origin_of(view)
    )


def command(body: Json) -> Command:
    """`/nightdesk …`."""
    raw = str(body.get("text") or "")
    people = tuple(found["user"] for found in _MENTIONED.finditer(raw))
    return Command(
        user=needed(body, "user_id"), channel=needed(body, "channel_id"), text=plain(raw).strip(), people=people
    )


def _author(raw: Json) -> str:
    profile = _object(raw, "bot_profile")
    commented = _object(raw, "comment").get("user")
    return str(
        commented or raw.get("user") or raw.get("username") or profile.get("name") or raw.get("bot_id") or "unknown"
    )


def _spoken_to(raw: Json, channel: str, identity: Identity) -> bool:
    """Whether it begins with the bot's mention, after a greeting perhaps, or is said to it alone."""
    words = _GREETING.sub("", str(raw.get("text") or ""), count=1)
    return channel.startswith("D") or words.startswith((f"<@{identity.user}>", f"<@{identity.user}|"))


def _files(raw: Json) -> Iterator[str]:
    """The names of files that hang at a message; those that were deleted have none any more."""
    for file in _listed(raw, "files"):
        if file.get("mode") != "tombstone":
            yield " ".join(f"[file: {name}]" for name in [file.get("title") or file.get("name")] if name)


def _attached(raw: Json) -> Iterator[str]:
    for attachment in _listed(raw, "attachments"):
        texts = [attachment.get(name) for name in ("pretext", "title", "text")]
        texts += [f"{field.get('title', '')}: {field.get('value', '')}" for field in _listed(attachment, "fields")]
        found = [str(text) for text in texts if text]
        yield from found or [str(attachment.get("fallback") or "")]
    if not raw.get("text"):
        for block in _listed(raw, "blocks"):
            yield str(_object(block, "text").get("text") or "")


def _thread(raw: Json) -> str | None:
    found = raw.get("thread_ts")
    return found if isinstance(found, str) and found else None


def _object(raw: Json, name: str) -> Json:
    """The object of that name; an empty one where there is none."""
    found = raw.get(name)
    return found if isinstance(found, Mapping) else {}


def _listed(raw: Json, name: str) -> Iterator[Json]:
    """The objects of a list, without the nulls that some integrations leave in one."""
    found = raw.get(name)
    return (each for each in found if isinstance(each, Mapping)) if isinstance(found, list) else iter(())
