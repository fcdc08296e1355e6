"""What became of an alert that was taken in."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.models.base import Noun


class Receipt(Noun):
    """One alert is durable, and this is where it went."""

    fingerprint: str
    outcome: Literal["opened", "joined", "duplicate", "resolved", "reopened", "ignored", "silenced", "queued"]
    incident_id: str = Field(
        default="",
        description="empty for an alert without one: ignored (a resolved one that nobody had seen fire), silenced, "
        "or queued (it is durable and will be sorted)",
    )
