"""Checkly: the webhook alert channel.

Source of truth: https://www.checklyhq.com/docs/integrations/alerts/webhooks/ (the variables of the body)

The body to set in Checkly has the variables' names in lower case: `{"alert_title": "{{ALERT_TITLE}}", "alert_type":
"{{ALERT_TYPE}}", "check_id": "{{CHECK_ID}}", "check_name": "{{CHECK_NAME}}", "check_type": "{{CHECK_TYPE}}",
"check_error_message": "{{CHECK_ERROR_MESSAGE}}", "group_name": "{{GROUP_NAME}}", "region": "{{RUN_LOCATION}}",
"result_link": "{{RESULT_LINK}}", "started_at": "{{STARTED_AT}}", "tags": "{{TAGS}}"}`. Signed, where a secret is set,
with HMAC-SHA256 of the body in the header `x-checkly-signature`.
"""

from __future__ import annotations

from pydantic import Field

from bot.alerts.labels import stated
from bot.alerts.normal import normal
from bot.alerts.payload import Moment, Name, Payload, Tags, Text, has, read
from bot.models import Alert, AlertStatus, Severity

NAME = "checkly"
PREFIX = "ALERT_"
SEVERITIES = {"FAILURE": Severity.HIGH, "DEGRADED": Severity.WARNING, "SSL": Severity.WARNING}
"""By what the check is now: the last word of the type, before REMAIN."""


class Webhook(Payload):
    """A check that has changed, or remains, as its type says, such as ALERT_DEGRADED_FAILURE."""

    alert_type: Name
    check_id: Name
    alert_title: Text = None
    check_name: Text = None
    check_type: Text = None
    check_error_message: Text = None
    group_name: Text = None
    region: Text = None
    result_link: Text = None
    started_at: Moment = None
    tags: Tags = Field(default_factory=dict)

    @property
    def now(self) -> str:
        """FAILURE, DEGRADED, RECOVERY or SSL."""
        return self.alert_type.removeprefix(PREFIX).removesuffix("_REMAIN").rpartition("_")[2]


def recognises(body: object) -> bool:
    """Whether the body has the variables of this module."""
    return has(body, "alert_type", "check_id")


def parse(body: object) -> list[Alert]:
    """The check as one alert.

    Raises:
        BadInput: the body has another shape.
    """
    check = read(Webhook, body, sender="Checkly (with the body of bot/alerts/checkly.py)")
    resolved = check.now == "RECOVERY"
    return [
        normal(
            source=NAME,
            name=check.check_name or check.alert_title or check.check_id,
            status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
            severity=SEVERITIES.get(check.now),
            summary=check.check_error_message or check.alert_title,
            labels={**check.tags, **stated(check_type=check.check_type, group=check.group_name, region=check.region)},
            annotations={"title": check.alert_title, "error": check.check_error_message},
            starts_at=None if resolved else check.started_at,
            ends_at=check.started_at if resolved else None,
            urls=(check.result_link,),
            fingerprint=f"{NAME}:{check.check_id}",
        )
    ]
