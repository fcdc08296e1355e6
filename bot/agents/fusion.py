"""From measured deviations to suspicion: how much more likely each service is at fault than any other.

Every finding that carries deviations belongs to a *channel*: one way in which a fault shows, already free of what
callees explain. Within a channel a service's evidence is the logarithm of how far it stands above what is noticeable
and above most services of the same incident (a busy hour moves everybody). Under a heavy-tailed null a deviation of d
has a chance of about 1/d or less, so the logarithm is a log-likelihood ratio; channels see different things and add up.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from bot.agents.change import NOTICEABLE
from bot.catalog import Catalog
from bot.models import Finding, Gap
from bot.models.base import Noun


@dataclass(frozen=True)
class Channel:
    """One way in which a fault shows."""

    fault: str
    """The kind of the fault that it speaks for."""
    weight: float
    least: float = NOTICEABLE
    """Deviations up to which nothing is said."""
    alone: float | None = None
    """The weight where no calls are seen, neither by spans nor by metrics of both ends."""
    spreads: bool = False
    """Whether a fault shows in the same way at those who call the service."""
    own: bool = False
    """Whether only the service itself brings it about; the others a service may also owe to what it stands on."""


CHANNELS: Mapping[str, Channel] = {
    "cpu": Channel("cpu", 1.0, own=True),
    "waits": Channel("network", 1.0),
    "metered_waits": Channel("network", 1.0),
    "code": Channel("exception", 2.5, spreads=True, least=2.0),
    "own_time": Channel("slow_code", 0.3),
    "latency": Channel("latency", 0.2, alone=1.0),
    "errors": Channel("errors", 0.2, alone=1.0),
    "silence": Channel("outage", 1.0, own=True),
    "memory": Channel("memory", 0.2, alone=0.5, own=True),
    "saturation": Channel("saturation", 0.2, alone=0.5),
    "traffic": Channel("load", 0.0, alone=0.6),
    "other": Channel("unknown", 0.02, alone=0.5),
}
"""The chance of z standard deviations of counts falls faster than with its square: code weighs more than double. Where
calls are seen, they say better what latency says, and most of the rest follows from it."""
SIGNS: Mapping[tuple[str, str], tuple[str, float]] = {
    ("metrics", "cpu"): ("cpu", 1.0),
    ("metrics", "call_gap"): ("metered_waits", 1.0),
    ("metrics", "latency"): ("latency", 1.0),
    ("metrics", "error_rate"): ("errors", 1.0),
    ("metrics", "silence"): ("silence", 1.0),
    ("metrics", "memory"): ("memory", 1.0),
    ("metrics", "saturation"): ("saturation", 1.0),
    ("metrics", "traffic_drop"): ("traffic", 1.0),
    ("metrics", "traffic_surge"): ("traffic", 1.0),
    ("metrics", "disk"): ("other", 1.0),
    ("metrics", "network_io"): ("other", 1.0),
    ("metrics", "other"): ("other", 1.0),
    ("traces", "call_gap"): ("waits", 1.0),
    ("traces", "self_time"): ("own_time", 1.0),
    ("traces", "new_call"): ("code", 1.0),
    ("traces", "path_end"): ("code", 1.0),
    ("traces", "failed_spans"): ("code", 1.5),
    ("logs", "new_complaint"): ("code", 2.0),
    ("logs", "vanished_line"): ("code", 1.5),
    ("logs", "new_line"): ("code", 0.5),
}
"""Agent and kind of finding → its channel, and what its deviations count there."""
FELT_FAULTS: Mapping[str, str] = {"felt_latency": "latency", "felt_error_rate": "errors"}
"""What a service fares by the doing of others → the fault that it would be, were it its own."""
OWN_FAULTS = frozenset(channel.fault for channel in CHANNELS.values() if channel.own)
PRIOR = 0.2
"""What a past incident that the service was found to have caused counts, in logarithms."""
STARVED = math.log(2)
"""Evidence of the processor from which slowness is put down to it: who is starved answers late."""
STARVING = ("network", "latency", "slow_code")
"""How a service fares that is starved."""
SHARPNESS = 1.6
"""How much of the evidence the posterior believes; fitted on recorded cases (docs/diagnosis.md)."""
UNKNOWN = 1.0
"""Evidence that a cause which nobody sees is worth; fitted with it."""
HEALTHY = 1.4
"""Evidence below which things are called healthy …"""
RESTLESS = 1.7
"""… or, where no calls are seen, below so many times what half of the quiet stretches bring, whichever is more."""
FELT = 2.0
"""Deviations of the alerted service's own latency or errors from which something may be wrong …"""
SURELY_FELT = 2 * NOTICEABLE
"""… and from which it is for sure, whatever the cause."""
FAINT = NOTICEABLE / 2
"""Deviations up to which nothing is said where no calls are seen: there is little else to go by."""
MOST_SERVICES = 0.8
"""The part of the services above which a service must stand."""
FEW_SERVICES = 3


