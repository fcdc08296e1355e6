"""What the bot was worth, counted from the records of incidents: times, nights, and what people were needed for.

Nothing here is estimated. Where two kinds of incidents stand side by side, they are different incidents: whoever reads
the figures is told so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from statistics import median
from typing import Literal

from bot.models import Approved, HandedOver, Incident, Noted, Phase, Resolved, Verified

NIGHT = (22, 7)
"""Local hours: from ten in the evening to seven in the morning."""
NOBODY_S = 23 * 3600
"""An incident that was closed this long after people took it over was closed for want of news: when it ended, nobody
knows."""
ASKED_BY_PEOPLE = "slack"
"""The source of alerts that are people's questions."""

Ended = Literal["action", "itself", "people", "open"]


@dataclass(frozen=True)
class Worth:
    """The figures of some days. Seconds are medians; None where there was nothing to measure."""

    days: int
    incidents: int
    at_night: int
    alerts: int
    questions: int
    """Triages that people asked for; they are in none of the other figures."""
    alert_to_brief_s: float | None
    alert_to_cause_s: float | None
    alert_to_proposal_s: float | None
    proposal_to_decision_s: float | None
    alert_to_recovery_s: float | None
    proposed: int
    approved: int
    approved_in_advance: int
    rejected: int
    expired: int
    recovered: int
    not_recovered: int
    outcome_unknown: int
    handed_over: int
    ended_by_action: int
    """Incidents that ended because an action which the bot proposed and people allowed has helped."""
    ended_by_itself: int
    """Incidents that ended with nobody doing anything."""
    ended_by_people: int
    """All others that have ended."""
    still_open: int
    action_to_recovery_s: float | None
    people_to_recovery_s: float | None
    night_nobody: int
    """Incidents at night for which nobody was needed: they ended by themselves, or by what was allowed in advance."""
    night_decision: int
    """Incidents at night for which people only had to decide on the proposal."""
    night_people: int
    """Incidents at night that people had to look into, and those still open."""
    model_tokens: int
    """What a model has taken for all of them, the triages that people asked for included."""
    model_money: float
    """0 where no price is known."""
    model_currency: str
    model_incidents: int
    """Those for which one was asked."""


def measure(incidents: Sequence[Incident], days: int, zone: tzinfo) -> Worth:
    """The figures; the zone says what is night."""
    counted = [incident for incident in incidents if incident.alert.source != ASKED_BY_PEOPLE]
    nights = [incident for incident in counted if _at_night(incident.opened_at.astimezone(zone).hour)]
    verdicts = [one.event.recovered for incident in counted for one in incident.history
                if isinstance(one.event, Verified)]  # fmt: skip
    approvals = [one.event for incident in counted for one in incident.history if isinstance(one.event, Approved)]
    costs = [incident.model_cost for incident in incidents if incident.model_cost]

    def count(kind: str) -> int:
        return sum(recorded.event.kind == kind for incident in counted for recorded in incident.history)

    def of(ended: Ended) -> list[Incident]:
        return [incident for incident in counted if how_ended(incident) == ended]

    return Worth(
        days=days,
        incidents=len(counted),
        at_night=len(nights),
        alerts=sum(1 + incident.joined for incident in counted),
        questions=len(incidents) - len(counted),
        alert_to_brief_s=_median_to(counted, "briefed"),
        alert_to_cause_s=_median_to(counted, "hypotheses"),
        alert_to_proposal_s=_median_to(counted, "proposed"),
        proposal_to_decision_s=_median([taken for incident in counted for taken in _decisions_s(incident)]),
        alert_to_recovery_s=_median([_recovery_s(incident) for incident in counted]),
        proposed=count("proposed"),
        approved=len(approvals),
        approved_in_advance=sum(bool(approval.standing) for approval in approvals),
        rejected=count("rejected"),
        expired=count("expired"),
        recovered=sum(verdicts),
        not_recovered=len(verdicts) - sum(verdicts),
        outcome_unknown=count("outcome_unknown"),
        handed_over=count("handed_over"),
        ended_by_action=len(of("action")),
        ended_by_itself=len(of("itself")),
        ended_by_people=len(of("people")),
        still_open=len(of("open")),
        action_to_recovery_s=_median([_recovery_s(incident) for incident in of("action")]),
        people_to_recovery_s=_median([_recovery_s(incident) for incident in of("people")]),
        night_nobody=sum(_needed(incident) == "nobody" for incident in nights),
        night_decision=sum(_needed(incident) == "decision" for incident in nights),
        night_people=sum(_needed(incident) == "people" for incident in nights),
        model_tokens=sum(cost.tokens for cost in costs),
        model_money=round(sum(cost.money for cost in costs), 6),
        model_currency=costs[0].currency if costs else "",
        model_incidents=len(costs),
    )


