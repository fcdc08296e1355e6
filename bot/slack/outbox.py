"""Everything that is sent to Slack leaves here: checked, paced, and each message once.

A message carries its mark in its metadata. Before it is sent the intent is noted; when a note is found without a
`ts`, an earlier try may have got through, so the thread is searched for the mark first.
https://docs.slack.dev/messaging/message-metadata
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError

from bot.errors import SlackRefused
from bot.models import Chart
from bot.slack.blocks import Block, Post
from bot.slack.client import Slack, code_of, refusals
from bot.slack.ledger import Ledger, Mark
from bot.slack.limits import check_message
from bot.slack.text import clean

log = structlog.get_logger(__name__)

EVENT_TYPE = "nightdesk"
CLOCKS_APART_S = 120
"""How far Slack's clock may be behind ours when a message is looked for by time."""
GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})
MESSAGES_A_PAGE = 200


class Outbox:
    """Sends.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, slack: Slack, ledger: Ledger, *, clock: Callable[[], float] = time.time) -> None:
        self._slack = slack
        self._ledger = ledger
        self._clock = clock

    async def post(self, mark: Mark, channel: str, message: Post, *, thread: str | None = None) -> str:
        """Send the message unless it is there already; its `ts`.

        Raises:
            SlackRefused: it breaks a limit, Slack said no, or no answer came (asking again finds out what happened).
        """
        if ts := await self._ledger.sent(mark):
            return ts
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"incident": mark.owner, "event": mark.key}}
        check_message(message.text, message.blocks, metadata)
        tried = await self._ledger.intend(mark, self._clock())
        ts = await self._find_message(mark, channel, thread, tried) if tried is not None else None
        if ts is None:
            ts = await self._send(channel, message, thread, metadata)
            await self._ledger.show(mark, fingerprint(message))  # a message that was found may show an older state
        await self._ledger.keep(mark, ts)
        return ts

    async def edit(self, mark: Mark, channel: str, ts: str, message: Post, *, at_once: bool = False) -> bool:
        """Make the message show this; whether anything had to change. A message that is gone is left alone.

        Raises:
            SlackRefused: it breaks a limit, or Slack said no.
        """
        wanted = fingerprint(message)
        if await self._ledger.shown(mark) == wanted:
            return False
        check_message(message.text, message.blocks)
        if not at_once:
            await self._ledger.turn_to_edit(channel, ts)
        changed = await self._change(channel, ts, message)
        await self._ledger.show(mark, wanted)
        return changed

    async def upload(self, mark: Mark, channel: str, chart: Chart, *, thread: str) -> str:
        """Put a picture into the thread unless it is there already; the id of the file.

        Raises:
            SlackRefused: Slack said no, or nobody knows whether it was sent (asking again finds out).
        """
        name = f"{hashlib.sha256(f'{mark.owner}/{mark.key}'.encode()).hexdigest()[:20]}.png"
        return await self._file(mark, channel, thread, name, **_pictured(chart))

    async def attach(self, mark: Mark, channel: str, name: str, content: str, *, thread: str, said: str) -> str:
        """Put a text file into the thread, with our own words above it, unless it is there already; the file's id.

        Raises:
            SlackRefused: Slack said no, or nobody knows whether it was sent (asking again finds out).
        """
        return await self._file(mark, channel, thread, name, content=content, title=name, initial_comment=said)

    async def store(self, name: str, chart: Chart) -> str:
        """Upload a picture that blocks may show by its id; it stands in no channel by itself.

        Raises:
            SlackRefused: Slack said no, or nobody knows whether it was sent.
        """
        with refusals("a picture"):
            answer = await self._slack.telling.files_upload_v2(filename=name, **_pictured(chart))
        return str(answer["files"][0]["id"])

    async def drop(self, file_id: str) -> None:
        """Delete a picture that is shown nowhere any more; one that is gone is left alone.

        Raises:
            SlackRefused: Slack said no.
        """
        with refusals("the deletion of a picture"):
            try:
                await self._slack.asking.files_delete(file=file_id)
            except SlackApiError as error:
                if code_of(error) not in {"file_not_found", "file_deleted"}:
                    raise

    async def whisper(self, user: str, channel: str, message: Post, *, thread: str | None = None) -> None:
        """Show the message to one person only.

        One that Slack refuses, for somebody who has left the channel, say, is left out, with a line in the log: what it
        tells of is done, and must not be done again for it.

        Raises:
            SlackRefused: it breaks a limit.
        """
        check_message(message.text, message.blocks)
        try:
            with refusals(f"an ephemeral message to {user} in {channel}"):
                await self._slack.telling.chat_postEphemeral(
                    channel=channel, user=user, text=message.text, blocks=_as_sent(message), thread_ts=thread
                )
        except SlackRefused as refusal:
            log.warning("slack.not_told", channel=channel, user=user, text=message.text, reason=str(refusal))

    async def react(self, channel: str, ts: str, name: str) -> None:
        """Put a reaction on the message; again changes nothing.

        One that Slack refuses is left out, with a line in the log: it shows what is done anyway, and must not hold
        up an answer or have a lesson taught again.
        """
        try:
            await self._react(channel, ts, name)
        except SlackRefused as refusal:
            log.warning("slack.not_reacted", channel=channel, ts=ts, name=name, reason=str(refusal))

    async def _react(self, channel: str, ts: str, name: str) -> None:
        with refusals(f"a reaction in {channel}"):
            try:
                await self._slack.asking.reactions_add(channel=channel, timestamp=ts, name=name)
            except SlackApiError as error:
                if code_of(error) not in {"already_reacted", *GONE}:
                    raise

    async def _send(self, channel: str, message: Post, thread: str | None, metadata: Block) -> str:
        await self._ledger.turn_to_post(channel)
        with refusals(f"a message to {channel}"):
            answer = await self._slack.telling.chat_postMessage(
                channel=channel,
                text=message.text,
                blocks=_as_sent(message),
                thread_ts=thread,
                reply_broadcast=message.broadcast if thread else None,
                metadata=metadata,
                unfurl_links=False,
                unfurl_media=False,
                link_names=False,
            )
        return str(answer["ts"])

    async def _change(self, channel: str, ts: str, message: Post) -> bool:
        with refusals(f"an edit in {channel}"):
            try:
                await self._slack.asking.chat_update(
                    channel=channel, ts=ts, text=message.text, blocks=_as_sent(message), link_names=False
                )
            except SlackApiError as error:
                if code_of(error) in GONE:
                    return False
                raise
        return True

    async def _file(self, mark: Mark, channel: str, thread: str, name: str, **about: Any) -> str:
        """Put the file into the thread unless it is there already; its id."""
        if file_id := await self._ledger.sent(mark):
            return file_id
        tried = await self._ledger.intend(mark, self._clock())
        found = await self._find_file(name, channel, thread, tried) if tried is not None else None
        file_id = found or await self._send_file(channel, thread, name, **about)
        await self._ledger.keep(mark, file_id)
        return file_id

    async def _send_file(self, channel: str, thread: str, name: str, **about: Any) -> str:
        await self._ledger.turn_to_post(channel)
        with refusals(f"a file to {channel}"):
            answer = await self._slack.telling.files_upload_v2(
                channel=channel, thread_ts=thread, filename=name, **about
            )
        return str(answer["files"][0]["id"])

    async def _find_message(self, mark: Mark, channel: str, thread: str | None, tried: float) -> str | None:
        async for message in self._said_since(channel, thread, tried):
            metadata = message.get("metadata") or {}
            payload = metadata.get("event_payload") or {}
            named = (metadata.get("event_type"), payload.get("incident"), payload.get("event"))
            if named == (EVENT_TYPE, mark.owner, mark.key):
                return str(message["ts"])
        return None

    async def _find_file(self, name: str, channel: str, thread: str, tried: float) -> str | None:
        async for message in self._said_since(channel, thread, tried):
            for file in message.get("files") or ():
                if file.get("name") == name:
                    return str(file["id"])
        return None

    async def _said_since(self, channel: str, thread: str | None, tried: float) -> AsyncIterator[dict[str, Any]]:
        cursor: str | None = None
        oldest = f"{tried - CLOCKS_APART_S:.6f}"
        while True:
            page, cursor = await self._page(channel, thread, oldest, cursor)
            for message in page:
                yield message
            if not cursor:
                return

    async def _page(
        self, channel: str, thread: str | None, oldest: str, cursor: str | None
    ) -> tuple[Sequence[dict[str, Any]], str | None]:
        asked: dict[str, Any] = {
            "channel": channel,
            "oldest": oldest,
            "cursor": cursor,
            "limit": MESSAGES_A_PAGE,
            "include_all_metadata": True,
        }
        with refusals(f"the history of {channel}"):
            if thread:
                answer = await self._slack.asking.conversations_replies(ts=thread, **asked)
            else:
                answer = await self._slack.asking.conversations_history(**asked)
        return answer["messages"], (answer.get("response_metadata") or {}).get("next_cursor")


def fingerprint(message: Post) -> str:
    """The same for messages that look the same."""
    shown = json.dumps([message.text, message.blocks], sort_keys=True)
    return hashlib.sha256(shown.encode()).hexdigest()[:32]


def _pictured(chart: Chart) -> dict[str, Any]:
    """The picture with its words, as they are uploaded."""
    return {"content": chart.png, "title": clean(chart.title)[:200], "alt_txt": clean(chart.alt)[:1000]}


def _as_sent(message: Post) -> list[Block]:
    return list(message.blocks)
