"""The page of the workspace in a real browser, with the real bot behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Locator, Page, expect

from bot.demo.workspace import MINA, Workspace
from tests.e2e.scene import WITHIN_S, Scene, database_variables
from tests.servers.nightdesk import NightdeskFactory
from tests.servers.postgres import PostgresDatabase, Queue

PATIENT_MS = WITHIN_S * 1000


@pytest.fixture
async def scene(
    workspace: Workspace, nightdesk: NightdeskFactory, redis_url: str, postgres_database: PostgresDatabase
) -> AsyncIterator[Scene]:
    async with nightdesk(NIGHTDESK_REDIS_URL=redis_url, **database_variables(postgres_database)) as bot:
        yield Scene(workspace, bot, redis_url)


async def proposed(tab: Page, scene: Scene) -> tuple[str, Locator]:
    """An alert comes in; Mina opens its thread and finds the proposal."""
    await tab.goto(f"{scene.workspace.url}/?as={MINA.id}")
    await expect(tab.get_by_role("heading", name="payments-oncall", exact=True)).to_be_visible(timeout=PATIENT_MS)
    incident = await scene.alert("seen")
    card = tab.locator(".pane .message", has=tab.get_by_role("heading", name="SEV1 · payments"))
    await card.get_by_role("button", name="Last reply").click(timeout=PATIENT_MS)
    thread = tab.get_by_role("complementary", name="Thread")
    await expect(thread.get_by_text("Proposed action:")).to_be_visible(timeout=PATIENT_MS)
    return incident, thread


async def test_the_card_is_drawn_and_approving_it_leads_to_the_recovery(tab: Page, scene: Scene, queue: Queue) -> None:
    incident, thread = await proposed(tab, scene)
    card = tab.locator(".pane .message", has=tab.get_by_role("heading", name="SEV1 · payments"))
    await expect(card).to_contain_text("Scan-to-pay payments are failing")
    await expect(card).to_contain_text("Approval needed")
    await expect(card).to_contain_text(f"Session {queue.pid} (batch-job) blocks 4 sessions")

    approve = thread.get_by_role("button", name="Approve")
    await approve.click()
    dialog = tab.get_by_role("dialog", name="Approve this action?")
    await expect(dialog).to_contain_text("Action: postgres.terminate_backend")
    await expect(dialog).to_contain_text(f"Target: backend {queue.pid} of database payments-db")
    await dialog.get_by_role("button", name="Go back").click()
    await expect(dialog).to_have_count(0)
    assert "approved" not in await scene.events(incident)

    await approve.click()
    await dialog.get_by_role("button", name="Approve").click()
    await expect(thread.get_by_text("It helped").first).to_be_visible(timeout=PATIENT_MS)
    await expect(thread.get_by_text("Resolved after")).to_be_visible(timeout=PATIENT_MS)
    await expect(thread).to_contain_text(f"Session {queue.pid} on payments-db has ended")
    await expect(approve).to_have_count(0)
    await expect(card).to_contain_text("Resolved", timeout=PATIENT_MS)
    assert [task.done() and task.result() for task in queue.waiting] == ["done"] * 4


async def test_rejecting_demands_a_reason(tab: Page, scene: Scene, queue: Queue) -> None:
    incident, thread = await proposed(tab, scene)
    await thread.get_by_role("button", name="Reject").click()
    modal = tab.get_by_role("dialog", name="Reject this action")
    await expect(modal).to_contain_text(f"backend {queue.pid} of database payments-db", timeout=PATIENT_MS)
    await modal.get_by_role("button", name="Reject").click()
    await expect(modal.get_by_role("alert")).to_be_visible()
    assert "rejected" not in await scene.events(incident)

    await modal.get_by_label("Why not?").fill("the report must finish first")
    await modal.get_by_role("button", name="Reject").click()
    await expect(modal).to_have_count(0, timeout=PATIENT_MS)
    rejected = thread.locator(".message", has_text="rejected backend")
    await expect(rejected).to_contain_text("the report must finish first", timeout=PATIENT_MS)
    await expect(thread.get_by_role("button", name="Approve")).to_have_count(0)
    assert "executing" not in await scene.events(incident)
    assert (await (await queue.root.execute("SELECT 1")).fetchone()) == (1,)
