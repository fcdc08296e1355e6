"""The card's menu, and the dialogs behind it: split an alert off, merge an incident into another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Literal

from bot.errors import BadInput
from bot.models import Alert, Incident, Phase
from bot.slack.blocks import Block, section
from bot.slack.text import line
from bot.slack.views.modal import choice, dialog, option

MENU = "nightdesk_card_menu"
SPLIT, MERGE = "nightdesk_split", "nightdesk_merge"
CHOICE = "choice"
MOST = 100
"""Options that Slack takes in a menu."""
VERBS: dict[str, Literal["split", "merge"]] = {SPLIT: "split", MERGE: "merge"}


def menu(incident: Incident) -> Block | None:
    """The menu; none on a card of something that is over."""
    if incident.phase is Phase.RESOLVED:
        return None
    split = [option("Split off an alert…", f"split:{incident.id}")] if len(incident.alerts) > 1 else []
    options = [*split, option("Merge into another incident…", f"merge:{incident.id}")]
    return {"type": "overflow", "action_id": MENU, "options": options}


def chosen(body: Any) -> tuple[str, str]:
    """What was chosen in the menu, and of which incident.

    Raises:
        BadInput: the menu is none of ours.
    """
    try:
        verb, _, incident_id = str(body["actions"][0]["selected_option"]["value"]).partition(":")
    except (KeyError, IndexError, TypeError):
        raise BadInput("That menu does not say what was chosen.") from None
    if verb not in {"split", "merge"} or not incident_id:
        raise BadInput("That menu is not one of an incident's card.")
    return verb, incident_id


def split(incident: Incident, channel: str) -> Block:
    """Which alert is something else?"""
    options = [option(_alert(alert), alert_key(alert)) for alert in incident.alerts[:MOST]]
    text = "It becomes an incident of its own in this channel; what its sender says of it later goes there."
    blocks = [section(text), choice(CHOICE, "Which alert?", options)]
    return dialog(SPLIT, _origin(incident, channel), ("Split off an alert", "Split off"), blocks)


def merge(incident: Incident, others: Sequence[Incident], channel: str) -> Block | None:
    """Into which incident? None where there is no other."""
    options = [option(_incident(other), other.id) for other in others[:MOST]]
    if not options:
        return None
    text = f"All alerts of incident {line(incident.id, 40)} join that one, and this one ends."
    blocks = [section(text), choice(CHOICE, "Into which incident?", options)]
    return dialog(MERGE, _origin(incident, channel), ("Merge incidents", "Merge"), blocks)


def submitted(view: Any) -> tuple[Literal["split", "merge"], str, str, str]:
    """Verb, incident, what was chosen, and the channel.

    Raises:
        BadInput: the dialog is none of ours.
    """
    try:
        origin = json.loads(view["private_metadata"])
        choice = view["state"]["values"][CHOICE][CHOICE]["selected_option"]["value"]
        return VERBS[view["callback_id"]], str(origin["incident_id"]), str(choice), str(origin["channel"])
    except (KeyError, TypeError, ValueError):
        raise BadInput("This dialog does not say what it is about: open it again from the card.") from None


def alert_key(alert: Alert) -> str:
    """Stands for the alert in a menu, where a fingerprint may be too long."""
    return hashlib.sha256(alert.fingerprint.encode()).hexdigest()[:32]


def _origin(incident: Incident, channel: str) -> dict[str, str]:
    return {"incident_id": incident.id, "channel": channel}


def _alert(alert: Alert) -> str:
    return f"{alert.name} ({alert.status.value})"


def _incident(incident: Incident) -> str:
    return f"{incident.id}: {incident.service or ''} {incident.alert.name}"
