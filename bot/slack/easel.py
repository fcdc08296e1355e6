"""The picture of a playbook's run in the thread: one message for a run, redrawn in place as the run moves.

A picture is uploaded by itself and shown by its id; the message then names the new one, and the old one is deleted.
Slack takes a moment until an uploaded picture can be shown. Where no picture can be had, the message says it in words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from bot.errors import NightdeskError, SlackRefused
from bot.models import Chart
from bot.slack.blocks import Post
from bot.slack.ledger import Ledger, Mark
from bot.slack.outbox import Outbox
from bot.slack.text import line
from bot.slack.views.drawing import drawing

log = structlog.get_logger(__name__)

REVIEW = "Please review it; it is not in use, and nothing takes it into use but a person."
NOT_YET_S = (0.3, 1.0, 2.0)
"""Pauses before an uploaded picture is shown again after Slack said that it cannot be."""


@dataclass(frozen=True)
class Sketch:
    """How one run stands, before it is painted."""

    run: str
    title: str
    words: str
    """A line for each node."""
    fingerprint: str
    """The same as long as the picture would be."""
    paint: Callable[[], Awaitable[bytes]]
    """The PNG. Raises: NightdeskError where there is none."""


class Easel:
    """Shows sketches; calls for one incident must not overlap."""

    def __init__(
        self, outbox: Outbox, ledger: Ledger, *, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._outbox = outbox
        self._ledger = ledger
        self._pause = pause

    async def show(self, incident_id: str, channel: str, thread: str, sketch: Sketch) -> bool:
        """Bring the run's message up to date; whether there was anything to do.

        Raises:
            SlackRefused: Slack said no or did not answer; calling again goes on from there.
        """
        mark, drawn = Mark(incident_id, f"drawing:{sketch.run}"), Mark(incident_id, f"drawn:{sketch.run}")
        if await self._ledger.shown(drawn) == sketch.fingerprint:
            return False
        before = await self._ledger.sent(drawn)
        # In words at first: a picture takes seconds, and would come to stand below the buttons of a proposal.
        await self._outbox.post(mark, channel, drawing(sketch.title, sketch.words, None), thread=thread)
        file_id = await self._stored(sketch)
        shown = await self._shown(mark, channel, thread, sketch, file_id)
        await self._ledger.show(drawn, sketch.fingerprint)
        await self._ledger.keep(drawn, shown or "")
        if before and before != shown:
            await self._forget(before)
        return True

    async def offer(self, incident_id: str, channel: str, thread: str, name: str, content: str, what: str) -> None:
        """Put a draft of a playbook into the thread, once, for people to review.

        Raises:
            SlackRefused: Slack said no or did not answer; calling again finds out.
        """
        said = f":bulb: *This incident left its drawing.* {line(what, 400)} {REVIEW}"
        mark = Mark(incident_id, f"draft:{name}")
        await self._outbox.attach(mark, channel, name, content, thread=thread, said=said)

    async def _stored(self, sketch: Sketch) -> str | None:
        """The id of the uploaded picture; None where there is none."""
        try:
            png = await sketch.paint()
            return await self._outbox.store("playbook.png", Chart(title=sketch.title, alt=sketch.words, png=png))
        except NightdeskError as refusal:
            log.warning("easel.no_picture", run=sketch.run, why=str(refusal))
            return None

    async def _shown(self, mark: Mark, channel: str, thread: str, sketch: Sketch, file_id: str | None) -> str | None:
        """Post or change the message; the id of the picture that it shows."""
        if file_id is not None:
            for pause_s in (*NOT_YET_S, None):
                try:
                    await self._put(mark, channel, thread, drawing(sketch.title, sketch.words, file_id))
                except SlackRefused as refusal:
                    if "invalid_blocks" not in str(refusal):
                        raise
                    if pause_s is None:
                        log.warning("easel.not_shown", run=sketch.run, why=str(refusal))
                        break
                    await self._pause(pause_s)
                else:
                    return file_id
        await self._put(mark, channel, thread, drawing(sketch.title, sketch.words, None))
        return None

    async def _put(self, mark: Mark, channel: str, thread: str, message: Post) -> None:
        ts = await self._outbox.post(mark, channel, message, thread=thread)
        await self._outbox.edit(mark, channel, ts, message)

    async def _forget(self, file_id: str) -> None:
        try:
            await self._outbox.drop(file_id)
        except SlackRefused as refusal:
            log.info("easel.old_picture_stays", file=file_id, why=str(refusal))
