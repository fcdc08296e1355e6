"""What is said in the channel."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.catalog import Catalog
from bot.changes.announced import Announced
from bot.changes.change import Change
from bot.models import Message
from tests.unit.changes.outside import ONSET, SPAN

CATALOG = Catalog.model_validate(
    {"services": {"payments": {"channel": "C1", "aliases": ["scan-to-pay"]}, "stock": {}}}
)  # fmt: skip


def said(text: str, **fields: Any) -> Message:
    given = {"id": "1", "channel": "C1", "user": "tom", "text": text, "sent_at": ONSET - timedelta(minutes=9)}
    return Message.model_validate(given | fields)


async def hear(*messages: Message) -> list[Change]:
    async def heard(channel: str | None, since: datetime, until: datetime) -> list[Message]:
        assert (channel, since, until) == ("C1", SPAN.start, SPAN.end)
        return list(messages)

    return list((await Announced(heard, CATALOG).changes(SPAN, ["payments", "stock"])).changes)


@pytest.mark.parametrize(
    "text",
    ["Deployed payments 4.2", "rolling out the new gateway", "Rolled back to 4.1", "migration 0042 is running",
     "flipped FEATURE FLAG fast-pay", "upgraded Postgres", "scaled payments to 6", "已部署 4.2", "回滚到 4.1"],
)  # fmt: skip
async def test_an_announcement_is_a_change(text: str) -> None:
    assert len(await hear(said(text))) == 1


@pytest.mark.parametrize(
    "text", ["lunch?", "the employees like it", "a configurable thing", "scaling is hard", "which release is it?",
             "is the config right?", "please restart your laptop"],
)  # fmt: skip
async def test_talk_is_no_change(text: str) -> None:
    assert await hear(said(text)) == []


async def test_a_deploy_bots_message_is_read_for_service_versions_and_author() -> None:
    (change,) = await hear(said("Scan-to-pay v4.2.1 → v4.3.0 deployed by @mina", permalink="https://s/1"))
    assert (change.service, change.before, change.after, change.who) == ("payments", "v4.2.1", "v4.3.0", "mina")
    assert (change.url, change.details) == ("https://s/1", ("Scan-to-pay v4.2.1 → v4.3.0 deployed by @mina",))


async def test_a_service_of_another_name_is_not_taken_for_the_channels_own() -> None:
    assert [change.service for change in await hear(said("deployed stock 7.1"), said("deployed it", id="2"))] == [
        "stock", "payments",
    ]  # fmt: skip


async def test_a_channel_where_everything_is_announced_is_read_too_and_is_nobodys_own() -> None:
    asked: list[str | None] = []

    async def heard(channel: str | None, since: datetime, until: datetime) -> list[Message]:
        asked.append(channel)
        own = channel == "C1"
        return [said("deployed it") if own else said("deployed it").model_copy(update={"id": "2", "channel": "C9"})]

    source = Announced(heard, CATALOG, ["C9", "C1"])
    found = (await source.changes(SPAN, ["payments"])).changes
    assert asked == ["C1", "C9"]
    assert [change.service for change in found] == ["payments", None]
