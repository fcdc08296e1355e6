"""A chat message, and what recalling finds."""

from __future__ import annotations

from pydantic import Field

from bot.models.base import Instant, Noun


class Message(Noun):
    """One message of a channel. The same `id` again replaces the earlier text (an edit)."""

    id: str = Field(min_length=1, description="unique within its channel; for Slack the `ts`")
    channel: str = Field(min_length=1)
    thread: str | None = Field(default=None, description="id of the thread's first message, if it is in one")
    user: str = Field(description="who wrote it, a display name or a user id")
    text: str
    sent_at: Instant
    permalink: str | None = None
    to_bot: bool = Field(
        default=False, description="spoken to the bot: kept as long as any other, but no answer to anything"
    )


class Recalled(Noun):
    """A message that recalling found, and why."""

    message: Message
    score: float = Field(description="higher is nearer; comparable within one answer only")
    covers: float = Field(
        default=1.0,
        ge=0,
        description="share of the question's telling words, rare ones counting more, that is said in the message or "
        "right beside it; 1 for what stands out by its meaning, and where no words were asked for",
    )
    superseded_by: str | None = Field(
        default=None, description="when, by whom and how a later statement took it back, if one was found with it"
    )
    why: str = Field(description="recent, date, wording, meaning, thread, conversation, knowledge")

    @property
    def id(self) -> str:
        """The id of the message."""
        return self.message.id
