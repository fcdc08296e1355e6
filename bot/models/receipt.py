"""What became of an alert that was taken in."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.models.base import Noun


class Receipt(Noun):
    """One alert is durable, and this is where it went."""

    fingerprint: str
    outcome: Literal["opened", "joined", "duplicate", "resolved", "reopened", "ignored"]
    incident_id: str = Field(
        default="", description="empty for an ignored alert: a resolved one that nobody had seen fire"
    )
