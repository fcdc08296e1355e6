"""Checkly: the webhook alert channel.

Source of truth: https://www.checklyhq.com/docs/integrations/alerts/webhooks/ (the variables of the body)

The body to set in Checkly has the variables' names (in any spelling): `{"alert_title": "{{ALERT_TITLE}}", "alert_type":
"{{ALERT_TYPE}}", "check_id": "{{CHECK_ID}}", "check_name": "{{CHECK_NAME}}", "check_type": "{{CHECK_TYPE}}",
"check_error_message": "{{CHECK_ERROR_MESSAGE}}", "group_name": "{{GROUP_NAME}}", "region": "{{RUN_LOCATION}}",
"result_link": "{{RESULT_LINK}}", "started_at": "{{STARTED_AT}}", "tags": "{{TAGS}}"}`. Signed, where a secret is set,
with HMAC-SHA256 of the body in the header `x-checkly-signature`.
"""

from __future__ import annotations

from bot.alerts.labels import stated
from bot.alerts.normal import normal
from bot.alerts.payload import Moment, Name, Tags, Text, read
from bot.alerts.spelling import Spelled, called, needed, spells, tagged
from bot.errors import BadInput
from bot.models import Alert, AlertStatus, Severity

NAME = "checkly"
PREFIX = "ALERT_"
SEVERITIES = {"FAILURE": Severity.HIGH, "DEGRADED": Severity.WARNING, "SSL": Severity.WARNING}
"""By what the check is now: the last word of the type, before REMAIN."""


class Webhook(Spelled):
    """A check that has changed, or remains, as its type says, such as ALERT_DEGRADED_FAILURE."""

    alert_type: Name = needed("alerttype")
    check_id: Text = called("checkid")
    alert_title: Text = called("alerttitle", "event", "title")
    check_name: Text = called("checkname")
    check_type: Text = called("checktype")
    check_error_message: Text = called("checkerrormessage", "errormessage")
    group_name: Text = called("groupname", "checkgroupname")
    region: Text = called("region", "runlocation", "location")
    result_link: Text = called("resultlink", "link", "url")
    started_at: Moment = called("startedat", "timestamp")
    tags: Tags = tagged("tags")
    status_code: Text = called("apicheckresponsestatuscode")
    response_ms: Text = called("responsetime", "checkresponsetime")

    @property
    def name(self) -> str | None:
        """The check's name; in a body without it, the title."""
        return self.check_name or self.alert_title or self.check_id

    @property
    def fingerprint(self) -> str | None:
        """The check's, by its id or else by its name."""
        check = self.check_id or self.check_name
        return f"{NAME}:{check}" if check else None

    @property
    def now(self) -> str:
        """FAILURE, DEGRADED, RECOVERY or SSL."""
        return self.alert_type.removeprefix(PREFIX).removesuffix("_REMAIN").rpartition("_")[2]


def recognises(body: object) -> bool:
    """Whether the body has the variables of this module."""
    return spells(body, "alerttype", "checkid") or spells(body, "alerttype", "checkname")


def parse(body: object) -> list[Alert]:
    """The check as one alert.

    Raises:
        BadInput: the body has another shape.
    """
    check = read(Webhook, body, sender="Checkly (with the body of bot/alerts/checkly.py)")
    if not check.name:
        raise BadInput("This is not what Checkly sends: check_id, check_name and alert_title are missing.")
    resolved = check.now == "RECOVERY"
    return [
        normal(
            source=NAME,
            name=check.name,
            status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
            severity=SEVERITIES.get(check.now),
            summary=check.check_error_message or check.alert_title,
            labels={**check.tags, **stated(check_type=check.check_type, group=check.group_name, region=check.region)},
            annotations={
                "title": check.alert_title,
                "error": check.check_error_message,
                "status_code": check.status_code,
                "response_ms": check.response_ms,
            },
            starts_at=None if resolved else check.started_at,
            ends_at=check.started_at if resolved else None,
            urls=(check.result_link,),
            fingerprint=check.fingerprint,
        )
    ]
