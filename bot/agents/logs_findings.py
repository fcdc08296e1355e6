"""What the logs agent says of a census: findings in words, with their evidence and the facts for branches."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from bot.agents.census import Census, Service
from bot.agents.redaction import redacted
from bot.agents.scope import Scope
from bot.agents.sequences import Place, Turn
from bot.agents.verdicts import Share, Verdict, VerdictKind, shares, verdicts
from bot.agents.wording import clock, figure
from bot.models import Evidence, Finding
from bot.telemetry.series import instant
from bot.telemetry.templates import Templates

LogKind = VerdictKind | Literal["turn", "error_share"]
MOST: Mapping[LogKind, int] = {
    "new_error": 5, "surging_error": 3, "vanished_log": 3, "silent": 3, "new_log": 2, "turn": 3, "error_share": 100,
}  # fmt: skip
"""How many findings of a kind are told."""
SLIGHT = 0.1
"""The part of a path's requests that must go elsewhere, beyond chance, for it to be told."""
LONGEST_TEMPLATE = 160
LONGEST_PLACE = 90


def findings(
    census: Census, scope: Scope, services: Collection[str] | None, kinds: Collection[LogKind]
) -> tuple[Finding, ...]:
    """What the census means, strongest first; the first carries the facts. It blocks."""
    census.close()
    judged = verdicts(census)
    turned = [turn for turn in census.sequences.turns() if turn.score >= SLIGHT]
    found: list[Finding] = []
    for kind in kinds:
        found += [_of_verdict(verdict, scope) for verdict in judged if verdict.kind == kind][: MOST[kind]]
    if "turn" in kinds:
        found += [_of_turn(turn, census.templates, scope) for turn in turned[: MOST["turn"]]]
    if "error_share" in kinds:
        found += [_of_share(share, scope) for share in shares(census) if share.lines]
    found.sort(key=lambda finding: -finding.score)
    if found:
        facts = _facts(census, judged, services) | {"turned_count": len(turned)}
        found[0] = found[0].model_copy(update={"facts": {**found[0].facts, **facts}})
    return tuple(found)


def _facts(census: Census, judged: Sequence[Verdict], services: Collection[str] | None) -> dict[str, Any]:
    counted = Counter(verdict.kind for verdict in judged if verdict.score > 0)
    facts: dict[str, Any] = {
        "new_error_count": counted["new_error"],
        "new_template_count": counted["new_error"] + counted["new_log"],
        "surging_error_count": counted["surging_error"],
        "vanished_count": counted["vanished_log"] + counted["silent"],
        "lines_read": census.lines,
    }
    if judged and judged[0].score > 0:
        top = judged[0]
        facts |= {"top_template": redacted(top.template, LONGEST_TEMPLATE), "top_kind": top.kind,
                  "top_service": top.service, "top_score": top.score}  # fmt: skip
    if asked := _asked_share(census, services):
        facts |= {"error_share": asked.share, "error_share_baseline": asked.baseline or 0.0}
    return facts


def _asked_share(census: Census, services: Collection[str] | None) -> Share | None:
    """Of the service that was asked about, or of the lines that name no service; of the worst where none was."""
    known = {share.service: share for share in shares(census)}
    if services is None:
        return next(iter(known.values()), None)
    return known.get(next(iter(services), None)) or known.get(None)


def _of_verdict(verdict: Verdict, scope: Scope) -> Finding:
    template = redacted(verdict.template, LONGEST_TEMPLATE)
    said = _sentence(verdict, template)
    return Finding(
        agent="logs",
        title=said,
        service=verdict.service,
        indicator=template,
        kind="vanished_log" if verdict.kind == "silent" else verdict.kind,
        score=round(verdict.score, 4),
        of_requests=verdict.of_requests,
        started_at=verdict.started_at,
        evidence=(
            _evidence(
                scope,
                said if not verdict.example else f"{said}. For example: {redacted(verdict.example)}",
                question=f"lines like: {template}",
                service=verdict.service,
                value=verdict.count,
                baseline=verdict.expected,
                unit="lines",
            ),
        ),
    )


