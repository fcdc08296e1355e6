"""`nightdesk report`: what the bot was worth, from the journal alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.errors import Misconfigured
from bot.incidents import Journal
from bot.incidents.worth import NIGHT, Worth
from bot.incidents.worth import measure as measured
from bot.llm.budget import Meter
from bot.models import Incident
from bot.plural import many
from bot.settings import Settings
from bot.storage import holds_anything, redis_at_hand, require_usable
from bot.work.scribe import priced

COMPARABLE = 5
"""Fewer incidents than this on either side are no comparison."""


async def report(
    settings: Settings, *, days: int, as_json: bool, out: Callable[[str], None], before_s: float | None = None
) -> None:
    """Print the figures of the last days.

    Args:
        before_s: how long an incident took before there was a bot, by the team's own records.

    Raises:
        Misconfigured: Redis cannot be used, or the time zone does not exist.
    """
    incidents = await _recorded(settings, datetime.now(UTC) - timedelta(days=days))
    worth = measure(incidents or (), days, settings.slack.timezone)
    if as_json:
        out(json.dumps(asdict(worth), indent=2))
    elif incidents is None:
        out(f"No incidents in the last {days} days: {settings.data_dir} holds no record (NIGHTDESK_DATA_DIR).")
    else:
        out(table(worth, zone=settings.slack.timezone, before_s=before_s))


async def _recorded(settings: Settings, since: datetime) -> list[Incident] | None:
    """None where there is no record at all, and none is begun by looking."""
    if settings.redis is None and not holds_anything(settings.data_dir):
        return None
    async with redis_at_hand(settings.redis, settings.data_dir) as redis:
        await require_usable(redis)
        incidents = await recorded_since(Journal(redis), since)
        meter = Meter(redis, settings.model.budget, lambda: datetime.now(UTC))

        spent = await meter.spent_on([incident.id for incident in incidents])
        # though no model may be configured any more
        return [priced(incident, on_it.cost) for incident, on_it in zip(incidents, spent, strict=True)]


async def recorded_since(journal: Journal, since: datetime) -> list[Incident]:
    """The incidents that began since then."""
    closed = await journal.closed_ids(since=since.timestamp(), limit=10_000)
    named = list(dict.fromkeys([*closed, *await journal.open_ids()]))
    return [incident async for incident in journal.incidents(named) if incident.opened_at >= since]


def measure(incidents: Sequence[Incident], days: int, timezone: str) -> Worth:
    """The figures.

    Raises:
        Misconfigured: the time zone does not exist.
    """
    try:
        zone = ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        raise Misconfigured(f"NIGHTDESK_SLACK__TIMEZONE: '{timezone}' is not an IANA time zone.") from None
    return measured(incidents, days, zone)


def table(worth: Worth, *, zone: str = "UTC", before_s: float | None = None) -> str:
    """The figures for people."""
    asked = f" {many(worth.questions, 'triage')} that people asked for." if worth.questions else ""
    if not worth.incidents:
        return f"No incidents in the last {worth.days} days.{asked}"
    rows = [
        *_incidents_rows(worth),
        *_night_rows(worth, zone),
        *_time_rows(worth),
        *_proposal_rows(worth),
        *_model_rows(worth),
    ]
    lines = [f"{name:<{WIDTH}}{value}".rstrip() if name or value else "" for name, value in rows]
    return "\n".join([*lines, "", *_comparison(worth, before_s)])


WIDTH = 26
Row = tuple[str, str]


def _incidents_rows(worth: Worth) -> Iterator[Row]:
    yield "Incidents", f"{worth.incidents} in {many(worth.days, 'day')} ({many(worth.alerts, 'alert')})"
    yield "  by an approved action", f"{worth.ended_by_action} ended"
    yield "  by themselves", f"{worth.ended_by_itself} ended"
    yield "  by people", f"{worth.ended_by_people} ended"
    if worth.still_open:
        yield "  not yet", f"{worth.still_open} open"
    if worth.questions:
        yield "Asked for by people", f"{many(worth.questions, 'triage')}, not counted here"


def _night_rows(worth: Worth, zone: str) -> Iterator[Row]:
    yield "At night", f"{worth.at_night} ({NIGHT[0]}:00 to {NIGHT[1]:02}:00, {zone})"
    if worth.at_night:
        yield "  nobody was needed", str(worth.night_nobody)
        yield "  one decision", str(worth.night_decision)
        yield "  people had to look", str(worth.night_people)


def _time_rows(worth: Worth) -> Iterator[Row]:
    yield "Medians", ""
    yield "  alert to brief", spoken(worth.alert_to_brief_s)
    yield "  alert to cause", spoken(worth.alert_to_cause_s)
    yield "  alert to proposal", spoken(worth.alert_to_proposal_s)
    yield "  proposal to decision", spoken(worth.proposal_to_decision_s)
    yield "  alert to recovery", f"{spoken(worth.alert_to_recovery_s)} (MTTR)"


def _proposal_rows(worth: Worth) -> Iterator[Row]:
    advance = f" ({worth.approved_in_advance} in advance)" if worth.approved_in_advance else ""
    decided = f"{worth.approved} approved{advance}, {worth.rejected} rejected, {worth.expired} expired"
    yield "Proposals", f"{worth.proposed}: {decided}"
    unknown = f", {worth.outcome_unknown} with an unknown outcome" if worth.outcome_unknown else ""
    helped = f"helped {many(worth.recovered, 'time')}, did not {many(worth.not_recovered, 'time')}"
    yield "  what was done", f"{helped}{unknown}"


def _model_rows(worth: Worth) -> Iterator[Row]:
    if worth.model_incidents:
        money = f", {worth.model_money:,.2f} {worth.model_currency}" if worth.model_money else ""
        each = round(worth.model_tokens / worth.model_incidents)
        yield "A model", f"{worth.model_tokens:,} tokens{money}, for {many(worth.model_incidents, 'triage')}"
        yield "  for one", f"{each:,} tokens"


def _comparison(worth: Worth, before_s: float | None) -> Iterator[str]:
    """What the figures are compared with, and how far that carries."""
    acted, people = worth.action_to_recovery_s, worth.people_to_recovery_s
    if worth.ended_by_action and acted is not None:
        yield f"With an approved action: {spoken(acted)} to recovery (median of {worth.ended_by_action})."
    if worth.ended_by_people and people is not None:
        yield f"Solved by people:        {spoken(people)} to recovery (median of {worth.ended_by_people})."
    if before_s is not None and acted is not None:
        yield f"Before, by your figure:  {spoken(before_s)}."
    if min(worth.ended_by_action, worth.ended_by_people) >= COMPARABLE or (before_s is not None and acted is not None):
        yield "These are different incidents: people get the harder ones, so the difference is not all the bot's."
    elif before_s is None:
        yield (
            f"No comparison: it takes {COMPARABLE} incidents of both kinds, or your own figure from before "
            "(nightdesk report --before MINUTES)."
        )
    else:
        yield "No comparison with your figure: no incident has ended by an approved action yet."


def spoken(seconds: float | None) -> str:
    """Such as "7.5 s", "4 min" or "2 h 5 min"."""
    if seconds is None:
        return "–"
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
