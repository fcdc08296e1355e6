"""The changes agent: what was deployed, configured or migrated shortly before the trouble began."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from pydantic import Field

from bot.agents.board import onset_heard
from bot.agents.changes_weighing import Suspect, suspects
from bot.agents.redaction import redacted
from bot.agents.scope import Scope
from bot.agents.tools import Parameters, Tool
from bot.agents.wording import clock, duration
from bot.changes.change import Change, ChangeKind, ChangeSource, Seen
from bot.errors import SourceUnavailable
from bot.models import Evidence, Finding, Gap, Report, Window
from bot.unanswered import LATE

LOOK_BACK = timedelta(hours=6)
MOST = 5
"""Changes of one service that are shown."""
A_MOMENT_S = 30.0
"""Within which two things happened at the same time, as far as people care."""
ANSWER_SHARE = 0.9
"""The part of the deadline that a source has."""
VERBS: Mapping[ChangeKind, tuple[str, str, str]] = {
    "deploy": ("was deployed", "was being deployed", "was deployed without success"),
    "rollback": ("was rolled back", "was being rolled back", "was rolled back without success"),
    "restart": ("was restarted", "was being restarted", "was restarted without success"),
    "migration": ("was migrated", "was being migrated", "was migrated without success"),
    "flag": ("was switched", "was being switched", "was switched without success"),
    "scale": ("was scaled", "was being scaled", "was scaled without success"),
}
CHANGED = ("was changed", "was being changed", "was changed without success")

FACTS: Mapping[str, str] = {
    "change_count": "changes of the service, or of what it stands on, in the hours before the alert",
    "last_change": "the latest of them, in words",
    "last_change_age_s": "how long before the onset it was; less than 0 where it came between the onset and the alert",
    "suspect": "the most suspicious of them, in words",
    "suspect_service": "catalogue name of the service that it was on",
    "suspect_kind": "deploy, rollback, restart, config, migration, flag, scale, infrastructure or other",
    "suspect_before": "the version until then",
    "suspect_after": "the version since",
    "suspect_by": "who made it",
    "suspect_url": "where it can be seen",
    "suspect_score": "how suspicious it is, 0 to 1",
    "onset": "the moment before which changes were looked for",
}


class Look(Parameters):
    """No choice: the incident's service and everything that it stands on."""


class Recent(Parameters):
    """One service, further back."""

    service: str | None = Field(default=None, description="catalogue name or alias; empty: the incident's service")
    hours: float = Field(default=24, gt=0, le=336, description="how far back from the onset")


def changes_tools(sources: Sequence[ChangeSource], look_back: timedelta = LOOK_BACK) -> tuple[Tool, ...]:
    """The agent's tools; without a source it says that it sees nothing."""
    agent = ChangesAgent(sources, look_back)
    return (
        Tool("changes.look", "changes", "Deploys, migrations and configuration changes before the onset.",
             Look, FACTS, agent.look),
        Tool("changes.recent", "changes", "The changes of one service, further back.", Recent, FACTS, agent.recent),
    )  # fmt: skip


class ChangesAgent:
    """Asks all sources at once."""

    def __init__(self, sources: Sequence[ChangeSource], look_back: timedelta = LOOK_BACK) -> None:
        self._sources = sources
        self._look_back = look_back

    async def look(self, _: Look, scope: Scope) -> Report:
        """The incident's service and what it stands on."""
        return await self._report(scope.service, scope.neighbourhood, self._look_back, scope)

    async def recent(self, asked: Recent, scope: Scope) -> Report:
        """One service."""
        service = scope.catalog.resolve(asked.service) if asked.service else scope.service
        if asked.service and service is None:
            reason = f"'{asked.service}' is not in the service catalogue"
            return Report(agent="changes", gaps=(Gap(source="changes", reason=reason),))
        return await self._report(service, (service,) if service else (), timedelta(hours=asked.hours), scope)

    async def _report(self, service: str | None, services: Sequence[str], look_back: timedelta, scope: Scope) -> Report:
        if not self._sources:
            reason = "no source of changes is configured: see docs/changes.md"
            return Report(agent="changes", gaps=(Gap(source="changes", reason=reason),))
        began = asyncio.get_running_loop().time()
        onset, alerted = _onset(scope), _alerted(scope)
        span = Window(start=onset - look_back, end=max(scope.window.end, alerted + timedelta(seconds=1)))
        seen = await asyncio.gather(*(_asked(source, span, services, scope.deadline_s) for source in self._sources))
        changes = [change for answer in seen for change in answer.changes]
        found = suspects(changes, service, scope.catalog, onset, alerted)
        gaps = tuple(gap for answer in seen for gap in answer.gaps)
        nobody_answered = not found and all(answer.gaps for answer in seen)
        return Report(
            agent="changes",
            findings=() if nobody_answered else _findings(found, service, look_back, scope, whole=not gaps),
            gaps=gaps,
            seconds=asyncio.get_running_loop().time() - began,
        )


def _onset(scope: Scope) -> datetime:
    return onset_heard(_alerted(scope), scope.heard, scope.neighbourhood)


def _alerted(scope: Scope) -> datetime:
    return scope.alert.starts_at or scope.window.end


async def _asked(source: ChangeSource, span: Window, services: Sequence[str], deadline_s: float) -> Seen:
    try:
        async with asyncio.timeout(deadline_s * ANSWER_SHARE):
            return await source.changes(span, services)
    except TimeoutError:
        return Seen(
            gaps=(Gap(source=source.name, reason=f"no answer within {deadline_s * ANSWER_SHARE:.1f} s ({LATE})"),)
        )
    except SourceUnavailable as error:
        return Seen(gaps=(Gap(source=source.name, reason=str(error)),))


