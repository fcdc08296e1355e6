"""What one agent saw, with its evidence, and what it could not see."""

from __future__ import annotations

from collections.abc import Sequence

from bot.models import Evidence, Finding, Found
from bot.models.evidence import unseen
from bot.models.looks import is_replaced
from bot.plural import many
from bot.slack.blocks import Block, Post, bullets, context, post, section
from bot.slack.text import bold, code, line, link, safe_url
from bot.slack.views import words

EMOJI = {
    "metrics": ":chart_with_upwards_trend:",
    "logs": ":scroll:",
    "traces": ":spider_web:",
    "database": ":file_cabinet:",
    "changes": ":hammer_and_wrench:",
}


MOST = 4
"""Findings shown of one agent; a tired person reads no further."""
AGAIN = "it looked again, see below"
"""What stands where a second look has replaced all that the first one found."""


def findings(event: Found, later: Sequence[Found] = ()) -> Post:
    """The agent's report as a message, strongest finding first, without what a later report of it replaces."""
    standing = [finding for finding in event.findings if not is_replaced(finding, event, later)]
    ordered = sorted(standing, key=lambda finding: -finding.score)
    wrong = [finding for finding in ordered if finding.score > 0]
    normal = [finding for finding in ordered if finding.score == 0]
    agent = line(event.agent, 40)
    title = f"{EMOJI.get(event.agent, ':mag:')} *{agent.capitalize()}*"
    nothing = "nothing unusual" if len(standing) == len(event.findings) else AGAIN
    if event.asked_by:
        title += f", asked by {line(event.asked_by, 40)}: _{line(event.question, 200)}_"
    gaps = f"{many(len(event.gaps), 'question')} unanswered"
    first = line(wrong[0].title, 240) if wrong else nothing
    return post(
        f"{agent.capitalize()}: {first}{f'; {gaps}' if event.gaps else ''}.",
        [
            section(title if wrong else f"{title}: {nothing}."),
            *(_finding(finding) for finding in wrong[:MOST]),
            _more(wrong[MOST:]),
            _normal(normal),
            _gaps(event),
        ],
    )


def fact(evidence: Evidence, *, asked: bool = False) -> str:
    """One observed fact: its statement, and where to see it; with `asked`, the question too where there is no link."""
    return f"{line(evidence.statement, 300)}{_source(evidence, asked=asked)}"


def _source(evidence: Evidence, *, asked: bool) -> str:
    if safe_url(evidence.url):
        return f" {link(evidence.url, 'see it')}"
    return f" {code(evidence.query, 120)}" if asked and evidence.query else ""


def _finding(finding: Finding) -> Block:
    """The title with the facts below it; a fact that only says the title again gives its link to the title."""
    own = finding.title.casefold()
    same = [evidence for evidence in finding.evidence if evidence.statement.casefold() == own]
    others = [evidence for evidence in finding.evidence if evidence not in same]
    about = f" ({line(finding.service, 80)})" if finding.service and finding.service.casefold() not in own else ""
    source = _source(same[0], asked=True) if same else ""
    told = [fact(_further(evidence, finding.title), asked=True) for evidence in others]
    facts = f"\n{bullets(told, most=3)}" if told else ""
    return section(f"{bold(finding.title, 300)}{about}{source}{facts}")


def _further(evidence: Evidence, title: str) -> Evidence:
    """What the fact says beyond the title that stands above it."""
    said = evidence.statement
    rest = said[len(title) :].lstrip(" .,;:") if said.casefold().startswith(title.casefold()) else ""
    return evidence.model_copy(update={"statement": rest}) if rest else evidence


def _more(weaker: list[Finding]) -> Block | None:
    if not weaker:
        return None
    titles = "; ".join(line(finding.title, 200).rstrip(".") for finding in weaker[:3])
    return context(f"Weaker: {titles}{f'; {len(weaker) - 3} more' if len(weaker) > 3 else ''}.")


def _normal(normal: list[Finding]) -> Block | None:
    if not normal:
        return None
    titles = "; ".join(line(words.unremarkable(finding.title), 120).rstrip(".") for finding in normal[:6])
    more = f"; {len(normal) - 6} more" if len(normal) > 6 else ""
    return context(f":heavy_check_mark: Looked, and normal: {titles}{more}.")


def _gaps(event: Found) -> Block | None:
    if not event.gaps:
        return None
    missing = [words.sentence(line(said, 280)) for said in unseen(event.gaps)]
    return context(f":warning: Could not be seen:\n{bullets(missing, most=5)}")
