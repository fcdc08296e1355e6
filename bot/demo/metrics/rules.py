"""One alert rule, evaluated again and again, told as Alertmanager tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

from bot.errors import EffectFailed, EffectUnknown, SourceUnavailable
from bot.http import HttpSource, send_once

NEVER = "0001-01-01T00:00:00Z"
RECEIVER = "nightdesk"

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Rule:
    """An alerting rule."""

    name: str
    expr: str
    for_s: float
    """How long the expression must yield a series before its alert fires."""
    labels: Labels = field(default_factory=dict)
    annotations: Labels = field(default_factory=dict)
    """Texts in which `{value}` is the expression's value; a format such as `{value:.0%}` may follow."""


@dataclass(frozen=True)
class Firing:
    """One alert of a rule."""

    labels: Labels
    value: float
    since: datetime
    resolved: datetime | None = None


def fingerprint(labels: Labels) -> str:
    """The identity that Prometheus and Alertmanager give a set of labels: FNV-1a, 64 bits, over sorted pairs."""
    digest = 0xCBF29CE484222325
    for name, value in sorted(labels.items()):
        for byte in (*name.encode(), 0xFF, *value.encode(), 0xFF):
            digest = ((digest ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{digest:016x}"


class Watch:
    """The state of one rule: which series are pending, which fire."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._pending: dict[str, datetime] = {}
        self._firing: dict[str, Firing] = {}

    def step(self, result: list[Mapping[str, Any]], now: datetime) -> list[Firing]:
        """Take the expression's vector; the alerts that fire or resolve just now."""
        found = {fingerprint(labels): (labels, value) for labels, value in map(self._alert, result)}
        self._pending = {key: self._pending.get(key, now) for key in found}
        news: list[Firing] = []
        for key, (labels, value) in found.items():
            since = self._pending[key]
            if key not in self._firing and (now - since).total_seconds() >= self._rule.for_s:
                self._firing[key] = Firing(labels, value, since)
                news.append(self._firing[key])
        for key in [key for key in self._firing if key not in found]:
            ended = self._firing.pop(key)
            news.append(Firing(ended.labels, ended.value, ended.since, now))
        return news

    def _alert(self, one: Mapping[str, Any]) -> tuple[Labels, float]:
        own = {name: value for name, value in one["metric"].items() if name != "__name__"}
        return {**own, **self._rule.labels, "alertname": self._rule.name}, float(one["value"][1])


def webhook_body(rule: Rule, alert: Firing, *, prometheus_url: str) -> dict[str, Any]:
    """What Alertmanager posts to a webhook (version 4) for a group of this one alert."""
    status = "resolved" if alert.resolved else "firing"
    labels = dict(alert.labels)
    annotations = {name: text.format(value=alert.value) for name, text in rule.annotations.items()}
    group = {"alertname": rule.name}
    told = {
        "status": status,
        "labels": labels,
        "annotations": annotations,
        "startsAt": _stamp(alert.since),
        "endsAt": _stamp(alert.resolved) if alert.resolved else NEVER,
        "generatorURL": f"{prometheus_url}/graph?g0.expr={quote_plus(rule.expr)}&g0.tab=1",
        "fingerprint": fingerprint(labels),
    }
    return {
        "receiver": RECEIVER,
        "status": status,
        "alerts": [told],
        "groupLabels": group,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": prometheus_url,
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{rule.name}"}}',
        "truncatedAlerts": 0,
    }


async def watch(
    rule: Rule,
    prometheus_url: str,
    *,
    webhook_url: str,
    token: str,
    every_s: float = 1.0,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Evaluate the rule and post what begins and ends, until cancelled. A post that is not taken is tried again."""
    state = Watch(rule)
    unsent: list[Firing] = []
    async with HttpSource("prometheus", prometheus_url) as prometheus:
        while True:
            try:
                answer = await prometheus.get("api/v1/query", {"query": rule.expr})
            except SourceUnavailable:
                pass  # as Prometheus: an evaluation that fails changes no alert
            else:
                unsent += state.step(answer["data"]["result"], clock())
            while unsent and await _post(
                webhook_url, token, webhook_body(rule, unsent[0], prometheus_url=prometheus_url)
            ):
                unsent.pop(0)
            await asyncio.sleep(every_s)


async def _post(url: str, token: str, body: dict[str, Any]) -> bool:
    try:
        await send_once("POST", url, headers={"Authorization": f"Bearer {token}"}, body=body, timeout_s=10)
    except (EffectFailed, EffectUnknown):
        return False
    return True


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
