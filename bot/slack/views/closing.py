"""Alerts that join, incidents that end, come back or are handed to people, and notes."""

from __future__ import annotations

from collections.abc import Sequence

from bot.models import (
    SAME_ALERT,
    Alert,
    AlertJoined,
    AlertLeft,
    AlertStatus,
    Executed,
    HandedOver,
    Incident,
    Noted,
    Reopened,
    Resolved,
    Severity,
)
from bot.plural import many
from bot.slack.blocks import Post, bullets, context, post, section
from bot.slack.text import cut, line, link, person, safe_url
from bot.slack.views import words

ENDED = 3
"""Alerts that are named when several end."""


def joined(events: Sequence[AlertJoined], worst_before: Severity | None) -> Post:
    """Alerts that joined, as one message. A rise in severity is told to the whole channel."""
    worst = min((e.alert.severity for e in events if e.alert.severity), key=lambda grade: grade.rank, default=None)
    risen = worst is not None and (worst_before is None or worst.rank < worst_before.rank)
    again = all(event.why == SAME_ALERT for event in events)
    joining = "Another alert joined" if len(events) == 1 else f"{len(events)} alerts joined"
    count = "The same alert again" if again else joining
    rise = f" Severity is now {words.severity(worst)}." if risen else ""
    emoji = ":small_red_triangle:" if risen else ":heavy_plus_sign:"
    shown = [f"{_alert(event.alert)}{'' if again else f' — {line(event.why, 160)}'}" for event in events]
    return post(
        f"{count}: {_alert(events[0].alert)}.{rise}",
        [section(f"{emoji} *{count}.*{rise}\n{bullets(shown, most=5)}")],
        broadcast=risen,
    )


def over(events: Sequence[AlertJoined], incident: Incident) -> Post | None:
    """Alerts that ended while others go on; None where none goes on: that is the end, and told as one."""
    firing = sum(alert.status is not AlertStatus.RESOLVED for alert in incident.alerts)
    if not firing:
        return None
    names = "; ".join(dict.fromkeys(line(words.headline_of(event.alert), 120) for event in events[:ENDED]))
    more = f"; {len(events) - ENDED} more" if len(events) > ENDED else ""
    text = f"Ended: {names}{more}. {many(firing, 'alert')} of {len(incident.alerts)} still firing."
    return post(text, [context(f":heavy_check_mark: {text}")])


def resolved(event: Resolved, incident: Incident) -> Post:
    """The end, with how long it took and who was part of it; told to the whole channel."""
    lasted = words.since(event.at - incident.opened_at)
    reason = words.sentence(cut(event.reason, 1500))
    text = f"Resolved: {words.service(incident)}, {words.headline(incident)}, after {lasted}. {line(event.reason, 300)}"
    return post(
        text,
        [section(f":large_green_circle: *Resolved after {lasted}*\n{reason}"), context(_part(event, incident))],
        broadcast=True,
    )


def _part(event: Resolved, incident: Incident) -> str:
    """Who ended it, what was done, and who else had a part in it."""
    done = sum(isinstance(recorded.event, Executed) for recorded in incident.history)
    ended = person(event.actor)
    others = [one for one in _people(incident) if one != ended]
    run = f"{many(done, 'action')} run" if done else "no action run"
    return " · ".join([f"Ended by {ended}", run, *([f"with {', '.join(others)}"] if others else [])])


def reopened(event: Reopened) -> Post:
    """It came back."""
    text = f"It is back: {_alert(event.alert)}. Investigating again."
    return post(text, [section(f":repeat: *{text}*")])


def left(event: AlertLeft) -> Post:
    """A person split it off."""
    text = f"{person(event.actor)} split {line(event.name, 200)} off: it is incident {line(event.to, 40)} now."
    return post(text, [section(f":scissors: {text}")])


def handed_over(event: HandedOver) -> Post:
    """People carry on."""
    text = f"Over to you: {cut(event.reason, 1500)}"
    return post(text, [section(f":handshake: *Over to you.* {cut(event.reason, 2000)}")])


def expired(target: str, *, stays: str) -> Post:
    """Nobody decided in time. `stays` says what that leaves as it is."""
    text = f"The proposal for {line(target, 300)} has expired: nobody decided in time. {stays}"
    return post(text, [context(f":hourglass: {text}")])


def note(event: Noted) -> Post:
    """Something worth keeping."""
    text = cut(event.text, 2500)
    by = "" if event.actor == "nightdesk" else f" — {person(event.actor)}"
    return post(text or "An empty note.", [section(f":memo: {text}{by}")])


def _alert(alert: Alert) -> str:
    words_ = line(words.headline_of(alert), 200)
    status = "" if alert.status is AlertStatus.FIRING else f" ({alert.status.value})"
    source = f" {link(alert.url, 'open')}" if safe_url(alert.url) else ""
    return f"{words_}{status}{source}"


def _people(incident: Incident) -> list[str]:
    told = (one.event for one in incident.history if not (isinstance(one.event, Noted) and one.event.quiet))
    actors = (event.actor for event in told)
    mentions = (person(actor) for actor in actors)
    return list(dict.fromkeys(mention for mention in mentions if mention.startswith("<@")))[:10]
