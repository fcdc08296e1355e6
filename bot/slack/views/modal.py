"""The dialog that asks why a proposal is rejected."""

from __future__ import annotations

import json
from typing import Any

from bot.errors import BadInput
from bot.models import Proposal
from bot.slack.blocks import Block, plain, section
from bot.slack.text import line

REJECT_REASON = "nightdesk_reject_reason"
REASON = "reason"
LONGEST_REASON = 1000


def reject(offered: Proposal, *, digest: str, channel: str, message_ts: str) -> Block:
    """The modal; what is rejected travels in `private_metadata` and is checked again when it comes back."""
    origin = {"proposal_id": offered.id, "digest": digest, "channel": channel, "message_ts": message_ts}
    return {
        "type": "modal",
        "callback_id": REJECT_REASON,
        "private_metadata": json.dumps(origin),
        "title": plain("Reject this action", 24),
        "submit": plain("Reject", 24),
        "close": plain("Go back", 24),
        "blocks": [
            section(f"*{line(offered.effect, 500)}*\nTarget: {line(offered.target, 300)}"),
            _why(),
        ],
    }


def origin_of(view: Any) -> dict[str, str]:
    """Which proposal a submitted modal was about.

    Raises:
        BadInput: the modal is not one of ours.
    """
    try:
        origin = json.loads(view["private_metadata"])
        return {name: str(origin[name]) for name in ("proposal_id", "digest", "channel", "message_ts")}
    except (KeyError, TypeError, ValueError):
        raise BadInput("This dialog does not say which proposal it is about: open it again from the thread.") from None


def reason_of(view: Any) -> str:
    """What was typed, without white space around it; empty if nothing was."""
    values = view.get("state", {}).get("values", {})
    typed = values.get(REASON, {}).get(REASON, {}).get("value")
    return str(typed or "").strip()[:LONGEST_REASON]


def _why() -> Block:
    return {
        "type": "input",
        "block_id": REASON,
        "label": plain("Why not?", 2000),
        "hint": plain("Goes into the thread and into memory, so that it is not proposed again for nothing.", 2000),
        "element": {
            "type": "plain_text_input",
            "action_id": REASON,
            "multiline": True,
            "max_length": LONGEST_REASON,
            "placeholder": plain("The failover is already under way", 150),
        },
    }
