"""Elastic: a Kibana rule's webhook connector.

Source of truth: https://www.elastic.co/guide/en/kibana/current/rule-action-variables.html (the variables; the operator
writes the body from them)

The body to set in Kibana, for the rule's action groups and for Recovered, for each alert: `{"rule_id": "{{rule.id}}",
"rule_name": "{{rule.name}}", "rule_type": "{{rule.type}}", "rule_tags": "{{rule.tags}}", "rule_url": "{{rule.url}}",
"space_id": "{{rule.spaceId}}", "alert_id": "{{alert.id}}", "action_group": "{{alert.actionGroup}}", "date": "{{date}}",
"reason": "{{context.reason}}", "value": "{{context.value}}", "link": "{{context.link}}"}`.
"""

from __future__ import annotations

from pydantic import Field

from bot.alerts.labels import stated
from bot.alerts.normal import normal
from bot.alerts.payload import Moment, Name, Payload, Tags, Text, has, read
from bot.alerts.severity import plain
from bot.models import Alert, AlertStatus

NAME = "elastic"


class Action(Payload):
    """An alert of a rule that changed its action group; a variable that the rule has not stays empty."""

    rule_id: Name
    rule_name: Name
    rule_type: Text = None
    rule_tags: Tags = Field(default_factory=dict)
    rule_url: Text = None
    space_id: Text = None
    alert_id: Text = None
    action_group: Text = None
    date: Moment = None
    reason: Text = None
    value: Text = None
    link: Text = None

    @property
    def is_over(self) -> bool:
        """Kibana's own action group `recovered`, or a rule's own such as `metrics.threshold.recovered`."""
        return plain((self.action_group or "").rpartition(".")[2]) == "recovered"


def recognises(body: object) -> bool:
    """Whether the body has the variables of this module."""
    return has(body, "rule_id", "rule_name", "action_group")


def parse(body: object) -> list[Alert]:
    """The rule's alert.

    Raises:
        BadInput: the body has another shape.
    """
    action = read(Action, body, sender="Kibana (with the body of bot/alerts/elastic.py)")
    status = AlertStatus.RESOLVED if action.is_over else AlertStatus.FIRING
    return [
        normal(
            source=NAME,
            name=action.rule_name,
            status=status,
            summary=action.reason,
            labels={
                **action.rule_tags,
                **stated(rule_type=action.rule_type, alert_id=action.alert_id, space=action.space_id),
            },
            annotations={"reason": action.reason, "value": action.value},
            starts_at=None if action.is_over else action.date,
            ends_at=action.date if action.is_over else None,
            urls=(action.link, action.rule_url),
            fingerprint=f"{NAME}:{action.rule_id}:{action.alert_id or ''}",
        )
    ]
