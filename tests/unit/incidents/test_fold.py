"""What the events of an incident add up to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.errors import NotFound
from bot.incidents.fold import fold
from bot.models import (
    Alert,
    AlertJoined,
    AlertLeft,
    AlertStatus,
    Brief,
    Briefed,
    Event,
    Finding,
    Found,
    Gap,
    Hypothesis,
    Incident,
    Noted,
    Opened,
    Phase,
    Ranked,
    Recorded,
    Reopened,
    Resolved,
)

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
FINDING = Finding(agent="logs", title="Errors", indicator="errors", kind="error_rate", score=0.9)
CAUSE = Hypothesis(
    service="payments", indicator="errors", kind="error_rate", statement="It fails.", score=1, confidence=0.8
)


def an_alert(fingerprint: str = "a", status: AlertStatus = AlertStatus.FIRING) -> Alert:
    return Alert(source="test", name="A", status=status, fingerprint=fingerprint)


def folded(*events: Event) -> Incident:
    opened = Opened(at=NOW, alert=an_alert(), service="payments", channel="C0")
    history = [
        Recorded(id=f"{number}-0", phase=Phase.INVESTIGATING, event=event)
        for number, event in enumerate((opened, *events))
    ]
    return fold("i", history)


def joined(fingerprint: str, status: AlertStatus = AlertStatus.FIRING) -> AlertJoined:
    return AlertJoined(at=NOW, alert=an_alert(fingerprint, status), why="its sender says so")


def test_without_events_there_is_no_incident() -> None:
    with pytest.raises(NotFound):
        fold("i", [])


def test_of_each_alert_the_latest_word_counts() -> None:
    incident = folded(joined("b"), joined("a", AlertStatus.RESOLVED))
    assert [(alert.fingerprint, alert.status) for alert in incident.alerts] == [
        ("a", AlertStatus.RESOLVED), ("b", AlertStatus.FIRING),
    ]  # fmt: skip
    assert (incident.joined, incident.firing) == (2, True)


def test_an_alert_that_was_split_off_is_no_longer_there() -> None:
    incident = folded(joined("b"), AlertLeft(at=NOW, actor="U1", fingerprint="b", name="B", to="other"))
    assert [alert.fingerprint for alert in incident.alerts] == ["a"]


def test_what_was_found_adds_up_and_the_latest_ranking_stands() -> None:
    found = Found(at=NOW, agent="logs", findings=(FINDING,), gaps=(Gap(source="traces", reason="down"),))
    incident = folded(found, Ranked(at=NOW, hypotheses=()), found, Ranked(at=NOW, hypotheses=(CAUSE,)))
    assert (len(incident.findings), len(incident.gaps), incident.hypotheses) == (2, 2, (CAUSE,))


def test_a_new_run_begins_with_nothing_of_the_last_one_but_its_history() -> None:
    found = Found(at=NOW, agent="logs", findings=(FINDING,), gaps=(Gap(source="traces", reason="down"),))
    incident = folded(
        joined("b"), Briefed(at=NOW, brief=Brief(role="commander")), found,
        Ranked(at=NOW, hypotheses=(CAUSE,), explanation="Because."), Resolved(at=NOW, reason="over"),
        Reopened(at=NOW, alert=an_alert("b")),
    )  # fmt: skip
    assert [alert.fingerprint for alert in incident.alerts] == ["b"]
    assert (incident.findings, incident.gaps, incident.hypotheses) == ((), (), ())
    assert (incident.brief, incident.proposal, incident.explanation) == (None, None, "")
    assert len(incident.history) == 7


def test_a_note_changes_nothing_but_the_history() -> None:
    before, after = folded(), folded(Noted(at=NOW, text="paged"))
    assert after.model_copy(update={"history": before.history}) == before
