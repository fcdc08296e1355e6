"""Kibana's webhook connector."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.elastic import parse
from bot.errors import BadInput
from bot.models import AlertStatus, Severity
from tests.unit.alerts.payloads import payload

AT = datetime(2026, 3, 14, 2, 57, 41, tzinfo=UTC)


def test_an_alert_of_a_rule_is_told_with_its_reason() -> None:
    (alert,) = parse(payload("elastic/firing"))

    assert (alert.name, alert.status, alert.severity) == ("Payment latency", AlertStatus.FIRING, None)
    assert alert.summary
    assert alert.summary.startswith("Avg. latency is 4.2 s")
    assert (alert.starts_at, alert.ends_at, alert.environment) == (AT, None, "production")


@pytest.mark.parametrize("group", ["recovered", "metrics.threshold.recovered"])
def test_the_action_group_recovered_ends_it(group: str) -> None:
    (alert,) = parse({**payload("elastic/resolved"), "action_group": group})

    assert alert.status is AlertStatus.RESOLVED
    assert alert.ends_at
    assert alert.starts_at is None


def test_a_body_without_a_rule_is_refused() -> None:
    with pytest.raises(BadInput, match="rule_name: this field is missing"):
        parse({"rule_id": "r", "action_group": "g"})


def test_severity_comes_from_the_tags_where_the_operator_put_it() -> None:
    (alert,) = parse({**payload("elastic/firing"), "rule_tags": "severity:critical"})

    assert alert.severity is Severity.CRITICAL
