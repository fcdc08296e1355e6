"""What did not help is proposed to be taken back, through the same gate, before the drawing goes on without it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.canvas import MemoryStore, Playbook, parse
from bot.models import (
    Approved,
    Executed,
    Executing,
    HandedOver,
    Incident,
    NotExecuted,
    Opened,
    Phase,
    Proposal,
    Proposed,
    Rejected,
    Resolved,
    Undo,
    Verified,
)
from bot.slack.views.proposal import proposal as shown
from bot.work.triage import Triage
from tests.integration.work.night import ALERT, CHANNEL, ID, NOW, Night, night_as

DRAWN = """---
id: back
title: A way back
owner: oncall
match: {}
---
```mermaid
flowchart TD
  begin([Something is wrong]) --> gate[/Ask to write a row/]
  gate -- approved --> write[Write it]
  gate -- rejected --> over([People carry on])
  gate -- expired --> over
  write -- recovered --> done([It helped])
  write -- not_recovered --> over
  write -- not_executed --> over
```
### gate
```yaml
why: A row may help.
```
### write
```yaml
change: test.count
with: {name: there}
verify: {use: logs.look, fact: rows, below: 5, within: 1m}
rollback: {use: test.count, with: {name: back}}
```
### done
```yaml
outcome: resolved
```
"""
PLAYBOOK = parse(DRAWN)


class Back(Night):
    """A night whose drawing knows a way back."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self.store = MemoryStore()
        self.playbook = PLAYBOOK

    async def walk(self) -> Incident:
        """The walk goes on; how the incident stands then."""
        await Triage(self._rooms(), self.store, lambda *_: (self.playbook, "it fits"), dict).walk(ID)
        return await self.incident()

    async def asked(self) -> Proposal:
        """What people are asked about."""
        incident = await self.incident()
        assert incident.phase is Phase.AWAITING
        assert incident.proposal
        return incident.proposal

    async def done(self, *, recovered: bool) -> None:
        """It is approved and done, and that was watched."""
        one = await self.asked()
        await self.journal.append(ID, Approved(at=NOW, proposal_id=one.id, digest=one.digest, actor="UANN"))
        await self.journal.append(ID, Executing(at=NOW, proposal_id=one.id, owner="w"))
        await self.journal.append(ID, Executed(at=NOW, proposal_id=one.id, outcome="a row was written"))
        await self.journal.append(ID, Verified(at=NOW, proposal_id=one.id, recovered=recovered, statement="watched"))

    async def proposals(self) -> list[Proposal]:
        """Everything that was proposed."""
        history = (await self.incident()).history
        return [recorded.event.proposal for recorded in history if isinstance(recorded.event, Proposed)]


@asynccontextmanager
async def begun(redis_url: str, playbook: Playbook = PLAYBOOK, by: str = "nightdesk") -> AsyncIterator[Back]:
    """The change is proposed."""
    async with night_as(Back, redis_url, None) as night:
        night.playbook = playbook
        await night.journal.append(ID, Opened(at=NOW, actor=by, alert=ALERT, service="payments", channel=CHANNEL))
        await night.walk()
        yield night


async def test_what_did_not_help_is_proposed_to_be_taken_back(redis_url: str) -> None:
    async with begun(redis_url) as night:
        first = await night.asked()
        assert first.undo == Undo(action="test.count", parameters={"name": "back"})
        await night.done(recovered=False)
        await night.walk()
        back = await night.asked()
        assert (back.undoes, back.target, back.id) == (first.id, "row back", f"{ID}.2")
        assert back.verification == first.verification
        assert "Take it back" in str(shown(back, await night.incident()).blocks)
        await night.walk()
        assert len(await night.proposals()) == 2, "it is asked once"


async def test_the_way_back_that_people_reject_leaves_the_drawing_to_go_on(redis_url: str) -> None:
    async with begun(redis_url) as night:
        await night.done(recovered=False)
        await night.walk()
        await night.journal.append(
            ID, Rejected(at=NOW, proposal_id=(await night.asked()).id, actor="UANN", reason="no")
        )
        incident = await night.walk()
        assert isinstance(incident.history[-1].event, HandedOver)
        assert "People carry on" in incident.history[-1].event.reason


async def test_the_way_back_that_was_gone_without_help_leads_to_people_too(redis_url: str) -> None:
    async with begun(redis_url) as night:
        await night.done(recovered=False)
        await night.walk()
        await night.done(recovered=False)
        incident = await night.walk()
        assert isinstance(incident.history[-1].event, HandedOver)
        assert len(await night.proposals()) == 2, "a way back has no way back"


async def test_the_way_back_that_helped_is_the_end(redis_url: str) -> None:
    async with begun(redis_url) as night:
        await night.done(recovered=False)
        await night.walk()
        await night.done(recovered=True)
        incident = await night.walk()
        assert isinstance(incident.history[-1].event, Resolved)


async def test_what_helped_is_not_taken_back(redis_url: str) -> None:
    async with begun(redis_url) as night:
        await night.done(recovered=True)
        assert isinstance((await night.walk()).history[-1].event, Resolved)
        assert len(await night.proposals()) == 1


async def test_what_was_not_done_is_not_taken_back(redis_url: str) -> None:
    async with begun(redis_url) as night:
        one = await night.asked()
        await night.journal.append(ID, Approved(at=NOW, proposal_id=one.id, digest=one.digest, actor="UANN"))
        await night.journal.append(ID, NotExecuted(at=NOW, proposal_id=one.id, reason="the world has changed"))
        assert isinstance((await night.walk()).history[-1].event, HandedOver)
        assert len(await night.proposals()) == 1


async def test_a_way_back_that_cannot_be_proposed_is_said_and_does_not_hold_the_drawing_up(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with begun(redis_url) as night:
        await night.done(recovered=False)
        monkeypatch.setattr(type(night.actions.named("test.count")), "blast_radius", unreachable)
        incident = await night.walk()
        assert isinstance(incident.history[-1].event, HandedOver)
        assert "Taking it back cannot be proposed: nobody can tell" in str(incident.history)


async def unreachable(*_: object) -> None:
    from bot.errors import PreconditionFailed  # noqa: PLC0415 - only here

    raise PreconditionFailed("nobody can tell")
