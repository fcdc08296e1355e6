from __future__ import annotations

from bot.demo.workspace import MINA, Trouble, Workspace
from bot.slack.client import Slack
from bot.slack.people import REMEMBERED_S, People


async def test_names_are_asked_once_an_hour(workspace: Workspace, slack: Slack) -> None:
    now = 0.0
    people = People(slack, clock=lambda: now)
    assert await people.names([MINA.id, "grafana", MINA.id]) == {MINA.id: "mina"}
    workspace.faults.next("users.info", Trouble.BROKEN, times=5)

    now = REMEMBERED_S - 1
    assert await people.name(MINA.id) == "mina"
    now = REMEMBERED_S
    assert await people.name(MINA.id) == MINA.id


async def test_somebody_unknown_keeps_the_id(workspace: Workspace, slack: Slack) -> None:
    assert await People(slack).name("U0STRANGER") == "U0STRANGER"
