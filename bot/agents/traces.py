"""The traces agent: where requests spend their time, where they lose it, and where their paths break."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence

from bot.agents.deviation import score_of
from bot.agents.reading import spoken, whole
from bot.agents.scope import Scope
from bot.agents.tools import Parameters, Tool
from bot.agents.trace_signs import LEAST_SPANS, SignKind, TraceSign, signs_of, strongest
from bot.agents.visits import Visits
from bot.agents.wording import figure
from bot.models import Evidence, Finding, Gap, Report, Window
from bot.plural import many
from bot.telemetry.series import instant
from bot.telemetry.spans import Span, SpanSource

READING_SHARE = 0.8
"""The part of the deadline in which spans are read."""
MOST_EVIDENCE = 3
"""Signs of one kind and service that a finding cites."""
MOST_FINDINGS = 40
UNCONFIGURED = "no source of traces configured: set NIGHTDESK_TRACES"
FACTS: Mapping[str, str] = {
    "span_count": "spans of the window that were looked at",
    "slow_service": "the service whose own time deviates most",
    "broken_service": "the service whose paths deviate most",
    "trace_score": "score of the strongest deviation, 0 to 1",
}


class LookAtTraces(Parameters):
    """No choice: all traces that pass through the incident's service or what it stands on."""


def traces_tools(sources: Sequence[SpanSource]) -> tuple[Tool, ...]:
    """The agent's tools; without a source each of them answers with that gap."""
    agent = TracesAgent(sources)
    return (
        Tool("traces.look", "traces", "Where requests spend more time, lose it between services, or stop short.",
             LookAtTraces, FACTS, agent.look),
    )  # fmt: skip


class TracesAgent:
    """Looks through the configured span sources."""

    def __init__(self, sources: Sequence[SpanSource]) -> None:
        self._sources = tuple(sources)

    async def look(self, _: LookAtTraces, scope: Scope) -> Report:
        """The window against every baseline that has spans."""
        if not self._sources:
            gap = Gap(source="traces", reason=UNCONFIGURED)
            return Report(agent="traces", gaps=(gap,))
        loop = asyncio.get_running_loop()
        began = loop.time()
        gaps: list[Gap] = []
        stretches: list[list[Span]] = []
        for stretch in (scope.window, *scope.baselines):
            left_s = scope.deadline_s * READING_SHARE - (loop.time() - began)
            spans, missing = await _read(self._sources, stretch, scope, left_s)
            stretches.append(spans)
            gaps += missing
            if len(stretches[0]) < LEAST_SPANS:
                break  # there is nothing to compare
        findings = await asyncio.to_thread(_findings, stretches, scope, gaps)
        return Report(agent="traces", findings=findings, gaps=tuple(dict.fromkeys(gaps)), seconds=loop.time() - began)


async def _read(
    sources: Sequence[SpanSource], stretch: Window, scope: Scope, within_s: float
) -> tuple[list[Span], list[Gap]]:
    names = spoken(scope)
    return await whole(sources, lambda source: source.read(stretch, names), lambda batch: batch.spans, within_s)


def _findings(stretches: Sequence[Sequence[Span]], scope: Scope, gaps: list[Gap]) -> tuple[Finding, ...]:
    window, *baselines = (Visits(spans) for spans in stretches)
    if len(window.spans) < LEAST_SPANS:
        if window.spans or not gaps:  # what was not answered is no absence
            gaps.append(Gap(source="traces", reason=f"the window has only {many(len(window.spans), 'span')}"))
        return ()
    if not any(len(baseline.spans) >= LEAST_SPANS for baseline in baselines):
        gaps.append(Gap(source="traces", reason="no baseline has spans: calls were compared with each other only"))
    found = [
        _finding(signs, scope)
        for signs in strongest(signs_of(window, baselines)).values()
        if score_of(signs[0].deviations) > 0
    ]
    found = sorted(found, key=lambda finding: -finding.score)[:MOST_FINDINGS] or [_normal(window, scope)]
    found[0] = found[0].model_copy(update={"facts": _facts(window, found)})
    return tuple(found)


def _finding(signs: Sequence[TraceSign], scope: Scope) -> Finding:
    first = signs[0]
    service = scope.catalog.resolve(first.service) or first.service
    peer = first.other[0] if first.other else None
    return Finding(
        agent="traces",
        title=sentence_of(first),
        service=service,
        indicator=first.operation or f"calls of {service}",
        kind=first.kind,
        score=round(score_of(first.deviations), 4),
        deviations=round(first.deviations, 2),
        started_at=instant(first.first_at) if first.first_at is not None else None,
        peer=(scope.catalog.resolve(peer) or peer) if peer else None,
        evidence=tuple(
            _evidence(sign, scope) for sign in signs[:MOST_EVIDENCE] if score_of(sign.deviations) > 0
        ),
    )  # fmt: skip


def sentence_of(sign: TraceSign) -> str:
    """What it says to a person: figures, and of whom."""
    called = f"{sign.other[1]} of {sign.other[0]}" if sign.other else ""
    now, usual = (figure(max(0.0, value), _unit(sign.kind)) for value in (sign.now, sign.usual))  # clocks may differ
    if sign.kind == "self_time":
        return f"{sign.operation} takes {now} of its own, usually {usual} ({sign.service})"
    if sign.kind == "call_gap":
        other = sign.other[0] if sign.other else "others"
        return f"Calls between {sign.service} and {other} lose {now} on the way, usually {usual}"
    if sign.kind == "path_end":
        stopped = f"{now} of {called} end before all their usual calls were made, usually {usual}"
        itself = sign.other == (sign.service, sign.operation)
        return stopped if itself else f"{stopped}; the last that was asked is {sign.operation} ({sign.service})"
    if sign.kind == "failed_spans":
        return f"{now} of {sign.operation} fail, usually {usual} ({sign.service})"
    return f"{now} of {sign.operation} call {called}, usually {usual} ({sign.service})"


def _unit(kind: SignKind) -> str:
    return "s" if kind in {"self_time", "call_gap"} else "ratio"


def _evidence(sign: TraceSign, scope: Scope) -> Evidence:
    stretch = f"{scope.window.start:%Y-%m-%dT%H:%M:%SZ} to {scope.window.end:%Y-%m-%dT%H:%M:%SZ}"
    other = f" with {' '.join(sign.other).strip()}" if sign.other else ""
    asked = f"spans of {sign.service}, {stretch}, {sign.kind} of {sign.operation or 'its calls'}{other}"
    return Evidence(
        id=f"traces-{hashlib.sha256(asked.encode()).hexdigest()[:8]}",
        statement=sentence_of(sign),
        query=asked,
        observed_at=scope.window.end,
        value=sign.now,
        baseline=sign.usual,
        unit=_unit(sign.kind),
    )


def _normal(window: Visits, scope: Scope) -> Finding:
    return Finding(
        agent="traces",
        title=f"Traces: looked, and normal – {len(window.spans):,} spans",
        service=scope.service,
        indicator="spans",
        kind="path_end",
        score=0.0,
        deviations=0.0,
    )


def _facts(window: Visits, found: Sequence[Finding]) -> dict[str, object]:
    facts: dict[str, object] = {"span_count": len(window.spans), "trace_score": found[0].score}
    for name, kind in (("slow_service", "self_time"), ("broken_service", "path_end")):
        worst = next((finding for finding in found if finding.kind == kind and finding.score > 0), None)
        if worst:
            facts[name] = worst.service
    return facts
