"""What the bot was worth, counted from the journal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.errors import Misconfigured
from bot.models import (
    AlertJoined,
    Briefed,
    Expired,
    HandedOver,
    Incident,
    ModelCost,
    OutcomeUnknown,
    Rejected,
    Reopened,
    Resolved,
)
from bot.models.brief import Brief
from bot.report import measure, table
from tests.unit.work.histories import NOW, PROPOSAL, after, alert, incident, opened, to_verified

RECOVERED = incident(*to_verified(), Resolved(at=after(40), reason="over"), identifier="a")
REJECTED = incident(
    *to_verified()[:3],
    Rejected(at=after(68), proposal_id=PROPOSAL, reason="no"),
    Resolved(at=after(100), reason="over"),
)


def worth(*incidents: Incident, timezone: str = "UTC") -> Any:
    return measure(incidents, 30, timezone)


def test_seconds_are_counted_from_the_alert() -> None:
    told = worth(RECOVERED)
    assert (told.alert_to_cause_s, told.alert_to_proposal_s, told.proposal_to_decision_s) == (5.0, 8.0, 12.0)
    assert told.alert_to_recovery_s == 32.0


def test_the_median_of_several_is_taken() -> None:
    told = worth(RECOVERED, REJECTED)
    assert told.proposal_to_decision_s == (12 + 60) / 2
    assert told.alert_to_recovery_s == (32 + 100) / 2


def test_what_was_not_measured_is_none_and_not_zero() -> None:
    told = worth(incident(opened()))
    assert (told.alert_to_brief_s, told.alert_to_proposal_s, told.alert_to_recovery_s) == (None, None, None)


def test_the_first_brief_counts() -> None:
    briefed = [Briefed(at=after(seconds), brief=Brief(role="commander")) for seconds in (1.5, 60)]
    assert worth(incident(opened(), *briefed)).alert_to_brief_s == 1.5


def test_decisions_and_outcomes_are_counted() -> None:
    expired = incident(*to_verified()[:3], Expired(at=after(900), proposal_id=PROPOSAL))
    unknown = incident(
        *to_verified()[:5],
        OutcomeUnknown(at=NOW, proposal_id=PROPOSAL, reason="?", quarantined_until=NOW),
        HandedOver(at=NOW, reason="people"),
    )
    told = worth(RECOVERED, REJECTED, expired, unknown, incident(*to_verified(recovered=False)))
    assert (told.proposed, told.approved, told.rejected, told.expired) == (5, 3, 1, 1)
    assert (told.recovered, told.not_recovered, told.outcome_unknown, told.handed_over) == (1, 1, 1, 1)


def test_alerts_that_joined_are_counted_with_the_first() -> None:
    joined = AlertJoined(at=after(1), alert=alert(fingerprint="g"), why="its group")
    assert worth(incident(opened(), joined), incident(opened())).alerts == 3


def test_a_remedy_that_did_not_help_is_no_recovery() -> None:
    told = worth(incident(*to_verified(recovered=False), Resolved(at=after(500), reason="people")))
    assert (told.recovered, told.alert_to_recovery_s) == (0, 500.0)


@pytest.mark.parametrize(
    ("timezone", "at_night"), [("UTC", 1), ("Asia/Shanghai", 0), ("America/New_York", 1), ("America/Los_Angeles", 0)]
)
def test_night_is_where_the_people_are(timezone: str, at_night: int) -> None:
    assert worth(incident(opened()), timezone=timezone).at_night == at_night


@pytest.mark.parametrize("timezone", ["Mars/One", "../etc/passwd", ""])
def test_a_time_zone_that_does_not_exist_is_named(timezone: str) -> None:
    with pytest.raises(Misconfigured, match="NIGHTDESK_SLACK__TIMEZONE"):
        worth(RECOVERED, timezone=timezone)


def test_a_quiet_month_is_one_line() -> None:
    assert table(worth()) == "No incidents in the last 30 days."


def test_the_table_says_the_figures_in_units() -> None:
    text = table(worth(RECOVERED, REJECTED))
    assert "Incidents                 2 in 30 days (2 alerts)" in text
    assert "At night                  2 (22:00 to 07:00, UTC)" in text
    assert "  alert to brief          –" in text
    assert "  alert to proposal       8.0 s" in text
    assert "Proposals                 2: 1 approved, 1 rejected, 0 expired" in text


def test_long_times_are_told_in_minutes() -> None:
    slow = incident(opened(), Resolved(at=NOW + timedelta(minutes=42), reason="over"))
    assert "  alert to recovery       42 min (MTTR)" in table(worth(slow))


def test_few_incidents_are_called_no_comparison() -> None:
    assert "No comparison: it takes 5 incidents of both kinds" in table(worth(RECOVERED, REJECTED))


def test_the_teams_own_figure_is_a_comparison_and_what_it_is_worth_is_said() -> None:
    text = table(worth(RECOVERED), before_s=2700)
    assert "With an approved action: 32.0 s to recovery (median of 1)." in text
    assert "Before, by your figure:  45 min." in text
    assert "These are different incidents" in text


def test_the_teams_own_figure_alone_is_no_comparison() -> None:
    text = table(worth(REJECTED), before_s=2700)
    assert "No comparison with your figure: no incident has ended by an approved action yet." in text
    assert "different incidents" not in text


def test_what_was_done_once_is_told_as_once() -> None:
    assert "helped 1 time, did not 0 times" in table(worth(RECOVERED))


def test_both_kinds_are_compared_where_there_are_enough_of_them() -> None:
    text = table(worth(*[RECOVERED] * 5, *[REJECTED] * 5))
    assert "Solved by people:        100.0 s to recovery (median of 5)." in text
    assert "No comparison" not in text


def test_an_incident_that_came_back_is_counted_from_its_first_beginning() -> None:
    back = incident(
        opened(), Resolved(at=after(60), reason="over"), Reopened(at=after(90), alert=alert()),
        Resolved(at=after(300), reason="over"),
    )  # fmt: skip
    assert worth(back).incidents == 1


def test_what_a_model_has_cost_is_told_for_all_and_for_one() -> None:
    cheap, dear = (
        RECOVERED.model_copy(update={"model_cost": ModelCost(tokens=tokens, money=money)})
        for tokens, money in ((4_000, 0.01), (6_001, 0.02))
    )
    told = worth(cheap, dear, REJECTED)
    assert (told.model_tokens, told.model_money, told.model_currency, told.model_incidents) == (10_001, 0.03, "USD", 2)
    shown = table(told)
    assert "10,001 tokens, 0.03 USD, for 2 triages" in shown
    assert "for one                 5,000 tokens" in shown


def test_without_a_model_nothing_is_said_of_one() -> None:
    assert "model" not in table(worth(RECOVERED)).casefold()
