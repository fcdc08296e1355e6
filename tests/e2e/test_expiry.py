"""A proposal that nobody decides on."""

from __future__ import annotations

from bot.demo.workspace import Workspace
from bot.slack.views.proposal import APPROVE, REJECT
from tests.e2e.scene import Scene, buttons, database_variables
from tests.servers.nightdesk import NightdeskFactory
from tests.servers.postgres import PostgresDatabase


async def test_it_expires_without_effect_and_the_drawing_pages_the_dba(
    workspace: Workspace, nightdesk: NightdeskFactory, redis_url: str, postgres_database: PostgresDatabase
) -> None:
    hasty = {"NIGHTDESK_REDIS_URL": redis_url, "NIGHTDESK_REMEDIATION__EXPIRES_S": "2"}
    async with (
        postgres_database.queue(4) as lock,
        nightdesk(**hasty, **database_variables(postgres_database)) as bot,
    ):
        scene = Scene(workspace, bot, redis_url)
        incident = await scene.alert("expired")
        card = await scene.card(incident)
        thread = await scene.told(card, "Paging the payments DBA")
        assert "nobody decided in time. Nothing was changed." in thread
        assert not any({APPROVE, REJECT} & buttons(message).keys() for message in scene.replies(card))
        assert not {"approved", "rejected", "executing"} & set(await scene.events(incident))
        assert (await scene.incident(incident)).phase == "handed over"
        assert await (await lock.root.execute("SELECT pg_backend_pid()")).fetchone() == (lock.pid,)
