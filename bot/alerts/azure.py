"""Azure Monitor: the common alert schema of an action group's webhook, and the notification of a budget.

Source of truth: https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
"""

from __future__ import annotations

from pydantic import AliasChoices, Field, field_validator

from bot.alerts.labels import SERVICE, first, stated
from bot.alerts.normal import normal
from bot.alerts.payload import Labels, Moment, Name, Payload, Tags, Text, Texts, read
from bot.alerts.severity import plain
from bot.alerts.status import status_of
from bot.models import Alert, AlertStatus, Severity

NAME = "azure"
SCHEMA = "azureMonitorCommonAlertSchema"
BUDGET = "AIP Budget Notification"
SEVERITIES = {
    "sev0": Severity.CRITICAL,
    "sev1": Severity.HIGH,
    "sev2": Severity.WARNING,
    "sev3": Severity.INFO,
    "sev4": Severity.LOW,
}
"""Azure counts from 0 (critical, error, warning, informational, verbose), most others from 1."""
TELLING = frozenset({"service", "region", "incidentType", "trackingId", "cause", "currentHealthStatus", "category",
                     "compromisedEntity"})  # fmt: skip
"""Properties of an event that are its labels too; its `stage` is how far it has come, no environment."""


class Essentials(Payload):
    """What every kind of alert has. For text that is a list elsewhere, some services send one text."""

    alert_id: Name = Field(alias="alertId")
    alert_rule: Name = Field(alias="alertRule")
    severity: Text = None
    condition: Text = Field(default=None, alias="monitorCondition")
    signal: Text = Field(default=None, alias="signalType")
    monitoring_service: Text = Field(default=None, alias="monitoringService")
    targets: Texts = Field(default_factory=list, alias="alertTargetIDs")
    items: Texts = Field(default_factory=list, alias="configurationItems")
    fired_at: Moment = Field(default=None, alias="firedDateTime")
    resolved_at: Moment = Field(default=None, alias="resolvedDateTime")
    description: Text = None
    investigation_link: Text = Field(default=None, alias="investigationLink")

    @property
    def resource(self) -> str | None:
        """The affected resource, if there is only one."""
        names = self.items or [target.rstrip("/").rpartition("/")[2] for target in self.targets]
        return names[0] if len(names) == 1 else None


class Criterion(Payload):
    """One thing that was measured: a metric, the result of a query, or a web test."""

    metric: Text = Field(default=None, validation_alias=AliasChoices("metricName", "metricMeasureColumn"))
    web_test: Text = Field(default=None, alias="webTestName")
    query: Text = Field(default=None, alias="searchQuery")
    value: Text = Field(default=None, alias="metricValue")
    threshold: Text = None
    dimensions: Tags = Field(default_factory=dict)
    link: Text = Field(
        default=None, validation_alias=AliasChoices("linkToFilteredSearchResultsUI", "linkToSearchResultsUI")
    )


class Condition(Payload):
    """What was measured."""

    all_of: list[Criterion] | None = Field(default=None, alias="allOf")


class Context(Payload):
    """What only alerts of one kind have.

    Metric alerts and today's log alerts have conditions, the log alerts before them a query of their own, Prometheus's
    labels and annotations, smart detection what it has seen, and those of the activity log, of services and of
    resources the properties of their event.
    """

    condition: Condition | None = None
    query: Text = Field(default=None, validation_alias=AliasChoices("SearchQuery", "expression"))
    count: Text = Field(default=None, validation_alias=AliasChoices("ResultCount", "expressionValue"))
    threshold: Text = Field(default=None, alias="Threshold")
    link: Text = Field(
        default=None, validation_alias=AliasChoices("LinkToFilteredSearchResultsUI", "LinkToSearchResults")
    )
    dimensions: Tags = Field(default_factory=dict, alias="Dimensions")
    labels: Labels = Field(default_factory=dict)
    annotations: Labels = Field(default_factory=dict)
    detected: Text = Field(default=None, alias="DetectionSummary")
    detected_rate: Text = Field(default=None, alias="DetectedFailureRate")
    operation: Text = Field(default=None, alias="operationName")
    caller: Text = None
    properties: Labels = Field(default_factory=dict)


