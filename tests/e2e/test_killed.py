"""`kill -9` at the worst moments: after a restart the incident goes on, nothing is lost, nothing runs twice.

The moments are not hit by luck: a test holds the bot at a closed turnstile before its database, or before the answer
of the server that an action calls, and kills it there.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from bot.demo.workspace import MINA, Workspace
from bot.slack.views.proposal import APPROVE
from bot.work.queue import NAME
from tests.e2e.holds import Slow, Turnstile, arrived
from tests.e2e.scene import Scene, database_variables
from tests.servers.nightdesk import Nightdesk, NightdeskFactory, playbooks_in
from tests.servers.postgres import PostgresDatabase, Queue

DRAIN = """\
---
id: payments-drain
title: Drain a node
owner: payments-oncall
match: {alertname: "Payment.*"}
---
```mermaid
flowchart TD
  begin([Payments are failing]) --> gate[/Ask to drain the node/]
  gate -- approved --> drain[Drain the node]
  gate -- rejected --> people([People carry on])
  gate -- expired --> people
  drain -- recovered --> done([Payments recover])
  drain -- not_executed --> people
  drain -- not_recovered --> people
  drain -- unknown --> people
```
### gate
Ask whoever uses the node.
```yaml
why: The node is known to fail like this.
```
### drain
Its traffic goes elsewhere.
```yaml
change: http.call
with: {call: drain}
verify:
  use: database.blocking_sessions
  with: {database: payments-db}
  fact: blocked_count
  below: 1
  within: 30s
irreversible: The node has to be filled again by hand.
```
### people
```yaml
outcome: handed_over
say: Look at the node yourselves.
```
### done
```yaml
outcome: resolved
```
"""


@pytest.fixture
async def bot(nightdesk: NightdeskFactory, redis_url: str, behind: Mapping[str, str]) -> AsyncIterator[Nightdesk]:
    async with nightdesk(NIGHTDESK_REDIS_URL=redis_url, **behind) as running:
        yield running


@pytest.fixture
def scene(workspace: Workspace, bot: Nightdesk, redis_url: str) -> Scene:
    return Scene(workspace, bot, redis_url)


async def forget_the_queue(redis_url: str) -> None:
    """As if the process had died after writing the journal and before scheduling what follows."""
    async with Redis.from_url(redis_url) as redis:
        keys = [key async for key in redis.scan_iter(f"{NAME}*")]
        assert await redis.delete(*keys) > 0  # some may have ended by themselves since
        assert not [key async for key in redis.scan_iter(f"{NAME}*")]


def assert_told_once(thread: str) -> None:
    """Nothing in the thread is there twice."""
    for words in ("Playbook: ", "Ranked causes", "🗄️ Database", "Proposed action", "@mina approved",
                  "Done on backend", "It helped.", "Resolved after"):  # fmt: skip
        assert thread.count(words) <= 1, f"{words!r} is told {thread.count(words)} times:\n{thread}"


async def test_killed_between_the_alert_and_the_proposal(
    scene: Scene, bot: Nightdesk, turnstile: Turnstile, queue: Queue
) -> None:
    turnstile.close()
    incident = await scene.alert("a")
    await arrived(turnstile.waiting)  # the database agent is looking
    await bot.kill()
    assert "proposed" not in await scene.events(incident)

    turnstile.open()
    await bot.start()
    proposal = await scene.proposal(incident)
    assert (await scene.workspace.click(MINA.id, proposal["ts"], APPROVE)).ok
    await scene.recorded(incident, "resolved")
    events = await scene.events(incident)
    assert [events.count(kind) for kind in ("opened", "briefed", "proposed", "executed")] == [1, 1, 1, 1]
    assert_told_once(await scene.told(proposal["thread_ts"], "Resolved after"))
    assert len(scene.cards()) == 1


@pytest.mark.parametrize("task", ["queued", "never queued"])
async def test_killed_between_the_approval_and_the_execution(
    scene: Scene, bot: Nightdesk, turnstile: Turnstile, queue: Queue, redis_url: str, task: str
) -> None:
    incident = await scene.alert("b")
    proposal = await scene.proposal(incident)
    turnstile.close()
    assert (await scene.workspace.click(MINA.id, proposal["ts"], APPROVE)).ok
    await arrived(turnstile.waiting)  # the execution reads its preconditions
    await bot.kill()
    events = await scene.events(incident)
    assert "approved" in events
    assert "executing" not in events
    if task == "never queued":
        await forget_the_queue(redis_url)

    turnstile.open()
    await bot.start()
    await scene.recorded(incident, "resolved")
    events = await scene.events(incident)
    assert [events.count(kind) for kind in ("approved", "executing", "executed", "verified")] == [1, 1, 1, 1]
    thread = await scene.told(proposal["thread_ts"], "Resolved after")
    assert f"Session {queue.pid} on payments-db has ended" in thread
    assert_told_once(thread)


async def test_killed_while_the_effect_is_under_way_it_is_not_tried_again_and_a_person_is_asked(
    workspace: Workspace,
    nightdesk: NightdeskFactory,
    redis_url: str,
    postgres_database: PostgresDatabase,
    slow: Slow,
    tmp_path: Path,
) -> None:
    drawings = playbooks_in(tmp_path / "playbooks", DRAIN)
    call = {"url": f"{slow.url}/drain", "effect": "The node is drained.", "service": "payments", "timeout_s": 3}
    settings = {
        "NIGHTDESK_REDIS_URL": redis_url,
        "NIGHTDESK_PLAYBOOKS_DIR": str(drawings),
        "NIGHTDESK_REMEDIATION__HTTP_CALLS": json.dumps({"drain": call}),
        **database_variables(postgres_database),
    }
    async with nightdesk(**settings) as bot:
        scene = Scene(workspace, bot, redis_url)
        incident = await scene.alert("c")
        proposal = await scene.proposal(incident)
        assert (await workspace.click(MINA.id, proposal["ts"], APPROVE)).ok
        await arrived(slow.asked)
        await bot.kill()
        assert (await scene.events(incident))[-1] == "executing"

        await bot.start()
        unknown = await scene.recorded(incident, "outcome_unknown")
        assert "ended before it could say what happened" in str(unknown.event)
        await scene.recorded(incident, "handed_over")
        await scene.told(proposal["thread_ts"], "Look at the node yourselves.")
        await scene.told(proposal["thread_ts"], "It is not tried again")
        assert slow.keys == [f"{incident}.1"]
        events = await scene.events(incident)
        assert [events.count(kind) for kind in ("executing", "outcome_unknown", "executed")] == [1, 1, 0]


async def test_its_own_redis_keeps_the_accepted_alert_over_a_kill(
    workspace: Workspace, nightdesk: NightdeskFactory, postgres_database: PostgresDatabase, queue: Queue
) -> None:
    async with nightdesk(**database_variables(postgres_database)) as bot:
        scene = Scene(workspace, bot, "")
        incident = await scene.alert("d")
        await bot.kill()  # the 202 is all that it has had time for
        await bot.start()
        proposal = await scene.proposal(incident)
        assert (await scene.workspace.click(MINA.id, proposal["ts"], APPROVE)).ok
        thread = await scene.told(proposal["thread_ts"], "Resolved after")
        assert f"Session {queue.pid} on payments-db has ended" in thread
        assert_told_once(thread)
        assert len(scene.cards()) == 1


async def test_asked_to_stop_while_a_source_never_answers_it_ends_and_the_next_process_finishes(
    workspace: Workspace,
    nightdesk: NightdeskFactory,
    redis_url: str,
    postgres_database: PostgresDatabase,
    queue: Queue,
    slow: Slow,
) -> None:
    async with Turnstile(urlsplit(slow.url).port or 0).standing() as metrics:
        settings = {
            "NIGHTDESK_REDIS_URL": redis_url,
            "NIGHTDESK_PROMETHEUS_URL": f"http://127.0.0.1:{metrics.port}",
            "NIGHTDESK_PROMETHEUS__TIMEOUT_S": "60",
            "NIGHTDESK_TRIAGE__AGENT_DEADLINE_S": "120",  # far more than a process that ends waits for
            **database_variables(postgres_database),
        }
        async with nightdesk(**settings) as bot:
            scene = Scene(workspace, bot, redis_url)
            metrics.close()
            incident = await scene.alert("e")
            await arrived(metrics.waiting)
            await scene.recorded(incident, "finding")  # the database has answered, the metrics never do
            assert await bot.stop() == 0
            assert "task.stopped" in bot.log.read_text()
            assert "proposed" not in await scene.events(incident)

            metrics.open()
            await bot.start()
            proposal = await scene.proposal(incident)
            assert (await workspace.click(MINA.id, proposal["ts"], APPROVE)).ok
            thread = await scene.told(proposal["thread_ts"], "Resolved after")
            assert f"Session {queue.pid} on payments-db has ended" in thread
            events = await scene.events(incident)
            assert [events.count(kind) for kind in ("opened", "briefed", "proposed", "executed")] == [1, 1, 1, 1]
            assert_told_once(thread)


async def test_asked_to_stop_it_ends_in_order(nightdesk: NightdeskFactory) -> None:
    async with nightdesk() as bot:
        assert await bot.stop() == 0
        assert "serve.stopped" in bot.log.read_text()
