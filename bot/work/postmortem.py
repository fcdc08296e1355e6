"""A post-mortem draft of an incident that is over: the timeline and the figures from its events, and a model's words.

The document stands without a model: then its words are the commander's. With one, each of the model's sentences carries
the numbers of the facts that it was held against, which stand in the document too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from bot.llm.honesty import Claim, Fact, by_ref
from bot.llm.postmortem import Closed, Drafted, lesson, write
from bot.llm.typed import Asking
from bot.models import (
    AlertJoined,
    Approved,
    Asked,
    Executed,
    HandedOver,
    Incident,
    NotExecuted,
    Opened,
    OutcomeUnknown,
    Proposed,
    Ranked,
    Recorded,
    Rejected,
    Reopened,
    Resolved,
    Verified,
)
from bot.slack.text import clean
from bot.work.modelled import Counsel
from bot.work.wording import CAUSES, facts_of

WORTH_S = timedelta(minutes=10)
"""An incident that ended sooner, and at which nobody did anything, needs no post-mortem."""
TIMELINE = 40
EVIDENCE_SHOWN = 24
_HARMLESS = str.maketrans({"`": "'", "<": "‹", ">": "›"})
BY_PEOPLE = frozenset({"executed", "handed_over", "outcome_unknown", "rejected"})


def is_worth_one(incident: Incident) -> bool:
    """Whether somebody acted or took over, or it lasted; a person's question is no incident."""
    if incident.alert.source == "slack" or not incident.history:
        return False
    acted = any(recorded.event.kind in BY_PEOPLE for recorded in incident.history)
    return acted or incident.history[-1].event.at - incident.opened_at >= WORTH_S


def file_name(incident: Incident) -> str:
    """What the file in the thread is called."""
    return f"postmortem-{incident.id}.md"


async def drafted(incident: Incident, counsel: Counsel | None, names: Collection[str]) -> tuple[str, bool]:
    """The document, and whether some of its words are a model's."""
    facts = _facts(incident)
    words = None
    if counsel is not None:
        closed = Closed(title=_title(incident), facts=facts)

        async def work(asking: Asking) -> Drafted | None:
            return await write(asking, closed, names)

        words = await counsel.with_incident(incident, "write", work)
    return "\n".join(_document(incident, facts, words)) + "\n", words is not None


async def learned(incident: Incident, counsel: Counsel, names: Collection[str]) -> tuple[str, ...]:
    """What to check first the next time, in a model's words that hold."""
    closed = Closed(title=_title(incident), facts=_facts(incident))

    async def work(asking: Asking) -> tuple[str, ...]:
        return await lesson(asking, closed, names)

    return await counsel.with_incident(incident, "write", work) or ()


def _document(incident: Incident, facts: Sequence[Fact], words: Drafted | None) -> Iterator[str]:
    ended = incident.history[-1].event.at
    yield f"# {_title(incident)}"
    yield ""
    yield "**A draft for people to correct.** Times are UTC. Facts are numbered; a sentence of a model names its facts."
    yield ""
    yield f"- Incident: {incident.id}"
    yield f"- Service: {_one_line(incident.service or incident.alert.service or 'unknown')}"
    yield f"- Severity: {incident.severity.value if incident.severity else 'unknown'}"
    yield f"- From {_moment(incident.opened_at)} to {_moment(ended)}: {_lasted(ended - incident.opened_at)}"
    yield f"- Alerts: {1 + incident.joined + incident.duplicates}"
    yield from _section("Summary", _words(words.summary if words else (), facts) or _summary(incident))
    yield from _section("Impact", _words(words.impact if words else (), facts) or ["To be filled in by people."])
    yield from _section("Cause", [*_words(words.cause if words else (), facts), *_cause(incident)])
    yield from _section("Timeline", [f"- {fact.ref} {fact.text}" for fact in facts if fact.ref.startswith("t")])
    seen = [f"- {fact.ref} ({fact.source}) {_one_line(fact.text)}" for fact in facts if fact.ref.startswith("e")]
    yield from _section("Evidence", seen or ["Nothing was seen."])
    empty = [f"- {fact.ref} {_one_line(fact.text)}" for fact in facts if fact.ref.startswith("n")]
    yield from _section("Asked, and nothing there", empty)
    suggested = _words(words.follow_ups if words else (), facts)
    yield from _section("Follow-ups", [*(f"- [ ] {line} (a model's suggestion)" for line in suggested), "- [ ] "])


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield from ("", f"## {title}", "", *lines)


