"""Carrying out: only what was approved, at most once, and an honest record of every doubt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.errors import EffectFailed, EffectUnknown, PreconditionFailed
from bot.models import Executing, Phase
from bot.remediation.execution import PREPARING_S
from tests.integration.remediation.gate import INCIDENT, PROPOSAL, Gate, open_gate
from tests.servers.process import wait_until


@pytest.fixture
async def gate(redis_url: str) -> AsyncIterator[Gate]:
    async with open_gate(redis_url) as gate:
        proposal = await gate.propose()
        await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN")
        yield gate


async def test_an_approved_action_runs_and_says_what_it_did(gate: Gate) -> None:
    assert await gate.execution().run(PROPOSAL) is None
    assert (await gate.kinds())[-2:] == ["executing", "executed"]
    assert ((await gate.incident()).phase, await gate.effects()) == (Phase.VERIFYING, 1)


async def test_delivering_the_task_again_does_nothing(gate: Gate) -> None:
    for _ in range(3):
        await gate.execution().run(PROPOSAL)
    assert await gate.effects() == 1


async def test_ten_workers_at_once_act_once(gate: Gate) -> None:
    await asyncio.gather(*(gate.execution(f"worker-{number}").run(PROPOSAL) for number in range(10)))
    assert (await gate.effects(), (await gate.kinds()).count("executing")) == (1, 1)
    assert (await gate.incident()).phase is Phase.VERIFYING


async def test_without_an_approval_nothing_runs(redis_url: str) -> None:
    async with open_gate(redis_url) as gate:
        await gate.propose()
        await gate.execution().run(PROPOSAL)
        assert (await gate.effects(), await gate.kinds()) == (0, ["opened", "proposed"])


async def test_a_changed_world_stops_it_and_says_why(gate: Gate) -> None:
    gate.action.refuses = PreconditionFailed("the backend is gone")
    await gate.execution().run(PROPOSAL)
    event = (await gate.incident()).last("not_executed")
    assert event
    assert event.event.kind == "not_executed"
    assert event.event.reason == "the backend is gone"
    assert await gate.effects() == 0


async def test_a_refusal_of_the_target_is_no_doubt(gate: Gate) -> None:
    gate.action.breaks = EffectFailed("permission denied")
    await gate.execution().run(PROPOSAL)
    assert (await gate.kinds())[-1] == "not_executed"


@pytest.mark.parametrize("error", [EffectUnknown("no answer"), RuntimeError("boom")])
async def test_whatever_else_goes_wrong_is_a_doubt_and_is_quarantined(gate: Gate, error: Exception) -> None:
    gate.action.breaks = error
    await gate.execution().run(PROPOSAL)
    incident = await gate.incident()
    unknown = incident.last("outcome_unknown")
    assert unknown
    assert unknown.event.kind == "outcome_unknown"
    assert unknown.event.quarantined_until > gate.now
    gate.action.breaks = None
    await gate.execution().run(PROPOSAL)
    assert await gate.effects() == 0


async def test_a_run_that_died_in_the_middle_is_never_repeated(gate: Gate) -> None:
    executing = Executing(at=gate.now, proposal_id=PROPOSAL, owner="the dead one")
    await gate.journal.append(INCIDENT, executing)
    await gate.execution("the next one").run(PROPOSAL)
    assert ((await gate.kinds())[-1], await gate.effects()) == ("outcome_unknown", 0)


async def test_while_another_run_may_still_act_the_next_one_waits(gate: Gate) -> None:
    gate.action.hold = asyncio.Event()
    first = asyncio.create_task(gate.execution("first").run(PROPOSAL))
    await gate.action.started.wait()
    look_again_s = await gate.execution("second").run(PROPOSAL)
    assert look_again_s
    assert PREPARING_S / 10 < look_again_s <= gate.action.timeout + PREPARING_S
    gate.action.hold.set()
    await first
    assert (await gate.effects(), (await gate.incident()).phase) == (1, Phase.VERIFYING)


async def test_two_incidents_never_act_on_one_target_at_once(gate: Gate) -> None:
    gate.action.hold = asyncio.Event()
    first = asyncio.create_task(gate.execution("first").run(PROPOSAL))
    await gate.action.started.wait()
    locks = [key async for key in gate.redis.scan_iter("nd:target:*")]
    assert len(locks) == 1
    gate.action.hold.set()
    await first

    async def free() -> bool:
        return not [key async for key in gate.redis.scan_iter("nd:target:*")]

    await wait_until(free, what="the release of the target")


async def test_no_answer_within_its_timeout_is_a_doubt(redis_url: str) -> None:
    async with open_gate(redis_url) as gate:
        gate.action.hold = asyncio.Event()
        proposal = await gate.propose(timeout_s=0.2)
        await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN")
        await gate.execution().run(PROPOSAL)
        assert (await gate.kinds())[-1] == "outcome_unknown"