def how_ended(incident: Incident) -> Ended:
    """By an action that helped, by itself, or by people; or not yet."""
    if incident.phase not in {Phase.RESOLVED, Phase.RECOVERED}:
        return "open"
    kinds = {recorded.event.kind for recorded in incident.history}
    verdict = incident.last("verified")
    if verdict and isinstance(verdict.event, Verified) and verdict.event.recovered and "handed_over" not in kinds:
        return "action"
    if "handed_over" in kinds or "executed" in kinds or _has_people(incident):
        return "people"
    return "itself"


def _needed(incident: Incident) -> Literal["nobody", "decision", "people"]:
    """What people were needed for."""
    match how_ended(incident):
        case "itself":
            return "nobody"
        case "action":
            approvals = [one.event for one in incident.history if isinstance(one.event, Approved)]
            return "nobody" if all(approval.standing for approval in approvals) else "decision"
    return "people"


def _has_people(incident: Incident) -> bool:
    """Whether anybody decided, answered or ended it."""
    return any(
        recorded.event.kind in {"approved", "rejected", "answered", "endorsed"}
        or (isinstance(recorded.event, Resolved) and _is_person(recorded.event.actor))
        or (isinstance(recorded.event, Noted) and _is_person(recorded.event.actor) and not recorded.event.quiet)
        for recorded in incident.history
    )


def _is_person(actor: str) -> bool:
    """A Slack user id; the others who act are the bot and the senders of alerts."""
    return actor[:1] in {"U", "W"} and actor.isalnum() and actor.isupper()


def _median_to(incidents: Sequence[Incident], kind: str) -> float | None:
    return _median([_seconds_to(incident, kind) for incident in incidents])


def _seconds_to(incident: Incident, kind: str) -> float | None:
    first = next((recorded.event.at for recorded in incident.history if recorded.event.kind == kind), None)
    return (first - incident.opened_at).total_seconds() if first else None


def _decisions_s(incident: Incident) -> list[float]:
    """From each proposal to its own decision by a person; what nobody decided has none."""
    proposed: dict[str, datetime] = {}
    taken: list[float] = []
    for recorded in incident.history:
        event = recorded.event
        if event.kind == "proposed":
            proposed[event.proposal.id] = event.at
        elif event.kind == "rejected" or (event.kind == "approved" and not event.standing):
            taken += [(event.at - asked).total_seconds() for asked in [proposed.get(event.proposal_id)] if asked]
    return taken


def _recovery_s(incident: Incident) -> float | None:
    """To the verdict that it helped, else to its end; None where nobody knows when it ended."""
    verified = incident.last("verified")
    if verified and isinstance(verified.event, Verified) and verified.event.recovered:
        return (verified.event.at - incident.opened_at).total_seconds()
    resolved, handed = incident.last("resolved"), incident.last("handed_over")
    if resolved is None or (handed and _was_forgotten(resolved.event, handed.event)):
        return None
    return (resolved.event.at - incident.opened_at).total_seconds()


def _was_forgotten(resolved: object, handed: object) -> bool:
    if not isinstance(resolved, Resolved) or not isinstance(handed, HandedOver) or _is_person(resolved.actor):
        return False
    return resolved.actor == "nightdesk" and (resolved.at - handed.at).total_seconds() >= NOBODY_S


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(median(known), 1) if known else None


def _at_night(hour: int) -> bool:
    evening, morning = NIGHT
    return hour >= evening or hour < morning
