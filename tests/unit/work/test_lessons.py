"""What an incident leaves behind."""

from __future__ import annotations

from bot.models import Event, Expired, HandedOver, NotExecuted, Proposed, Rejected, Resolved
from bot.work.lessons import CHANNEL, lesson_of
from tests.unit.work.histories import ID, NOW, PROPOSAL, after, incident, opened, proposal, to_verified


def said(*events: Event) -> str:
    return lesson_of(incident(*events)).text


def test_the_whole_story_is_one_paragraph() -> None:
    lesson = lesson_of(incident(*to_verified(), Resolved(at=after(40), reason="over")))
    assert lesson.text == (
        "Past incident 260301-TESTED: PaymentsFailing on payments, 2026-03-01 03:12 UTC. "
        "Likely cause (63%): Session 1 blocks 12 sessions. "
        "Proposed: test.count on row a. Approved by UANN. It helped. Now resolved."
    )
    assert (lesson.id, lesson.channel, lesson.sent_at) == (ID, CHANNEL, after(40))


def test_a_remedy_that_did_not_help_says_so() -> None:
    assert "It did not help." in said(*to_verified(recovered=False))


def test_a_rejection_keeps_its_reason() -> None:
    text = said(*to_verified()[:3], Rejected(at=NOW, actor="UANN", proposal_id=PROPOSAL, reason="the dump must end"))
    assert "Rejected by UANN: the dump must end." in text


def test_what_was_not_carried_out_is_told_from_what_was() -> None:
    assert "It ended as 'expired'." in said(*to_verified()[:3], Expired(at=NOW, proposal_id=PROPOSAL))
    gone = NotExecuted(at=NOW, proposal_id=PROPOSAL, reason="gone")
    assert "It ended as 'not executed'." in said(*to_verified()[:4], gone)


def test_without_a_cause_and_a_proposal_it_says_so() -> None:
    text = said(opened(service=None), HandedOver(at=NOW, reason="?"))
    assert "on an unknown service" in text
    assert "The cause stayed unknown. Nothing was proposed. Now handed over." in text


def test_an_earlier_proposal_does_not_speak_for_the_later_one() -> None:
    second = Proposed(at=after(50), proposal=proposal(id=f"{ID}.2"))
    text = said(*to_verified()[:3], Rejected(at=NOW, actor="UANN", proposal_id=PROPOSAL, reason="no"), second)
    assert "Rejected" not in text
    assert text.endswith("Now awaiting approval.")
