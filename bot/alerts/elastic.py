"""Elastic: a Kibana rule's webhook connector.

Source of truth: https://www.elastic.co/guide/en/kibana/current/rule-action-variables.html (the variables; the operator
writes the body from them)

The body to set in Kibana, for the rule's action groups and for Recovered, for each alert: `{"rule_id": "{{rule.id}}",
"rule_name": "{{rule.name}}", "rule_type": "{{rule.type}}", "rule_tags": "{{rule.tags}}", "rule_url": "{{rule.url}}",
"space_id": "{{rule.spaceId}}", "alert_id": "{{alert.id}}", "action_group": "{{alert.actionGroup}}", "date": "{{date}}",
"reason": "{{context.reason}}", "value": "{{context.value}}", "link": "{{context.link}}"}`.
"""

from __future__ import annotations

from bot.alerts.labels import stated
from bot.alerts.normal import normal
from bot.alerts.payload import Moment, Name, Tags, Text, read
from bot.alerts.severity import plain
from bot.alerts.spelling import Spelled, Word, called, needed, spells, tagged
from bot.models import Alert, AlertStatus

NAME = "elastic"


class Action(Spelled):
    """An alert of a rule that changed its action group; a variable that the rule has not stays empty.

    The variables are read by today's names, by those of Kibana 7 (where `alertId` is the rule and `alertInstanceId` the
    alert), and by the fields of an alert's document (`kibana.alert.…`).
    """

    rule: Text = called("ruleid", "kibanaalertruleuuid", "ruleuuid")
    rule_name: Name = needed("rulename", "kibanaalertrulename", "contextrulename", "alertname")
    rule_type: Text = called("ruletype", "kibanaalertruleruletypeid", "ruletypeid")
    rule_tags: Tags = tagged("ruletags", "kibanaalertruletags", "tags")
    rule_url: Text = called("ruleurl")
    space_id: Text = called("spaceid", "rulespaceid")
    alert: Text = called("alertid")
    instance: Text = called("alertinstanceid", "kibanaalertinstanceid")
    action_group: Text = called(
        "actiongroup", "alertactiongroup", "alertactiongroupname", "kibanaalertstatus", "kibanaalertactiongroup"
    )
    severity: Text = called("kibanaalertseverity", "contextruleseverity", "severity")
    service: Word = called("servicename", "contextservicename", "service")
    environment: Word = called("serviceenvironment", "contextenvironment", "environment")
    date: Moment = called("date", "timestamp", "contexttimestamp")
    started_at: Moment = called("kibanaalertstart")
    ended_at: Moment = called("kibanaalertend")
    reason: Text = called("reason", "contextreason", "kibanaalertreason", "message", "contextmessage")
    value: Text = called("value", "contextvalue", "kibanaalertevaluationvalue")
    link: Text = called(
        "link",
        "contextlink",
        "contextalertdetailsurl",
        "contextviewinappurl",
        "kibanaalerturl",
        "alertdetailsurl",
        "url",
    )

    @property
    def rule_id(self) -> str:
        """What does not change when the rule is renamed, where it is given."""
        return self.rule or (self.alert if self.instance else None) or self.rule_name

    @property
    def alert_id(self) -> str | None:
        """Which of the rule's alerts it is."""
        return self.instance or self.alert

    @property
    def is_over(self) -> bool:
        """Kibana's own action group `recovered`, or a rule's own such as `metrics.threshold.recovered`."""
        return plain((self.action_group or "").rpartition(".")[2]) == "recovered"


def recognises(body: object) -> bool:
    """Whether the body has the variables of a rule's action, or is an alert's document."""
    return any(
        spells(body, *keys)
        for keys in (
            ("rulename", "actiongroup"),
            ("rulename", "alertactiongroup"),
            ("alertname", "alertinstanceid"),
            ("kibanaalertrulename",),
        )
    )


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
            severity=action.severity,
            service=action.service,
            environment=action.environment,
            summary=action.reason,
            labels={
                **action.rule_tags,
                **stated(rule_type=action.rule_type, alert_id=action.alert_id, space=action.space_id),
            },
            annotations={"reason": action.reason, "value": action.value},
            starts_at=action.started_at or (None if action.is_over else action.date),
            ends_at=(action.ended_at or action.date) if action.is_over else None,
            urls=(action.link, action.rule_url),
            fingerprint=f"{NAME}:{action.rule_id}:{action.alert_id or ''}",
        )
    ]
