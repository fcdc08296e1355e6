"""When an alert fires, when it resolves, and what is told about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.demo.metrics.rules import Firing, Rule, Watch, fingerprint, webhook_body

START = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
RULE = Rule("Failing", "ratio > 0.2", 3.0, {"severity": "critical"}, {"summary": "{value:.0%} of payments fail"})


def found(service: str, value: float = 0.4) -> Mapping[str, Any]:
    return {"metric": {"__name__": "ratio", "service": service}, "value": [0, str(value)]}


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_an_alert_fires_once_when_its_expression_has_held_long_enough() -> None:
    watch = Watch(RULE)
    told = [watch.step([found("payments")], after(second)) for second in (0, 1, 2, 3, 4)]
    assert [len(news) for news in told] == [0, 0, 0, 1, 0]
    assert told[3][0].since == START
    assert told[3][0].labels == {"service": "payments", "severity": "critical", "alertname": "Failing"}


def test_a_gap_starts_the_wait_anew() -> None:
    watch = Watch(RULE)
    told = [watch.step(result, after(second)) for second, result in enumerate(
        [[found("a")], [found("a")], [], [found("a")], [found("a")], [found("a")], [found("a")]])]  # fmt: skip
    assert [len(news) for news in told] == [0, 0, 0, 0, 0, 0, 1]


def test_an_alert_that_fired_is_resolved_when_the_expression_no_longer_holds() -> None:
    watch = Watch(RULE)
    for second in (0, 3):
        watch.step([found("payments")], after(second))
    (ended,) = watch.step([], after(9))
    assert (ended.since, ended.resolved) == (START, after(9))
    assert watch.step([], after(10)) == []


def test_each_series_is_an_alert_of_its_own() -> None:
    watch = Watch(RULE)
    watch.step([found("payments"), found("refunds")], after(0))
    fired = watch.step([found("payments"), found("refunds")], after(3))
    assert {alert.labels["service"] for alert in fired} == {"payments", "refunds"}


def test_the_body_says_what_alertmanager_would_say() -> None:
    alert = Firing({"alertname": "Failing", "service": "payments"}, 0.42, START)
    body = webhook_body(RULE, alert, prometheus_url="http://metrics")
    (told,) = body["alerts"]
    assert (body["version"], body["status"], told["status"]) == ("4", "firing", "firing")
    assert told["annotations"] == {"summary": "42% of payments fail"}
    assert told["endsAt"] == "0001-01-01T00:00:00Z"
    assert told["generatorURL"] == "http://metrics/graph?g0.expr=ratio+%3E+0.2&g0.tab=1"


def test_the_fingerprint_does_not_depend_on_the_order_of_labels() -> None:
    assert fingerprint({"a": "1", "b": "2"}) == fingerprint({"b": "2", "a": "1"})
    assert fingerprint({"a": "12", "b": ""}) != fingerprint({"a": "1", "b": "2"})
