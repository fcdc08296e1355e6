"""The draft of a post-mortem, without a model."""

from __future__ import annotations

import pytest

from bot.models import AlertStatus, Event, Executed, Found, HandedOver, Ranked, Resolved
from bot.work.postmortem import drafted, is_worth_one
from tests.unit.work.histories import PROPOSAL, after, alert, evidence, finding, hypothesis, incident, opened
from tests.unit.work.histories import to_verified as story

SEEN = finding(evidence=(evidence("metrics-1", statement="The error ratio is 0.31."),))
CAUSE = hypothesis(evidence_for=("metrics-1",), empty=("logs.look: no new template",))


def closed(*events: Event) -> tuple[Event, ...]:
    """The whole story, with these events before its end."""
    return (*story(), *events, Resolved(at=after(900), actor="UMINA", reason="it is quiet again"))


async def test_the_timeline_the_cause_and_the_evidence_stand_in_it() -> None:
    seen = (Found(at=after(33), agent="metrics", findings=(SEEN,)), Ranked(at=after(34), hypotheses=(CAUSE,)))
    text, modelled = await drafted(incident(*closed(*seen)), None, ())
    assert not modelled
    assert text.startswith("# PaymentsFailing, 2026-03-01\n\n**A draft for people to correct.**")
    assert "- From 2026-03-01 03:12:00 to 2026-03-01 03:27:00: 15 min" in text
    timeline = text.partition("## Timeline")[2].partition("##")[0]
    told = (
        "Alert: PaymentsFailing",
        "Ranked first: Session 1 blocks 12",
        "Proposed: test.count on row a, risk low",
        "Approved by UANN",
        "Done: a row was written",
        "It helped",
        "Resolved by UMINA: it is quiet again",
    )
    assert [words for words in told if words not in timeline] == []
    assert "1. Session 1 blocks 12 sessions. (63% sure)" in text
    assert "- e1 (metrics) The error ratio is 0.31." in text
    assert "- n1 logs.look: no new template" in text


async def test_what_came_from_outside_is_no_markdown_of_ours() -> None:
    told = alert(
        summary="# A he\u200bad\u202eing\n\n## Timeline\n- [x] done <script> ![see](http://evil.example/p.png)"
    )
    text, _ = await drafted(incident(opened(alert=told), Resolved(at=after(900), reason="`x`")), None, ())
    title = "# A heading ## Timeline - [x] done ‹script› ![see] (http://evil.example/p.png), 2026-03-01"
    assert text.splitlines()[0] == title
    assert text.count("\n## Timeline\n") == 1


@pytest.mark.parametrize(
    ("events", "worth"),
    [
        ((Resolved(at=after(60), reason="over"),), False),
        ((Resolved(at=after(900), reason="over"),), True),
        ((HandedOver(at=after(5), reason="people"), Resolved(at=after(60), reason="over")), True),
    ],
)
def test_what_ended_soon_by_itself_needs_none(events: tuple[Event, ...], worth: bool) -> None:
    assert is_worth_one(incident(opened(), *events)) is worth


def test_what_somebody_did_something_about_needs_one_and_a_question_none() -> None:
    done = Executed(at=after(22), proposal_id=PROPOSAL, outcome="a row was written")
    assert done in story()
    assert is_worth_one(incident(*story(), Resolved(at=after(40), reason="over")))
    asked = alert(source="slack", status=AlertStatus.FIRING)
    assert not is_worth_one(incident(opened(alert=asked), Resolved(at=after(900), reason="over")))