@dataclass(frozen=True)
class Suspicion:
    """One service under suspicion."""

    service: str
    total: float
    """Sum of the evidence, natural logarithms."""
    fault: str
    """Kind of the fault that most of it speaks for."""
    findings: tuple[Finding, ...]
    """What speaks for it, that of the fault first."""
    own: float = 0.0
    """The part of the total that only the service itself brings about."""


class Past(Noun):
    """What memory knows of earlier causes."""

    service: str
    kind: str = Field(description="kind of the fault")
    times: int = Field(ge=1, description="incidents that it was found to have caused")


def channel_of(finding: Finding) -> tuple[str, float] | None:
    """The channel of a finding that carries deviations, and its factor; None for other findings."""
    return SIGNS.get((finding.agent, finding.kind)) if finding.deviations is not None else None


def may_be_felt(finding: Finding) -> bool:
    """Whether it is a measured deviation that a service may owe to what it stands on."""
    sign = channel_of(finding)
    return (finding.deviations is not None and finding.kind in FELT_FAULTS) or bool(sign and not CHANNELS[sign[0]].own)


def fare_of(finding: Finding) -> str:
    """How the service fares by what the finding says, whoever brings it about."""
    return finding.kind.removeprefix("felt_")


def suspicions(
    findings: Sequence[Finding],
    catalog: Catalog,
    past: Sequence[Past] = (),
    *,
    calls_seen: bool,
    channels: Mapping[str, Channel] = CHANNELS,
) -> list[Suspicion]:
    """Every service for which anything speaks, the most suspect first; ties by name.

    Args:
        calls_seen: whether single calls are measured (`are_calls_seen`); then latency by service says little more.
        channels: others than those in use, to see what they would say.
    """
    services = {*catalog.services, *(finding.service for finding in findings if finding.service)}
    evidence: dict[str, dict[str, tuple[float, list[Finding]]]] = defaultdict(dict)
    for name, strengths in _by_channel(findings).items():
        channel = channels[name]
        weight = channel.weight if calls_seen or channel.alone is None else channel.alone
        values = {service: strength for service, (strength, _) in strengths.items()}
        if channel.spreads:
            values = _unexplained(values, catalog)
        least = max(channel.least if calls_seen else min(FAINT, channel.least), _usual(values, services))
        for service, value in values.items():
            if value > least:
                evidence[service][name] = weight * math.log(value / least), strengths[service][1]
    blamed = {service: sum(one.times for one in past if one.service == service) for service in evidence}
    found = [_suspicion(service, parts, blamed[service]) for service, parts in evidence.items()]
    found += _faint(findings, evidence)
    return sorted(found, key=lambda suspicion: (-suspicion.total, suspicion.service))


def healthy_below(findings: Sequence[Finding], *, calls_seen: bool) -> float:
    """Evidence that quiet times bring now and then; less where what the alert says is there to be seen."""
    if calls_seen:
        return HEALTHY
    felt = max((finding.facts.get("felt_deviations", 0.0) for finding in findings), default=0.0)
    if felt > SURELY_FELT:
        return 0.0
    quiet = [float(one) for finding in findings for one in finding.facts.get("quiet_evidence", ())]
    usual = max(HEALTHY, RESTLESS * float(np.median(quiet))) if quiet else HEALTHY
    return max(0.0, usual - math.log(max(1.0, felt / FELT)))


