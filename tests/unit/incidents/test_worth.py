"""Which incidents the bot was worth something in, and what people were needed for."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import pytest

from bot.incidents.worth import Worth, how_ended, measure
from bot.models import Approved, Event, HandedOver, Incident, Noted, Rejected, Resolved
from tests.unit.work.histories import NOW, PROPOSAL, after, alert, incident, opened, to_verified

OVER = Resolved(at=after(40), actor="alertmanager", reason="every alert has resolved")
HANDED = HandedOver(at=after(30), reason="no action fits")


def by_person(seconds: float) -> Resolved:
    return Resolved(at=after(seconds), actor="UANN", reason="a person said that it is over")


def standing() -> tuple[Event, ...]:
    """To the verdict, allowed in advance."""
    approved = Approved(at=after(9), actor="UANN", proposal_id=PROPOSAL, digest="d" * 64, standing="s1")
    return tuple(approved if isinstance(event, Approved) else event for event in to_verified())


def worth(*incidents: Incident) -> Worth:
    return measure(incidents, 30, UTC)


@pytest.mark.parametrize(
    ("events", "ended"),
    [
        ((opened(),), "open"),
        ((opened(), OVER), "itself"),
        ((opened(), by_person(60)), "people"),
        ((opened(), HANDED, OVER), "people"),
        ((*to_verified(), OVER), "action"),
        ((*to_verified(recovered=False), OVER), "people"),
        ((*to_verified()[:3], Rejected(at=after(15), actor="UANN", proposal_id=PROPOSAL, reason="no"), OVER), "people"),
        ((opened(), Noted(at=after(1), actor="UBOB", text="pressed Approve", quiet=True), OVER), "itself"),
        ((opened(), Noted(at=after(1), actor="UBOB", text="restarted it"), OVER), "people"),
    ],
)
def test_an_incident_ends_by_an_action_by_itself_or_by_people(events: tuple[Event, ...], ended: str) -> None:
    assert how_ended(incident(*events)) == ended


@pytest.mark.parametrize(("hour", "at_night"), [(21, 0), (22, 1), (0, 1), (6, 1), (7, 0), (12, 0)])
def test_a_night_goes_from_ten_to_seven(hour: int, at_night: int) -> None:
    assert worth(incident(opened(at=NOW.replace(hour=hour, minute=0)))).at_night == at_night


def test_a_night_is_told_by_what_people_were_needed_for() -> None:
    told = worth(
        incident(opened(), OVER),
        incident(*standing(), OVER),
        incident(*to_verified(), OVER),
        incident(opened(), HANDED, OVER),
        incident(opened()),
    )
    assert (told.at_night, told.night_nobody, told.night_decision, told.night_people) == (5, 2, 1, 2)


def test_a_question_of_a_person_is_no_incident() -> None:
    asked: Any = opened(alert=alert(source="slack"))
    told = worth(incident(asked), incident(opened()))
    assert (told.incidents, told.questions, told.at_night) == (1, 1, 1)


def test_what_was_allowed_in_advance_waited_for_nobody() -> None:
    told = worth(incident(*standing(), OVER))
    assert (told.approved, told.approved_in_advance, told.proposal_to_decision_s) == (1, 1, None)


def test_an_incident_that_was_closed_for_want_of_news_has_no_known_end() -> None:
    closed = Resolved(at=NOW + timedelta(hours=24), reason="nothing was heard of it for 24 hours")
    told = worth(incident(opened(), HANDED, closed), incident(opened(), HANDED, by_person(600)))
    assert (told.ended_by_people, told.people_to_recovery_s) == (2, 600.0)
