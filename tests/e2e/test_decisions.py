"""What people decide about a proposal: on a real lock, with signed clicks, on a bot in its own process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.demo.workspace import AIKO, MINA, RAJ
from bot.models import Noted
from bot.slack.views.modal import REASON
from bot.slack.views.proposal import APPROVE, REJECT
from tests.e2e.scene import WITHIN_S, Scene, buttons, offers
from tests.servers.postgres import Queue
from tests.servers.process import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that says what policy is; it says nothing but what holds anyway."""
    file = tmp_path_factory.mktemp("policy") / "policy.yaml"
    file.write_text("version: 1")
    return file


@pytest.fixture(scope="module")
def more_settings(policy: Path) -> Mapping[str, str]:
    """Policy is in a file that people edit."""
    return {"NIGHTDESK_REMEDIATION__POLICY_FILE": str(policy)}


async def holds_on(lock: Queue) -> bool:
    """Whether the blocking session is still there: nobody has ended it."""
    return await (await lock.root.execute("SELECT pg_backend_pid()")).fetchone() == (lock.pid,)


async def test_a_rejection_needs_a_reason_runs_nothing_and_hands_on(scene: Scene, lock: Queue) -> None:
    incident = await scene.alert("rejected")
    proposal = await scene.proposal(incident)
    await scene.workspace.click(MINA.id, proposal["ts"], REJECT)
    [modal] = scene.workspace.modals(MINA.id)

    for nothing in ({}, {REASON: "  \n "}):
        refused = await scene.workspace.submit(MINA.id, modal["id"], nothing)
        assert not refused.ok
        assert list(refused.errors) == [REASON]
    assert "rejected" not in await scene.events(incident)

    assert (await scene.workspace.submit(MINA.id, modal["id"], {REASON: "the report must finish first"})).ok
    assert scene.workspace.modals(MINA.id) == []

    # the drawing leads a rejection to the general triage: it looks again, and must not ask the same again
    thread = await scene.told(proposal["thread_ts"], "Over to you")
    assert "Rejected by @mina" in thread
    assert "the report must finish first" in thread
    assert "Exactly this was rejected before" in thread
    assert not any(offers(message, incident) for message in scene.replies(proposal["thread_ts"]))
    events = await scene.events(incident)
    assert events.count("proposed") == 1
    assert events[-1] == "handed_over"
    assert not {"approved", "executing", "executed"} & set(events)
    assert await holds_on(lock)


async def test_a_second_click_on_an_old_card_is_told_who_decided_and_has_no_effect(scene: Scene, lock: Queue) -> None:
    incident = await scene.alert("decided")
    proposal = await scene.proposal(incident)
    await scene.workspace.click(MINA.id, proposal["ts"], APPROVE)
    approved = await scene.recorded(incident, "approved")
    assert approved.event.actor == MINA.id

    # Aiko's window still shows the buttons: what she sends is what Mina sent, in her name
    late = scene.last_click()
    hers = {**late, "user": {**late["user"], "id": AIKO.id, "name": AIKO.name, "username": AIKO.name}}
    assert (await scene.workspace.delivery.interaction(hers)).ok
    assert f"Already approved by <@{MINA.id}>" in await scene.whisper(AIKO.id, "Already approved")

    await scene.recorded(incident, "resolved")
    events = await scene.events(incident)
    assert [events.count(kind) for kind in ("approved", "executing", "executed")] == [1, 1, 1]
    thread = await scene.told(proposal["thread_ts"], "Resolved")
    assert "@mina approved" in thread
    assert "@aiko approved" not in thread


async def test_policy_is_edited_while_a_card_is_shown_and_the_next_click_meets_it(
    scene: Scene, lock: Queue, policy: Path
) -> None:
    incident = await scene.alert("edited")
    proposal = await scene.proposal(incident)

    policy.write_text("forbidden: [{action: 'postgres.*', why: The owner is at work on it.}]")
    await scene.workspace.click(MINA.id, proposal["ts"], APPROVE)
    await scene.whisper(MINA.id, "Policy forbids it: The owner is at work on it.")

    policy.write_text("forbidden: [{action: 'postgres.*'")
    await scene.workspace.click(MINA.id, proposal["ts"], APPROVE)
    await scene.whisper(MINA.id, "The approval policy cannot be used now")
    thread = await scene.told(proposal["thread_ts"], "nothing can be approved or run")
    assert "The owner is at work on it." in thread
    assert not {"approved", "executing"} & set(await scene.events(incident))
    assert await holds_on(lock)

    policy.write_text("version: 1")
    await scene.workspace.click(MINA.id, proposal["ts"], APPROVE)
    await scene.recorded(incident, "resolved")
    events = await scene.events(incident)
    assert [events.count(kind) for kind in ("approved", "executing", "executed")] == [1, 1, 1]


