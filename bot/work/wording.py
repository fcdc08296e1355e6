"""A ranking in a model's words: asked for after the ranking is stored, so that nothing waits and nothing moves."""

from __future__ import annotations

from collections.abc import Collection

import structlog

from bot.errors import IllegalTransition
from bot.llm.honesty import Claim, Fact, by_ref, empty_facts, seen_facts
from bot.llm.typed import Asking
from bot.llm.words import Ranking, Wording, word
from bot.models import Cited, Hypothesis, Incident, Phase, Recorded, Worded
from bot.work.modelled import Counsel

log = structlog.get_logger(__name__)

CAUSES = 3
EVIDENCE = 24
EMPTY = 8
REMEMBERED = 8


async def put_into_words(counsel: Counsel, incident: Incident, names: Collection[str]) -> None:
    """Word the incident's latest ranking, once.

    Args:
        names: of all services: one that is in no evidence may not be named.
    """
    ranked = incident.last("hypotheses")
    over = incident.phase is Phase.RESOLVED
    if ranked is None or not incident.hypotheses or over or _is_worded(incident, ranked):
        return
    ranking = ranking_of(incident)

    async def work(asking: Asking) -> Wording | None:
        return await word(asking, ranking, names)

    wording = await counsel.with_incident(incident, "word", work)
    if wording is None:
        return
    try:
        await counsel.journal.append(
            incident.id, _worded(counsel, ranked, wording, ranking), once=f"worded:{ranked.id}"
        )
    except IllegalTransition as late:
        log.info("wording.too_late", incident=incident.id, why=str(late))


def ranking_of(incident: Incident) -> Ranking:
    """What there is to word: the first causes, their evidence, and what the channel knows."""
    alert = incident.alert
    causes = incident.hypotheses[:CAUSES]
    lines = incident.brief.lines if incident.brief else ()
    return Ranking(
        alert=f"{alert.name} on {incident.service or alert.service or 'an unknown service'}: {alert.summary or ''}",
        hypotheses=causes,
        facts=facts_of(incident, causes),
        remembered=tuple(f"{line.said_at:%Y-%m-%d} {line.user}: {line.text}" for line in lines[:REMEMBERED]),
    )


def facts_of(incident: Incident, causes: tuple[Hypothesis, ...] = ()) -> tuple[Fact, ...]:
    """The evidence that the causes cite, first, then the rest; and what was asked and came back empty."""
    cited = [name for one in causes for name in (*one.evidence_for, *one.evidence_against)]
    place = {name: number for number, name in enumerate(dict.fromkeys(cited))}
    known = {fact.id: fact for finding in incident.findings for fact in finding.evidence}
    agents = {fact.id: finding.agent for finding in incident.findings for fact in finding.evidence}
    order = sorted(known.values(), key=lambda fact: place.get(fact.id, len(place)))
    empty = [
        *(text for one in causes[:1] for text in one.empty),
        *(gap.words for gap in incident.gaps),
    ]
    nothing = [fact.model_copy(update={"id": fact.text}) for fact in empty_facts(list(dict.fromkeys(empty))[:EMPTY])]
    return (*seen_facts(order[:EVIDENCE], sources=agents), *nothing)


def _worded(counsel: Counsel, ranked: Recorded, wording: Wording, ranking: Ranking) -> Worded:
    facts = by_ref(ranking.facts)

    def cited(claim: Claim) -> Cited:
        return Cited(text=claim.text, cites=tuple(facts[ref].id for ref in claim.cites))

    return Worded(
        at=counsel.clock(),
        ranked=ranked.id,
        sentences=tuple(cited(claim) for claim in wording.claims),
        doubt=cited(wording.doubt) if wording.doubt else None,
        missing=wording.missing,
        refused=wording.refused,
    )


def _is_worded(incident: Incident, ranked: Recorded) -> bool:
    return any(isinstance(one.event, Worded) and one.event.ranked == ranked.id for one in incident.history)
