"""Every (phase, event) pair is a stated transition or a stated refusal: the whole table, written out once more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import pytest

from bot.incidents.lifecycle import BEGINNING, moves, phases_where_legal
from bot.models import Event, Phase, Verified

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KINDS = sorted(event.model_fields["kind"].default for event in get_args(get_args(Event)[0]))
SHORT = {
    "-": BEGINNING, "I": Phase.INVESTIGATING, "A": Phase.AWAITING, "P": Phase.APPROVED, "E": Phase.EXECUTING,
    "V": Phase.VERIFYING, "R": Phase.RECOVERED, "U": Phase.OUTCOME_UNKNOWN, "H": Phase.HANDED_OVER,
    "X": Phase.RESOLVED,
}  # fmt: skip
# One column a phase, in the order of SHORT; the letter is where the event leads, a dot is a refusal.
STATED = """
event                   - I A P E V R U H X
opened                  I . . . . . . . . .
reopened                . . . . . . . . . I
alert_joined            . I A P E V R U H .
alert_left              . I A P E V R U H .
briefed                 . I A P E V R U H .
finding                 . I A P E V R U H .
hypotheses              . I A P E V R U H .
worded                  . I A P E V R U H .
note                    . I A P E V R U H X
asked                   . I A P E V R U H .
answered                . I A P E V R U H .
unanswered              . I A P E V R U H .
proposed                . A . . . . . . A .
endorsed                . . A . . . . . . .
approved                . . P . . . . . . .
rejected                . . I . . . . . . .
expired                 . . I . . . . . . .
executing               . . . E . . . . . .
executed                . . . . V . . . . .
not_executed            . . . I I . . . . .
outcome_unknown         . . . . U . . . . .
verified                . . . . . R . . . .
verified_not_recovered  . . . . . I . . . .
handed_over             . H . . . . . H . .
resolved                . X X X . . X X X .
"""
ROWS = {line.split()[0]: line.split()[1:] for line in STATED.strip().splitlines()[1:]}
PAIRS = [
    (event, start, None if to == "." else SHORT[to])
    for event, row in ROWS.items()
    for start, to in zip(SHORT.values(), row, strict=True)
]


class _Kind:
    """As much of an event as the table looks at."""

    def __init__(self, kind: str) -> None:
        self.kind = kind


def event(name: str) -> Event:
    if name.startswith("verified"):
        return Verified(at=NOW, proposal_id="p", recovered=name == "verified")
    return _Kind(name)  # type: ignore[return-value]


def test_no_event_and_no_phase_is_left_out() -> None:
    assert sorted(name for name in ROWS if name != "verified_not_recovered") == KINDS
    assert set(SHORT.values()) == {BEGINNING, *Phase}
    assert len(PAIRS) == (len(KINDS) + 1) * (len(Phase) + 1)


@pytest.mark.parametrize(("name", "start", "to"), PAIRS, ids=lambda part: str(part) or "nothing")
def test_every_pair_is_a_stated_transition_or_a_stated_refusal(name: str, start: str, to: Phase | None) -> None:
    assert moves(event(name)).get(start) == to
    assert ((start or "not opened") in phases_where_legal(event(name))) == (to is not None)
