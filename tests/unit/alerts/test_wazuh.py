"""Wazuh's alerts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.wazuh import parse
from bot.errors import BadInput
from bot.models import AlertStatus, Severity
from tests.unit.alerts.payloads import payload

AT = datetime(2026, 3, 14, 2, 57, 41, tzinfo=UTC)


def test_an_event_is_told_with_its_rule_and_its_agent() -> None:
    (alert,) = parse(payload("wazuh/firing"))

    assert (alert.status, alert.severity, alert.service) == (AlertStatus.FIRING, Severity.WARNING, None)
    assert alert.name.startswith("sshd: brute force")
    assert (alert.labels["host"], alert.labels["rule"]) == ("pay-3", "5712")
    assert alert.starts_at
    assert alert.starts_at.replace(microsecond=0) == AT


@pytest.mark.parametrize(
    ("level", "grade"),
    [(3, Severity.LOW), (7, Severity.WARNING), (12, Severity.HIGH), (15, Severity.CRITICAL), (16, Severity.CRITICAL)],
)
def test_the_level_is_the_grade(level: int, grade: Severity) -> None:
    (alert,) = parse({"rule": {"level": level, "id": "1"}, "agent": {}})

    assert alert.severity is grade


def test_a_body_without_a_level_is_refused() -> None:
    with pytest.raises(BadInput, match=r"rule\.level: this field is missing"):
        parse({"rule": {}, "agent": {}})
