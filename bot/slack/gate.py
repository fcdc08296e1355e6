"""What people press about proposals and trust: buttons, dialogs that ask why or for how long, the home tab."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.models import Proposal
from bot.slack import inbox
from bot.slack.blocks import Block
from bot.slack.client import Slack, refusals
from bot.slack.desk import Decision, Desk
from bot.slack.dialogs import open_dialog, whisper
from bot.slack.limits import check_view
from bot.slack.views import modal
from bot.slack.views.home import GRANT, REVOKE, home
from bot.slack.views.proposal import APPROVE, REJECT

Json = dict[str, Any]


class GateListeners:
    """Hands decisions to the desk. Nothing that a payload says is trusted; the desk reads everything again."""

    def __init__(self, desk: Desk, slack: Slack, clock: Callable[[], datetime]) -> None:
        self._desk = desk
        self._slack = slack
        self._clock = clock

    def obey(self, app: AsyncApp) -> None:
        """Listen for the buttons and dialogs of the gate."""
        app.action(APPROVE)(self._approve_pressed)
        app.action(REJECT)(self._reject_pressed)
        app.view(modal.APPROVE_REASON)(self._approve_submitted)
        app.view(modal.REJECT_REASON)(self._reject_submitted)
        app.action(GRANT)(self._grant_pressed)
        app.view(modal.GRANT_DAYS)(self._grant_submitted)
        app.action(REVOKE)(self._revoke_pressed)

    async def show_home(self, user: str) -> None:
        """Publish the user's home tab as things stand.

        Raises:
            SlackRefused: Slack said no.
        """
        view = home(await self._desk.home(user))
        check_view(view)
        with refusals("the home tab"):
            await self._slack.telling.views_publish(user_id=user, view=view)

    async def _approve_pressed(self, ack: AsyncAck, body: Json) -> None:
        press = inbox.pressed(body, "approve")
        offered = await self._desk.proposal(press.proposal_id)
        if offered is not None and offered.reason_needed:
            await open_dialog(self._slack, body, _dialog(offered, press), press.channel, press.user)
        else:
            await self._desk.decided(press)
        await ack()

    async def _reject_pressed(self, ack: AsyncAck, body: Json) -> None:
        press = inbox.pressed(body, "reject")
        offered = await self._desk.proposal(press.proposal_id)
        if offered is None:
            await whisper(
                self._slack, press.channel, press.user, "That proposal is no longer open; nothing was changed."
            )
        else:
            await open_dialog(self._slack, body, _dialog(offered, press), press.channel, press.user)
        await ack()

    async def _approve_submitted(self, ack: AsyncAck, body: Json) -> None:
        await self._submitted(ack, body, "approve")

    async def _reject_submitted(self, ack: AsyncAck, body: Json) -> None:
        await self._submitted(ack, body, "reject")

    async def _submitted(self, ack: AsyncAck, body: Json, verdict: Literal["approve", "reject"]) -> None:
        decision = inbox.reasoned(body, verdict, self._clock())
        if not decision.reason:
            await ack(response_action="errors", errors={modal.REASON: "Say why, in a few words."})
            return
        await self._desk.decided(decision)
        await ack()

    async def _grant_pressed(self, ack: AsyncAck, body: Json) -> None:
        pressed = str(body["actions"][0].get("value", ""))
        content = await self._desk.home(body["user"]["id"])
        earned = next((one for one in content.earned if one.id == pressed), None)
        if earned is None:
            await self.show_home(body["user"]["id"])  # it is gone since: show that
        else:
            view = modal.grant(earned)
            check_view(view)
            with refusals("the dialog"):
                await self._slack.telling.views_open(trigger_id=body["trigger_id"], view=view)
        await ack()

    async def _grant_submitted(self, ack: AsyncAck, body: Json) -> None:
        earned_id, days = modal.granted_of(body["view"])
        user = body["user"]["id"]
        if refusal := await self._desk.granted(earned_id, days, user):
            await ack(response_action="errors", errors={modal.DAYS: refusal[:150]})
            return
        await ack()
        await self.show_home(user)

    async def _revoke_pressed(self, ack: AsyncAck, body: Json) -> None:
        user = body["user"]["id"]
        await self._desk.revoked(str(body["actions"][0].get("value", "")), user)
        await ack()
        await self.show_home(user)


def _dialog(offered: Proposal, press: Decision) -> Block:
    """The dialog that asks for the reason of what was pressed."""
    make = modal.approve if press.verdict == "approve" else modal.reject
    return make(offered, digest=press.digest, channel=press.channel, message_ts=press.message_ts)