class Content(Payload):
    """The alert."""

    essentials: Essentials
    context: Context = Field(default=Context(), validation_alias="alertContext")
    custom: Labels = Field(default_factory=dict, alias="customProperties")

    @field_validator("context", mode="before")
    @classmethod
    def _may_be_null(cls, said: object) -> object:
        return {} if said is None else said

    @property
    def criteria(self) -> list[Criterion]:
        """What was measured, if the alert is of a kind that measures."""
        condition = self.context.condition or Condition()
        return condition.all_of or [
            Criterion(searchQuery=self.context.query, metricValue=self.context.count, threshold=self.context.threshold)
        ]

    @property
    def labels(self) -> dict[str, str]:
        """What tells the alert from others of its rule, with what the rule's author has added."""
        measured = {key: text for criterion in self.criteria for key, text in criterion.dimensions.items()}
        context = self.context
        own = {key: text for key, text in context.properties.items() if context.condition or key in TELLING}
        return {**own, **context.dimensions, **measured, **context.labels, **self.custom}

    @property
    def notes(self) -> dict[str, str | None]:
        """What a person reads beside the description."""
        context = self.context
        found = [one for one in self.criteria if one.metric or one.web_test or one.value]
        values = [f"{one.web_test or one.metric or 'value'}={one.value} (threshold {one.threshold})" for one in found]
        event = {} if context.condition else context.properties
        return {
            "description": self.essentials.description,
            "values": ", ".join(values).replace(" (threshold None)", ""),
            "targets": ", ".join(self.essentials.targets),
            "detected": context.detected,
            "detected_rate": context.detected_rate,
            "operation": context.operation,
            "caller": context.caller,
            "query": next((one.query for one in self.criteria if one.query), None),
            **{key: text for key, text in (context.annotations | event).items() if text},
        }


class Webhook(Payload):
    """The body."""

    data: Content


class Spending(Payload):
    """What was spent of a budget."""

    name: Name = Field(alias="BudgetName")
    subscription: Text = Field(default=None, alias="SubscriptionName")
    subscription_id: Text = Field(default=None, alias="SubscriptionId")
    resource_group: Text = Field(default=None, alias="ResourceGroup")
    kind: Text = Field(default=None, alias="BudgetType")
    spent: Text = Field(default=None, alias="SpendingAmount")
    budget: Text = Field(default=None, alias="Budget")
    unit: Text = Field(default=None, alias="Unit")
    threshold: Text = Field(default=None, alias="NotificationThresholdAmount")


class BudgetNotice(Payload):
    """A budget's notification, which does not follow the common schema."""

    data: Spending


def recognises(body: object) -> bool:
    """Whether the body says that it follows the common alert schema, or is a budget's."""
    return isinstance(body, dict) and body.get("schemaId") in (SCHEMA, BUDGET)


def parse(body: object) -> list[Alert]:
    """The alert.

    Raises:
        BadInput: the body has another shape.
    """
    if isinstance(body, dict) and body.get("schemaId") == BUDGET:
        return [_budget(read(BudgetNotice, body, sender="Azure (budgets)").data)]
    content = read(Webhook, body, sender="Azure Monitor (common alert schema)").data
    said = content.essentials
    labels = {
        **content.labels,
        **stated(resource=said.resource, signal=said.signal, monitoring_service=said.monitoring_service),
    }
    context = content.context
    told = (said.description, context.annotations.get("summary"), context.properties.get("title"), context.detected)
    status = status_of(said.condition)
    return [
        normal(
            source=NAME,
            name=said.alert_rule,
            status=status,
            severity=SEVERITIES.get(plain(said.severity)),
            service=first(labels, SERVICE) or said.resource,
            summary=next(filter(None, told), None),
            labels=labels,
            annotations=content.notes,
            starts_at=said.fired_at,
            ends_at=said.resolved_at if status is AlertStatus.RESOLVED else None,
            urls=(said.investigation_link, *(one.link for one in content.criteria), context.link),
            fingerprint=said.alert_id,
        )
    ]


def _budget(said: Spending) -> Alert:
    unit = said.unit or ""
    return normal(
        source=NAME,
        name=said.name,
        status=AlertStatus.FIRING,
        summary=f"{said.spent} of {said.budget} {unit} spent".strip() if said.spent and said.budget else None,
        labels=stated(
            subscription=said.subscription, resource_group=said.resource_group, budget_type=said.kind, unit=said.unit
        ),
        annotations={"spent": said.spent, "budget": said.budget, "threshold": said.threshold},
        fingerprint=f"{NAME}:budget:{said.subscription_id or ''}:{said.name}",
    )
