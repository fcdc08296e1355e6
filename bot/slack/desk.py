"""What the Slack door asks of the rest of the bot, and the nouns that it says it in.

Every call only stores and schedules, durably, and returns within Slack's three seconds. Slack delivers an event
again until it is acknowledged, so each call must be safe to repeat; `event_id` and `Message.id` are its keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

from pydantic import Field

from bot.models import EarnedTrust, Incident, Instant, Message, Noun, Proposal, StandingApproval


class Mention(Noun):
    """Somebody speaks to the bot."""

    event_id: str
    channel: str
    thread: str = Field(description="the thread to answer in: the one that it was said in, else the message itself")
    ts: str
    user: str
    text: str = Field(description="as a person reads it, without the mention of the bot")
    permalink: str | None = None


class Decision(Noun):
    """A press of Approve, or a rejection with its reason. Nothing in it has been checked yet."""

    proposal_id: str
    digest: str = Field(description="the beginning of the digest that the pressed button was shown for")
    verdict: Literal["approve", "reject"]
    user: str
    reason: str = ""
    channel: str
    message_ts: str
    at: Instant


class Reply(Noun):
    """A press of an answer's button under a question. Nothing in it has been checked yet."""

    question_id: str
    number: int = Field(ge=0, description="which of the question's answers, from 0")
    user: str
    channel: str
    at: Instant


class Command(Noun):
    """`/nightdesk …`."""

    user: str
    channel: str
    text: str = Field(description="as a person reads it")
    people: tuple[str, ...] = Field(default=(), description="ids of the users whom the text mentions, in their order")


class Regrouping(Noun):
    """What was chosen in the card's menu. Nothing in it has been checked yet."""

    verb: Literal["split", "merge"]
    incident_id: str
    subject: str = Field(description="split: stands for the alert; merge: the id of the other incident")
    new_id: str = Field(default="", description="split: of the incident that begins")
    user: str
    channel: str


class Taught(Noun):
    """A pushpin on a message: this is worth remembering."""

    event_id: str
    channel: str
    message_ts: str
    user: str = Field(description="who put it there")
    author: str | None = Field(default=None, description="who wrote the message")


class HomeContent(Noun):
    """What the home tab lists."""

    incidents: tuple[Incident, ...] = ()
    pending: tuple[Proposal, ...] = ()
    links: Mapping[str, str] = Field(default_factory=dict, description="incident id → permalink of its card")
    standing: tuple[StandingApproval, ...] = ()
    earned: tuple[EarnedTrust, ...] = Field(default=(), description="what a person could allow in advance now")


class Desk(Protocol):
    """The rest of the bot, as the door sees it."""

    async def heard(self, mention: Mention) -> None:
        """Answer, in the thread, later."""

    async def remembered(self, message: Message) -> None:
        """Keep what was said in a channel."""

    async def edited(self, message: Message) -> None:
        """The message now says this."""

    async def deleted(self, channel: str, message_id: str) -> None:
        """Forget the message."""

    async def taught(self, lesson: Taught) -> None:
        """Keep the message as a lesson."""

    async def decided(self, decision: Decision) -> None:
        """Check who pressed and what, then approve or reject; an answer to that person is given through the face."""

    async def replied(self, reply: Reply) -> None:
        """Take the answer to a question; the first one counts."""

    async def commanded(self, command: Command) -> str:
        """The text that answers the command, seen by that user alone."""
        ...

    async def asked_triage(self, channel: str, ts: str, text: str, user: str) -> None:
        """Open an incident from a message."""

    async def home(self, user: str) -> HomeContent:
        """What that user's home tab shows."""
        ...

    async def granted(self, earned_id: str, days: int, user: str) -> str:
        """Allow what has earned trust in advance, in the user's name; empty, or why not."""
        ...

    async def revoked(self, standing_id: str, user: str) -> None:
        """Take a standing approval back; the same one again changes nothing."""

    async def proposal(self, proposal_id: str) -> Proposal | None:
        """The proposal as stored, None if there is none."""
        ...

    async def incident(self, incident_id: str) -> Incident | None:
        """The incident as it stands, None if there is none."""
        ...

    async def others(self, incident_id: str) -> Sequence[Incident]:
        """The open incidents besides that one, those of its channel first."""
        ...

    async def regrouped(self, wish: Regrouping) -> None:
        """Split or merge; an answer to that person is given through the face."""

    async def overheard(self, message: Mapping[str, Any], channel: str) -> None:
        """A bot has posted a message: take in the alerts that it holds."""

    async def joined(self, channel: str) -> None:
        """The bot was invited to a channel: read back what was said there."""

    async def cut_off(self, since: datetime) -> None:
        """Slack could not be heard since then, and can be now: read what was said meanwhile."""

    async def seen(self, event_id: str) -> bool:
        """Whether the event was marked before."""
        ...

    async def mark(self, event_id: str) -> None:
        """The event is dealt with; remember that for at least an hour, longer than Slack retries."""
