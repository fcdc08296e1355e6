"""Wazuh: an alert as the integrator hands it to a custom integration, posted as it is, or as it is indexed.

Source of truth: https://documentation.wazuh.com/current/user-manual/manager/integration-with-external-apis.html and
https://documentation.wazuh.com/current/user-manual/ruleset/rules/rules-classification.html (the levels)

Wazuh tells of events, never that one is over.
"""

from __future__ import annotations

from pydantic import AliasChoices, Field

from bot.alerts.labels import stated
from bot.alerts.normal import normal
from bot.alerts.payload import Moment, Payload, Text, Texts, has, read
from bot.models import Alert, AlertStatus, Severity

NAME = "wazuh"
GRADES = ((15, Severity.CRITICAL), (12, Severity.HIGH), (7, Severity.WARNING), (0, Severity.LOW))
"""From this level on."""


class Rule(Payload):
    """The rule that matched."""

    id: Text = None
    level: int
    description: Text = None
    groups: Texts = Field(default_factory=list)


class Named(Payload):
    """An agent, a manager or a decoder."""

    id: Text = None
    name: Text = None
    ip: Text = None


class Event(Payload):
    """One alert."""

    rule: Rule
    agent: Named = Named()
    manager: Named = Named()
    decoder: Named = Named()
    timestamp: Moment = Field(default=None, validation_alias=AliasChoices("timestamp", "@timestamp"))
    location: Text = None
    full_log: Text = None


def recognises(body: object) -> bool:
    """Whether the body is an alert of Wazuh."""
    document = body.get("_source", body) if isinstance(body, dict) else None
    return isinstance(document, dict) and has(document, "rule", "agent") and has(document.get("rule"), "level")


def parse(body: object) -> list[Alert]:
    """The event as one alert; the same rule on the same agent is the same alert.

    Raises:
        BadInput: the body has another shape.
    """
    document = body["_source"] if isinstance(body, dict) and "rule" not in body and "_source" in body else body
    event = read(Event, document, sender="Wazuh")
    rule, agent = event.rule, event.agent
    return [
        normal(
            source=NAME,
            name=rule.description or f"rule {rule.id}",
            status=AlertStatus.FIRING,
            severity=next((grade for least, grade in GRADES if rule.level >= least), None),
            summary=rule.description,
            labels=stated(
                rule=rule.id,
                level=str(rule.level),
                groups=", ".join(rule.groups),
                host=agent.name,
                agent=agent.id,
                ip=agent.ip,
                manager=event.manager.name,
                decoder=event.decoder.name,
                location=event.location,
            ),
            annotations={"log": event.full_log},
            starts_at=event.timestamp,
            fingerprint=":".join(
                (NAME, event.manager.name or "", agent.id or agent.name or "", rule.id or rule.description or "")
            ),
        )
    ]
