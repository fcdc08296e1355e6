"""The dialogs that ask for something: why a proposal is rejected or approved, and for how long trust is given."""

from __future__ import annotations

import json
from typing import Any

from bot.errors import BadInput
from bot.models import EarnedTrust, Proposal
from bot.plural import many
from bot.slack.blocks import Block, plain, section
from bot.slack.text import line
from bot.slack.views import words

REJECT_REASON = "nightdesk_reject_reason"
APPROVE_REASON = "nightdesk_approve_reason"
GRANT_DAYS = "nightdesk_grant_days"
REASON = "reason"
DAYS = "days"
LONGEST_REASON = 1000
CHOICES_OF_DAYS = (1, 7, 14, 30, 60, 90)


def reject(offered: Proposal, *, digest: str, channel: str, message_ts: str) -> Block:
    """The modal; what is rejected travels in `private_metadata` and is checked again when it comes back."""
    hint = "Goes into the thread and into memory, so that it is not proposed again for nothing."
    return dialog(
        REJECT_REASON,
        _origin(offered, digest, channel, message_ts),
        ("Reject this action", "Reject"),
        [_about(offered), _asked("Why not?", hint, "The failover is already under way")],
    )


def approve(offered: Proposal, *, digest: str, channel: str, message_ts: str) -> Block:
    """The modal for an approval that policy wants a written reason for."""
    return dialog(
        APPROVE_REASON,
        _origin(offered, digest, channel, message_ts),
        ("Approve this action", "Approve"),
        [
            _about(offered),
            section(f"*Blast radius*\n{line(offered.blast_radius, 600)}\n*Rollback*\n{line(offered.rollback, 600)}"),
            _asked("Why?", "Policy asks for a written reason. It goes into the audit trail.", "Checked with the owner"),
        ],
    )


def grant(earned: EarnedTrust) -> Block:
    """The modal that asks for how long an action may run without asking."""
    bounds = (
        f"{words.trusted(earned)} has helped {earned.successes} times in a row.\n"
        f"Exactly that will run without asking while its risk is {earned.most_tier.value} at most and at most "
        f"{many(earned.most_services, 'service')} may notice. The first time it does not help, it is taken back."
    )
    days = [count for count in CHOICES_OF_DAYS if count <= earned.most_days] or [earned.most_days]
    options = [option(many(count, "day"), str(count)) for count in days]
    ask = choice(DAYS, "For how long?", options, initial_option=options[0])
    return dialog(GRANT_DAYS, {"earned": earned.id}, ("Allow in advance", "Allow"), [section(bounds), ask])


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


def granted_of(view: Any) -> tuple[str, int]:
    """The id of what a submitted modal allows, and for how many days.

    Raises:
        BadInput: the modal is not one of ours.
    """
    try:
        origin = json.loads(view["private_metadata"])
        chosen = view["state"]["values"][DAYS][DAYS]["selected_option"]["value"]
        return str(origin["earned"]), int(chosen)
    except (KeyError, TypeError, ValueError):
        raise BadInput("This dialog does not say what it allows: open it again from the home tab.") from None


def reason_of(view: Any) -> str:
    """What was typed, without white space around it; empty if nothing was."""
    values = view.get("state", {}).get("values", {})
    typed = values.get(REASON, {}).get(REASON, {}).get("value")
    return str(typed or "").strip()[:LONGEST_REASON]


def _origin(offered: Proposal, digest: str, channel: str, message_ts: str) -> dict[str, str]:
    return {"proposal_id": offered.id, "digest": digest, "channel": channel, "message_ts": message_ts}


def option(text: str, value: str) -> Block:
    """One line of a menu."""
    return {"text": plain(text, 75), "value": value}


def choice(name: str, label: str, options: list[Block], **more: Block) -> Block:
    """A menu of which one line is chosen, under that name."""
    chosen = {"type": "static_select", "action_id": name, "options": options, **more}
    return {"type": "input", "block_id": name, "label": plain(label, 2000), "element": chosen}


def dialog(callback: str, origin: dict[str, str], buttons: tuple[str, str], blocks: list[Block]) -> Block:
    """A modal; `buttons` are its title and what submits it, and `origin` comes back with what was chosen."""
    title, submit = buttons
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": json.dumps(origin),
        "title": plain(title, 24),
        "submit": plain(submit, 24),
        "close": plain("Go back", 24),
        "blocks": blocks,
    }


def _about(offered: Proposal) -> Block:
    return section(f"*{line(offered.effect, 500)}*\nTarget: {line(offered.target, 300)}")


def _asked(label: str, hint: str, example: str) -> Block:
    return {
        "type": "input",
        "block_id": REASON,
        "label": plain(label, 2000),
        "hint": plain(hint, 2000),
        "element": {
            "type": "plain_text_input",
            "action_id": REASON,
            "multiline": True,
            "max_length": LONGEST_REASON,
            "placeholder": plain(example, 150),
        },
    }
