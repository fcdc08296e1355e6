"""Splunk: the webhook alert action.

Source of truth: https://docs.splunk.com/Documentation/Splunk/latest/Alert/Webhooks

Splunk tells that a search has found something, never that it no longer does; such an incident is ended by people, or by
what they approve. `result` is the first row, with the fields that the search gives: `service`, `severity`, `host`, …
are read from it by their names.
"""

from __future__ import annotations

from pydantic import Field

from bot.alerts.labels import SUMMARY, fingerprint, first, stated
from bot.alerts.moment import as_moment
from bot.alerts.normal import normal
from bot.alerts.payload import Labels, Name, Payload, Text, has, read
from bot.models import Alert, AlertStatus

NAME = "splunk"
TELLS_APART = ("host", "service", "source", "instance", "environment", "env")
"""Fields of a row that name what it is about; the others are what was measured, and differ each time."""


class Action(Payload):
    """A search that was triggered."""

    sid: Name
    search_name: Text = None
    app: Text = None
    owner: Text = None
    results_link: Text = None
    result: Labels = Field(default_factory=dict)


def recognises(body: object) -> bool:
    """Whether the body is a webhook alert action's."""
    return has(body, "sid", "results_link")


def parse(body: object) -> list[Alert]:
    """The search as one alert.

    Raises:
        BadInput: the body has another shape.
    """
    action = read(Action, body, sender="Splunk")
    row = {key: text for key, text in action.result.items() if not key.startswith("_")}
    name = action.search_name or f"search of {action.owner or 'an unknown user'}"
    about = {key: row[key] for key in TELLS_APART if key in row}
    return [
        normal(
            source=NAME,
            name=name,
            status=AlertStatus.FIRING,
            severity=first(row, ("severity", "urgency", "log_level")),
            summary=first(row, SUMMARY),
            labels={**row, **stated(splunk_app=action.app, owner=action.owner)},
            annotations={"raw": action.result.get("_raw")},
            starts_at=as_moment(action.result.get("_time")),
            urls=(action.results_link,),
            fingerprint=f"{NAME}:{fingerprint(name, {**about, **stated(app=action.app)})}",
        )
    ]
