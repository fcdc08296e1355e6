"""Parameters fill a request; they never decide where it goes."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.catalog import Catalog, Service
from bot.errors import Misconfigured, RemediationError
from bot.models import Risk
from bot.remediation.http_call import HttpCall, filled_body, filled_url
from bot.settings import HttpCallTemplate
from tests.unit.remediation.api import Api

CATALOG = Catalog(services={"payments": Service(), "checkout": Service(depends_on=("payments",))})
DRAIN = HttpCallTemplate(
    url="https://ops.example.com/services/{service}/drain?reason={reason}",
    headers={"Authorization": SecretStr("Bearer hunter2")},
    parameters={"service": ".*", "reason": "(?s:.*)"},  # as careless as can be: the code must hold without them
    body={"service": "{service}", "note": ["drain {service} for {reason}"], "seconds": 30},
    effect="Traffic of {service} is drained.",
    rollback="Undrain {service}.",
    service="payments",
)
STRICT = DRAIN.model_copy(update={"parameters": {"service": "[a-z-]{1,40}", "reason": r"[\w ]+"}})


def url(service: Any, reason: Any = "slow", template: HttpCallTemplate = DRAIN) -> str:
    return filled_url(template, {"service": service, "reason": reason})


@pytest.mark.parametrize(
    "service",
    [
        "../admin", "..", ".", "...", ". .", "a/b", "/", "//evil.com", "\\\\evil.com", "..\\admin", "..%2f", "a%00",
        "%2e%2e", "%2e%2e%2fadmin", "x?admin=1", "x#y", "x;y", "@evil.com/", "a@evil.com/", "\n", "a\nHost: evil",
        "a\r\nX: y", "a\x00", "\u2024\u2024", "\uff0e\uff0e", "\uff0fadmin", "ﬁ", "a\u202eb", "a\u200b", "x" * 201, "",
    ],
)  # fmt: skip
def test_a_value_that_could_lead_elsewhere_is_refused(service: str) -> None:
    with pytest.raises(RemediationError):
        url(service)


@pytest.mark.parametrize(
    ("service", "written"),
    [
        ("payments", "payments"),
        ("a@b", "a%40b"),
        ("a b", "a%20b"),
        ("é", "%C3%A9"),
        ("a:b", "a%3Ab"),
        ("{reason}", "%7Breason%7D"),
    ],
)
def test_a_value_is_percent_encoded_into_its_segment(service: str, written: str) -> None:
    assert url(service) == f"https://ops.example.com/services/{written}/drain?reason=slow"


def test_a_value_of_the_query_adds_no_parameter() -> None:
    assert url("payments", "a&admin=1#x/../y%26").endswith("?reason=a%26admin%3D1%23x%2F..%2Fy%2526")


@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_is_given_the_request_stays_in_its_place(service: str, reason: str) -> None:
    try:
        filled = url(service, reason)
    except RemediationError:
        return
    parts = urlsplit(filled)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "ops.example.com", "")
    assert parts.path.split("/")[:2] == ["", "services"]
    assert parts.path.split("/")[3:] == ["drain"]
    assert unquote(parts.path.split("/")[2]) == service
    assert parts.query.count("&") == 0


@pytest.mark.parametrize("service", ["Payments", "payments1", "payments\n", "payments/../x", "pаyments"])
def test_a_value_must_match_its_pattern_whole(service: str) -> None:
    with pytest.raises(RemediationError):
        url(service, template=STRICT)


def test_patterns_mean_ascii() -> None:
    with pytest.raises(RemediationError, match="does not match"):
        url("payments", "größer", template=STRICT)


@pytest.mark.parametrize("values", [{}, {"service": "a"}, {"service": "a", "reason": "b", "host": "evil.com"}])
def test_the_values_must_be_exactly_those_of_the_template(values: dict[str, Any]) -> None:
    with pytest.raises(RemediationError):
        filled_url(DRAIN, values)


def test_the_body_is_filled_by_value() -> None:
    values = {"service": 'x", "admin": true', "reason": "{service}"}
    assert filled_body(DRAIN.body, values) == {
        "service": 'x", "admin": true',
        "note": ['drain x", "admin": true for {service}'],
        "seconds": 30,
    }


def test_a_number_stays_a_number_in_the_body() -> None:
    assert filled_body({"replicas": "{n}", "{n}": "n={n}"}, {"n": 3}) == {"replicas": 3, "{n}": "n=3"}


@pytest.mark.parametrize("value", [True, None, 1.5, ["a"], {"a": 1}])
def test_only_texts_and_whole_numbers_are_values(value: Any) -> None:
    action = HttpCall(CATALOG, {"drain": DRAIN})
    with pytest.raises(RemediationError):
        action.accept({"call": "drain", "parameters": {"service": value, "reason": "x"}})


def test_a_request_that_is_not_allowed_does_not_exist() -> None:
    with pytest.raises(RemediationError, match="There are: drain"):
        HttpCall(CATALOG, {"drain": DRAIN}).accept({"call": "delete", "parameters": {}})


@pytest.mark.parametrize(
    "address",
    [
        "https://{service}.example.com/x", "https://ops.example.com:{reason}/x", "{service}://ops.example.com/x",
        "https://user:pw@ops.example.com/x", "https://ops.example.com/a/../{service}", "ftp://ops.example.com/x",
        "/relative/{service}", "https://ops.example.com/x#{service}", "https://ops.example.com/{unknown}",
        # one text, and two readers who would go to two places
        "https://ops.example.com\\@evil.example/x", "https://ops.example.com%40evil.example/x", "https:///evil.example/x",
        "https://ops%2eexample.com/x", "https://ops.example.com\n.evil.example/x", "https://ops.example.com/\t{service}",
        "https://оps.example.com/x", "https://ops。example.com/x", "https://ops.example.com/a/%2e%2e/x",
        "https://ops.example.com/a/%252E%252e/x", " https://ops.example.com/x", "https://ops.example.com@evil.example",
        # addresses that are not written as everybody writes them
        "http://2130706433/x", "http://0x7f.1/x", "http://127.1/x", "http://0177.0.0.1/x", "http://127.0.0.1:99999/x",
        "http://127.0.0.1:0/x", "https://[::1/x", "https://[v1.x]/x", "https://[fe80::1%25eth0]/x", "https://[::1]@x/",
    ],
)  # fmt: skip
def test_a_template_that_leaves_open_where_it_goes_is_misconfigured(address: str) -> None:
    with pytest.raises(Misconfigured):
        HttpCall(CATALOG, {"drain": DRAIN.model_copy(update={"url": address})})


@pytest.mark.parametrize(
    "address",
    [
        "https://[::1]:8443/{service}",
        "http://127.0.0.1:8080/{service}",
        "https://ops-1.example.com./{service}",
        "http://5gcore/{service}",
        "https://awx.3rd-floor:8043/{service}",
    ],
)
async def test_a_request_arrives_at_the_address_as_it_is_written(address: str) -> None:
    """IPv6, a port, a root dot: what the card shows is where it goes."""
    api = Api(lambda _: (200, None))
    template = DRAIN.model_copy(update={"url": address})
    action = HttpCall(CATALOG, {"drain": template}, api)
    params = action.accept({"call": "drain", "parameters": {"service": "payments", "reason": "slow"}})
    await action.perform(params, "i.1")
    [asked] = api.asked
    assert action.target(params) == f"POST {address.replace('{service}', 'payments')}"
    assert asked.headers["Host"] == urlsplit(address).netloc


@given(st.text(max_size=30), st.text(max_size=30))
def test_who_checks_the_address_and_who_connects_read_the_same(service: str, reason: str) -> None:
    try:
        filled = httpx.URL(url(service, reason))
    except RemediationError:
        return
    assert (filled.scheme, filled.host, filled.port) == ("https", "ops.example.com", None)
    assert filled.raw_path.decode().startswith("/services/")
    assert filled.raw_path.count(b"/") == 3


def test_an_unreadable_pattern_is_misconfigured() -> None:
    template = DRAIN.model_copy(update={"parameters": {"service": "(", "reason": ".*"}})
    with pytest.raises(Misconfigured, match="unreadable pattern"):
        HttpCall(CATALOG, {"drain": template})


async def test_what_is_shown_is_the_exact_request_without_its_secrets() -> None:
    action = HttpCall(CATALOG, {"drain": DRAIN})
    params = action.accept({"call": "drain", "parameters": {"service": "payments", "reason": "slow"}})
    assert action.target(params) == "POST https://ops.example.com/services/payments/drain?reason=slow"
    assert action.effect(params) == "Traffic of payments is drained."
    assert action.rollback(params) == "Undrain payments."
    assert action.reversible(params)
    assert action.base_risk(params) is Risk.MEDIUM
    blast = await action.blast_radius(params)
    assert (blast.services, blast.reach) == (("payments", "checkout"), "service")
    assert "hunter2" not in f"{params} {action.target(params)} {blast}"


async def test_a_request_without_a_named_service_reaches_nobody_knows_how_far() -> None:
    action = HttpCall(CATALOG, {"drain": DRAIN.model_copy(update={"service": None, "rollback": "irreversible"})})
    params = action.accept({"call": "drain", "parameters": {"service": "payments", "reason": "slow"}})
    assert (await action.blast_radius(params)).reach == "unknown"
    assert not action.reversible(params)
