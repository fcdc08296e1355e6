"""What one agent saw, with its evidence, and what it could not see."""

from __future__ import annotations

from bot.models import Evidence, Finding, Found
from bot.slack.blocks import Block, Post, bullets, context, post, section
from bot.slack.text import line, link, safe_url
from bot.slack.views import words

EMOJI = {
    "metrics": ":chart_with_upwards_trend:",
    "logs": ":scroll:",
    "traces": ":spider_web:",
    "database": ":file_cabinet:",
    "changes": ":hammer_and_wrench:",
}


def findings(event: Found) -> Post:
    """The agent's report as a message, strongest finding first."""
    ordered = sorted(event.findings, key=lambda finding: -finding.score)
    wrong = [finding for finding in ordered if finding.score > 0]
    normal = [finding for finding in ordered if finding.score == 0]
    agent = line(event.agent, 40)
    title = f"{EMOJI.get(event.agent, ':mag:')} *{agent.capitalize()}* looked for {words.duration(event.seconds)}"
    gaps = f"{len(event.gaps)} question{'s' * (len(event.gaps) != 1)} unanswered"
    first = line(wrong[0].title, 240) if wrong else "nothing unusual"
    return post(
        f"{agent.capitalize()}: {first}{f'; {gaps}' if event.gaps else ''}.",
        [
            section(title if wrong else f"{title}: nothing unusual."),
            *(_finding(finding) for finding in wrong[:8]),
            _more(len(wrong) - 8),
            _normal(normal),
            _gaps(event),
        ],
    )


def fact(evidence: Evidence) -> str:
    """One observed fact: its statement, the figure against the usual one, and how to ask again."""
    parts = [line(evidence.statement, 300)]
    if evidence.value is not None and evidence.baseline is not None:
        usual = words.figure(evidence.baseline, evidence.unit)
        parts.append(f"({words.figure(evidence.value, evidence.unit)}, usually {usual})")
    if safe_url(evidence.url):
        parts.append(link(evidence.url, "see it"))
    if evidence.query:
        parts.append(f"`{line(evidence.query, 160).replace('`', ' ')}`")
    return " ".join(parts)


def _finding(finding: Finding) -> Block:
    facts = bullets([fact(evidence) for evidence in finding.evidence], most=4)
    onset = f", since {finding.started_at:%H:%M:%S} UTC" if finding.started_at else ""
    about = f" ({line(finding.service, 80)}{onset})" if finding.service else ""
    return section(f"*{line(finding.title, 300)}*{about}\n{facts}")


def _more(count: int) -> Block | None:
    return context(f"{count} weaker findings are not shown.") if count > 0 else None


def _normal(normal: list[Finding]) -> Block | None:
    if not normal:
        return None
    titles = "; ".join(line(finding.title, 120) for finding in normal[:6])
    more = f"; {len(normal) - 6} more" if len(normal) > 6 else ""
    return context(f":heavy_check_mark: Looked, and normal: {titles}{more}.")


def _gaps(event: Found) -> Block | None:
    if not event.gaps:
        return None
    missing = [f"{line(gap.source, 80)}: {line(gap.reason, 200)}" for gap in event.gaps]
    return context(f":warning: Could not be seen:\n{bullets(missing, most=5)}")
