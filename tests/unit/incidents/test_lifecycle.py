"""Every event is either legal in a phase or refused there; nothing is left open."""

from __future__ import annotations

from typing import get_args

from bot.incidents.lifecycle import _TABLE
from bot.models import Event, Phase

KINDS = {event.model_fields["kind"].default for event in get_args(get_args(Event)[0])}


def test_the_table_names_every_event_and_only_known_phases() -> None:
    assert {row.split(":")[0] for row in _TABLE} == KINDS
    assert {start for row in _TABLE.values() for start in row} <= {"", *Phase}


def test_an_effect_can_only_follow_an_approval() -> None:
    assert set(_TABLE["executing"]) == {Phase.APPROVED}
    assert set(_TABLE["approved"]) == {Phase.AWAITING}
    into_approved = {kind for kind, row in _TABLE.items() if Phase.APPROVED in row.values()} - {
        kind for kind, row in _TABLE.items() if all(start == end for start, end in row.items())
    }
    assert into_approved == {"approved"}


def test_an_incident_is_never_over_while_an_effect_is_under_way() -> None:
    assert not {Phase.EXECUTING, Phase.VERIFYING} & set(_TABLE["resolved"])


def test_from_a_resolved_incident_the_only_way_back_is_reopening() -> None:
    leaving = {kind for kind, row in _TABLE.items() if row.get(Phase.RESOLVED) not in {None, Phase.RESOLVED}}
    assert leaving == {"reopened"}