def are_calls_seen(findings: Sequence[Finding], gaps: Sequence[Gap]) -> bool:
    """Whether the system's calls are measured one by one, by traces (even if this window has none) or at both ends."""
    traced = any(finding.agent == "traces" or finding.kind == "call_gap" for finding in findings)
    return traced or any(gap.source == "traces" and not gap.reason.startswith("no source") for gap in gaps)


def posterior(found: Sequence[Suspicion]) -> list[float]:
    """The chance of each suspicion to be the cause, with what nobody sees as a rival; together at most 1."""
    odds = [math.exp(SHARPNESS * min(one.total, 50.0)) if one.total > 0 else 0.0 for one in found]
    whole = sum(odds) + math.exp(SHARPNESS * UNKNOWN)
    return [odd / whole for odd in odds]


def _faint(findings: Sequence[Finding], known: Collection[str]) -> Iterator[Suspicion]:
    """Services that deviate, but no more than most others or than what they stand on explains: behind all others, with
    less than no evidence, those that deviate most first."""
    deviating: dict[str, list[tuple[float, Finding]]] = defaultdict(list)
    for finding in findings:
        if finding.service and finding.service not in known and finding.score > 0 and finding.deviations:
            deviating[finding.service].append((abs(finding.deviations), finding))
    for service, ones in deviating.items():
        strongest, ordered = _strongest(ones)
        sign = channel_of(ordered[0])
        fault = CHANNELS[sign[0]].fault if sign else FELT_FAULTS.get(ordered[0].kind, "unknown")
        yield Suspicion(service, -1 / (1 + strongest), fault, tuple(ordered))


def _by_channel(findings: Sequence[Finding]) -> dict[str, dict[str, tuple[float, list[Finding]]]]:
    """Channel → service → its strongest deviation, and its findings, strongest first."""
    grouped: dict[str, dict[str, list[tuple[float, Finding]]]] = defaultdict(lambda: defaultdict(list))
    for finding in findings:
        if finding.service and finding.score > 0 and (sign := channel_of(finding)):
            name, factor = sign
            grouped[name][finding.service].append((factor * abs(finding.deviations or 0.0), finding))
    return {
        name: {service: _strongest(ones) for service, ones in services.items()} for name, services in grouped.items()
    }


def _strongest(ones: list[tuple[float, Finding]]) -> tuple[float, list[Finding]]:
    ones.sort(key=lambda pair: (-pair[0], pair[1].kind, pair[1].title))
    return ones[0][0], [finding for _, finding in ones]


def _unexplained(values: Mapping[str, float], catalog: Catalog) -> dict[str, float]:
    """A service whose callees deviate in the same way has reason to: it keeps only its part."""
    return {
        service: value * value / (value + max((values.get(callee, 0.0) for callee in callees), default=0.0))
        for service, value in values.items()
        for callees in [catalog.dependencies(service)]
    }


def _usual(values: Mapping[str, float], services: Collection[str]) -> float:
    """What most services stay below; a few may always stand above it, however few there are."""
    ordered = sorted(values.get(service, 0.0) for service in services)
    place = min(MOST_SERVICES * (len(ordered) - 1), len(ordered) - 1 - FEW_SERVICES)
    return float(np.quantile(ordered, place / (len(ordered) - 1))) if place > 0 else 0.0


def _suspicion(service: str, channels: Mapping[str, tuple[float, list[Finding]]], blamed: int) -> Suspicion:
    by_fault: dict[str, float] = defaultdict(float)
    for name, (amount, _) in channels.items():
        by_fault[CHANNELS[name].fault] += amount
    total = sum(by_fault.values()) + PRIOR * math.log1p(blamed)
    if by_fault.get("cpu", 0.0) > STARVED:
        by_fault["cpu"] += sum(by_fault.pop(fault, 0.0) for fault in STARVING)
    fault = max(by_fault, key=lambda fault: (by_fault[fault], fault))
    ordered = sorted(channels.items(), key=lambda item: (CHANNELS[item[0]].fault != fault, -item[1][0], item[0]))
    return Suspicion(
        service=service,
        total=total,
        fault=fault,
        findings=tuple(finding for _, (_, findings) in ordered for finding in findings),
        own=sum(amount for kind, amount in by_fault.items() if kind in OWN_FAULTS),
    )
