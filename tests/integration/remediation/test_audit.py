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


async def laid(gate: Gate) -> list[dict[str, Any]]:
    """The entries as they lie in the stream."""
    return [json.loads(fields["entry"]) for _, fields in await stream(gate)]


async def relay(gate: Gate, entries: list[dict[str, Any]]) -> None:
    """The stream made anew from these entries, as somebody who can write to Redis could."""
    await gate.redis.delete(CHAIN)
    for entry in entries:
        await gate.redis.xadd(CHAIN, {"entry": json.dumps(entry)})


async def rewrite(gate: Gate, place: int, change: dict[str, Any]) -> None:
    """Change one entry where it lies."""
    entries = await laid(gate)
    entries[place].update(change)
    await relay(gate, entries)


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


@pytest.mark.parametrize("order", [(1, 0, 2, 3), (0, 2, 1, 3), (0, 1, 3, 2), (3, 2, 1, 0)])
async def test_entries_that_were_moved_are_found_out(gate: Gate, audit: Audit, order: tuple[int, ...]) -> None:
    entries = await laid(gate)
    await relay(gate, [entries[place] for place in order])
    with pytest.raises(Torn, match="taken out"):
        await audit.verify()


async def test_entries_that_were_moved_and_numbered_anew_are_found_out(gate: Gate, audit: Audit) -> None:
    """The approval is laid before the proposal, with the right numbers and hashes of their own."""
    entries = await laid(gate)
    entries[0], entries[1] = entries[1], entries[0]
    for number, entry in enumerate(entries[:2], 1):
        entry["number"] = number
        entry["hash"] = audit.hash_of(Entry.model_validate(entry))
    await relay(gate, entries)
    with pytest.raises(Torn, match="Entry 1 is not the beginning of a trail"):
        await audit.verify()


@pytest.mark.parametrize("place", [0, 2, 4])
async def test_an_entry_that_was_put_in_is_found_out(gate: Gate, audit: Audit, place: int) -> None:
    """An approval by another person, hashed as it should be, between those that are true."""
    entries = await laid(gate)
    before = entries[place - 1]["hash"] if place else entries[0]["before"]
    forged = {**entries[1], "who": "UEVE", "number": place + 1, "before": before}
    forged["hash"] = audit.hash_of(Entry.model_validate(forged))
    await relay(gate, [*entries[:place], forged, *entries[place:]])
    with pytest.raises(Torn, match=r"put in or moved|put there, or changed|something was added"):
        await audit.verify()


async def test_an_entry_that_was_laid_twice_is_found_out(gate: Gate, audit: Audit) -> None:
    entries = await laid(gate)
    await relay(gate, [*entries[:2], *entries[1:]])
    with pytest.raises(Torn, match="After entry 2 comes 2"):
        await audit.verify()


@pytest.mark.parametrize("first", [1, 2, 3])
async def test_a_trail_that_lost_its_beginning_is_found_out(gate: Gate, audit: Audit, first: int) -> None:
    """As a stream that Redis was told to trim would."""
    await relay(gate, (await laid(gate))[first:])
    with pytest.raises(Torn, match=f"begins with entry {first + 1}: what was before"):
        await audit.verify()


async def test_a_trail_that_is_gone_is_not_an_empty_one(gate: Gate, audit: Audit) -> None:
    await gate.redis.delete(CHAIN)
    with pytest.raises(Torn, match="should end at entry 4"):
        await audit.verify()


@pytest.mark.parametrize(("field", "value"), [("number", "9"), ("hash", "0" * 64), ("number", "3")])
async def test_a_head_that_was_changed_is_found_out(gate: Gate, audit: Audit, field: str, value: str) -> None:
    await gate.redis.hset(HEAD, field, value)
    with pytest.raises(Torn, match="should end at entry"):
        await audit.verify()


@pytest.mark.parametrize("key", [None, SecretStr("executor's own")])
async def test_a_tail_that_was_cut_off_with_its_head_shows_against_an_export_alone(
    gate: Gate, key: SecretStr | None
) -> None:
    """What is left is sound in itself, with a key too: only what was kept elsewhere knows that there was more."""
    audit = Audit(gate.redis, key)
    await audit.take(INCIDENT, await gate.journal.history(INCIDENT))
    export = [entry.model_dump_json() for entry in await trail(audit)]
    entries = await laid(gate)
    await relay(gate, entries[:2])
    await gate.redis.hset(HEAD, mapping={"number": "2", "hash": entries[1]["hash"]})
    assert await audit.verify()
    with pytest.raises(Torn, match="ends at entry 2, but the export knows 4: its end was cut off"):
        await audit.verify(export)


@pytest.mark.parametrize("order", [(1, 0, 2, 3), (0, 2, 1, 3), (1, 2, 3), (0, 0, 1, 2, 3)])
async def test_an_export_whose_lines_were_moved_lost_or_laid_twice_proves_nothing(
    gate: Gate, audit: Audit, order: tuple[int, ...]
) -> None:
    lines = [entry.model_dump_json() for entry in await trail(audit)]
    with pytest.raises(Torn, match="The export itself was changed"):
        await audit.verify([lines[place] for place in order])


async def test_an_export_of_another_trail_is_told_from_this_one(gate: Gate, audit: Audit) -> None:
    lines = [entry.model_dump_json() for entry in await trail(audit)]
    await gate.redis.delete(CHAIN, HEAD)
    await audit.say("granted:S-1", NOW, "UANN", "standing_granted", {"id": "S-1"})
    await audit.take(INCIDENT, await gate.journal.history(INCIDENT))
    with pytest.raises(Torn, match="Entry 4 is not the one that was exported"):
        await audit.verify(lines)


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
