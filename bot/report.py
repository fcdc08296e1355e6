"""`nightdesk report`: what the bot was worth, from the journal alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from bot.errors import Misconfigured, NotFound
from bot.incidents import Journal
from bot.models import Incident
from bot.settings import Settings
from bot.storage import redis_at_hand, require_usable

NIGHT = (22, 7)
"""Local hours: from ten in the evening to seven in the morning."""


@dataclass(frozen=True)
class Worth:
    """The figures of some days. Seconds are medians; None where there was nothing to measure."""

    days: int
    incidents: int
    at_night: int
    alerts: int
    alert_to_brief_s: float | None
    alert_to_cause_s: float | None
    alert_to_proposal_s: float | None
    proposal_to_decision_s: float | None
    alert_to_recovery_s: float | None
    proposed: int
    approved: int
    rejected: int
    expired: int
    recovered: int
    not_recovered: int
    outcome_unknown: int
    handed_over: int


async def report(settings: Settings, *, days: int, as_json: bool, out: Callable[[str], None]) -> None:
    """Print the figures of the last days.

    Raises:
        Misconfigured: Redis cannot be used.
    """
    async with redis_at_hand(settings.redis, settings.data_dir) as redis:
        await require_usable(redis)
        incidents = await _incidents(Journal(redis), datetime.now(UTC) - timedelta(days=days))
    worth = measure(incidents, days, settings.slack.timezone)
    out(json.dumps(asdict(worth), indent=2) if as_json else table(worth))


async def _incidents(journal: Journal, since: datetime) -> list[Incident]:
    closed = await journal.closed_ids(since=since.timestamp(), limit=10_000)
    known = [await _read(journal, name) for name in dict.fromkeys([*closed, *await journal.open_ids()])]
    return [incident for incident in known if incident and incident.opened_at >= since]


async def _read(journal: Journal, incident_id: str) -> Incident | None:
    """None where the index still names what is no longer, or not yet, there."""
    try:
        return await journal.read(incident_id)
    except NotFound:
        return None


def measure(incidents: Sequence[Incident], days: int, timezone: str) -> Worth:
    """The figures.

    Raises:
        Misconfigured: the time zone does not exist.
    """
    try:
        zone = ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        raise Misconfigured(f"NIGHTDESK_SLACK__TIMEZONE: '{timezone}' is not an IANA time zone.") from None

    def count(kind: str) -> int:
        return sum(recorded.event.kind == kind for incident in incidents for recorded in incident.history)

    verdicts = [
        recorded.event.recovered
        for incident in incidents
        for recorded in incident.history
        if recorded.event.kind == "verified"
    ]
    return Worth(
        days=days,
        incidents=len(incidents),
        at_night=sum(_at_night(incident.opened_at.astimezone(zone).hour) for incident in incidents),
        alerts=sum(1 + incident.joined for incident in incidents),
        alert_to_brief_s=_median_to(incidents, "briefed"),
        alert_to_cause_s=_median_to(incidents, "hypotheses"),
        alert_to_proposal_s=_median_to(incidents, "proposed"),
        proposal_to_decision_s=_median([taken for incident in incidents for taken in _decisions_s(incident)]),
        alert_to_recovery_s=_median([_recovery_s(incident) for incident in incidents]),
        proposed=count("proposed"),
        approved=count("approved"),
        rejected=count("rejected"),
        expired=count("expired"),
        recovered=sum(verdicts),
        not_recovered=len(verdicts) - sum(verdicts),
        outcome_unknown=count("outcome_unknown"),
        handed_over=count("handed_over"),
    )


def table(worth: Worth) -> str:
    """The figures for people."""
    if not worth.incidents:
        return f"No incidents in the last {worth.days} days."
    decided = f"{worth.approved} approved, {worth.rejected} rejected, {worth.expired} expired"
    outcome = (
        f"{worth.recovered} recovered, {worth.not_recovered} not, {worth.outcome_unknown} unknown, "
        f"{worth.handed_over} handed over"
    )
    rows = [
        ("Incidents", f"{worth.incidents} in {worth.days} days, {worth.at_night} at night ({worth.alerts} alerts)"),
        ("Alert to brief", _spoken(worth.alert_to_brief_s)),
        ("Alert to cause", _spoken(worth.alert_to_cause_s)),
        ("Alert to proposal", _spoken(worth.alert_to_proposal_s)),
        ("Proposal to decision", _spoken(worth.proposal_to_decision_s)),
        ("Alert to recovery (MTTR)", _spoken(worth.alert_to_recovery_s)),
        ("Proposals", f"{worth.proposed}: {decided}"),
        ("Outcomes", outcome),
    ]
    return "\n".join(f"{name:<26}{value}" for name, value in rows)


def _median_to(incidents: Sequence[Incident], kind: str) -> float | None:
    return _median([_seconds_to(incident, kind) for incident in incidents])


def _seconds_to(incident: Incident, kind: str) -> float | None:
    first = next((recorded.event.at for recorded in incident.history if recorded.event.kind == kind), None)
    return (first - incident.opened_at).total_seconds() if first else None


def _decisions_s(incident: Incident) -> list[float]:
    """From each proposal to its own decision; what nobody decided has none."""
    proposed: dict[str, datetime] = {}
    taken: list[float] = []
    for recorded in incident.history:
        event = recorded.event
        if event.kind == "proposed":
            proposed[event.proposal.id] = event.at
        elif event.kind in {"approved", "rejected"} and (asked := proposed.get(event.proposal_id)):
            taken.append((event.at - asked).total_seconds())
    return taken


def _recovery_s(incident: Incident) -> float | None:
    verified = incident.last("verified")
    if verified and getattr(verified.event, "recovered", False):
        return (verified.event.at - incident.opened_at).total_seconds()
    return _seconds_to(incident, "resolved")


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(median(known), 1) if known else None


def _at_night(hour: int) -> bool:
    evening, morning = NIGHT
    return hour >= evening or hour < morning


def _spoken(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
