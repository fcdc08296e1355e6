"""The logs agent's second look: what single requests write, joined with the spans that tell by which way they came."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.agents.deviation import score_of
from bot.agents.reading import spoken, whole
from bot.agents.redaction import redacted
from bot.agents.request_signs import RequestLog, RequestSign
from bot.agents.scope import Scope
from bot.agents.tools import Parameters, Tool
from bot.agents.visits import Visits
from bot.agents.wording import figure
from bot.models import Evidence, Finding, Gap, Report, Window
from bot.telemetry.loglines import LogLine
from bot.telemetry.logs import LogSource
from bot.telemetry.series import instant
from bot.telemetry.spans import Span, SpanSource

READING_SHARE = 0.8
"""The part of the deadline in which lines and spans are read."""
MOST_EVIDENCE = 3
MOST_FINDINGS = 20
HARDLY = 0.1
"""What is left of a line's usual share where it has as good as vanished."""
LONGEST_TEMPLATE = 160
FACTS: Mapping[str, str] = {
    "requests_deviating": "services whose requests write other lines than usual",
    "requests_service": "the service whose requests deviate most",
    "requests_template": "the line that deviates most",
    "requests_score": "its score, 0 to 1",
    "requests_compared": "the services whose requests were compared one by one, by their lines",
}


class LookAtRequests(Parameters):
    """No choice: the requests of the incident's service and of what it stands on."""


def request_tools(logs: Sequence[LogSource], spans: Sequence[SpanSource]) -> tuple[Tool, ...]:
    """The tool; without lines that carry a trace it answers with that gap."""
    agent = RequestsAgent(logs, spans)
    return (
        Tool("logs.requests", "logs", "Lines that requests no longer write, or newly write, service by service.",
             LookAtRequests, FACTS, agent.look),
    )  # fmt: skip


