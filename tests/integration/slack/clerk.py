"""A desk that notes what it is asked, and fails when told to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.errors import NightdeskError
from bot.models import EarnedTrust, Incident, Message, Proposal, StandingApproval
from bot.slack.desk import Command, Decision, HomeContent, Mention, Regrouping, Reply, Taught
from tests.unit.slack import stories


class Clerk:
    """Implements `bot.slack.desk.Desk` in memory."""

    def __init__(self) -> None:
        self.failures_left = 0
        self.calls: Counter[str] = Counter()
        self.mentions: list[Mention] = []
        self.messages: dict[str, Message] = {}
        self.lessons: list[Taught] = []
        self.decisions: list[Decision] = []
        self.replies: list[Reply] = []
        self.triages: list[tuple[str, str, str, str]] = []
        self.channels: list[str] = []
        self.known: dict[str, Incident] = {}
        self.wishes: list[Regrouping] = []
        self.overheard_: list[tuple[dict[str, Any], str]] = []
        self.marked: set[str] = set()
        self.cuts: list[datetime] = []
        self.reason_needed = False
        self.standing: dict[str, StandingApproval] = {}
        self.earned: list[EarnedTrust] = []
        self.grants: list[tuple[str, int, str]] = []
        self.refusal = ""

    def _work(self, call: str) -> None:
        self.calls[call] += 1
        if self.failures_left:
            self.failures_left -= 1
            raise ConnectionError("the store is away")

    async def heard(self, mention: Mention) -> None:
        self._work("heard")
        self.mentions.append(mention)

    async def remembered(self, message: Message) -> None:
        self._work("remembered")
        self.messages[message.id] = message

    async def edited(self, message: Message) -> None:
        self._work("edited")
        self.messages[message.id] = message

    async def deleted(self, channel: str, message_id: str) -> None:
        self._work("deleted")
        self.messages.pop(message_id, None)

    async def taught(self, lesson: Taught) -> None:
        self._work("taught")
        self.lessons.append(lesson)

    async def decided(self, decision: Decision) -> None:
        self._work("decided")
        self.decisions.append(decision)

    async def replied(self, reply: Reply) -> None:
        self._work("replied")
        self.replies.append(reply)

    async def commanded(self, command: Command) -> str:
        self._work("commanded")
        if command.text == "break":
            raise NightdeskError("There is no <such> command.")
        return f"{command.user} said {command.text}"

    async def cut_off(self, since: datetime) -> None:
        self._work("cut_off")
        self.cuts.append(since)

    async def asked_triage(self, channel: str, ts: str, text: str, user: str) -> None:
        self._work("asked_triage")
        self.triages.append((channel, ts, text, user))

    async def home(self, user: str) -> HomeContent:
        self._work("home")
        incident = stories.incident(stories.until_proposed())
        assert incident.proposal
        links = {incident.id: "https://slack.example.com/archives/C1/p1"}
        return HomeContent(
            incidents=(incident,),
            pending=(incident.proposal,),
            links=links,
            standing=tuple(self.standing.values()),
            earned=tuple(self.earned),
        )

    async def granted(self, earned_id: str, days: int, user: str) -> str:
        self._work("granted")
        self.grants.append((earned_id, days, user))
        return self.refusal

    async def revoked(self, standing_id: str, user: str) -> None:
        self._work("revoked")
        self.standing.pop(standing_id, None)

    async def proposal(self, proposal_id: str) -> Proposal | None:
        self._work("proposal")
        return stories.proposal(reason_needed=self.reason_needed) if proposal_id == stories.proposal().id else None

    async def incident(self, incident_id: str) -> Incident | None:
        self._work("incident")
        return self.known.get(incident_id)

    async def others(self, incident_id: str) -> list[Incident]:
        self._work("others")
        return [incident for name, incident in self.known.items() if name != incident_id]

    async def regrouped(self, wish: Regrouping) -> None:
        self._work("regrouped")
        self.wishes.append(wish)

    async def overheard(self, message: Mapping[str, Any], channel: str) -> None:
        self._work("overheard")
        self.overheard_.append((dict(message), channel))

    async def joined(self, channel: str) -> None:
        self._work("joined")
        self.channels.append(channel)

    async def seen(self, event_id: str) -> bool:
        return event_id in self.marked

    async def mark(self, event_id: str) -> None:
        self.marked.add(event_id)
