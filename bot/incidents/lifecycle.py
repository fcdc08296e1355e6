"""The legal moves of an incident: one table. What is not in it is refused."""

from __future__ import annotations

from collections.abc import Mapping

from bot.models import Event, Phase

BEGINNING = ""
"""The phase of an incident that does not exist yet."""

_UNDER_WAY = (
    Phase.INVESTIGATING,
    Phase.AWAITING,
    Phase.APPROVED,
    Phase.EXECUTING,
    Phase.VERIFYING,
    Phase.RECOVERED,
    Phase.OUTCOME_UNKNOWN,
    Phase.HANDED_OVER,
)


def _stay(*phases: Phase) -> dict[str, Phase]:
    return {phase.value: phase for phase in phases}


def _move(to: Phase, *phases: Phase) -> dict[str, Phase]:
    return {phase.value: to for phase in phases}


_NOT_RECOVERED = "verified:not recovered"
_TABLE: dict[str, dict[str, Phase]] = {
    "opened": {BEGINNING: Phase.INVESTIGATING},
    "alert_joined": _stay(*_UNDER_WAY),
    "alert_left": _stay(*_UNDER_WAY),
    "briefed": _stay(*_UNDER_WAY),
    "finding": _stay(*_UNDER_WAY),
    "hypotheses": _stay(*_UNDER_WAY),
    "worded": _stay(*_UNDER_WAY),
    "asked": _stay(*_UNDER_WAY),
    "answered": _stay(*_UNDER_WAY),
    "unanswered": _stay(*_UNDER_WAY),
    "note": _stay(*_UNDER_WAY, Phase.RESOLVED),
    "proposed": _move(Phase.AWAITING, Phase.INVESTIGATING, Phase.HANDED_OVER),
    "endorsed": _stay(Phase.AWAITING),
    "approved": _move(Phase.APPROVED, Phase.AWAITING),
    "rejected": _move(Phase.INVESTIGATING, Phase.AWAITING),
    "expired": _move(Phase.INVESTIGATING, Phase.AWAITING),
    "executing": _move(Phase.EXECUTING, Phase.APPROVED),
    "executed": _move(Phase.VERIFYING, Phase.EXECUTING),
    "not_executed": _move(Phase.INVESTIGATING, Phase.APPROVED, Phase.EXECUTING),
    "outcome_unknown": _move(Phase.OUTCOME_UNKNOWN, Phase.EXECUTING),
    "verified": _move(Phase.RECOVERED, Phase.VERIFYING),
    _NOT_RECOVERED: _move(Phase.INVESTIGATING, Phase.VERIFYING),
    "handed_over": _move(Phase.HANDED_OVER, Phase.INVESTIGATING, Phase.OUTCOME_UNKNOWN),
    # Not while an effect is under way or being watched: its outcome must be recorded first.
    "resolved": _move(
        Phase.RESOLVED,
        Phase.INVESTIGATING,
        Phase.AWAITING,
        Phase.APPROVED,
        Phase.RECOVERED,
        Phase.OUTCOME_UNKNOWN,
        Phase.HANDED_OVER,
    ),
    "reopened": _move(Phase.INVESTIGATING, Phase.RESOLVED),
}


def moves(event: Event) -> Mapping[str, Phase]:
    """Phase → phase, for every phase in which the event is legal."""
    if event.kind == "verified" and not event.recovered:
        return _TABLE[_NOT_RECOVERED]
    return _TABLE[event.kind]


def phases_where_legal(event: Event) -> tuple[str, ...]:
    """The phases in which the event may happen, for messages."""
    return tuple(phase or "not opened" for phase in moves(event))
