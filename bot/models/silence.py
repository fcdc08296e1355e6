"""A silence: alerts that a person does not want to be called for, until a moment."""

from __future__ import annotations

from fnmatch import fnmatchcase

from pydantic import Field

from bot.models.alert import Alert
from bot.models.base import Instant, Noun


class Matcher(Noun):
    """One condition on an alert."""

    name: str = Field(min_length=1, description="a field of the alert, `alertname`, or a label")
    value: str = Field(description="the whole value, in any case; * stands for anything")
    equal: bool = True

    def fits(self, alert: Alert) -> bool:
        """Whether the alert meets the condition; what the alert does not say is the empty text."""
        return fnmatchcase(_said(alert, self.name).casefold(), self.value.casefold()) is self.equal

    def __str__(self) -> str:
        return f"{self.name}{'=' if self.equal else '!='}{self.value}"


class Silence(Noun):
    """Alerts that fit every matcher are kept and counted, and open nothing until then."""

    id: str
    matchers: tuple[Matcher, ...] = Field(min_length=1)
    by: str = Field(description="user id")
    reason: str = ""
    begun_at: Instant
    until: Instant

    def covers(self, alert: Alert) -> bool:
        """Whether the alert fits every matcher."""
        return all(matcher.fits(alert) for matcher in self.matchers)

    def __str__(self) -> str:
        return " ".join(map(str, self.matchers))


def _said(alert: Alert, name: str) -> str:
    own = {
        "alertname": alert.name,
        "name": alert.name,
        "service": alert.service,
        "environment": alert.environment,
        "source": alert.source,
        "severity": alert.severity.value if alert.severity else None,
        "fingerprint": alert.fingerprint,
    }
    return own.get(name) or alert.labels.get(name, "")
