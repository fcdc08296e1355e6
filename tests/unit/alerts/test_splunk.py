"""Splunk's webhook alert action."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.splunk import parse
from bot.errors import BadInput
from bot.models import AlertStatus, Severity
from tests.unit.alerts.payloads import payload

AT = datetime(2026, 3, 14, 2, 57, 41, tzinfo=UTC)


def test_a_search_that_found_something_is_read_from_its_first_row() -> None:
    (alert,) = parse(payload("splunk/firing"))

    assert (alert.name, alert.status, alert.severity) == ("Payments failing", AlertStatus.FIRING, Severity.HIGH)
    assert (alert.service, alert.summary) == ("payments", "184 payments failed in 5 minutes")
    assert alert.starts_at == AT


def test_another_host_is_another_alert() -> None:
    body = payload("splunk/firing")
    (first,) = parse(body)
    (second,) = parse({**body, "result": {**body["result"], "host": "pay-4"}})

    assert first.fingerprint != second.fingerprint


def test_a_search_without_a_name_and_an_odd_row_are_read() -> None:
    (alert,) = parse(payload("splunk/odd"))

    assert (alert.name, alert.severity, alert.service, alert.starts_at) == ("search of admin", None, None, None)


def test_a_body_without_a_search_is_refused() -> None:
    with pytest.raises(BadInput, match="sid: this field is missing"):
        parse({"results_link": "x"})
