"""How states, grades and figures are said. Never colour alone: an emoji always stands beside its word."""

from __future__ import annotations

from datetime import timedelta

from bot.models import (
    Alert,
    EarnedTrust,
    Hypothesis,
    Incident,
    ModelCost,
    Phase,
    Proposal,
    Risk,
    Severity,
    StandingApproval,
)
from bot.slack.text import line

PHASES = {
    Phase.INVESTIGATING: ":mag: Investigating",
    Phase.AWAITING: ":raised_hand: Approval needed",
    Phase.APPROVED: ":white_check_mark: Approved",
    Phase.EXECUTING: ":gear: Executing",
    Phase.VERIFYING: ":stopwatch: Verifying",
    Phase.RECOVERED: ":seedling: Recovered",
    Phase.OUTCOME_UNKNOWN: ":grey_question: Outcome unknown",
    Phase.HANDED_OVER: ":handshake: Handed over",
    Phase.RESOLVED: ":large_green_circle: Resolved",
}
SEVERITIES = {
    Severity.CRITICAL: "SEV1 (critical)",
    Severity.HIGH: "SEV2 (high)",
    Severity.WARNING: "SEV3 (warning)",
    Severity.INFO: "SEV4 (info)",
    Severity.LOW: "SEV5 (low)",
}
HEADLINE = 240
RISKS = {
    Risk.READ_ONLY: ":white_circle: read-only",
    Risk.LOW: ":large_blue_circle: low",
    Risk.MEDIUM: ":large_orange_circle: medium",
    Risk.HIGH: ":red_circle: high",
}


def phase(of: Phase) -> str:
    """An emoji and words; a phase without an entry is said by its own name."""
    return PHASES.get(of, f":small_blue_diamond: {of.value.capitalize()}")


def phase_word(of: Phase) -> str:
    """The words without the emoji."""
    return phase(of).partition(": ")[2]


def severity(of: Severity | None) -> str:
    """Such as "SEV2 (high)"."""
    return SEVERITIES[of] if of else "severity unknown"


def short_severity(of: Severity | None) -> str:
    """Such as "SEV2"."""
    return SEVERITIES[of].partition(" ")[0] if of else "Incident"


def service(incident: Incident) -> str:
    """The service in outside text, escaped."""
    return line(incident.service or incident.alert.service or "unknown service", 120)


def headline(incident: Incident) -> str:
    """What is wrong, in the sender's words, escaped."""
    return line(headline_of(incident.alert), HEADLINE)


def headline_of(alert: Alert) -> str:
    """What is wrong, as the sender put it: not escaped."""
    return alert.summary or alert.name


def sentence(text: str) -> str:
    """Begun with a capital and ended with a stop, as a sentence is; text that is none stays."""
    begun = text[:1].upper() + text[1:]
    return f"{begun}." if begun and begun[-1].isalnum() else begun


def unremarkable(title: str) -> str:
    """A finding of nothing, where the words around it say already that it was looked for and is normal."""
    return title.replace("looked, and normal – ", "").replace("looked, and ", "")


def percent(share: float) -> str:
    """Such as "82 %"."""
    return f"{round(100 * share)} %"


def confidence(of: float) -> str:
    """A figure and a word, such as "82 %, likely"."""
    steps = ((0.85, "very likely"), (0.6, "likely"), (0.35, "possible"), (0.0, "unlikely"))
    return f"{percent(of)}, {next(word for least, word in steps if of >= least)}"


def duration(seconds: float) -> str:
    """Such as "45 s", "12 min", "3 h 5 min" or "2 d 4 h"."""
    whole = max(0, round(seconds))
    if whole < 120:
        return f"{whole} s"
    days, hours, minutes = whole // 86400, whole % 86400 // 3600, whole % 3600 // 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def since(span: timedelta) -> str:
    """The length of a span in words."""
    return duration(span.total_seconds())


def figure(value: float | None, unit: str | None) -> str:
    """Such as "12.3 %"; a dash for a value that is not known."""
    if value is None:
        return "—"
    if unit == "ratio":
        return f"{100 * value:.3g} %"
    digits = f"{value:,.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:,.4g}"
    return f"{digits} {line(unit, 30)}" if unit else digits


def cost(of: ModelCost) -> str:
    """What a model has cost, such as "4,120 tokens, 0.012 USD"."""
    money = f", {of.money:.3f} {line(of.currency, 8)}" if of.money else ""
    return f"{of.tokens:,} tokens{money}"


def risk(proposal: Proposal) -> str:
    """The grade and why it was given."""
    reasons = " ".join(f"{line(reason, 200).rstrip('.')}." for reason in proposal.risk_reasons[:5])
    return f"{RISKS[proposal.risk]}{f' — {reasons}' if reasons else ''}"


def cause(hypothesis: Hypothesis) -> str:
    """The cause, how sure, on one line."""
    return f"{line(hypothesis.statement, 400)} ({confidence(hypothesis.confidence)})"


def trusted(one: StandingApproval | EarnedTrust) -> str:
    """What trust is in: the action, the service, and what of the action it is, where that is more than the service."""
    more = one.extent if one.extent != f"service={one.service}" else ""
    exactly = f" ({line(more, 240)})" if more else ""
    return f"*{line(one.action, 120)}* on *{line(one.service, 120)}*{exactly}"
