"""New Relic's workflow webhook."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.newrelic import parse
from bot.errors import BadInput
from bot.models import AlertStatus, Severity
from tests.unit.alerts.payloads import payload


def test_an_activated_issue_is_named_by_its_condition() -> None:
    (alert,) = parse(payload("newrelic/activated"))

    assert (alert.name, alert.status, alert.severity) == ("Memory high", AlertStatus.FIRING, Severity.CRITICAL)
    assert alert.service == "search"
    assert alert.summary == "Memory Used % > 90 for at least 2 minutes on 'search-2'"
    assert alert.starts_at == datetime(2026, 3, 14, 2, 57, 41, tzinfo=UTC)
    assert alert.ends_at is None


def test_a_closed_issue_is_the_same_alert_with_an_end() -> None:
    (activated,) = parse(payload("newrelic/activated"))
    (closed,) = parse(payload("newrelic/closed"))

    assert (closed.status, closed.fingerprint) == (AlertStatus.RESOLVED, activated.fingerprint)
    assert closed.ends_at == datetime(2026, 3, 14, 3, 14, 21, tzinfo=UTC)


def test_an_issue_of_several_entities_is_of_no_single_service() -> None:
    (alert,) = parse(payload("newrelic/correlated"))

    assert (alert.service, alert.labels["entity"]) == (None, "search, cart")
    assert alert.name == "Memory high on 'search-2'"
    assert (alert.severity, alert.runbook_url) == (Severity.WARNING, "https://wiki.example.com/search")


def test_an_issue_without_an_id_is_refused() -> None:
    with pytest.raises(BadInput, match="id: this field is missing"):
        parse({"state": "ACTIVATED"})
