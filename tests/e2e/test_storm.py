"""`kill -9` of the bot, or of its Redis, in the middle of a storm: every alert that was acknowledged is there."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from bot.demo.workspace import Workspace
from tests.e2e.scene import WITHIN_S
from tests.servers.nightdesk import CHANNEL, NightdeskFactory
from tests.servers.process import free_port, wait_until
from tests.servers.redis import always_on_disk
from tests.servers.storm import Sender, bodies, counted, services

STORM = list(bodies(1_200, 100))


@pytest.fixture
def catalogue(tmp_path: Path) -> str:
    file = tmp_path / "storm.yaml"
    file.write_text(services())
    return str(file)


async def half_way(sender: Sender) -> None:
    async def there() -> bool:
        return sender.acknowledged > 400

    await wait_until(there, within_s=WITHIN_S, what="the middle of the storm")


def threads(workspace: Workspace) -> int:
    """Cards in the channel."""
    said = workspace.messages(CHANNEL)
    return sum("Everything else is in the thread." in str(message.get("blocks")) for message in said)


async def test_the_bot_is_killed_and_no_acknowledged_alert_is_lost(
    workspace: Workspace, nightdesk: NightdeskFactory, redis_url: str, catalogue: str
) -> None:
    async with nightdesk(NIGHTDESK_REDIS_URL=redis_url, NIGHTDESK_SERVICES_FILE=catalogue) as bot:
        sender = Sender(int(bot.url.rpartition(":")[2]))
        sending = asyncio.create_task(sender.send(STORM))
        await half_way(sender)
        await bot.kill()
        await bot.start()
        await asyncio.wait_for(sending, WITHIN_S)
        count = await counted(redis_url)
        assert sender.acknowledged == sum(body.alerts for body in STORM)
        assert count.alerts >= sender.acknowledged
        assert (count.fingerprints, count.incidents) == (100, 5)
        await workspace.wait_for(lambda: threads(workspace) == 5, within_s=WITHIN_S, what="five cards")


async def test_redis_is_killed_and_no_acknowledged_alert_is_lost(
    workspace: Workspace, nightdesk: NightdeskFactory, tmp_path: Path, catalogue: str
) -> None:
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    with always_on_disk(port, tmp_path) as redis:
        async with nightdesk(NIGHTDESK_REDIS_URL=url, NIGHTDESK_SERVICES_FILE=catalogue) as bot:
            sender = Sender(int(bot.url.rpartition(":")[2]))
            sending = asyncio.create_task(sender.send(STORM))
            await half_way(sender)
            redis.send_signal(signal.SIGKILL)
            redis.wait()
            with always_on_disk(port, tmp_path):
                await asyncio.wait_for(sending, WITHIN_S)
                count = await counted(url)
                await bot.stop()
    assert sender.acknowledged == sum(body.alerts for body in STORM)
    assert count.alerts >= sender.acknowledged
    assert (count.fingerprints, count.incidents) == (100, 5)
