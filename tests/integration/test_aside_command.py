"""`nightdesk alert aside`, as a person reads it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from bot.aside_command import aside
from bot.incidents.aside import SPOOL
from bot.incidents.spool import Spool
from bot.models import Alert, AlertStatus
from bot.settings import Settings
from bot.storage import connect

SLOW = Alert(source="alertmanager", name="Slow", status=AlertStatus.FIRING, fingerprint="f")


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> Settings:
    return Settings(redis_url=SecretStr(redis_url), data_dir=tmp_path)


async def said(settings: Settings, *, again: bool = False) -> list[str]:
    lines: list[str] = []
    await aside(settings, lines.append, again=again)
    return "\n".join(lines).splitlines()


async def put_aside(redis: Redis) -> None:
    moment = int(datetime(2026, 3, 1, 3, 12, tzinfo=UTC).timestamp() * 1000)
    for number, alert in enumerate((SLOW.model_dump_json(), "{}")):
        await redis.xadd(SPOOL, {"ticket": "", "alert": alert}, id=f"{moment}-{number}")
    await Spool(redis).aside.put([f"{moment}-0"], "Redis refuses it: WRONGTYPE")
    await Spool(redis).aside.put([f"{moment}-1"], "this version cannot read it")


async def test_each_is_told_with_its_moment_and_reason(settings: Settings, redis_url: str) -> None:
    async with connect(redis_url) as redis:
        await put_aside(redis)
    assert await said(settings) == [
        "2026-03-01 03:12:00 UTC  alertmanager: Slow, firing  (Redis refuses it: WRONGTYPE)",
        "2026-03-01 03:12:00 UTC  this version cannot read it  (this version cannot read it)",
    ]


async def test_they_go_back_to_be_sorted_as_they_were(settings: Settings, redis_url: str) -> None:
    async with connect(redis_url) as redis:
        await put_aside(redis)
        assert await said(settings, again=True) == ["2 alerts will be sorted again, by whoever serves."]
        assert [one.alert for one in await Spool(redis).read(10, wait_ms=1)] == [SLOW]
    assert await said(settings, again=True) == ["1 alert will be sorted again, by whoever serves."]


async def test_without_any_it_says_so(settings: Settings, tmp_path: Path) -> None:
    assert await said(settings) == ["No alert is kept aside."]
    assert await said(Settings(data_dir=tmp_path / "never used")) == ["No alert is kept aside."]
