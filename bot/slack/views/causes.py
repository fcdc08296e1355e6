"""The ranked causes: how sure, what speaks for each, what against, and what came back empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bot.models import Evidence, Found, Hypothesis, Incident, Ranked
from bot.slack.blocks import Block, Post, context, post, section
from bot.slack.text import cut, line
from bot.slack.views import words

MOST = 5


def causes(event: Ranked, incident: Incident) -> Post:
    """The commander's judgement as a message, best first."""
    ranked = event.hypotheses
    if not ranked:
        words_ = "No cause stands out from what could be seen."
        return post(words_, [section(f":brain: {words_}"), _explained(event)])
    known = evidence_of(incident)
    more = f"{len(ranked) - MOST} less likely causes are not shown." if len(ranked) > MOST else ""
    return post(
        f"Most likely cause: {words.cause(ranked[0])}.",
        [
            section(":brain: *Ranked causes*"),
            *(_cause(place, each, known) for place, each in enumerate(ranked[:MOST], start=1)),
            context(more) if more else None,
            _explained(event),
        ],
    )


def evidence_of(incident: Incident) -> Mapping[str, Evidence]:
    """All evidence of the incident, by id."""
    return {evidence.id: evidence for evidence in _all_evidence(incident)}


def cited(ids: Sequence[str], known: Mapping[str, Evidence], *, most: int = 3) -> str:
    """The statements behind the ids; an id without a statement stays an id."""
    shown = [line(known[name].statement if name in known else name, 200) for name in ids[:most]]
    return "; ".join(shown) + (f"; {len(ids) - most} more" if len(ids) > most else "")


def _all_evidence(incident: Incident) -> Iterator[Evidence]:
    for recorded in incident.history:
        if isinstance(recorded.event, Found):
            for finding in recorded.event.findings:
                yield from finding.evidence
    for finding in incident.findings:
        yield from finding.evidence


def _cause(place: int, hypothesis: Hypothesis, known: Mapping[str, Evidence]) -> Block:
    rows = [f"*{place}. {line(hypothesis.statement, 400)}* — {words.confidence(hypothesis.confidence)}"]
    if hypothesis.evidence_for:
        rows.append(f"For: {cited(hypothesis.evidence_for, known)}")
    if hypothesis.evidence_against:
        rows.append(f"Against: {cited(hypothesis.evidence_against, known)}")
    if hypothesis.empty:
        rows.append(f"Asked, and empty: {cited(hypothesis.empty, {})}")
    return section("\n".join(rows))


def _explained(event: Ranked) -> Block | None:
    return section(cut(event.explanation, 1500)) if event.explanation.strip() else None
