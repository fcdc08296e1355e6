"""The card's menu and its dialogs, and what other bots post, over a real door."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette

from bot.demo.workspace import Workspace
from bot.demo.workspace.server import listening
from bot.models import AlertJoined, Incident, Phase
from bot.settings import Settings
from bot.slack.client import Slack
from bot.slack.door import Door
from bot.slack.views.card import card
from bot.slack.views.regroup import CHOICE, MENU, alert_key
from bot.slack.views.thread import Turn, message
from tests.integration.slack.clerk import Clerk
from tests.integration.slack.test_door import CHANNEL
from tests.unit.slack import stories


def an_incident(name: str, alerts: int = 1) -> Incident:
    story = stories.incident(stories.until_proposed())
    more = tuple(story.alert.model_copy(update={"fingerprint": f"f{number}"}) for number in range(1, alerts))
    return story.model_copy(update={"id": name, "alerts": (story.alert, *more)})


@pytest.fixture
def clerk() -> Clerk:
    return Clerk()


@pytest.fixture
async def door(workspace: Workspace, settings: Settings, slack: Slack, clerk: Clerk) -> AsyncIterator[Door]:
    door = Door(settings, clerk, slack)
    async with listening(Starlette(routes=door.routes)) as address:
        workspace.connect(f"{address}/slack/events")
        yield door
        await workspace.settle()


async def shown(slack: Slack, incident: Incident) -> str:
    posted = card(incident)
    answer = await slack.telling.chat_postMessage(channel=CHANNEL, text=posted.text, blocks=list(posted.blocks))
    return str(answer["ts"])


async def test_an_alert_is_split_off_from_the_menu(
    workspace: Workspace, door: Door, slack: Slack, clerk: Clerk
) -> None:
    incident = clerk.known["I1"] = an_incident("I1", alerts=2)
    ts = await shown(slack, incident)
    assert (await workspace.click("U0MINA", ts, MENU, "split:I1")).ok
    (modal,) = workspace.modals("U0MINA")
    key = alert_key(incident.alerts[1])
    assert (await workspace.submit("U0MINA", modal["id"], {CHOICE: key})).ok
    (wish,) = clerk.wishes
    assert (wish.verb, wish.incident_id, wish.subject, wish.user) == ("split", "I1", key, "U0MINA")


async def test_an_incident_is_merged_into_another_from_the_menu(
    workspace: Workspace, door: Door, slack: Slack, clerk: Clerk
) -> None:
    clerk.known |= {"I1": an_incident("I1"), "I2": an_incident("I2")}
    ts = await shown(slack, clerk.known["I1"])
    assert (await workspace.click("U0MINA", ts, MENU, "merge:I1")).ok
    (modal,) = workspace.modals("U0MINA")
    assert (await workspace.submit("U0MINA", modal["id"], {CHOICE: "I2"})).ok
    (wish,) = clerk.wishes
    assert (wish.verb, wish.incident_id, wish.subject, wish.channel) == ("merge", "I1", "I2", CHANNEL)


async def test_where_there_is_nothing_to_merge_into_that_person_is_told(
    workspace: Workspace, door: Door, slack: Slack, clerk: Clerk
) -> None:
    clerk.known["I1"] = an_incident("I1")
    ts = await shown(slack, clerk.known["I1"])
    assert (await workspace.click("U0MINA", ts, MENU, "merge:I1")).ok
    assert workspace.modals("U0MINA") == []
    assert "no other open incident" in workspace.ephemerals("U0MINA")[0]["text"]


def test_an_only_alert_cannot_be_split_off_and_what_is_over_has_no_menu() -> None:
    def options(incident: Incident) -> list[str]:
        menus = [block["accessory"] for block in card(incident).blocks if "accessory" in block]
        return [option["value"] for menu in menus for option in menu["options"]]

    assert options(an_incident("I1")) == ["merge:I1"]
    assert options(an_incident("I1", alerts=2)) == ["split:I1", "merge:I1"]
    over = an_incident("I1").model_copy(update={"phase": Phase.RESOLVED})
    assert options(over) == []


async def test_what_a_bot_posts_is_remembered_and_heard_and_what_people_say_is_only_remembered(
    workspace: Workspace, door: Door, clerk: Clerk
) -> None:
    await workspace.announce("Alertmanager", CHANNEL, "", attachments=[{"title": "[FIRING:1] Down", "color": "danger"}])
    await workspace.say("U0MINA", CHANNEL, "[FIRING:1] is what it says")
    await workspace.settle()
    assert [message["attachments"][0]["title"] for message, _ in clerk.overheard_] == ["[FIRING:1] Down"]
    assert len(clerk.messages) == 2


def test_an_alert_that_joined_while_it_flapped_is_not_told() -> None:
    incident = an_incident("I1")
    damped = AlertJoined(at=incident.opened_at, alert=incident.alert, why="the same alert", damped=True)
    recorded = incident.history[0].model_copy(update={"event": damped})
    assert message(Turn((recorded,)), incident, {}) is None
