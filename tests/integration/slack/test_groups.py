from __future__ import annotations

import pytest

from bot.demo.workspace import MINA, RAJ, Group, Trouble, Workspace
from bot.errors import Denied
from bot.slack.client import Slack
from bot.slack.groups import CURRENT_S, Groups

ONCALL = "S0ONCALL"


class Time:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


async def test_members_are_members_and_others_are_not(workspace: Workspace, slack: Slack) -> None:
    groups = Groups(slack)

    assert await groups.is_member(MINA.id, ONCALL)
    assert not await groups.is_member(RAJ.id, ONCALL)


async def test_who_leaves_the_group_loses_the_right_within_a_minute(workspace: Workspace, slack: Slack) -> None:
    time = Time()
    groups = Groups(slack, clock=time)
    assert await groups.is_member(MINA.id, ONCALL)
    workspace.team.groups[ONCALL] = Group(ONCALL, "payments-oncall", "On call", members=("U0AIKO",))

    time.now_s = CURRENT_S - 1
    assert await groups.is_member(MINA.id, ONCALL)
    time.now_s = CURRENT_S
    assert not await groups.is_member(MINA.id, ONCALL)


async def test_when_slack_cannot_be_asked_nobody_is_a_member(workspace: Workspace, slack: Slack) -> None:
    time = Time()
    groups = Groups(slack, clock=time)
    assert await groups.is_member(MINA.id, ONCALL)
    workspace.faults.next("usergroups.users.list", Trouble.BROKEN, times=5)

    time.now_s = CURRENT_S
    with pytest.raises(Denied, match="cannot be read now"):
        await groups.is_member(MINA.id, ONCALL)


async def test_a_group_that_does_not_exist_has_no_members(workspace: Workspace, slack: Slack) -> None:
    with pytest.raises(Denied):
        await Groups(slack).is_member(MINA.id, "S0NOBODY")
