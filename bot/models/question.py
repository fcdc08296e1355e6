"""A question of a drawing to the people in the thread."""

from __future__ import annotations

from pydantic import Field

from bot.models.base import Instant, Noun


class Question(Noun):
    """What is asked, and the answers that may be given."""

    id: str = Field(description="the incident's id and a number")
    text: str
    answers: tuple[str, ...] = Field(min_length=1, max_length=5)
    playbook: str
    node: str = Field(description="the step of the drawing that asks")
    expires_at: Instant