async def test_the_catalogue_is_broken_while_a_card_is_shown_and_nobody_can_approve_until_it_is_mended(
    scene: Scene, lock: Queue
) -> None:
    incident = await scene.alert("orphaned")
    proposal = await scene.proposal(incident)
    services = scene.bot.folder / "services.yaml"
    whole = services.read_text(encoding="utf-8")

    services.write_text(whole[: len(whole) // 2] + "\n  - [", encoding="utf-8")
    await scene.workspace.click(MINA.id, proposal["ts"], APPROVE)
    await scene.whisper(MINA.id, "The service catalogue, which says who owns what, cannot be used now")
    assert not {"approved", "executing"} & set(await scene.events(incident))
    assert await holds_on(lock)

    services.write_text(whole, encoding="utf-8")
    await scene.workspace.click(MINA.id, proposal["ts"], APPROVE)
    await scene.recorded(incident, "resolved")


async def test_a_replayed_click_changes_nothing(scene: Scene, lock: Queue) -> None:
    incident = await scene.alert("replayed")
    proposal = await scene.proposal(incident)
    await scene.workspace.click(MINA.id, proposal["ts"], APPROVE)
    click = scene.last_click()
    for _ in range(3):
        assert (await scene.workspace.delivery.interaction(click)).ok
    await scene.recorded(incident, "resolved")
    assert (await scene.workspace.delivery.interaction(click)).ok

    # what Aiko sends after the replays is answered after them
    hers = {**click, "user": {**click["user"], "id": AIKO.id}}
    assert (await scene.workspace.delivery.interaction(hers)).ok
    await scene.whisper(AIKO.id, "Already approved")
    events = await scene.events(incident)
    assert [events.count(kind) for kind in ("approved", "executing", "executed")] == [1, 1, 1]
    assert events[-1] == "resolved"


async def test_a_click_by_somebody_who_may_not_is_told_to_them_alone_and_audited(scene: Scene, lock: Queue) -> None:
    incident = await scene.alert("unauthorised")
    proposal = await scene.proposal(incident)
    told_to_mina = len(scene.workspace.ephemerals(MINA.id))
    assert (await scene.workspace.click(RAJ.id, proposal["ts"], APPROVE)).ok

    assert "nothing was run" in await scene.whisper(RAJ.id, "You are not among the approvers")
    assert len(scene.workspace.ephemerals(MINA.id)) == told_to_mina
    await scene.workspace.click(RAJ.id, proposal["ts"], REJECT)
    [modal] = scene.workspace.modals(RAJ.id)
    assert (await scene.workspace.submit(RAJ.id, modal["id"], {REASON: "I do not like it"})).ok
    await scene.whisper(RAJ.id, "You are not among the approvers")

    async def audited() -> bool:
        stands = await scene.incident(incident)
        notes = [recorded.event for recorded in stands.history if isinstance(recorded.event, Noted)]
        return [note.quiet for note in notes if note.actor == RAJ.id] == [True, True]

    await wait_until(audited, within_s=WITHIN_S, what="the record of both clicks")
    assert "without being allowed to" not in scene.thread(proposal["thread_ts"])
    assert (await scene.incident(incident)).phase == "awaiting approval"
    [again] = [message for message in scene.replies(proposal["thread_ts"]) if message["ts"] == proposal["ts"]]
    assert buttons(again) == buttons(proposal)
    assert await holds_on(lock)


async def test_a_button_that_does_not_show_what_would_run_decides_nothing(scene: Scene, lock: Queue) -> None:
    incident = await scene.alert("forged")
    proposal = await scene.proposal(incident)
    await scene.workspace.click(RAJ.id, proposal["ts"], APPROVE)
    click = json.loads(json.dumps(scene.last_click()))
    click["user"]["id"] = MINA.id
    click["actions"][0]["value"] = f"{incident}.1:{'0' * 16}"
    assert (await scene.workspace.delivery.interaction(click)).ok
    await scene.whisper(MINA.id, "does not show what would run")
    assert "approved" not in await scene.events(incident)
    assert await holds_on(lock)
