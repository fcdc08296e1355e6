"""What memory hands to one agent: only what matters, each line with its source."""

from __future__ import annotations

from pydantic import Field

from bot.models.base import Instant, Noun


class BriefLine(Noun):
    """One remembered statement."""

    text: str
    user: str
    said_at: Instant
    section: str = Field(description="known, tried, changed, people, recent")
    permalink: str | None = None
    more_permalinks: tuple[str, ...] = Field(
        default=(), description="of the other statements that it was condensed from"
    )
    reworded: bool = Field(default=False, description="what was said in a model's words, so nobody is quoted by it")
    superseded_by: str | None = Field(default=None, description="the later statement that makes this one old")


class Brief(Noun):
    """The lines for one role, in the order that helps, within a budget."""

    role: str
    lines: tuple[BriefLine, ...] = ()
    tokens: int = Field(default=0, description="estimated tokens of the lines")
    considered: int = Field(default=0, description="messages that were looked at")
