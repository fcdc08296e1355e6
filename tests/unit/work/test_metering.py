"""The configured metrics server is asked with what it demands."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bot.settings import PrometheusSettings, Settings
from bot.work.metering import headers_for, prometheus_of


@pytest.mark.parametrize(("given", "sent"), [
    ({}, {}),
    ({"token": "t"}, {"Authorization": "Bearer t"}),
    ({"username": "u", "password": "p:q"}, {"Authorization": "Basic dTpwOnE="}),
    ({"headers": {"X-Scope-OrgID": "shop"}, "token": "t"}, {"X-Scope-OrgID": "shop", "Authorization": "Bearer t"}),
])  # fmt: skip
def test_credentials_and_the_tenant_are_headers(given: dict[str, Any], sent: dict[str, str]) -> None:
    assert headers_for(PrometheusSettings.model_validate(given)) == sent


@pytest.mark.parametrize("wrong", [
    {"token": "t", "username": "u", "password": "p"}, {"username": "u"}, {"token": "t", "token_file": "/x"},
])  # fmt: skip
def test_two_ways_at_once_and_half_a_way_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="give one of"):
        PrometheusSettings.model_validate(wrong)


def test_without_an_address_there_is_no_client() -> None:
    assert prometheus_of(Settings()) is None
