"""The way back stands at the same gate as the change: the same people, the same doubts, the same record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import cast

import pytest

from bot.canvas import parse
from bot.errors import EffectUnknown, PreconditionFailed
from bot.memory.lessons import lesson
from bot.models import (
    Evidence,
    HandedOver,
    OutcomeUnknown,
    Phase,
    Proposal,
    Rejected,
    Reopened,
    Resolved,
    Risk,
    Verified,
)
from bot.remediation.approvals import Approvals
from bot.remediation.audit import Audit
from bot.remediation.execution import Execution
from bot.remediation.proposal import sealed
from bot.slack.views.card import card
from bot.slack.views.thread import Turn, message
from bot.work.postmortem import drafted
from tests.integration.remediation.gate import EFFECTS, Count
from tests.integration.work.night import ALERT, ID, NOW
from tests.integration.work.test_wayback import DRAWN, Back, begun

FORWARD, BACK = f"{ID}.1", f"{ID}.2"
LABELLED = parse(DRAWN.replace("with: {name: there}\n", "with: {name: there}\nrisk: high\n"))
DOUBTFUL = parse(
    DRAWN.replace(
        "  write -- not_executed --> over\n",
        "  write -- not_executed --> over\n  write -- unknown --> doubt([Look yourself])\n",
    ).replace("### done\n", "### doubt\n```yaml\noutcome: handed_over\n```\n### done\n")
)
TWO = parse("""---
id: two
title: Two changes at the same time
owner: oncall
match: {}
---
```mermaid
flowchart TD
  begin([Something is wrong]) --> both{{at the same time}}
  both --> first[/Ask for one row/] & second[/Ask for another/]
  first -- approved --> one[Write one]
  first -- rejected --> met
  first -- expired --> met
  one -- recovered --> met
  one -- not_recovered --> met
  second -- approved --> other[Write another]
  second -- rejected --> met
  second -- expired --> met
  other -- recovered --> met
  other -- not_recovered --> met
  met{{together}} --> over([People carry on])
```
### one
```yaml
change: test.count
with: {name: one}
verify: {use: logs.look, fact: rows, below: 5, within: 1m}
rollback: {use: test.count, with: {name: one-back}}
```
### other
```yaml
change: test.count
with: {name: one}
verify: {use: logs.look, fact: rows, below: 5, within: 1m}
irreversible: It cannot be taken back.
```
""")


class Desk:
    """The gate of that night, with its people and a clock that the test moves."""

    def __init__(self, night: Back) -> None:
        self.night = night
        self.now = NOW
        self.approvals = Approvals(night.journal, _nobody, lambda: self.now)
        self.action = cast("Count", night.actions.named("test.count"))

    def execution(self, owner: str = "w") -> Execution:
        return Execution(
            self.night.redis, self.night.journal, self.night.actions, lambda: self.now, owner=owner,
            warrant=self.approvals.doubt,
        )  # fmt: skip

    async def press(self, one: Proposal, user: str = "UANN") -> str:
        return (await self.approvals.approve(one.id, one.digest, user)).outcome

    async def offered(self) -> Proposal:
        """The change was done and did not help; what is proposed then."""
        await self.night.done(recovered=False)
        await self.night.walk()
        back = await self.night.asked()
        assert back.undoes == FORWARD
        return back

    async def seen(self, one: Proposal, *, recovered: bool) -> None:
        verified = Verified(at=NOW, proposal_id=one.id, recovered=recovered, statement="watched")
        await self.night.journal.append(ID, verified)

    async def kinds(self, about: str) -> list[str]:
        return [event.kind for event in (await self.night.incident()).about(about)]

    async def card(self) -> str:
        return str(card(await self.night.incident()).blocks)

    async def thread(self) -> str:
        """Everything that the thread says."""
        incident = await self.night.incident()
        posts = [message(Turn((recorded,)), incident, {}) for recorded in incident.history]
        return "\n".join(f"{post.text} {post.blocks}" for post in posts if post)


@pytest.fixture
async def desk(redis_url: str) -> AsyncIterator[Desk]:
    async with begun(redis_url) as night:
        yield Desk(night)


async def test_the_way_back_is_done_once_however_often_it_is_pressed_and_delivered(desk: Desk) -> None:
    back = await desk.offered()
    pressed = await asyncio.gather(*(desk.press(back) for _ in range(20)))
    assert (pressed.count("approved"), pressed.count("already")) == (1, 19)
    await asyncio.gather(*(desk.execution(f"w{number}").run(BACK) for number in range(10)))
    assert await desk.night.redis.lrange(EFFECTS, 0, -1) == [BACK]


async def test_what_people_have_rejected_is_not_proposed_again_before_it_comes_back(redis_url: str) -> None:
    async with begun(redis_url, TWO) as night:
        first = await night.asked()
        rejected = Rejected(at=NOW, proposal_id=first.id, actor="UANN", reason="the report must finish")
        await night.journal.append(ID, rejected)
        await night.walk()
        incident = await night.incident()
        assert (incident.phase, len(incident.proposals)) == (Phase.HANDED_OVER, 1)
        assert "Exactly this was rejected before: the report must finish" in str(incident.history)

        await night.journal.append(ID, Resolved(at=NOW, actor="alertmanager", reason="every alert has resolved"))
        await night.journal.append(ID, Reopened(at=NOW, alert=ALERT))
        await night.walk()
        assert (await night.asked()).target == first.target, "what was wrong then may be right now"


async def test_a_stranger_an_old_card_and_the_approval_of_the_change_itself_do_not_open_it(desk: Desk) -> None:
    forward = await desk.night.asked()
    back = await desk.offered()
    assert await desk.press(back, "USTRANGER") == "denied"
    assert await desk.press(forward) == "void"
    assert (await desk.approvals.approve(BACK, forward.digest, "UANN")).outcome == "void"
    assert await desk.kinds(BACK) == []


async def test_a_way_back_that_nobody_decides_on_ends_and_says_that_the_change_is_still_there(desk: Desk) -> None:
    back = await desk.offered()
    desk.now = back.expires_at
    assert await desk.press(back) == "void"
    assert await desk.approvals.expire(BACK)
    incident = await desk.night.walk()
    assert isinstance(incident.history[-1].event, HandedOver)
    assert "What did not help is still in place: A row is written." in incident.history[-1].event.reason
    assert "what did not help stays in place" in await desk.thread()


async def test_whoever_asked_for_the_change_has_asked_for_its_way_back(redis_url: str) -> None:
    async with begun(redis_url, LABELLED, by="UANN") as night:
        await night.done(recovered=False)
        await night.walk()
        proposed = await night.proposals()
        assert [one.requested_by for one in proposed] == ["UANN", "UANN"]


async def test_the_authors_label_holds_for_the_way_back_too(redis_url: str) -> None:
    async with begun(redis_url, LABELLED) as night:
        await night.done(recovered=False)
        await night.walk()
        assert [(one.risk, one.approvals_needed) for one in await night.proposals()] == [(Risk.HIGH, 2)] * 2


async def test_the_card_says_what_did_not_help_and_what_was_seen(desk: Desk) -> None:
    back = await desk.offered()
    assert back.why.startswith("It did not help: A row is written. Seen afterwards: watched.")
    told = await desk.thread()
    assert "Take it back?" in told
    assert "approval needed to take back what was done to row back" in told


async def test_the_card_of_the_incident_says_that_something_is_taken_back_from_the_question_to_the_watch(
    desk: Desk,
) -> None:
    back = await desk.offered()
    assert "Waiting for 1 approval to take back what was done to row back, until" in await desk.card()
    await desk.press(back)
    assert "Approved; taking back what was done to row back." in await desk.card()
    await desk.execution().run(back.id)
    assert "The action was taken back. Watching whether that helps." in await desk.card()


async def test_a_world_that_has_changed_since_the_card_stops_the_way_back(desk: Desk) -> None:
    back = await desk.offered()
    assert await desk.press(back) == "approved"
    desk.action.refuses = PreconditionFailed("Nothing was done: somebody has set it to 7 meanwhile.")
    await desk.execution().run(BACK)
    assert await desk.kinds(BACK) == ["approved", "not_executed"]
    incident = await desk.night.walk()
    assert "still in place" in str(incident.history[-1].event)


async def test_a_way_back_of_which_nobody_knows_is_quarantined_and_the_drawing_goes_on_in_doubt(
    redis_url: str,
) -> None:
    async with begun(redis_url, DOUBTFUL) as night:
        desk = Desk(night)
        back = await desk.offered()
        assert await desk.press(back) == "approved"
        desk.action.breaks = EffectUnknown("no answer came")
        await desk.execution().run(BACK)
        unknown = (await night.incident()).last("outcome_unknown")
        assert unknown
        assert isinstance(unknown.event, OutcomeUnknown)
        assert unknown.event.quarantined_until > NOW
        held = [await night.redis.get(key) async for key in night.redis.scan_iter("nd:target:*")]
        assert held == [BACK], "its target stays locked for as long as it may still act"
        incident = await night.walk()
        assert (incident.phase, len(await night.proposals())) == (Phase.HANDED_OVER, 2)
        assert "Look yourself" in str(incident.history[-1].event)
        assert "still in place" not in str(incident.history[-1].event), "nobody knows"


async def test_a_process_that_dies_while_taking_back_is_not_followed_by_a_second_try(desk: Desk) -> None:
    back = await desk.offered()
    assert await desk.press(back) == "approved"
    desk.action.hold = asyncio.Event()
    running = asyncio.create_task(desk.execution("dies").run(BACK))
    await desk.action.started.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    desk.action.hold = None
    await desk.execution("comes after").run(BACK)
    assert await desk.kinds(BACK) == ["approved", "executing", "outcome_unknown"]
    assert await desk.night.redis.llen(EFFECTS) == 0


async def test_each_of_two_changes_ends_by_its_own_outcome_and_is_taken_back_by_itself(redis_url: str) -> None:
    async with begun(redis_url, TWO) as night:
        desk = Desk(night)
        first = await night.asked()
        assert first.undo
        await night.done(recovered=False)
        await night.walk()  # the other gate has opened meanwhile
        second = await night.asked()
        assert second.undoes is None
        await night.done(recovered=False)
        await night.walk()
        back = await night.asked()
        assert (back.undoes, back.parameters) == (first.id, {"name": "one-back"})
        assert "Since then this was done there too: A row is written." in back.why
        assert await desk.press(back) == "approved"
        await desk.execution().run(back.id)
        await desk.seen(back, recovered=True)
        incident = await night.walk()
        assert incident.phase is Phase.RESOLVED


async def test_the_record_tells_the_way_back_as_one(desk: Desk) -> None:
    back = await desk.offered()
    assert await desk.press(back) == "approved"
    await desk.execution().run(BACK)
    await desk.seen(back, recovered=False)
    incident = await desk.night.walk()

    audit = Audit(desk.night.redis)
    await audit.take(ID, incident.history)
    shown = [entry async for entry in audit.entries() if entry.shown]
    assert [(entry.proposal_id, entry.shown and entry.shown["undoes"]) for entry in shown] == [
        (FORWARD, None),
        (BACK, FORWARD),
    ]
    assert await audit.verify()

    assert "Action: test.count on row there." in lesson(incident).text
    assert "Way back: test.count on row back." in lesson(incident).text
    document, _ = await drafted(incident, None, ())
    assert "Proposed to take it back: test.count on row back" in document
    told = await desk.thread()
    assert "approved taking it back: row back" in told
    assert "It is taken back, and that did not help" in told
    assert "still in place" not in str(incident.history[-1].event)


async def test_an_edited_way_back_opens_nothing(desk: Desk) -> None:
    back = await desk.offered()
    forged = sealed(
        back.model_copy(
            update={"parameters": {"name": "everything"}, "facts": (Evidence(id="x", statement="x", observed_at=NOW),)}
        )
    )
    assert (await desk.approvals.approve(BACK, forged.digest, "UANN")).outcome == "void"
    longer = sealed(back.model_copy(update={"expires_at": back.expires_at + timedelta(days=1)}))
    assert (await desk.approvals.approve(BACK, longer.digest, "UANN")).outcome == "void"
    assert await desk.kinds(BACK) == []


async def _nobody(_: str, __: str) -> bool:
    return False
