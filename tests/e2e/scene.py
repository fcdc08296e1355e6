"""A channel with the bot in it: what a test does there, and what it sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from bot.demo.scenario import ACTION_DSN_ENV, DSN_ENV
from bot.demo.workspace import MINA, Workspace
from bot.demo.workspace.plain import transcript
from bot.demo.workspace.posts import Post
from bot.errors import NotFound
from bot.incidents import Journal
from bot.models import Incident, Recorded
from bot.slack.views.proposal import APPROVE
from bot.storage import connect
from tests.servers.nightdesk import CHANNEL, TOKEN, Nightdesk
from tests.servers.postgres import PostgresDatabase
from tests.servers.process import wait_until

WITHIN_S = 90.0
"""Far more than anything here takes; the machine may be busy."""
Json = dict[str, Any]


def database_variables(database: PostgresDatabase) -> dict[str, str]:
    """The catalogue's `payments-db` is that database."""
    return {DSN_ENV: database.reader.get_secret_value(), ACTION_DSN_ENV: database.actor.get_secret_value()}


SUMMARY = "Scan-to-pay payments are failing"


def webhook(
    fingerprint: str,
    *,
    status: str = "firing",
    summary: str = SUMMARY,
    annotations: Mapping[str, str] = {},
    labels: Mapping[str, str] = {},
) -> Json:
    """What Alertmanager posts for one alert of the payments service."""
    now = datetime.now(UTC).isoformat()
    labels = {"alertname": "PaymentFailureRateHigh", "service": "payments", "severity": "critical", **labels}
    alert = {
        "status": status,
        "labels": labels,
        "annotations": {"summary": summary, **annotations},
        "startsAt": now,
        "endsAt": now if status == "resolved" else "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example.com/graph",
        "fingerprint": fingerprint,
    }
    return {"version": "4", "groupKey": f"{{}}:{fingerprint}", "status": status, "receiver": "nightdesk",
            "groupLabels": {}, "commonLabels": labels, "commonAnnotations": {}, "alerts": [alert]}  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """The workspace, the bot in it, and the Redis of that bot."""

    workspace: Workspace
    bot: Nightdesk
    redis_url: str

    async def alert(self, fingerprint: str, **said: Any) -> str:
        """Alertmanager posts a new alert, which says what `webhook` is given; the incident that it opens."""
        receipt = await self._post(webhook(fingerprint, **said))
        assert receipt["outcome"] == "opened"
        return str(receipt["incident_id"])

    async def resolve(self, fingerprint: str) -> str:
        """Alertmanager posts that the alert has ended; what became of its incident."""
        return str((await self._post(webhook(fingerprint, status="resolved")))["outcome"])

    async def _post(self, body: Json) -> Json:
        async with httpx.AsyncClient(timeout=WITHIN_S, trust_env=False) as client:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            answer = await client.post(f"{self.bot.url}/alerts/alertmanager", json=body, headers=headers)
        assert answer.status_code == 202, answer.text
        [receipt] = answer.json()["incidents"]
        assert isinstance(receipt, dict)
        return receipt

    # In the channel

    async def card(self, incident_id: str) -> str:
        """The `ts` of the incident's card, which is also that of its thread."""
        card = await self._shown(lambda message: _is_card(message, incident_id), "the card")
        return str(card["ts"])

    def cards(self) -> list[Json]:
        """The cards of all incidents."""
        said = self.workspace.messages(CHANNEL)
        return [message for message in said if _is_card(message)]

    async def proposal(self, incident_id: str = "") -> Json:
        """The message that proposes something, for the incident if one is named, with its Approve button."""
        return await self._shown(lambda message: offers(message, incident_id), "a proposal with its buttons")

    def thread(self, ts: str) -> str:
        """The thread as text."""
        return self.workspace.as_text(CHANNEL, ts)

    def replies(self, ts: str) -> list[Json]:
        """The thread's messages, the first included."""
        return self.workspace.thread(CHANNEL, ts)

    async def told(self, ts: str, words: str) -> str:
        """The thread, once it holds these words."""

        def said() -> str | None:
            thread = self.thread(ts)
            return thread if words in thread else None

        try:
            return await self.workspace.wait_for(said, within_s=WITHIN_S)
        except TimeoutError:
            raise AssertionError(f"The thread does not say {words!r}:\n{self.thread(ts)}") from None

    async def whisper(self, user: str, words: str) -> str:
        """What only that person was shown, once it holds these words."""

        def said() -> str | None:
            found = (message["text"] for message in self.workspace.ephemerals(user) if words in message["text"])
            return next(found, None)

        return await self.workspace.wait_for(said, within_s=WITHIN_S, what=f"{words!r} to {user} alone")

    async def asked(self, words: str, *, user: str = MINA.id, channel: str = CHANNEL, thread: str | None = None) -> str:
        """What the bot answers to a mention, as text; it has shown before that it has heard."""
        me = self.workspace.team.app.user_id
        await self.workspace.settle()  # what was said before is kept
        ts = await self.workspace.say(user, channel, f"<@{me}> {words}", thread)
        posts = self.workspace.team.ledger

        def answered() -> list[Post]:
            return [post for post in posts.thread(channel, thread or ts) if post.user == me and post.ts > ts]

        answers = await self.workspace.wait_for(answered, within_s=WITHIN_S, what=f"the answer to {words!r}")
        assert posts.find(channel, ts).reactions == {"eyes": [me]}
        return transcript(self.workspace.team, answers)

    async def ordered(self, words: str, *, user: str = MINA.id, channel: str = CHANNEL) -> str:
        """What `/nightdesk …` answers, to that person alone."""
        await self.workspace.settle()
        answer = await self.workspace.command(user, channel, "/nightdesk", words)
        assert answer.json["response_type"] == "ephemeral"
        return str(answer.json["text"])

    def last_click(self) -> Json:
        """The payload of the latest press of a button, as it was sent to the bot."""
        sent = reversed(self.workspace.delivery.sent)
        return next(payload for payload in sent if payload.get("type") == "block_actions")

    # In the journal

    async def incident(self, incident_id: str) -> Incident:
        """As the journal has it."""
        async with connect(self.redis_url) as redis:
            return await Journal(redis).read(incident_id)

    async def events(self, incident_id: str) -> list[str]:
        """The kinds of its events."""
        return [recorded.event.kind for recorded in (await self.incident(incident_id)).history]

    async def recorded(self, incident_id: str, kind: str) -> Recorded:
        """The event of that kind, as soon as the journal has one."""

        async def seen() -> Recorded | None:
            try:
                return (await self.incident(incident_id)).last(kind)
            except NotFound:
                return None

        try:
            found = await wait_until(seen, within_s=WITHIN_S)
        except AssertionError:
            raise AssertionError(f"There is no '{kind}' after {await self.events(incident_id)}") from None
        assert found
        return found

    async def _shown(self, fits: Callable[[Json], bool], what: str) -> Json:
        def shown() -> Json | None:
            return next((message for message in self._said() if fits(message)), None)

        try:
            return await self.workspace.wait_for(shown, within_s=WITHIN_S)
        except TimeoutError:
            said = "\n".join(self.thread(message["ts"]) for message in self.workspace.messages(CHANNEL))
            raise AssertionError(f"There is not {what} in the channel:\n{said}") from None

    def _said(self) -> Iterator[Json]:
        for message in self.workspace.messages(CHANNEL):
            yield from self.workspace.thread(CHANNEL, message["ts"])


def buttons(message: Mapping[str, Any]) -> dict[str, str]:
    """Its buttons: action id → value."""
    blocks = message.get("blocks") or ()
    elements = [element for block in blocks if block["type"] == "actions" for element in block["elements"]]
    return {element["action_id"]: element.get("value", "") for element in elements}


def offers(message: Mapping[str, Any], incident_id: str) -> bool:
    """Whether it asks people to decide on an action for the incident, or for any if none is named."""
    value = buttons(message).get(APPROVE, "")
    return bool(value) and (not incident_id or value.startswith(f"{incident_id}."))


def _is_card(message: Json, incident_id: str = "") -> bool:
    """Other messages name an incident too, such as the one that says what was split off into it."""
    blocks = str(message.get("blocks"))
    return "Everything else is in the thread." in blocks and incident_id in blocks
