"""What people choose in the menu of a card, and in the dialogs behind it."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.slack.client import Slack
from bot.slack.desk import Desk, Regrouping
from bot.slack.dialogs import open_dialog, whisper
from bot.slack.views import regroup

Json = dict[str, Any]


class MenuListeners:
    """Hands wishes to split and to merge to the desk, which reads everything again."""

    def __init__(self, desk: Desk, slack: Slack) -> None:
        self._desk = desk
        self._slack = slack

    def obey(self, app: AsyncApp) -> None:
        """Listen for the menu and its dialogs."""
        app.action(regroup.MENU)(self._chosen)
        for dialog in (regroup.SPLIT, regroup.MERGE):
            app.view(dialog)(self._submitted)

    async def _chosen(self, ack: AsyncAck, body: Json) -> None:
        verb, incident_id = regroup.chosen(body)
        channel, user = body["channel"]["id"], body["user"]["id"]
        incident = await self._desk.incident(incident_id)
        if incident is None:
            await whisper(self._slack, channel, user, "There is no such incident any more.")
        elif verb == "split":
            await open_dialog(self._slack, body, regroup.split(incident, channel), channel, user)
        elif dialog := regroup.merge(incident, await self._desk.others(incident_id), channel):
            await open_dialog(self._slack, body, dialog, channel, user)
        else:
            await whisper(self._slack, channel, user, "There is no other open incident to merge it into.")
        await ack()

    async def _submitted(self, ack: AsyncAck, body: Json) -> None:
        verb, incident_id, subject, channel = regroup.submitted(body["view"])
        user = body["user"]["id"]
        wish = Regrouping(verb=verb, incident_id=incident_id, subject=subject, user=user, channel=channel)
        await self._desk.regrouped(wish)
        await ack()
