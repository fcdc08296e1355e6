"""The ranked causes: how sure, what speaks for each, what against, and what came back empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bot.models import Evidence, Found, Hypothesis, Incident, Ranked
from bot.models.evidence import unseen
from bot.slack.blocks import Block, Post, context, post, section
from bot.slack.text import cut, line
from bot.slack.views import words

MOST = 3


def causes(event: Ranked, incident: Incident) -> Post:
    """The commander's judgement as a message, best first."""
    ranked = event.hypotheses
    if not ranked:
        words_ = "No cause stands out from what could be seen."
        return post(words_, [section(f":brain: {words_}"), _explained(event)])
    known = evidence_of(incident)
    return post(
        f"Most likely cause: {words.cause(ranked[0])}.",
        [
            section(f":brain: *Most likely cause* — {words.confidence(ranked[0].confidence)}"),
            _explained(event) or section(line(ranked[0].statement, 400)),
            _reasons(ranked[0], known, event.explanation),
            _others(ranked[1:]),
            _empty(ranked[0], incident),
        ],
    )


def evidence_of(incident: Incident) -> Mapping[str, Evidence]:
    """All evidence of the incident, by id."""
    return {evidence.id: evidence for evidence in _all_evidence(incident)}


def cited(ids: Sequence[str], known: Mapping[str, Evidence], *, most: int = 3) -> str:
    """The statements behind the ids; an id without a statement stays an id."""
    shown = [line(known[name].statement if name in known else name, 200).rstrip(".") for name in ids[:most]]
    return "; ".join(shown) + (f"; {len(ids) - most} more" if len(ids) > most else "")


def _all_evidence(incident: Incident) -> Iterator[Evidence]:
    for recorded in incident.history:
        if isinstance(recorded.event, Found):
            for finding in recorded.event.findings:
                yield from finding.evidence
    for finding in incident.findings:
        yield from finding.evidence


def _reasons(best: Hypothesis, known: Mapping[str, Evidence], explanation: str) -> Block | None:
    """What speaks for it beyond what the explanation above says, and what against it."""
    said = f"{best.statement} {explanation}".casefold()
    further = [name for name in best.evidence_for if name not in known or not _is_in(said, known[name])]
    rows = [f"*For:* {cited(further, known)}"] if further else []
    if best.evidence_against:
        rows.append(f"*Against:* {cited(best.evidence_against, known)}")
    return section("\n".join(rows)) if rows else None


def _others(others: Sequence[Hypothesis]) -> Block | None:
    """The next causes in a line each; what explains little is only counted."""
    if not others:
        return None
    rows = [
        f"{place}. {line(other.statement, 200)} — {words.confidence(other.confidence)}"
        for place, other in enumerate(others[: MOST - 1], start=2)
    ]
    more = len(others) - len(rows)
    return section("*Less likely*\n" + "\n".join([*rows, *([f"… and {more} more"] if more else [])]))


def _is_in(said: str, evidence: Evidence) -> bool:
    return evidence.statement.casefold().rstrip(".") in said


def _empty(best: Hypothesis, incident: Incident) -> Block | None:
    """What was looked at and is normal; a question that got no answer is none of it, and its report says so."""
    unanswered = {*unseen(incident.gaps), *(gap.words for gap in incident.gaps)}
    normal = [words.unremarkable(text) for text in best.empty if text not in unanswered]
    return context(f"Asked, and nothing unusual: {cited(normal, {}, most=4)}") if normal else None


def _explained(event: Ranked) -> Block | None:
    return section(cut(event.explanation, 1500)) if event.explanation.strip() else None
