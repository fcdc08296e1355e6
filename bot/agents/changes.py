"""The changes agent: what was deployed, configured or migrated shortly before the trouble began.

Its source so far is the channel itself: deploy bots and people say there what they change.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from bot.agents.scope import Scope
from bot.agents.tools import Parameters, Tool
from bot.models import Evidence, Finding, Gap, Message, Report

Heard = Callable[[datetime, datetime], Awaitable[list[Message]]]
"""Gives what was said in the incident's channels between two moments."""

LOOK_BACK = timedelta(hours=6)
HALF_LIFE_S = 1800.0
"""A change half an hour before the onset is half as suspicious as one right before it."""
STRONGEST = 0.55
"""A change near in time is a suspicion, not a proof."""
_CHANGE = re.compile(
    r"\b(deploy(ed|ing|s)?|roll(ed|ing)? (out|back)|releas(ed|ing)|shipp(ed|ing)|migrat(ed|ing|ion)|"
    r"feature flag|flipped|config(uration)? change|upgrad(ed|ing)|scaled|failover|reverted)\b|部署|发布|上线|回滚",
    re.IGNORECASE,
)
MOST = 5


def changes_tools(heard: Callable[[Scope], Heard] | None) -> tuple[Tool, ...]:
    """The agent's tools; without a source it says that it sees nothing."""

    async def look(_: Parameters, scope: Scope) -> Report:
        if heard is None:
            return Report(agent="changes", gaps=(Gap(source="changes", reason="no source of changes is configured"),))
        said = await heard(scope)(scope.window.end - LOOK_BACK, scope.window.end)
        return Report(agent="changes", findings=_findings(said, scope))

    return (
        Tool(
            name="changes.look",
            agent="changes",
            summary="Deploys, migrations and configuration changes that were announced in the channel.",
            parameters=Parameters,
            facts={"change_count": "announced changes in the last six hours", "last_change": "the latest, in words"},
            run=look,
        ),
    )


def _findings(said: list[Message], scope: Scope) -> tuple[Finding, ...]:
    changes = sorted((message for message in said if _CHANGE.search(message.text)), key=lambda message: message.sent_at)
    onset = scope.alert.starts_at or scope.window.end
    before = [message for message in changes if message.sent_at <= onset][-MOST:]
    if not before:
        quiet = f"looked, and quiet: no change was announced in the {LOOK_BACK.seconds // 3600} hours before"
        return (_finding(quiet, 0.0, (), scope, {"change_count": 0}, None),)
    latest = before[-1]
    age_s = max(0.0, (onset - latest.sent_at).total_seconds())
    title = f"Last announced change, {_ago(age_s)} before the alert: {_short(latest.text)}"
    facts = {"change_count": len(before), "last_change": _short(latest.text), "last_change_age_s": age_s}
    evidence = tuple(
        Evidence(
            id=f"changes-{place}",
            statement=f"{message.user} at {message.sent_at:%H:%M} UTC: {_short(message.text)}",
            query=f"channel history since {scope.window.end - LOOK_BACK:%H:%M} UTC",
            url=message.permalink,
            observed_at=message.sent_at,
        )
        for place, message in enumerate(reversed(before), start=1)
    )
    return (_finding(title, STRONGEST * 0.5 ** (age_s / HALF_LIFE_S), evidence, scope, facts, latest.sent_at),)


def _finding(
    title: str,
    score: float,
    evidence: tuple[Evidence, ...],
    scope: Scope,
    facts: dict[str, object],
    at: datetime | None,
) -> Finding:
    return Finding(
        agent="changes",
        title=title,
        service=scope.service,
        indicator="announced_changes",
        kind="change",
        score=score,
        started_at=at,
        evidence=evidence,
        facts=facts,
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 160 else line[:159] + "…"


def _ago(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 5400 else f"{max(1, round(seconds / 60))} min"
