"""Checkly's webhook."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.checkly import parse
from bot.errors import BadInput
from bot.models import AlertStatus, Severity
from tests.unit.alerts.payloads import payload

AT = datetime(2026, 3, 14, 2, 57, 41, tzinfo=UTC)


def test_a_check_that_failed_is_a_firing_alert() -> None:
    (alert,) = parse(payload("checkly/firing"))

    assert (alert.name, alert.status, alert.severity) == ("Payments API", AlertStatus.FIRING, Severity.HIGH)
    assert (alert.service, alert.environment, alert.starts_at) == ("payments", "production", AT)


@pytest.mark.parametrize(
    ("kind", "grade"),
    [
        ("ALERT_DEGRADED", Severity.WARNING),
        ("ALERT_DEGRADED_REMAIN", Severity.WARNING),
        ("ALERT_FAILURE_DEGRADED", Severity.WARNING),
        ("ALERT_DEGRADED_FAILURE", Severity.HIGH),
        ("ALERT_SOMETHING_NEW", None),
    ],
)
def test_how_bad_it_is_now_is_the_last_word_of_its_type(kind: str, grade: Severity | None) -> None:
    (alert,) = parse({**payload("checkly/firing"), "alert_type": kind})

    assert (alert.status, alert.severity) == (AlertStatus.FIRING, grade)


def test_a_recovery_from_degraded_is_an_end() -> None:
    (alert,) = parse({**payload("checkly/resolved"), "alert_type": "ALERT_DEGRADED_RECOVERY"})

    assert alert.status is AlertStatus.RESOLVED


def test_a_body_without_a_check_is_refused() -> None:
    with pytest.raises(BadInput, match="check_id, check_name and alert_title are missing"):
        parse({"alert_type": "ALERT_FAILURE"})
