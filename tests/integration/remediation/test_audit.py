"""The audit trail: complete, in order, once each; and whoever changes it is found out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from pydantic import SecretStr

from bot.remediation.audit import CHAIN, HEAD, Audit, Entry, Torn
from tests.integration.remediation.gate import INCIDENT, NOW, PROPOSAL, Gate, open_gate


@pytest.fixture
async def gate(redis_url: str) -> AsyncIterator[Gate]:
    """An incident whose proposal was approved and carried out."""
    async with open_gate(redis_url) as gate:
        proposal = await gate.propose()
        await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN", "month end is over")
        await gate.execution().run(PROPOSAL)
        yield gate


@pytest.fixture
async def audit(gate: Gate) -> Audit:
    audit = Audit(gate.redis)
    await audit.take(INCIDENT, await gate.journal.history(INCIDENT))
    return audit


async def trail(audit: Audit) -> list[Entry]:
    return [entry async for entry in audit.entries()]


async def stream(gate: Gate) -> list[tuple[str, dict[str, str]]]:
    return cast("list[tuple[str, dict[str, str]]]", await gate.redis.xrange(CHAIN))


async def rewrite(gate: Gate, place: int, change: dict[str, Any]) -> None:
    """Change one entry where it lies, as somebody who can write to Redis could: the stream is made anew."""
    entries = [json.loads(fields["entry"]) for _, fields in await stream(gate)]
    entries[place].update(change)
    await gate.redis.delete(CHAIN)
    for entry in entries:
        await gate.redis.xadd(CHAIN, {"entry": json.dumps(entry)})


async def test_it_says_who_did_what_on_what_was_shown_and_what_came_of_it(gate: Gate, audit: Audit) -> None:
    entries = await trail(audit)
    assert [entry.what for entry in entries] == ["proposed", "approved", "executing", "executed"]
    proposed, approved, _, executed = entries
    proposal = (await gate.incident()).proposal
    assert proposal
    assert proposed.shown == proposal.model_dump(mode="json")
    assert (approved.who, approved.digest, approved.proposal_id) == ("UANN", proposal.digest, PROPOSAL)
    assert approved.content["reason"] == "month end is over"
    assert executed.content == {"outcome": "a row was written"}


async def test_taking_it_again_and_from_ten_places_at_once_adds_nothing_twice(gate: Gate) -> None:
    history = await gate.journal.history(INCIDENT)
    added = await asyncio.gather(*(Audit(gate.redis).take(INCIDENT, history) for _ in range(10)))
    assert sum(added) == 4
    latest = await Audit(gate.redis).verify()
    assert latest
    assert latest.number == 4


@pytest.mark.parametrize("change", [{"who": "UEVE"}, {"digest": "0" * 64}, {"at": "2026-01-01T00:00:00Z"}])
async def test_a_changed_entry_is_named(gate: Gate, audit: Audit, change: dict[str, Any]) -> None:
    await rewrite(gate, 1, change)
    with pytest.raises(Torn, match=r"Entry 2 .* was changed"):
        await audit.verify()


async def test_whoever_mends_the_hash_of_a_changed_entry_breaks_the_next_one(gate: Gate, audit: Audit) -> None:
    entry = (await trail(audit))[1].model_copy(update={"who": "UEVE"})
    await rewrite(gate, 1, {"who": "UEVE", "hash": audit.hash_of(entry)})
    with pytest.raises(Torn, match="Entry 3 does not follow entry 2"):
        await audit.verify()


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_an_entry_that_was_taken_out_leaves_a_gap(gate: Gate, audit: Audit, place: int) -> None:
    await gate.redis.xdel(CHAIN, (await stream(gate))[place][0])
    with pytest.raises(Torn, match="taken out"):
        await audit.verify()


async def test_a_tail_that_was_cut_off_shows_at_the_head(gate: Gate, audit: Audit) -> None:
    await gate.redis.xdel(CHAIN, (await stream(gate))[-1][0])
    with pytest.raises(Torn, match="should end at entry 4"):
        await audit.verify()


async def test_a_trail_that_was_written_anew_with_its_head_shows_against_an_earlier_export(
    gate: Gate, audit: Audit
) -> None:
    export = [entry.model_dump_json() for entry in await trail(audit)]
    await gate.redis.delete(CHAIN, HEAD)
    history = await gate.journal.history(INCIDENT)
    await audit.take(INCIDENT, history[:3])
    assert await audit.verify()  # by itself it looks sound
    with pytest.raises(Torn, match="its end was cut off"):
        await audit.verify(export)
    await audit.take(INCIDENT, history)
    assert await audit.verify(export)


async def test_an_export_that_was_changed_itself_is_not_compared_by_its_end_alone(gate: Gate, audit: Audit) -> None:
    export = [entry.model_dump_json() for entry in await trail(audit)]
    forged = [line.replace('"who":"UANN"', '"who":"UEVE"') for line in export]
    assert forged != export
    with pytest.raises(Torn, match=r"The export itself was changed: Entry 2"):
        await audit.verify(forged)
    with pytest.raises(Torn, match="The export itself was changed: After entry 1 comes 3"):
        await audit.verify([export[0], *export[2:]])


async def test_without_the_key_nobody_can_write_a_trail_that_verifies(gate: Gate) -> None:
    history = await gate.journal.history(INCIDENT)
    await Audit(gate.redis).take(INCIDENT, history)  # the forger knows all but the key
    with pytest.raises(Torn, match="the key is another one"):
        await Audit(gate.redis, SecretStr("executor's own")).verify()
    await gate.redis.delete(CHAIN, HEAD)
    sealed = Audit(gate.redis, SecretStr("executor's own"))
    await sealed.take(INCIDENT, history)
    assert await sealed.verify()


async def test_something_else_in_the_stream_is_told(gate: Gate, audit: Audit) -> None:
    await gate.redis.xadd(CHAIN, {"entry": "approved by everybody"})
    with pytest.raises(Torn, match="cannot be read"):
        await audit.verify()


async def test_what_belongs_to_no_incident_is_kept_once(gate: Gate, audit: Audit) -> None:
    for _ in range(2):
        await audit.say("granted:S-1", NOW, "UANN", "standing_granted", {"id": "S-1"})
    assert [entry.what for entry in await trail(audit)].count("standing_granted") == 1
    assert await audit.verify()


async def test_an_empty_trail_is_sound(redis_url: str) -> None:
    async with open_gate(redis_url) as gate:
        assert await Audit(gate.redis).verify() is None
