"""Opening dialogs in time, and telling one person why one did not open."""

from __future__ import annotations

from typing import Any

import structlog

from bot.errors import SlackRefused
from bot.slack.blocks import Block
from bot.slack.client import Slack, refusals
from bot.slack.limits import check_view

log = structlog.get_logger(__name__)


async def open_dialog(slack: Slack, body: dict[str, Any], view: Block, channel: str, user: str) -> None:
    """Open the dialog for whoever pressed; a person for whom it comes too late is told.

    Raises:
        SlackRefused: the dialog breaks a limit.
    """
    check_view(view)
    try:
        with refusals("the dialog"):
            await slack.telling.views_open(trigger_id=body["trigger_id"], view=view)
    except SlackRefused as refusal:
        log.warning("dialog.not_opened", user=user, reason=str(refusal))
        await whisper(slack, channel, user, "The dialog could not be opened in time. Press the button again.")


async def whisper(slack: Slack, channel: str, user: str, text: str) -> None:
    """Tell one person alone; where Slack refuses, the words stand in the log: a press must not fail for them."""
    try:
        with refusals(f"an ephemeral message to {user}"):
            await slack.telling.chat_postEphemeral(channel=channel, user=user, text=text)
    except SlackRefused as refusal:
        log.warning("slack.not_told", channel=channel, user=user, text=text, reason=str(refusal))