def _sentence(verdict: Verdict, template: str) -> str:
    at, who = clock(verdict.started_at), _whose(verdict.service)
    count, expected = f"{verdict.count:,.0f}", f"{verdict.expected:,.0f}"
    if verdict.kind == "silent":
        return f"Logs stopped at {at}, about {expected} lines are missing since{who}"
    if verdict.kind == "vanished_log":
        return f"Missing since {at}, about {expected} lines by now: “{template}”{who}"
    if verdict.kind == "surging_error":
        return f"Surged at {at} to {count} lines, where {expected} are usual: “{template}”{who}"
    return f"New at {at}, {count} {'line' if verdict.count == 1 else 'lines'}: “{template}”{who}"


def _of_turn(turn: Turn, templates: Templates, scope: Scope) -> Finding:
    said = _turn_sentence(turn, templates)
    after = _place(turn.after, templates)
    return Finding(
        agent="logs",
        title=said,
        service=turn.service,
        indicator=after,
        kind="log_path",
        score=round(turn.score, 4),
        of_requests=True,
        started_at=instant(turn.started_at),
        evidence=(
            _evidence(
                scope, said, question=f"what follows {after} within a request", service=turn.service,
                value=turn.share, baseline=turn.share_before, unit="ratio",
            ),
        ),
    )  # fmt: skip


def _turn_sentence(turn: Turn, templates: Templates) -> str:
    after, usual, instead = (_place(place, templates) for place in (turn.after, turn.usual, turn.instead))
    at, who = clock(instant(turn.started_at)), _whose(turn.service)
    rate = f"{figure(turn.share, 'ratio')} of {turn.count:,} times, usually {figure(turn.share_before, 'ratio')}"
    if turn.kind == "cut_short":
        return f"Requests end early since {at}: behind {after} came {usual} {rate}{who}"
    if turn.kind == "skipped":
        return f"A line is left out since {at}: behind {after} came {usual} {rate}{who}"
    if turn.kind == "reordered":
        return f"The order changed at {at}: behind {after} now comes {instead}, and {usual} {rate}{who}"
    return f"Requests go another way since {at}: behind {after} now comes {instead}, and {usual} {rate}{who}"


def _place(place: Place, templates: Templates) -> str:
    if place == "begin":
        return "the beginning"
    if place == "end":
        return "the end"
    return f"“{redacted(templates.text(place), LONGEST_PLACE)}”"


def _of_share(share: Share, scope: Scope) -> Finding:
    said = _share_sentence(share)
    return Finding(
        agent="logs",
        title=said,
        service=share.service,
        indicator="log_error_share",
        kind="error_rate",
        score=round(share.score, 4),
        of_requests=share.of_requests,
        evidence=(
            _evidence(
                scope, said, question="error lines / all lines", service=share.service, value=share.share,
                baseline=share.baseline, unit="ratio",
            ),
        ),
    )  # fmt: skip


def _share_sentence(share: Share) -> str:
    now, who = figure(share.share, "ratio"), _whose(share.service)
    if share.baseline is None:
        return f"{now} of {share.lines:,.0f} log lines are errors; nothing to compare with{who}"
    usual = figure(share.baseline, "ratio")
    if share.score > 0:
        return f"Errors make {now} of the log lines, usually {usual}{who}"
    return f"Log errors: looked, and normal – {now} of {share.lines:,.0f} lines, usually {usual}{who}"


def _whose(service: Service) -> str:
    return f" ({service})" if service else ""


def _evidence(
    scope: Scope, statement: str, *, question: str, service: Service, value: float, baseline: float | None, unit: str
) -> Evidence:
    stretch = f"{scope.window.start:%Y-%m-%dT%H:%M:%SZ} to {scope.window.end:%Y-%m-%dT%H:%M:%SZ}"
    asked = f"logs{' of ' + service if service else ''}, {stretch}, {question}"
    return Evidence(
        id=f"logs-{hashlib.sha256(asked.encode()).hexdigest()[:8]}",
        statement=statement,
        query=asked,
        observed_at=scope.window.end,
        value=value,
        baseline=baseline,
        unit=unit,
    )
