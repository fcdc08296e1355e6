"""A person's words as an alert."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalog import Catalog, Service
from bot.work.question import LONGEST_NAME, question, service_in
from tests.unit.work.histories import NOW

CATALOG = Catalog(
    services={
        "checkout": Service(aliases=("scan-to-pay",)),
        "checkout-api": Service(),
        "mail": Service(aliases=("邮件",)),
    }
)


def test_what_was_asked_is_the_name() -> None:
    alert = question("why is\n checkout   slow?", "C0:1.2", NOW, service="checkout")
    assert (alert.name, alert.source, alert.service) == ("why is checkout slow?", "slack", "checkout")
    assert (alert.fingerprint, alert.starts_at) == ("C0:1.2", NOW)


@given(st.text())
def test_whatever_is_asked_is_an_alert(text: str) -> None:
    assert 1 <= len(question(text, "f", NOW).name) <= LONGEST_NAME


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("why is checkout slow?", "checkout"),
        ("Is SCAN-TO-PAY down", "checkout"),
        ("is checkout-api slow, or checkout?", "checkout-api"),
        ("mail or checkout", "checkout"),
        ("checkouts are fine", None),
        ("the pre-checkout page", None),
        ("看看 邮件 怎么了", "mail"),
        ("", None),
    ],
)
def test_the_service_that_is_meant(text: str, service: str | None) -> None:
    assert service_in(text, CATALOG) == service
