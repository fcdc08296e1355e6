"""What the reports of a run add up to: of the same look made twice, the later one counts where it tells of the same.

A first look may find nothing and a second one, that knows more, a cause. Then 'looked, and quiet' is no longer true,
and nothing that a person reads may say it still.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.models.evidence import Finding, Gap
from bot.models.incident import Found, Recorded, Reopened


def reports_of(history: Sequence[Recorded]) -> list[Found]:
    """The reports since the incident was last opened, in order."""
    last = max((place for place, one in enumerate(history) if isinstance(one.event, Reopened)), default=0)
    return [one.event for one in history[last:] if isinstance(one.event, Found)]


def reports_after(event_id: str, history: Sequence[Recorded]) -> list[Found]:
    """The reports of the same run that came after that event."""
    ids = [one.id for one in history]
    behind = history[ids.index(event_id) + 1 :] if event_id in ids else ()
    until = next((place for place, one in enumerate(behind) if isinstance(one.event, Reopened)), len(behind))
    return [one.event for one in behind[:until] if isinstance(one.event, Found)]


def standing(reports: Sequence[Found]) -> tuple[tuple[Finding, ...], tuple[Gap, ...]]:
    """The findings and the gaps that no later report replaces, in order."""
    findings: list[Finding] = []
    gaps: list[Gap] = []
    for place, report in enumerate(reports):
        later = reports[place + 1 :]
        findings += [finding for finding in report.findings if not is_replaced(finding, report, later)]
        gaps += report.gaps if not _again(report, later) else ()
    return tuple(findings), tuple(gaps)


def is_replaced(finding: Finding, report: Found, later: Sequence[Found]) -> bool:
    """Whether a later report of the same look says otherwise, or the same better.

    What was found quiet is replaced by whatever is found later. What was found amiss was so at its time; only the
    answer to a question, which looks at the same time with more knowledge, replaces it.
    """
    again = _again(report, later)
    if finding.score == 0:
        return bool(again)
    return any(_subject(one) == _subject(finding) for answer in again if answer.asked_by for one in answer.findings)


def _again(report: Found, later: Sequence[Found]) -> list[Found]:
    """The later reports of the same look that tell anything."""
    return [one for one in later if report.look and one.look == report.look and one.findings]


def _subject(finding: Finding) -> tuple[str, str | None, str, str]:
    return finding.agent, finding.service, finding.kind, finding.indicator
