"""What the tasks do: clicks, lessons, last failures, and the sweep."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from bot.catalog import Catalog
from bot.incidents import Intake
from bot.incidents.journal import history_key
from bot.incidents.regroup import Regroup
from bot.models import HandedOver, Incident, Phase, Rejected, Resolved
from bot.slack.blocks import Post
from bot.slack.desk import Decision, Mention
from bot.work.alerting import Alerting
from bot.work.duties import Office
from bot.work.mentions import Mentions
from bot.work.scribe import Scribe
from bot.work.turns import Turns
from tests.integration.remediation.gate import INCIDENT, NOW, PROPOSAL, Gate, open_gate
from tests.remains import holding


class Clipboard:
    """A stage that notes what people are told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.seen_first: list[str] = []
        self.answered: list[str] = []
        self.is_behind = False

    async def tell(self, user: str, channel: str, text: str) -> None:
        self.told.append((user, text))

    async def seen(self, mention: Mention) -> None:
        self.seen_first.append(mention.event_id)

    async def answer(self, mention: Mention, post: Post) -> None:
        self.answered.append(post.text)

    async def behind(self, incident: Incident) -> bool:
        return self.is_behind

    async def link(self, incident: Incident) -> str:
        return f"https://x.slack.com/archives/C0/{incident.id}"


class Noting:
    """A memory that notes what it is asked to keep, and a `Follow` that notes what it is asked to schedule."""

    def __init__(self) -> None:
        self.learned: list[str] = []
        self.links: list[str | None] = []
        self.lost_phases: list[Phase] = []
        self.shown: list[str] = []

    async def learn(self, incident: Incident, *, permalink: str | None) -> None:
        self.learned.append(incident.id)
        self.links.append(permalink)

    async def lost(self, incident: Incident, now: datetime) -> bool:
        self.lost_phases.append(incident.phase)
        return True

    async def show(self, incident: Incident) -> None:
        self.shown.append(incident.id)


class Desk:
    """One office at one gate."""

    def __init__(self, gate: Gate, answer: Post | None = None) -> None:
        self.gate = gate
        self.stage = Clipboard()
        self.noting = Noting()
        answers: Any = _Says(answer)
        unused: Any = None
        noting: Any = self.noting
        stage: Any = self.stage
        self.office = Office(
            journal=gate.journal,
            alerting=Alerting(
                gate.journal,
                Intake(gate.redis, gate.journal, Catalog, lambda: gate.now),
                Regroup(gate.redis, gate.journal, lambda: gate.now),
                Turns(gate.redis, everywhere=8, per_service=2),
                unused,
            ),
            memory=noting,
            triage=unused,
            approvals=gate.approvals,
            execution=gate.execution(),
            keeper=unused,
            draft_for=unused,
            verifier=unused,
            answers=answers,
            questions=unused,
            follow=noting,
            drawings=unused,
            drafts=unused,
            scribe=Scribe(),
            showings=unused,
            stage=stage,
            mentions=Mentions(gate.redis),
            gaps=unused,
            clock=lambda: gate.now,
        )

    async def press(self, user: str, verdict: str = "approve", *, reason: str = "", digest: str | None = None) -> None:
        proposal = (await self.gate.incident()).proposal
        shown = digest or (proposal.digest[:32] if proposal else "f" * 32)
        click = Decision.model_validate(
            {"proposal_id": PROPOSAL, "digest": shown, "verdict": verdict, "user": user, "reason": reason,
             "channel": "C0", "message_ts": "1.2", "at": NOW}
        )  # fmt: skip
        await self.office.decide(click.model_dump_json())

    async def hear(self, mention: Mention) -> None:
        await self.office.mentions.keep(mention)
        await self.office.hear(mention.event_id)

    async def last_note(self) -> Any:
        recorded = (await self.gate.incident()).last("note")
        return recorded.event if recorded else None


class _Says:
    def __init__(self, post: Post | None) -> None:
        self._post = post

    async def mention(self, _: Mention) -> Post | None:
        return self._post


@pytest.fixture
async def desk(redis_url: str) -> AsyncIterator[Desk]:
    async with open_gate(redis_url) as gate:
        await gate.propose()
        yield Desk(gate)


async def test_an_approval_is_recorded_and_needs_no_words(desk: Desk) -> None:
    await desk.press("UANN")
    assert ((await desk.gate.incident()).phase, desk.stage.told) == (Phase.APPROVED, [])


async def test_a_click_delivered_twice_is_told_as_decided_and_changes_nothing(desk: Desk) -> None:
    await desk.press("UANN")
    await desk.press("UANN")
    assert desk.stage.told == [("UANN", "Already approved by <@UANN>.")]
    assert (await desk.gate.kinds()).count("approved") == 1


async def test_an_unauthorised_click_is_told_to_that_person_and_leaves_a_trace(desk: Desk) -> None:
    await desk.press("UEVE")
    ((user, text),) = desk.stage.told
    assert (user, "You are not among the approvers" in text) == ("UEVE", True)
    note = await desk.last_note()
    assert (note.actor, note.quiet) == ("UEVE", True)
    assert "ressed approve without being allowed to: You are not among the approvers" in note.text
    assert (await desk.gate.incident()).phase is Phase.AWAITING


