"""Written reasons, and trust that is given and taken in the home tab: as a person presses it, as the desk hears it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.demo.workspace import Workspace
from bot.models import EarnedTrust, Risk, StandingApproval
from bot.slack.client import Slack
from bot.slack.desk import HomeContent
from bot.slack.limits import check_view
from bot.slack.views.home import GRANT, REVOKE, home
from bot.slack.views.modal import DAYS, REASON
from bot.slack.views.proposal import APPROVE, proposal
from tests.integration.slack.clerk import Clerk
from tests.unit.slack import stories

CHANNEL = "C0PAYMENTS"
MINA = "U0MINA"
STANDING = StandingApproval(
    id="S-1", action="test.count", service="shop", most_tier=Risk.LOW, most_services=1, granted_by=MINA,
    granted_at=stories.NOW, until=stories.NOW + timedelta(days=7), successes=5,
)  # fmt: skip
EARNED = EarnedTrust(
    id="e1", action="test.count", extent="name=till", service="shop", successes=5, most_tier=Risk.LOW, most_services=1,
    most_days=30,
)  # fmt: skip


async def offer(slack: Slack) -> str:
    incident = stories.incident(stories.until_proposed())
    assert incident.proposal
    shown = proposal(incident.proposal, incident)
    answer = await slack.telling.chat_postMessage(channel=CHANNEL, text=shown.text, blocks=list(shown.blocks))
    return str(answer["ts"])


async def at_home(workspace: Workspace, words: str) -> dict[str, Any]:
    """Mina's home tab, once it says that."""

    def shown() -> dict[str, Any] | None:
        view = workspace.homes(MINA)
        return view if view and words in str(view["blocks"]) else None

    view = await workspace.wait_for(shown)
    check_view({"type": "home", "blocks": view["blocks"]})
    return view


async def test_an_approval_that_needs_a_reason_is_asked_for_one_and_not_taken_before(
    workspace: Workspace, address: str, slack: Slack, clerk: Clerk
) -> None:
    clerk.reason_needed = True
    ts = await offer(slack)
    assert (await workspace.click(MINA, ts, APPROVE)).ok
    assert clerk.decisions == []
    [modal] = workspace.modals(MINA)
    assert "Blast radius" in str(modal["blocks"])
    assert not (await workspace.submit(MINA, modal["id"], {REASON: "  "})).ok
    assert (await workspace.submit(MINA, modal["id"], {REASON: "the owner agrees"})).ok
    [decision] = clerk.decisions
    assert (decision.verdict, decision.reason, decision.user) == ("approve", "the owner agrees", MINA)
    assert decision.digest == "a1b2c3d4e5f60718"


async def test_the_home_tab_offers_what_has_earned_trust_and_the_granter_says_for_how_long(
    workspace: Workspace, address: str, clerk: Clerk
) -> None:
    clerk.earned = [EARNED]
    workspace.open_home(MINA)
    tab = await at_home(workspace, "has helped 5 times in a row")
    assert (await workspace.click_view(MINA, tab["id"], GRANT)).ok
    [modal] = workspace.modals(MINA)
    assert "while its risk is low at most" in str(modal["blocks"])
    assert "*test.count* on *shop* (name=till)" in str(modal["blocks"])

    clerk.refusal = "You are not among the approvers of this action."
    refused = await workspace.submit(MINA, modal["id"], {DAYS: "7"})
    assert refused.errors == {DAYS: clerk.refusal}
    clerk.refusal = ""
    assert (await workspace.submit(MINA, modal["id"], {DAYS: "7"})).ok
    assert clerk.grants[-1] == ("e1", 7, MINA)


async def test_one_click_takes_a_standing_approval_back_and_the_tab_shows_it(
    workspace: Workspace, address: str, clerk: Clerk
) -> None:
    clerk.standing = {"S-1": STANDING}
    workspace.open_home(MINA)
    tab = await at_home(workspace, "runs without asking")
    assert (await workspace.click_view(MINA, tab["id"], REVOKE)).ok
    await at_home(workspace, "every action is asked for")
    assert clerk.standing == {}


def test_what_is_waited_for_says_how_many_people_it_takes_where_one_is_not_enough() -> None:
    incident = stories.incident(stories.until_proposed())
    assert incident.proposal
    assert "Takes" not in shown(pending=(incident.proposal,))
    assert "Takes 2 people" in shown(pending=(incident.proposal.model_copy(update={"approvals_needed": 2}),))


def test_what_trust_is_in_names_the_service_once() -> None:
    whole = EARNED.model_copy(update={"extent": "service=shop"})
    assert "*test.count* on *shop* has helped" in shown(earned=(whole,))
    assert "*test.count* on *shop* (name=till) has helped" in shown(earned=(EARNED,))


def shown(**content: Any) -> str:
    return str(home(HomeContent.model_validate({"incidents": (), "pending": (), **content})))
