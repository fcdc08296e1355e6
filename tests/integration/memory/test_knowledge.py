"""What is written down, what people teach, and what incidents taught."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bot.memory import MemoryManager
from bot.memory.knowledge import Synced
from bot.memory.reserved import INCIDENTS, KNOWLEDGE, TAUGHT
from tests.integration.memory.talk import NOON, incident, said


async def test_a_runbook_is_found_and_follows_its_file(memory: MemoryManager, tmp_path: Path) -> None:
    runbook = tmp_path / "ledger.md"
    runbook.write_text("# Ledger\n## Locks\nend the root blocker with zebra-kill\n")
    assert await memory.sync_knowledge(tmp_path) == Synced(1, 0, 0, 0)
    assert "root blocker" in (await memory.recall("ledger locks", channel=KNOWLEDGE))[0].message.text
    runbook.write_text("# Ledger\n## Locks\ncall the owner\n")
    assert await memory.sync_knowledge(tmp_path) == Synced(0, 1, 0, 0)
    assert await memory.recall("zebra-kill") == []
    runbook.unlink()
    assert await memory.sync_knowledge(tmp_path) == Synced(0, 0, 1, 0)
    assert await memory.recall("ledger") == []


async def test_a_file_that_did_not_change_is_left_alone(memory: MemoryManager, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\nb")
    await memory.sync_knowledge(tmp_path)
    assert await memory.sync_knowledge(tmp_path) == Synced(0, 0, 0, 1)


async def test_what_a_person_taught_has_an_author_and_a_date(memory: MemoryManager) -> None:
    await memory.teach("payments must be restarted after a certificate change", "U1", NOON)
    found = (await memory.recall("certificate change"))[0].message
    assert (found.channel, found.user, found.sent_at) == (TAUGHT, "U1", NOON)


async def test_a_correction_marks_what_it_corrects_and_both_are_shown(memory: MemoryManager) -> None:
    wrong = said("payments fails since the cache is full", -100)
    await memory.remember([wrong])
    await memory.teach("payments fails since the lock was not released, not the cache", "U1", NOON, corrects=wrong.id)
    lines = (await memory.brief(incident(), "commander", 400)).lines
    old = next(line for line in lines if line.text == wrong.text)
    assert old.superseded_by is not None
    assert "lock was not released" in old.superseded_by
    assert any(line.text.startswith("payments fails since the lock") for line in lines)


async def test_the_next_incident_of_the_same_alert_starts_with_the_last_one(memory: MemoryManager) -> None:
    await memory.remember([said(f"payments fails again, errors {number}", -number) for number in range(1, 30)])
    past = incident(minute=-3000).model_copy(update={"id": "inc-0"})
    await memory.learn(past)
    lines = (await memory.brief(incident(), "database", 300)).lines
    assert lines[0].text.startswith("Past incident inc-0")


async def test_an_earlier_incident_of_the_same_service_is_told_before_talk_that_is_nearer(
    memory: MemoryManager,
) -> None:
    await memory.remember(
        [
            said("PaymentErrors means that payments fails at the gateway", -4000, user="bo"),
            said("payments fails with PaymentErrors whenever the ledger is slow", -3900, user="cy"),
        ]
    )
    past = incident(rule="DiskFull", minute=-3000).model_copy(update={"id": "inc-0"})
    await memory.learn(past)
    lines = (await memory.brief(incident(), "database", 600)).lines
    assert lines[0].text.startswith("Past incident inc-0: DiskFull on payments")


async def test_an_incident_does_not_remember_itself(memory: MemoryManager) -> None:
    await memory.learn(incident())
    assert (await memory.brief(incident(), "database", 300)).lines == ()
    assert len(await memory.recall("payments fails", channel=INCIDENTS)) == 1


async def test_what_was_forgotten_is_not_brought_back_by_a_backfill(memory: MemoryManager) -> None:
    message = said("the ledger was locked", name="1")
    await memory.remember([message])
    await memory.forget("1", channel="C1")
    await memory.remember([message], unless_forgotten=True)
    assert await memory.recall("ledger") == []
    await memory.remember([message])
    assert len(await memory.recall("ledger")) == 1


async def test_a_channel_keeps_its_talk_for_its_days(redis_url: str) -> None:
    async with MemoryManager.open(redis_url, clock=lambda: NOON + timedelta(days=8)) as memory:
        await memory.remember([said("old"), said("new", 60 * 24 * 2), said("elsewhere", channel="C2")])
        await memory.retain("C1", 7)
        assert await memory.expire() == 1
        await memory.remember([said("old")])
        assert {each.message.text for each in await memory.recall("")} == {"new", "elsewhere"}


async def test_private_talk_stays_in_its_channel(memory: MemoryManager) -> None:
    await memory.remember([said("payments secret plan", channel="P1"), said("payments public plan")])
    await memory.keep_private("P1")
    assert [each.message.channel for each in await memory.recall("payments plan")] == ["C1"]
    assert [each.message.channel for each in await memory.recall("payments plan", channel="P1")] == ["P1"]
    assert not [line for line in (await memory.brief(incident(), "metrics", 400)).lines if "secret" in line.text]


async def test_the_live_talk_of_a_caller_is_found(memory: MemoryManager) -> None:
    await memory.remember(
        [
            said("kafka lag is growing", 0, user="ana"),
            said("invoices went out twice", 1, user="cho"),
            said("ana: is a consumer stuck?", 2, user="ben"),
            said("cho: did cron run twice?", 3, user="dan"),
        ]
    )
    found = await memory.talk(said("any idea?", 4, user="ana"), limit=2)
    assert {each.message.user for each in found} == {"ana", "ben"}