async def test_a_click_on_an_old_card_decides_nothing_and_is_no_offence(desk: Desk) -> None:
    await desk.press("UANN", digest="0" * 32)
    assert "This card does not show what would run now" in desk.stage.told[0][1]
    assert await desk.last_note() is None


async def test_a_rejection_keeps_its_reason(desk: Desk) -> None:
    await desk.press("UANN", "reject", reason="the dump must end")
    rejected = (await desk.gate.incident()).last("rejected")
    assert rejected
    assert getattr(rejected.event, "reason", None) == "the dump must end"


async def test_a_mention_is_seen_before_it_is_answered(desk: Desk) -> None:
    answering = Desk(desk.gate, Post("three are open", ()))
    await answering.hear(_mention())
    assert (answering.stage.seen_first, answering.stage.answered) == (["Ev1"], ["three are open"])


async def test_where_the_card_is_the_answer_nothing_more_is_said(desk: Desk) -> None:
    await desk.hear(_mention())
    assert (desk.stage.seen_first, desk.stage.answered) == (["Ev1"], [])


async def test_what_was_said_waits_without_its_secrets_and_is_kept_nowhere_once_it_is_answered(
    desk: Desk, redis_url: str
) -> None:
    said = _mention().model_copy(update={"text": "remember: password=hunter2-Quokka of the vault"})
    await desk.office.mentions.keep(said)
    assert await holding(redis_url, "of the vault") == ["nd:mention:Ev1"]
    assert await holding(redis_url, "hunter2") == []
    await desk.office.hear("Ev1")
    assert await holding(redis_url, "of the vault") == []
    await desk.office.hear("Ev1")  # delivered again
    assert desk.stage.seen_first == ["Ev1"]


async def test_who_could_not_be_answered_is_told_so_and_it_is_kept_nowhere(desk: Desk, redis_url: str) -> None:
    await desk.office.mentions.keep(_mention())
    for _ in range(2):
        await desk.office.failed("hear", "Ev1", RuntimeError("boom"))
    assert [answer.startswith("I have tried this several times") for answer in desk.stage.answered] == [True]
    assert "boom" not in desk.stage.answered[0]
    assert await holding(redis_url, "Ev1") == []


async def test_a_closed_record_that_cannot_be_read_does_not_hold_up_the_sweep(desk: Desk) -> None:
    await desk.gate.journal.append(INCIDENT, Resolved(at=NOW, reason="over"))
    await desk.gate.redis.xadd(
        history_key(INCIDENT), {"phase": "resolved", "event": '{"kind": "from a newer version"}'}
    )
    desk.stage.is_behind = True
    await desk.office.sweep()
    assert desk.noting.shown == []


async def test_a_triage_that_fails_for_good_goes_to_people(desk: Desk) -> None:
    await desk.gate.journal.append(INCIDENT, _rejected())
    await desk.office.failed("walk", INCIDENT, RuntimeError("boom"))
    incident = await desk.gate.incident()
    assert incident.phase is Phase.HANDED_OVER
    assert getattr(incident.history[-1].event, "reason", "").endswith("given up: RuntimeError: boom")


@pytest.mark.parametrize(("task", "subject"), [("show", INCIDENT), ("verify", PROPOSAL), ("learn", INCIDENT)])
async def test_any_other_task_that_fails_for_good_is_noted(desk: Desk, task: str, subject: str) -> None:
    await desk.office.failed(task, subject, RuntimeError("boom"))
    assert f"The task '{task}' failed again and again" in (await desk.last_note()).text


@pytest.mark.parametrize(
    ("task", "subject"), [("decide", "{}"), ("walk", "no-such-incident"), ("walk", INCIDENT), ("expire", "x.1")]
)
async def test_a_failure_that_no_incident_can_hold_breaks_nothing(desk: Desk, task: str, subject: str) -> None:
    before = await desk.gate.kinds()
    await desk.office.failed(task, subject, RuntimeError("boom"))
    assert await desk.gate.kinds() == before


async def test_the_sweep_looks_at_open_incidents_and_catches_slack_up(desk: Desk) -> None:
    desk.stage.is_behind = True
    await desk.office.sweep()
    assert (desk.noting.lost_phases, desk.noting.shown) == ([Phase.AWAITING], [INCIDENT])
    await desk.gate.journal.append(INCIDENT, Resolved(at=NOW, reason="over"))
    await desk.office.sweep()
    assert len(desk.noting.lost_phases) == 1


async def test_an_incident_that_is_over_is_handed_to_memory_with_the_link_to_its_card(desk: Desk) -> None:
    await desk.gate.journal.append(INCIDENT, _rejected())
    await desk.gate.journal.append(INCIDENT, HandedOver(at=NOW, reason="people"))
    await desk.office.learn(INCIDENT)
    assert desk.noting.learned == [INCIDENT]
    assert desk.noting.links == [f"https://x.slack.com/archives/C0/{INCIDENT}"]


def _mention() -> Mention:
    return Mention(event_id="Ev1", channel="C0", thread="1.2", ts="1.2", user="UANN", text="status")


def _rejected() -> Rejected:
    return Rejected(at=NOW, actor="UANN", proposal_id=PROPOSAL, reason="no")
