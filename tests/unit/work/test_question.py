"""A person's words as an alert."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalog import Catalog, Service
from bot.memory.dates import Period
from bot.work.question import LONGEST_NAME, about_the_past, question, service_in
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


@pytest.mark.parametrize(
    "text",
    ["what did Ana say about checkout?", "who owns checkout", "why did checkout fail last time?", "checkout 上次怎么了",
     "have we ever restarted checkout?", "what was decided about checkout"],
)  # fmt: skip
def test_what_was_said_and_done_is_the_past(text: str) -> None:
    assert about_the_past(text, None, NOW)


@pytest.mark.parametrize(
    "text",
    ["why is checkout slow?", "checkout is down", "why did checkout fail?", "look at checkout", "checkout 为什么慢"],
)
def test_how_a_service_is_or_why_it_failed_just_now_is_the_present(text: str) -> None:
    assert not about_the_past(text, None, NOW)


def test_a_time_that_is_over_is_the_past_and_one_that_goes_on_is_not() -> None:
    over = Period(NOW - timedelta(days=2), NOW - timedelta(days=1), "")
    assert about_the_past("why was checkout slow?", over, NOW)
    assert not about_the_past("why is checkout slow?", Period(NOW - timedelta(hours=1), None, ""), NOW)
