"""How a remedy will be judged: as the drawing says, else by the very symptom that is worst."""

from __future__ import annotations

from collections.abc import Sequence

from bot.agents.course import SYMPTOMS
from bot.agents.fusion import fare_of
from bot.canvas.outcome import Change
from bot.models import Finding, Verification

WORDS = {"error_rate": "failures", "latency": "latency", "traffic_drop": "traffic", "traffic_surge": "traffic"}
WAY_BACK = 0.1
"""A symptom is over when it has come back this near to its baseline, as a share of the deviation."""


def verification_of(change: Change, findings: Sequence[Finding], window_s: float) -> Verification | None:
    """What the change's block says under `verify`; without one, the worst symptom for `window_s`."""
    verify = change.verify
    if not verify:
        return of_symptom(findings, window_s)
    if verify.get("symptom"):
        return of_symptom(findings, float(verify.get("within") or window_s))
    below, above = verify.get("below"), verify.get("above")
    tool, fact = verify.get("use"), verify.get("fact")
    threshold = below if below is not None else above
    if threshold is None:
        return None
    return Verification(
        query=verify.get("query") or f"{fact} of {tool}",
        tool=tool,
        parameters=verify.get("with") or {},
        fact=fact,
        threshold=float(threshold),
        comparison="<" if below is not None else ">",
        window_s=float(verify.get("within") or 300.0),
        unit=verify.get("unit"),
    )


def of_symptom(findings: Sequence[Finding], window_s: float) -> Verification | None:
    """The worst symptom that has a query and figures, failures before all else: it must come back to its normal."""
    for finding in sorted(findings, key=lambda finding: (fare_of(finding) != "error_rate", -finding.score)):
        kind = fare_of(finding)
        if finding.agent != "metrics" or kind not in SYMPTOMS:
            continue
        for fact in finding.evidence:
            if fact.query and fact.value is not None and fact.baseline is not None and fact.value != fact.baseline:
                return Verification(
                    query=fact.query,
                    what=f"{WORDS[kind]} of {finding.service}",
                    threshold=fact.baseline + WAY_BACK * (fact.value - fact.baseline),
                    comparison="<" if fact.value > fact.baseline else ">",
                    window_s=window_s,
                    unit=fact.unit,
                )
    return None
