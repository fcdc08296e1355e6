"""`nightdesk diagnose`: the production agents and the commander on a recorded case, with no Redis and no Slack."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot.agents.board import Case as Board
from bot.agents.board import Enquiry, delivered
from bot.agents.commander import explain, rank
from bot.agents.enquiring import enquire
from bot.agents.fusion import Past
from bot.agents.logs import logs_tools
from bot.agents.looks import LOOKS
from bot.agents.measures import measures_tools
from bot.agents.requests import request_tools
from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.agents.traces import traces_tools
from bot.alerts import alertmanager
from bot.catalog import Catalog, Service
from bot.errors import BadInput
from bot.models import Finding, Gap, Hypothesis, Report
from bot.telemetry.recorded import LOGS, METRICS, SPANS, Case, RecordedLogs, RecordedMetrics, RecordedSpans, open_case

DEADLINE_S = 120.0
"""For each agent; a case is finished long before."""
SHOWN = 5
EVIDENCE_SHOWN = 6
LEAST_SURE = 0.005
"""Below this a per cent would be told as none."""


@dataclass(frozen=True)
class Diagnosis:
    """What the commander makes of a case."""

    hypotheses: tuple[Hypothesis, ...]
    findings: tuple[Finding, ...]
    gaps: tuple[Gap, ...]
    seconds: float
    asked: tuple[Enquiry, ...] = ()
    """What agents asked each other."""

    def causes(self) -> list[dict[str, Any]]:
        """One entry a service, best first, as `--json` prints it."""
        facts = {fact.id: fact.statement for finding in self.findings for fact in finding.evidence}
        found: dict[str | None, dict[str, Any]] = {}
        for one in self.hypotheses:
            found.setdefault(one.service, {
                "service": one.service,
                "indicator": one.indicator,
                "kind": one.kind,
                "score": round(one.score, 6),
                "confidence": one.confidence,
                "statement": one.statement,
                "evidence": [facts[name] for name in one.evidence_for if name in facts][:EVIDENCE_SHOWN],
                "against": [facts[name] for name in one.evidence_against if name in facts][:EVIDENCE_SHOWN],
            })  # fmt: skip
        return list(found.values())


async def diagnose(case: Case, past: Sequence[Past] = ()) -> Diagnosis:
    """Look with every agent for which the case has something, let them ask each other, and rank.

    Raises:
        BadInput: the case cannot be read.
    """
    began = time.perf_counter()
    scope = scope_of(case)
    tools = toolbox_of(case)
    looks = [look for look in LOOKS if look in tools]
    if not looks:
        raise BadInput(f"{case.folder} holds neither {METRICS} nor {SPANS} nor {LOGS}: there is nothing to look at.")
    reports = await asyncio.gather(*(tools.use(look, {}, scope) for look in looks))
    answers = await _answers(reports, tools, scope)
    findings, gaps = _together([*reports, *(report for _, report in answers)])
    hypotheses = rank(findings, gaps, scope.catalog, past)
    return Diagnosis(hypotheses, findings, gaps, time.perf_counter() - began, tuple(enquiry for enquiry, _ in answers))


async def _answers(reports: Sequence[Report], tools: Toolbox, scope: Scope) -> list[tuple[Enquiry, Report]]:
    """What the findings made agents ask each other, as in a live triage; nobody is hurried, since nobody waits."""
    posted = _together(reports)[0]
    onset = scope.alert.starts_at or scope.window.end
    board = Board(posted, scope.catalog.resolve(scope.alert.service), scope.catalog, onset)
    answers: list[tuple[Enquiry, Report]] = []

    async def answer(enquiry: Enquiry) -> Report:
        heard = delivered(enquiry.asked, posted)
        return await tools.use(enquiry.tool, enquiry.parameters, replace(scope, heard=heard))

    async def record(enquiry: Enquiry, report: Report) -> None:
        answers.append((enquiry, report))

    await enquire(board, tools, answer, record, within_s=DEADLINE_S)
    return answers


def command(folder: Path, *, as_json: bool) -> str:
    """What the command prints.

    Raises:
        BadInput: the folder is no recorded case, or a file in it cannot be read.
    """
    began = time.perf_counter()
    found = asyncio.run(diagnose(open_case(folder)))
    seconds = round(time.perf_counter() - began, 3)
    if as_json:
        return json.dumps({"causes": found.causes(), "seconds": seconds}, indent=2, ensure_ascii=False)
    return _told(found, seconds)


def scope_of(case: Case) -> Scope:
    """The assignment that the case's alert sets, over the services of its topology."""
    alerts = alertmanager.parse(dict(case.alert))
    if not alerts:
        raise BadInput(f"{case.folder / 'case.json'} holds an alert group without alerts.")
    catalog = _catalog(case)
    return Scope(
        incident_id=case.id,
        alert=alerts[0],
        service=None,  # everything recorded belongs to the incident, whether or not the topology leads there
        catalog=catalog,
        window=case.window,
        baseline=case.baselines[0],
        quiet=case.baselines[1:],
        deadline_s=DEADLINE_S,
    )


def _catalog(case: Case) -> Catalog:
    """The services of the topology; names that differ only in their capitals are one service."""
    spoken: dict[str, str] = {}
    needs: dict[str, dict[str, None]] = {}
    for call in case.calls:
        caller, callee = (spoken.setdefault(name.casefold(), name) for name in (call.caller, call.callee))
        needs.setdefault(callee, {})
        if caller != callee:
            needs.setdefault(caller, {})[callee] = None
    return Catalog(services={name: Service(depends_on=tuple(called)) for name, called in needs.items()})


def toolbox_of(case: Case) -> Toolbox:
    """The agents that have something to look at in the case."""
    spans = (RecordedSpans(case),) if case.holds(SPANS) else ()
    logs = (RecordedLogs(case),) if case.holds(LOGS) else ()
    tools = measures_tools(RecordedMetrics(case), traced=bool(spans)) if case.holds(METRICS) else ()
    if spans:
        tools += traces_tools(spans)
    if logs:
        tools += (*request_tools(logs, spans), *logs_tools(logs))
    return Toolbox(tools)


def _together(reports: Sequence[Report]) -> tuple[tuple[Finding, ...], tuple[Gap, ...]]:
    findings = tuple(finding for report in reports for finding in report.findings)
    return findings, tuple(dict.fromkeys(gap for report in reports for gap in report.gaps))


def _told(found: Diagnosis, seconds: float) -> str:
    lines = [explain(found.hypotheses, found.findings, found.gaps), ""]
    for place, cause in enumerate(found.causes()[:SHOWN], 1):
        who = cause["service"] or "no service"
        lines.append(f"{place}. {who}: {cause['kind']}, {_sure(cause['confidence'])} – {cause['statement']}")
        lines += [f"     {fact}" for fact in cause["evidence"] if fact != cause["statement"]][:3]
    lines += [f"{one.asker} asked {one.asked}: {one.words}" for one in found.asked]
    lines += ["", f"{seconds:.1f} s"]
    return "\n".join(lines)


def _sure(confidence: float) -> str:
    return f"{confidence:.0%} sure" if confidence >= LEAST_SURE else "hardly likely"
