"""The report on what is stored: each incident once, and what is gone or undecided is no crash and no figure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio.connection import AbstractConnection

from bot.incidents import Journal
from bot.incidents.journal import CLOSED, OPEN, history_key
from bot.llm.chat import ChatRequest, Said, Spender
from bot.llm.door import model_of
from bot.models import Opened, Proposed, Resolved
from bot.report import measure, report
from bot.settings import Settings
from bot.storage import connect
from tests.servers.model import Says, ScriptedModel
from tests.unit.work.histories import ID, after, alert, incident, opened, proposal, to_verified


async def test_what_the_index_names_twice_or_in_vain_is_counted_as_it_is(redis_url: str) -> None:
    now = datetime.now(UTC)
    async with connect(redis_url) as redis:
        journal = Journal(redis)
        await journal.append(ID, Opened(at=now, alert=alert()))
        await journal.append(ID, Resolved(at=now, reason="over"))
        await redis.zadd(OPEN, {ID: now.timestamp(), "260301-NOTYET": now.timestamp()})
        await redis.zadd(CLOSED, {"250101-GONE": now.timestamp()})
    told: list[str] = []
    await report(Settings.model_validate({"redis_url": redis_url}), days=30, as_json=True, out=told.append)
    assert json.loads("".join(told))["incidents"] == 1


async def test_many_incidents_are_read_in_few_round_trips(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    async with connect(redis_url) as redis:
        journal = Journal(redis)
        for number in range(250):
            await journal.append(f"260301-{number}", Opened(at=now, alert=alert()))
        await redis.xadd(history_key("260301-7"), {"phase": "investigating", "event": '{"kind": "of a newer version"}'})
    sent: list[object] = []
    send = AbstractConnection.send_packed_command

    async def counted(connection: AbstractConnection, *given: Any, **more: Any) -> None:
        sent.append(connection)
        await send(connection, *given, **more)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", counted)
    told: list[str] = []
    await report(Settings.model_validate({"redis_url": redis_url}), days=30, as_json=True, out=told.append)
    assert json.loads("".join(told))["incidents"] == 249
    assert len(sent) < 20


async def test_incidents_that_are_read_together_are_those_that_are_read_one_by_one(redis_url: str) -> None:
    async with connect(redis_url) as redis:
        journal = Journal(redis)
        for number in range(3):
            await journal.append(f"260301-{number}", Opened(at=after(0), alert=alert()))
        await journal.append("260301-1", Resolved(at=after(60), reason="over"))
        await journal.read("260301-0")
        asked = ["260301-1", "260301-NONE", "260301-0", "260301-2"]
        together = [one async for one in Journal(redis).incidents(asked)]
        assert together == [await journal.read(one) for one in asked if one != "260301-NONE"]
        assert [one async for one in journal.incidents(asked)] == together


def test_a_decision_is_measured_from_its_own_proposal() -> None:
    """The first was approved after 12 seconds and did not help; the second waits."""
    second = Proposed(at=after(100), proposal=proposal(id=f"{ID}.2"))
    waits = incident(*to_verified(recovered=False), second)
    assert measure([waits], 30, "UTC").proposal_to_decision_s == 12.0
    assert measure([incident(opened())], 30, "UTC").proposal_to_decision_s is None


async def test_what_a_model_was_paid_is_read_though_none_is_configured_any_more(
    redis_url: str, scripted_model: ScriptedModel
) -> None:
    now = datetime.now(UTC)
    scripted_model.script = lambda _: Says("Hello.", usage=(700, 60))
    prices = {"scripted": {"prompt": 10, "completion": 50}}
    async with (
        connect(redis_url) as redis,
        model_of(scripted_model.settings(prices=prices), redis, lambda: now) as door,
    ):
        assert door
        await Journal(redis).append(ID, Opened(at=now, alert=alert()))
        question = ChatRequest(role="answer", said=(Said(role="user", text="Hello?"),), max_tokens=50)
        await door.ask(question, Spender(incident=ID, channel=None))
    told: list[str] = []
    await report(Settings.model_validate({"redis_url": redis_url}), days=30, as_json=False, out=told.append)
    assert "760 tokens, 0.01 USD, for 1 triage" in "".join(told)
