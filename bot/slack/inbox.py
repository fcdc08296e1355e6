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

SAID = frozenset({None, "bot_message", "file_share", "file_comment", "me_message", "thread_broadcast"})
"""Subtypes of messages that somebody wrote; the others report joins, topics and the like."""
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


def mention(event_id: str, event: Json, identity: Identity) -> Mention:
    """Somebody speaks to the bot."""
    words = str(event.get("text") or "").replace(f"<@{identity.user}>", " ")
    return Mention(
        event_id=event_id,
        channel=event["channel"],
        thread=event.get("thread_ts") or event["ts"],
        ts=event["ts"],
        user=_author(event),
        text=" ".join(plain(words).split()),
        permalink=identity.permalink(event["channel"], event["ts"], event.get("thread_ts")),
    )


def message(raw: Json, channel: str, identity: Identity) -> Message | None:
    """What somebody said; None for the bot's own words, for reports of Slack and for nothing said."""
    if raw.get("subtype") not in SAID or own(raw, identity):
        return None
    text = said(raw)
    if not text:
        return None
    thread = raw.get("thread_ts")
    return Message(
        id=raw["ts"],
        channel=channel,
        thread=thread,
        user=_author(raw),
        text=text,
        sent_at=moment(raw["ts"]),
        permalink=identity.permalink(channel, raw["ts"], thread),
        to_bot=_spoken_to(raw, channel, identity),
    )


def own(raw: Json, identity: Identity) -> bool:
    """Whether the bot wrote it."""
    return raw.get("user") == identity.user or (identity.bot is not None and raw.get("bot_id") == identity.bot)


def said(raw: Json) -> str:
    """The words of a message. Integrations often write theirs into attachments."""
    comment = (raw.get("comment") or {}).get("comment")
    parts = [str(comment or raw.get("text") or ""), *_attached(raw), *_files(raw)]
    return "\n".join(dict.fromkeys(plain(part).strip() for part in parts if part.strip()))[:LONGEST_TEXT]


def says_nothing(raw: Json) -> bool:
    """Whether nothing is left of a message: a tombstone, or no words."""
    return raw.get("subtype") == "tombstone" or not said(raw)


def edited(event: Json, identity: Identity) -> Message | None:
    """The message as it reads now (`message_changed`)."""
    return message(event.get("message") or {}, event["channel"], identity)


def deleted(event: Json, identity: Identity) -> str | None:
    """The id of a message that is gone: deleted, changed into a tombstone, or edited until it says nothing."""
    now = event.get("message") or {}
    if event.get("subtype") == "message_deleted":
        gone = str(event["deleted_ts"])
    elif _emptied(event):
        gone = str(now["ts"])
    else:
        return None
    return None if own(event.get("previous_message") or now, identity) else gone


def _emptied(event: Json) -> bool:
    now = event.get("message") or {}
    return event.get("subtype") == "message_changed" and "ts" in now and says_nothing(now)


def lesson(event_id: str, event: Json) -> Taught | None:
    """A pushpin on a message."""
    item = event.get("item") or {}
    if event.get("reaction") != PUSHPIN or item.get("type") != "message":
        return None
    return Taught(
        event_id=event_id,
        channel=item["channel"],
        message_ts=item["ts"],
        user=event["user"],
        author=event.get("item_user"),
    )


def pressed(body: Json, verdict: Literal["approve", "reject"]) -> Decision:
    """A press of a button under a proposal. The moment is Slack's, so that a repeated delivery reads the same.

    Raises:
        BadInput: the button is none of ours.
    """
    action = body["actions"][0]
    proposal_id, _, digest = str(action.get("value", "")).rpartition(":")
    channel = (body.get("channel") or {}).get("id")
    message_ts = (body.get("message") or body.get("container") or {}).get("ts") or ""
    if not proposal_id or not digest or not channel:
        raise BadInput("That button does not say which proposal it belongs to.")
    return Decision(
        proposal_id=proposal_id,
        digest=digest,
        verdict=verdict,
        user=body["user"]["id"],
        channel=channel,
        message_ts=message_ts,
        at=moment(action.get("action_ts", "")),
    )


def replied(body: Json) -> Reply:
    """A press of an answer's button under a question.

    Raises:
        BadInput: the button is none of ours.
    """
    action = body["actions"][0]
    question_id, _, number = str(action.get("value", "")).rpartition(":")
    channel = (body.get("channel") or {}).get("id")
    if not question_id or not number.isdecimal() or not channel:
        raise BadInput("That button does not say which question it belongs to.")
    return Reply(
        question_id=question_id,
        number=int(number),
        user=body["user"]["id"],
        channel=channel,
        at=moment(action.get("action_ts", "")),
    )


def reasoned(body: Json, verdict: Literal["approve", "reject"], at: datetime) -> Decision:
    """A submitted reason; it may be empty.

    Raises:
        BadInput: the modal is none of ours.
    """
    view = body["view"]
    return Decision(verdict=verdict, user=body["user"]["id"], reason=reason_of(view), at=at, **origin_of(view))


def command(body: Json) -> Command:
    """`/nightdesk …`."""
    raw = str(body.get("text") or "")
    people = tuple(found["user"] for found in _MENTIONED.finditer(raw))
    return Command(user=body["user_id"], channel=body["channel_id"], text=plain(raw).strip(), people=people)


def _author(raw: Json) -> str:
    profile = raw.get("bot_profile") or {}
    commented = (raw.get("comment") or {}).get("user")
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
            yield str((block.get("text") or {}).get("text") or "") if isinstance(block.get("text"), dict) else ""


def _listed(raw: Json, name: str) -> Iterator[Json]:
    """The objects of a list, without the nulls that some integrations leave in one."""
    return (each for each in raw.get(name) or () if isinstance(each, Mapping))
