"""Two processes: a worker that hears and looks, and an executor that alone can change the database."""

from __future__ import annotations

from pathlib import Path

import httpx

from bot.demo.scenario import ACTION_DSN_ENV, DSN_ENV
from bot.demo.workspace import MINA, Workspace
from bot.models import Executing
from bot.slack.views.proposal import APPROVE
from tests.e2e.scene import Scene
from tests.servers.nightdesk import nightdesk_running
from tests.servers.postgres import PostgresDatabase


async def test_a_worker_without_credentials_and_an_executor_without_doors_do_the_job_together(
    workspace: Workspace, redis_url: str, postgres_database: PostgresDatabase, tmp_path: Path
) -> None:
    both = {"NIGHTDESK_REDIS_URL": redis_url, DSN_ENV: postgres_database.reader.get_secret_value()}
    actor = {ACTION_DSN_ENV: postgres_database.actor.get_secret_value()}
    async with (
        postgres_database.queue(4),
        nightdesk_running(tmp_path / "executor", workspace, NIGHTDESK_ROLE="executor", **both, **actor) as executor,
        nightdesk_running(tmp_path / "worker", workspace, NIGHTDESK_ROLE="worker", **both) as worker,
    ):
        scene = Scene(workspace, worker, redis_url)
        incident = await scene.alert("roles")
        proposal = await scene.proposal(incident)
        assert (await workspace.click(MINA.id, proposal["ts"], APPROVE)).ok
        executing = (await scene.recorded(incident, "executing")).event
        assert isinstance(executing, Executing)
        assert executing.owner.endswith(f":{executor.pid}")
        await scene.recorded(incident, "verified")
        events = await scene.events(incident)
        assert [events.count(kind) for kind in ("proposed", "approved", "executed")] == [1, 1, 1]

        async with httpx.AsyncClient(trust_env=False) as client:
            for door in ("/alerts/alertmanager", "/slack/events"):
                assert (await client.post(f"{executor.url}{door}", json={})).status_code == 404
            assert (await client.get(f"{executor.url}/healthz")).status_code == 200


async def test_a_worker_that_holds_the_credential_of_an_action_does_not_start(
    workspace: Workspace, redis_url: str, postgres_database: PostgresDatabase, tmp_path: Path
) -> None:
    held = {ACTION_DSN_ENV: postgres_database.actor.get_secret_value(), "NIGHTDESK_REDIS_URL": redis_url}
    refused = ""
    try:
        async with nightdesk_running(tmp_path / "worker", workspace, NIGHTDESK_ROLE="worker", **held):
            pass
    except AssertionError as error:
        refused = str(error)
    assert "A worker runs without the credentials of actions" in refused
    assert ACTION_DSN_ENV in refused
    assert "actor-s3cret" not in refused
