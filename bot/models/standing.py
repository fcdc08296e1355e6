"""Trust that an action has earned, and what people allowed in advance because of it."""

from __future__ import annotations

from pydantic import Field

from bot.models.base import Instant, Noun
from bot.models.proposal import Risk


class StandingApproval(Noun):
    """This action on this service may run without asking, within these bounds, until a date."""

    id: str
    action: str
    extent: str = Field(default="", description="and of the action only this, such as one named call")
    service: str = Field(description="service or database, by catalogue name")
    most_tier: Risk = Field(description="never high")
    most_services: int = Field(ge=1, description="how many services may notice, at most")
    until: Instant
    granted_by: str = Field(description="user id; it counts only while that person may approve")
    granted_at: Instant
    successes: int = Field(description="verified successes in a row when it was granted")


class EarnedTrust(Noun):
    """An action on a service that has helped often enough for a person to allow it in advance."""

    id: str = Field(description="names the three that follow, for a button")
    action: str
    extent: str = ""
    service: str
    successes: int = Field(description="verified, in a row")
    most_tier: Risk
    most_services: int
    most_days: int
