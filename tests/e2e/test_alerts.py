"""Alerts of several senders in one night: what joins what and why, what a person puts right, what is kept quiet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from bot.demo.workspace import MINA, Workspace
from bot.slack.views.regroup import CHOICE, MENU, alert_key
from tests.e2e.scene import WITHIN_S, Scene
from tests.servers.nightdesk import CHANNEL, TOKEN, nightdesk_running
from tests.servers.storm import services

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def night(redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A bot that knows five chains of services, one for each test."""
    async with Redis.from_url(redis_server) as redis:
        await redis.flushall()
    folder, workspace = tmp_path_factory.mktemp("night"), Workspace()
    catalogue = folder / "chains.yaml"
    catalogue.write_text(services())
    settings = {"NIGHTDESK_REDIS_URL": redis_server, "NIGHTDESK_SERVICES_FILE": str(catalogue)}
    async with workspace.serving(), nightdesk_running(folder / "bot", workspace, **settings) as bot:
        yield Scene(workspace, bot, redis_server)


def card_about(scene: Scene, service: str) -> str | None:
    """The `ts` of the card of an incident of the service, if there is one."""
    return next((card["ts"] for card in scene.cards() if service in str(card["blocks"])), None)


async def told(scene: Scene, service: str, name: str, *, status: str = "firing", second: int = 0) -> tuple[str, str]:
    """Alertmanager tells of one alert, in a group of its own; its outcome and its incident."""
    at = datetime(2026, 3, 14, 2, 57, second, tzinfo=UTC).isoformat()
    alert = {
        "status": status,
        "labels": {"alertname": name, "service": service, "severity": "critical"},
        "startsAt": at,
        "endsAt": at if status == "resolved" else "0001-01-01T00:00:00Z",
        "fingerprint": f"{service}/{name}",
    }
    body = {"version": "4", "groupKey": f"{service}/{name}", "status": status, "alerts": [alert]}
    async with httpx.AsyncClient(timeout=WITHIN_S, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = await client.post(f"{scene.bot.url}/alerts/alertmanager", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    [receipt] = answer.json()["incidents"]
    return receipt["outcome"], receipt["incident_id"]


async def chosen(scene: Scene, ts: str, wish: str, choice: str) -> None:
    """Mina opens the card's menu, and picks one of what the dialog offers."""
    await scene.workspace.wait_for(lambda: wish in str(scene.replies(ts)[0]["blocks"]), within_s=WITHIN_S, what=wish)
    assert (await scene.workspace.click(MINA.id, ts, MENU, wish)).ok
    modal: dict[str, Any] = await scene.workspace.wait_for(
        lambda: next(iter(scene.workspace.modals(MINA.id)), None), within_s=WITHIN_S, what="the dialog"
    )
    assert (await scene.workspace.submit(MINA.id, modal["id"], {CHOICE: choice})).ok


async def test_what_was_joined_is_explained_split_off_and_merged_again(night: Scene) -> None:
    outcome, first = await told(night, "c0-s0", "StoreDown")
    assert outcome == "opened"
    assert await told(night, "c0-s1", "Slow") == ("joined", first)
    assert await told(night, "c0-s1", "Slow") == ("duplicate", first)
    card = await night.card(first)
    await night.told(card, "c0-s1 depends on c0-s0")

    slow = (await night.incident(first)).alerts[1]
    await chosen(night, card, f"split:{first}", alert_key(slow))
    left = (await night.recorded(first, "alert_left")).event
    assert left.kind == "alert_left"
    assert left.actor == MINA.id
    second = await night.card(left.to)
    assert await told(night, "c0-s1", "Slow", second=1) == ("joined", left.to)

    await chosen(night, second, f"merge:{left.to}", first)
    assert await night.recorded(left.to, "resolved")
    assert await told(night, "c0-s1", "Slow", second=2) == ("joined", first)


async def test_a_silence_keeps_quiet_until_it_is_ended(night: Scene) -> None:
    said = await night.workspace.command(MINA.id, CHANNEL, "/nightdesk", "silence 2h service=c1-s0 because we migrate")
    name = said.json["text"].split()[2]
    assert await told(night, "c1-s0", "StoreDown") == ("silenced", "")
    listed = await night.workspace.command(MINA.id, CHANNEL, "/nightdesk", "silences")
    assert "service=c1-s0" in listed.json["text"]
    assert "because we migrate" in listed.json["text"]
    assert card_about(night, "c1-s0") is None

    await night.workspace.command(MINA.id, CHANNEL, "/nightdesk", f"unsilence {name}")
    await night.workspace.wait_for(lambda: card_about(night, "c1-s0"), within_s=WITHIN_S, what="a card")


async def test_an_alert_that_comes_and_goes_is_damped_and_it_is_said_so(night: Scene) -> None:
    _, incident = await told(night, "c2-s0", "Flaps")
    for second, status in enumerate(("resolved", "firing", "resolved", "firing"), start=1):
        await told(night, "c2-s0", "Flaps", status=status, second=second)
    events = [recorded.event for recorded in (await night.incident(incident)).history]
    assert [event for event in events if event.kind == "note" and event.text.startswith("Flaps is flapping")]
    assert (await told(night, "c2-s0", "Flaps", status="resolved", second=5))[0] == "joined"


async def test_what_another_bot_posts_is_an_alert_too(night: Scene) -> None:
    attachment = {"title": "[FIRING:1] StoreDown", "text": "*Service:* c3-s0", "color": "danger"}
    await night.workspace.announce("Alertmanager", CHANNEL, "", attachments=[attachment])
    await night.workspace.wait_for(lambda: card_about(night, "c3-s0"), within_s=WITHIN_S, what="a card")
