"""StatusCake's form."""

from __future__ import annotations

import pytest

from bot.alerts.statuscake import parse
from bot.errors import BadInput
from bot.models import AlertStatus
from tests.unit.alerts.payloads import payload


def test_a_test_that_is_down_is_a_firing_alert() -> None:
    (alert,) = parse(payload("statuscake/firing"))

    assert (alert.name, alert.status, alert.severity) == ("shop front", AlertStatus.FIRING, None)
    assert (alert.service, alert.summary) == ("shop", "Down, status code 503")
    assert alert.starts_at is None


def test_the_account_token_is_kept_nowhere() -> None:
    (alert,) = parse(payload("statuscake/firing"))

    assert payload("statuscake/firing")["Token"] not in alert.model_dump_json()


def test_a_body_without_a_status_is_refused() -> None:
    with pytest.raises(BadInput, match="status: this field is missing"):
        parse({"Name": "x"})