def _findings(
    found: Sequence[Suspect], service: str | None, look_back: timedelta, scope: Scope, *, whole: bool
) -> tuple[Finding, ...]:
    """One for each service, the most suspicious change first in it; or that there was none, as far as all answered."""
    if not found:
        return (_quiet(service, look_back, scope, whole=whole),)
    ranked = sorted(found, key=lambda one: one.service or "")  # a stable sort: the strongest of a service stays first
    grouped = [list(group) for _, group in groupby(ranked, key=lambda one: one.service or "")]
    grouped.sort(key=lambda group: -group[0].score)
    facts = _facts(found) | {"onset": _onset(scope).isoformat()}
    return tuple(
        _finding(group[:MOST], facts if place == 0 else {}, service, look_back, scope)
        for place, group in enumerate(grouped)
    )


def _finding(
    group: Sequence[Suspect], facts: Mapping[str, Any], service: str | None, look_back: timedelta, scope: Scope
) -> Finding:
    first = group[0]
    return Finding(
        agent="changes",
        title=_sentence(first, service),
        service=first.service,
        indicator=first.change.kind,
        kind="change",
        score=round(first.score, 4),
        started_at=first.change.at,
        evidence=tuple(_evidence(group, service, look_back, scope)),
        facts=facts,
    )


def _evidence(group: Iterable[Suspect], service: str | None, look_back: timedelta, scope: Scope) -> Iterable[Evidence]:
    since = _onset(scope) - look_back
    for place, suspect in enumerate(group, start=1):
        change = suspect.change
        details = f" ({'; '.join(redacted(line, 120) for line in change.details)})" if change.details else ""
        yield Evidence(
            id=f"changes-{suspect.service or 'any'}-{place}",
            statement=_sentence(suspect, service) + details,
            query=f"changes told by {change.source} since {since:%H:%M} UTC",
            url=change.url,
            observed_at=change.at,
        )


def _quiet(service: str | None, look_back: timedelta, scope: Scope, *, whole: bool) -> Finding:
    of = f" of {service} or of what it depends on" if service else ""
    seen = ", as far as could be seen"
    hours = f"{look_back.total_seconds() / 3600:g}"
    return Finding(
        agent="changes",
        title=f"no change{of} in the {hours} hours before the trouble began{'' if whole else seen}",
        service=scope.service,
        indicator="changes",
        kind="change",
        score=0.0,
        facts={"change_count": 0, "onset": _onset(scope).isoformat()},
    )


def _facts(found: Sequence[Suspect]) -> dict[str, Any]:
    first, last = found[0], min(found, key=lambda one: one.before_onset_s)
    return {
        "change_count": len(found),
        "last_change": _told(last.change),
        "last_change_age_s": last.before_onset_s,
        "suspect": _told(first.change),
        "suspect_service": first.service,
        "suspect_kind": first.change.kind,
        "suspect_before": first.change.before,
        "suspect_after": first.change.after,
        "suspect_by": first.change.who,
        "suspect_url": first.change.url,
        "suspect_score": round(first.score, 4),
    }


def _sentence(suspect: Suspect, service: str | None) -> str:
    """'checkout v4.2.1 → v4.3.0 was deployed by mina at 02:51 UTC, 4 min before the trouble began'."""
    change = suspect.change
    when = f"at {clock(change.at)}, {_placed(suspect)}"
    if _is_quoted(change):
        said = f"{redacted(change.who or 'somebody', 60)} announced {when}: {_told(change)}"
    else:
        by = f" by {redacted(change.who, 60)}" if change.who else ""
        said = f"{_told(change)} {_verb(change)}{by} {when}"
    related = {"upstream": f" – {service} stands on it", "caller": f" – it calls {service}"}.get(suspect.relation, "")
    undone = "; it was rolled back since" if suspect.undone else ""
    late = "; it may have made it worse" if suspect.late else ""
    return said + related + undone + late


def _placed(suspect: Suspect) -> str:
    """'4 min before the trouble began', or where between its beginning and the alert."""
    if abs(suspect.before_onset_s) < A_MOMENT_S:
        return "just as the trouble began"
    if not suspect.late:
        return f"{duration(suspect.before_onset_s)} before the trouble began"
    since, until = duration(-suspect.before_onset_s), suspect.before_alert_s
    alert = "just before the alert" if until < A_MOMENT_S else f"{duration(until)} before the alert"
    return f"{since} after the trouble began and {alert}"


def _told(change: Change) -> str:
    """'checkout v4.2.1 → v4.3.0', or the words in which it was announced."""
    if _is_quoted(change):
        return redacted(change.what, 160)
    subject = change.service if change.service and change.kind in {"deploy", "rollback", "restart"} else change.what
    versions = " → ".join(redacted(version, 60) for version in (change.before, change.after) if version)
    return f"{redacted(subject, 100)} {versions}".rstrip()


def _verb(change: Change) -> str:
    done, doing, failed = VERBS.get(change.kind, CHANGED)
    return {"succeeded": done, "started": doing, "failed": failed}[change.outcome]


def _is_quoted(change: Change) -> bool:
    """Where nobody says from what to what, the own words of whoever announced it say it best."""
    return change.source == "channel" and not (change.service and change.after)