class RequestsAgent:
    """Looks through log and span sources together."""

    def __init__(self, logs: Sequence[LogSource], spans: Sequence[SpanSource]) -> None:
        self._logs, self._spans = tuple(logs), tuple(spans)

    async def look(self, _: LookAtRequests, scope: Scope) -> Report:
        """The window against every baseline that has lines."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        gaps: list[Gap] = []
        stretches: list[tuple[list[LogLine], list[Span]]] = []
        for stretch in (scope.window, *scope.baselines):
            left_s = scope.deadline_s * READING_SHARE - (loop.time() - began)
            lines, missing = await self._lines(stretch, scope, left_s)
            spans = (await self._traces(stretch, scope, left_s))[0] if lines else []
            stretches.append((lines, spans))
            gaps += missing
            if not stretches[0][0]:
                break  # there is nothing to compare
        findings = await asyncio.to_thread(_findings, stretches, scope, gaps)
        return Report(agent="logs", findings=findings, gaps=tuple(dict.fromkeys(gaps)), seconds=loop.time() - began)

    async def _lines(self, stretch: Window, scope: Scope, within_s: float) -> tuple[list[LogLine], list[Gap]]:
        names = spoken(scope)
        return await whole(self._logs, lambda source: source.read(stretch, names), lambda batch: batch.lines, within_s)

    async def _traces(self, stretch: Window, scope: Scope, within_s: float) -> tuple[list[Span], list[Gap]]:
        names = spoken(scope)
        return await whole(self._spans, lambda source: source.read(stretch, names), lambda batch: batch.spans, within_s)


def _findings(
    stretches: Sequence[tuple[Sequence[LogLine], Sequence[Span]]], scope: Scope, gaps: list[Gap]
) -> tuple[Finding, ...]:
    log = RequestLog()
    counted = [log.add(lines, Visits(spans), window=not place) for place, (lines, spans) in enumerate(stretches)]
    if not counted[0] or not sum(counted[1:]):
        if not gaps:  # what was not answered is no absence
            gaps.append(Gap(source="logs", reason="no lines that name their trace, in the window and in a baseline"))
        return ()
    grouped: dict[tuple[str, str], list[RequestSign]] = {}
    for sign in log.signs():
        grouped.setdefault((sign.service, _kind(sign)), []).append(sign)
    found = [_finding(signs, scope) for signs in grouped.values() if score_of(signs[0].deviations) > 0]
    found = sorted(found, key=lambda finding: -finding.score)[:MOST_FINDINGS] or [_normal(scope)]
    compared = sorted({scope.catalog.resolve(service) or service for service in log.compared})
    found[0] = found[0].model_copy(update={"facts": {**_facts(found), "requests_compared": compared}})
    return tuple(found)


def _kind(sign: RequestSign) -> str:
    if sign.deviations < 0:
        return "vanished_line"
    return "new_complaint" if sign.alarming else "new_line"


def _finding(signs: Sequence[RequestSign], scope: Scope) -> Finding:
    first = signs[0]
    return Finding(
        agent="logs",
        title=sentence_of(first),
        service=scope.catalog.resolve(first.service) or first.service,
        indicator=redacted(first.template, LONGEST_TEMPLATE),
        kind=_kind(first),
        score=round(score_of(first.deviations), 4),
        deviations=round(first.deviations, 2),
        started_at=_onset(signs),
        evidence=tuple(_evidence(sign, scope) for sign in signs[:MOST_EVIDENCE] if score_of(sign.deviations) > 0),
    )


def _onset(signs: Sequence[RequestSign]) -> datetime | None:
    """When the strongest of the new complaints was first written; what was written before as well tells no onset."""
    new = [sign.first_at for sign in signs if sign.alarming and sign.first_at is not None]
    return instant(new[0]) if new else None


def sentence_of(sign: RequestSign) -> str:
    """'Requests to Charge no longer write “charged”: 0 % of them, usually 100 % (pay)'."""
    template = redacted(sign.template, LONGEST_TEMPLATE)
    way = f" to {sign.operation}" if sign.operation else ""
    now, usual = figure(sign.share, "ratio"), figure(sign.usual, "ratio")
    writes = _writes(sign).format(f"write “{template}”")
    return f"Requests{way} {writes}: {now} of them, usually {usual} ({sign.service})"


def _writes(sign: RequestSign) -> str:
    """No more than the figures say: a line that half of the requests still write is not gone."""
    if sign.deviations < 0:
        left = sign.share / sign.usual if sign.usual else 0.0
        return "no longer {}" if not sign.share else "hardly {} any more" if left < HARDLY else "{} less often"
    return "{} more often" if sign.usual else "now {}"


def _evidence(sign: RequestSign, scope: Scope) -> Evidence:
    stretch = f"{scope.window.start:%Y-%m-%dT%H:%M:%SZ} to {scope.window.end:%Y-%m-%dT%H:%M:%SZ}"
    template = redacted(sign.template, LONGEST_TEMPLATE)
    asked = f"lines of requests to {sign.operation or 'any operation'} of {sign.service}, {stretch}, like: {template}"
    return Evidence(
        id=f"logs-{hashlib.sha256(asked.encode()).hexdigest()[:8]}",
        statement=sentence_of(sign),
        query=asked,
        observed_at=scope.window.end,
        value=sign.share,
        baseline=sign.usual,
        unit="ratio",
    )


def _normal(scope: Scope) -> Finding:
    return Finding(
        agent="logs",
        title="Lines of requests: looked, and normal",
        service=scope.service,
        indicator="lines_of_requests",
        kind="vanished_line",
        score=0.0,
        deviations=0.0,
    )


def _facts(found: Sequence[Finding]) -> dict[str, object]:
    deviating = [finding for finding in found if finding.score > 0]
    facts: dict[str, object] = {
        "requests_deviating": len({finding.service for finding in deviating}), "requests_score": found[0].score,
    }  # fmt: skip
    if deviating:
        facts |= {"requests_service": found[0].service, "requests_template": found[0].indicator}
    return facts
