"""From a history of events to the incident as it stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bot.errors import NotFound
from bot.models import AlertJoined, AlertLeft, Briefed, Incident, Opened, Proposed, Ranked, Recorded, Reopened
from bot.models.looks import reports_of, standing


def fold(incident_id: str, history: Sequence[Recorded]) -> Incident:
    """The incident that the events add up to.

    Raises:
        NotFound: there are no events, so there is no such incident.
    """
    if not history or not isinstance(history[0].event, Opened):
        raise NotFound(f"There is no incident {incident_id}.")
    opened = history[0].event
    state: dict[str, Any] = {
        "id": incident_id,
        "phase": history[-1].phase,
        "opened_at": opened.at,
        "alert": opened.alert,
        "alerts": {opened.alert.fingerprint: opened.alert},
        "service": opened.service,
        "channel": opened.channel,
        "history": tuple(history),
    }
    for recorded in history[1:]:
        change = _CHANGES.get(type(recorded.event))
        if change:
            state.update(change(state, recorded.event))
    findings, gaps = standing(reports_of(history))
    seen = {"alerts": tuple(state["alerts"].values()), "findings": findings, "gaps": gaps}
    return Incident.model_construct(**{**state, **seen})


def _joined(state: dict[str, Any], event: AlertJoined) -> dict[str, Any]:
    state["alerts"][event.alert.fingerprint] = event.alert  # in place: a storm is hundreds of these
    return {"joined": state.get("joined", 0) + 1}


def _left(state: dict[str, Any], event: AlertLeft) -> dict[str, Any]:
    state["alerts"].pop(event.fingerprint, None)
    return {}


def _reopened(_: dict[str, Any], event: Reopened) -> dict[str, Any]:
    """A new run of the same trouble: what fired and was found the last time is history, not the present.

    The ends of the other alerts went unrecorded while the incident was over; kept, they would fire here for ever.
    """
    return {
        "alerts": {event.alert.fingerprint: event.alert},
        "hypotheses": (),
        "explanation": "",
        "proposal": None,
        "brief": None,
    }


def _ranked(_: dict[str, Any], event: Ranked) -> dict[str, Any]:
    return {"hypotheses": event.hypotheses, "explanation": event.explanation}


def _briefed(_: dict[str, Any], event: Briefed) -> dict[str, Any]:
    return {"brief": event.brief}


def _proposed(_: dict[str, Any], event: Proposed) -> dict[str, Any]:
    return {"proposal": event.proposal}


_CHANGES: dict[type, Callable[[dict[str, Any], Any], dict[str, Any]]] = {
    AlertJoined: _joined,
    AlertLeft: _left,
    Reopened: _reopened,
    Ranked: _ranked,
    Briefed: _briefed,
    Proposed: _proposed,
}
