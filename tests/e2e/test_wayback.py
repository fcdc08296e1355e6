"""`kill -9` at each step of the way back: it is asked for once, goes on where it stood, and is done at most once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from bot.demo.workspace import MINA, RAJ, Workspace
from bot.incidents import Journal
from bot.models import Approved, Incident, Proposal
from bot.slack.views.proposal import APPROVE
from bot.storage import connect
from tests.e2e.holds import Slow, Turnstile, arrived
from tests.e2e.scene import WITHIN_S, Json, Scene, buttons, offers
from tests.servers.nightdesk import Nightdesk, NightdeskFactory, playbooks_in
from tests.servers.postgres import Queue
from tests.servers.process import wait_until

DRAWN = """\
---
id: payments-shift
title: Shift the traffic
owner: payments-oncall
match: {alertname: "Payment.*"}
---
```mermaid
flowchart TD
  begin([Payments are failing]) --> gate[/Ask to shift the traffic/]
  gate -- approved --> shift[Shift the traffic]
  gate -- rejected --> people([People carry on])
  gate -- expired --> people
  shift -- recovered --> done([Payments recover])
  shift -- not_executed --> people
  shift -- not_recovered --> people
  shift -- unknown --> doubt([Nobody knows where the traffic goes])
```
### gate
Ask whoever uses the other side.
### shift
The traffic goes to the other side.
```yaml
change: http.call
with: {call: shift}
verify: {use: database.blocking_sessions, with: {database: payments-db}, fact: blocked_count, below: 1, within: 4s}
rollback: {use: http.call, with: {call: back}}
```
### people
```yaml
outcome: handed_over
```
### doubt
```yaml
outcome: handed_over
```
### done
```yaml
outcome: resolved
```
"""


class Shifted:
    """A bot whose change did not help, and which has proposed to take it back."""

    def __init__(self, scene: Scene, incident_id: str, thread: str) -> None:
        self.scene = scene
        self.bot: Nightdesk = scene.bot
        self.incident_id = incident_id
        self.ts = thread

    async def card(self) -> Json:
        """The message that proposes the way back, with its buttons."""

        async def shown() -> Json | None:
            said = self.scene.replies(self.ts)
            offered = (one for one in said if offers(one, self.incident_id))
            return next((one for one in offered if "Take it back:" in str(one["blocks"])), None)

        found = await wait_until(shown, within_s=WITHIN_S, what=f"the way back in\n{self.scene.thread(self.ts)}")
        assert found
        return found

    async def incident(self) -> Incident:
        return await self.scene.incident(self.incident_id)

    async def back(self) -> Proposal:
        """The proposal of the way back."""
        proposal = (await self.incident()).proposal
        assert proposal
        assert proposal.undoes == f"{self.incident_id}.1"
        return proposal

    async def last(self, kind: str) -> None:
        """Wait until the way back has come to an event of that kind."""

        async def come() -> bool:
            return kind in await self.kinds()

        await wait_until(come, within_s=WITHIN_S, what=f"'{kind}' of the way back")

    async def killed(self) -> None:
        """It dies, and comes again."""
        await self.bot.kill()
        await self.bot.start()

    async def kinds(self) -> list[str]:
        """What has happened to the way back, in order."""
        return [event.kind for event in (await self.incident()).about(f"{self.incident_id}.2")]

    async def counts(self) -> dict[str, int]:
        """How often each thing has happened to the way back."""
        kinds = await self.kinds()
        return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}


@pytest.fixture
async def shifted(
    workspace: Workspace,
    nightdesk: NightdeskFactory,
    redis_url: str,
    queue: Queue,
    slow: Slow,
    turnstile: Turnstile,
    behind: Mapping[str, str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Shifted]:
    drawings = playbooks_in(tmp_path / "playbooks", DRAWN)
    back = "drain" if getattr(request, "param", "") == "held" else "quick"
    calls = {
        "shift": {
            "url": f"{slow.url}/quick",
            "effect": "Traffic goes east.",
            "service": "payments",
            "rollback": "Shift it back.",
        },
        "back": {
            "url": f"{slow.url}/{back}",
            "effect": "Traffic goes west again.",
            "service": "payments",
            "timeout_s": 3,
        },
    }
    settings = {
        "NIGHTDESK_REDIS_URL": redis_url,
        "NIGHTDESK_PLAYBOOKS_DIR": str(drawings),
        "NIGHTDESK_REMEDIATION__HTTP_CALLS": json.dumps(calls),
        **behind,
    }
    async with nightdesk(**settings) as bot:
        scene = Scene(workspace, bot, redis_url)
        incident = await scene.alert("w")
        forward = await scene.proposal(incident)
        if getattr(request, "param", "") == "drafted":
            turnstile.close_when(partial(_did_not_help, scene, incident))
        assert (await workspace.click(MINA.id, forward["ts"], APPROVE)).ok
        yield Shifted(scene, incident, forward["thread_ts"])


async def _did_not_help(scene: Scene, incident_id: str) -> bool:
    """The change has been watched, and nothing was proposed since."""
    events = await scene.events(incident_id)
    return "verified" in events and events.count("proposed") == 1


@pytest.mark.parametrize("shifted", ["drafted"], indirect=True)
async def test_killed_when_the_way_back_is_drafted_and_not_yet_proposed_it_is_asked_for_once(
    shifted: Shifted, slow: Slow, turnstile: Turnstile, queue: Queue
) -> None:
    """The draft is made, and what its verification reads is asked for: there it dies, before anything is written."""
    scene = shifted.scene
    await arrived(turnstile.waiting)
    await shifted.bot.kill()
    assert await _did_not_help(scene, shifted.incident_id)
    turnstile.open()
    await shifted.bot.start()

    card = await shifted.card()
    back = await shifted.back()
    assert back.id == f"{shifted.incident_id}.2"
    assert slow.keys == [f"{shifted.incident_id}.1"]
    assert (await scene.workspace.click(MINA.id, card["ts"], APPROVE)).ok
    await shifted.last("executed")
    await queue.root.rollback()
    await scene.recorded(shifted.incident_id, "resolved")
    assert slow.keys == [f"{shifted.incident_id}.1", f"{shifted.incident_id}.2"]
    assert (await scene.events(shifted.incident_id)).count("proposed") == 2
    thread = await scene.told(shifted.ts, "Resolved after")
    assert thread.count("Take it back:") == 1


async def test_killed_at_each_step_the_way_back_is_gone_once_and_told_once(
    shifted: Shifted, slow: Slow, queue: Queue, redis_url: str
) -> None:
    scene = shifted.scene
    first = await shifted.card()
    await shifted.killed()  # while it is asked
    back = await shifted.back()
    assert (await scene.workspace.click(RAJ.id, first["ts"], APPROVE)).ok
    await scene.whisper(RAJ.id, "not among the approvers")
    await shifted.bot.kill()
    async with connect(redis_url) as redis:  # approved, and it died before anything followed from that
        approved = Approved(at=datetime.now(UTC), actor=MINA.id, proposal_id=back.id, digest=back.digest)
        await Journal(redis).append(shifted.incident_id, approved)
    await shifted.bot.start()
    await shifted.last("executed")
    await shifted.killed()  # while it is watched
    await queue.root.rollback()
    await shifted.last("verified")
    await shifted.killed()  # before, while or after that is told
    await scene.recorded(shifted.incident_id, "resolved")

    assert slow.keys == [f"{shifted.incident_id}.1", f"{shifted.incident_id}.2"]
    assert await shifted.counts() == {"approved": 1, "executing": 1, "executed": 1, "verified": 1}
    thread = await scene.told(shifted.ts, "Resolved after")
    for words in ("Take it back:", "approved taking it back", "Traffic goes west again", "Taking it back helped"):
        assert thread.count(words) >= 1, f"{words!r} is not told:\n{thread}"
    for words in ("Take it back:", "approved taking it back", "Resolved after"):
        assert thread.count(words) == 1, f"{words!r} is told {thread.count(words)} times:\n{thread}"
    [decided] = [one for one in scene.replies(shifted.ts) if one["ts"] == first["ts"]]
    assert buttons(decided) == {}, "who has decided leaves no button"


@pytest.mark.parametrize("shifted", ["held"], indirect=True)
async def test_killed_while_it_is_taken_back_it_is_not_tried_again_and_people_are_told(
    shifted: Shifted, slow: Slow
) -> None:
    card = await shifted.card()
    assert (await shifted.scene.workspace.click(MINA.id, card["ts"], APPROVE)).ok
    await slow.asked.wait()
    await shifted.killed()
    await shifted.scene.recorded(shifted.incident_id, "handed_over")
    assert slow.keys == [f"{shifted.incident_id}.1", f"{shifted.incident_id}.2"]
    assert await shifted.counts() == {"approved": 1, "executing": 1, "outcome_unknown": 1}
    await shifted.scene.told(shifted.ts, "Nobody knows where the traffic goes")
    await shifted.scene.told(shifted.ts, "It is not tried again")