def _words(claims: Sequence[Claim], facts: Sequence[Fact]) -> list[str]:
    known = by_ref(facts)
    return [f"{_one_line(claim.text)} [{', '.join(ref for ref in claim.cites if ref in known)}]" for claim in claims]


def _summary(incident: Incident) -> list[str]:
    """Without a model: what fired, what was taken for the cause, how it ended."""
    cause = incident.hypotheses[0].statement if incident.hypotheses else "The cause was not found"
    ended = incident.last("resolved")
    how = _told(ended) if ended else ""
    return [_one_line(f"{_title(incident)}. {cause.rstrip('.')}. {how or ''}")]


def _cause(incident: Incident) -> list[str]:
    return [
        f"{place}. {_one_line(one.statement)} ({one.confidence:.0%} sure)"
        for place, one in enumerate(incident.hypotheses[:CAUSES], 1)
    ] or ["No cause was found."]


def _facts(incident: Incident) -> tuple[Fact, ...]:
    """The events that people would tell, then the evidence."""
    told = [(recorded, text) for recorded in incident.history if (text := _told(recorded))]
    shown = told if len(told) <= TIMELINE else [*told[: TIMELINE // 2], *told[-TIMELINE // 2 :]]
    timeline = [
        Fact(ref=f"t{number}", id=recorded.id, source="the incident's events",
             text=f"{recorded.event.at:%Y-%m-%d %H:%M:%S} {_one_line(text)}")
        for number, (recorded, text) in enumerate(shown, 1)
    ]  # fmt: skip
    return (*timeline, *facts_of(incident, incident.hypotheses[:CAUSES]))


def _told(recorded: Recorded) -> str | None:  # noqa: C901, PLR0911, PLR0912 - one line for each kind of event
    match recorded.event:
        case Opened(alert=alert):
            return f"Alert: {alert.summary or alert.name}"
        case AlertJoined(alert=alert):
            return f"Another alert ({alert.status.value}): {alert.summary or alert.name}"
        case Reopened(alert=alert):
            return f"It came back: {alert.summary or alert.name}"
        case Ranked(hypotheses=ranked) if ranked:
            return f"Ranked first: {ranked[0].statement} ({ranked[0].confidence:.0%} sure)"
        case Asked(question=question):
            return f"Asked: {question.text}"
        case Proposed(proposal=offered):
            what = "Proposed to take it back" if offered.undoes else "Proposed"
            return f"{what}: {offered.action} on {offered.target}, risk {offered.risk.value}"
        case Approved(actor=who):
            return f"Approved by {who}"
        case Rejected(actor=who, reason=why):
            return f"Rejected by {who}: {why}"
        case Executed(outcome=outcome):
            return f"Done: {outcome}"
        case NotExecuted(reason=why):
            return f"Not done: {why}"
        case OutcomeUnknown(reason=why):
            return f"Nobody knows whether it was done: {why}"
        case Verified(recovered=helped, statement=seen):
            return f"{'It helped' if helped else 'It did not help'}: {seen}".rstrip(": ")
        case HandedOver(reason=why):
            return f"Handed over to people: {why}"
        case Resolved(actor=who, reason=why):
            return f"Resolved by {who}: {why}"
    return None


def _title(incident: Incident) -> str:
    return _one_line(f"{incident.alert.summary or incident.alert.name}, {incident.opened_at:%Y-%m-%d}")


def _one_line(text: str) -> str:
    """Outside text that is no Markdown of ours: on one line, no link or picture, and no heading at its beginning.

    Nor has it letters that nobody sees, or that turn the direction of reading.
    """
    bare = " ".join(clean(text).split()).translate(_HARMLESS)
    return bare.replace("](", "] (").lstrip("#>-*+ ")[:600]


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _lasted(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return f"{span.total_seconds():.0f} s" if minutes < 2 else f"{minutes} min"
