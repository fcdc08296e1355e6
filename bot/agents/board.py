"""The board: what one agent found reaches those who can use it, and one agent may ask another a bounded question.

What agents post is in the journal, so the board is read from there and outlives every process. A finding reaches the
agents that subscribed to what it tells, never all of them. A question is typed: a tool of the agent that is asked, with
its parameters. Each agent asks at most one in a run, so that answers set off no endless talk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.agents.wording import clock
from bot.catalog import Catalog
from bot.models import AgentName, Finding

WORTH_TELLING = 0.3
"""The score from which a finding is told to others."""
EARLIER = timedelta(minutes=2)
"""By how much an onset must precede the alert's for the changes to be looked at again."""
AGENTS: frozenset[AgentName] = frozenset({"metrics", "logs", "traces", "database", "changes"})
_DATABASE_WORDS = re.compile(
    r"\b(?:lock(?:s|ed)?|deadlock|connection|pool|statement timeout|too many clients)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Enquiry:
    """What one agent asks another."""

    asker: AgentName
    tool: str
    words: str
    """The question as people read it."""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def asked(self) -> str:
        """The agent that is asked."""
        return self.tool.partition(".")[0]


@dataclass(frozen=True)
class Case:
    """What questions are about.

    Args:
        posted: what agents have found in this run, in order.
        onset: when the trouble began, as the alert says.
    """

    posted: Sequence[Finding]
    service: str | None
    catalog: Catalog
    onset: datetime

    @property
    def answered(self) -> frozenset[str]:
        """The agents that have looked."""
        return frozenset(finding.agent for finding in self.posted)

    @property
    def onset_looked_at(self) -> datetime:
        """The moment before which the changes agent has looked for changes."""
        looked = [finding.facts.get("onset") for finding in self.posted if finding.agent == "changes"]
        return min([self.onset, *(datetime.fromisoformat(moment) for moment in looked if isinstance(moment, str))])

    @property
    def concerned(self) -> frozenset[str]:
        """The service of the alert and what it stands on; empty where the alert names none."""
        return frozenset((self.service, *self.catalog.dependencies(self.service))) if self.service else frozenset()

    @property
    def telling(self) -> list[Finding]:
        """The findings that are worth telling, the strongest first."""
        strong = [one for one in self.posted if one.agent in AGENTS and one.score >= WORTH_TELLING]
        return sorted(strong, key=lambda one: -one.score)


def delivered(agent: str, posted: Iterable[Finding]) -> tuple[Finding, ...]:
    """What the board gives to that agent: others' findings of the kind that it has subscribed to."""
    wanted = SUBSCRIPTIONS.get(agent)
    if wanted is None:
        return ()
    return tuple(one for one in posted if one.agent != agent and one.score >= WORTH_TELLING and wanted(one))


def _tells_an_onset(finding: Finding) -> bool:
    """Those who suffer tell it: a change is no beginning, and a session may have been idle long before it did harm."""
    return finding.started_at is not None and finding.agent not in {"changes", "database"}


SUBSCRIPTIONS: Mapping[str, Callable[[Finding], bool]] = {"changes": _tells_an_onset}
"""Who hears of what. The changes agent needs the onset: a change after it is no cause."""


def onset_heard(told: datetime, heard: Iterable[Finding], concerned: Collection[str]) -> datetime:
    """When it really began: rules fire late, so what others have seen before the alert counts.

    Args:
        concerned: the service and what it stands on: what began elsewhere may be another trouble, and an onset taken
            from there would acquit the change that is to blame. Empty: everything counts.
    """
    return min([told, *(began for began, _ in onsets(heard, concerned))])


def onsets(seen: Iterable[Finding], concerned: Collection[str]) -> list[tuple[datetime, Finding]]:
    """What began, and when, the earliest first."""
    begun = [
        (one.started_at, one)
        for one in seen
        if one.started_at is not None and _tells_an_onset(one) and (not concerned or one.service in concerned)
    ]
    return sorted(begun, key=lambda pair: pair[0])


def enquiries(case: Case) -> tuple[Enquiry, ...]:
    """The questions that these findings raise: one of each agent at most, and none twice."""
    chosen: dict[tuple[str, str], Enquiry] = {}
    askers: set[str] = set()
    for rule in (_what_changed_before, _who_waits_there, _what_its_lines_say):
        for enquiry in rule(case):
            subject = (enquiry.tool, repr(sorted(enquiry.parameters.items())))
            if enquiry.asker not in askers and subject not in chosen:
                chosen[subject] = enquiry
                askers.add(enquiry.asker)
                break
    return tuple(chosen.values())


def _what_changed_before(case: Case) -> Iterator[Enquiry]:
    """The changes were looked for before the alert; what began earlier may follow an earlier change."""
    if "changes" not in case.answered:
        return
    looked_at = case.onset_looked_at
    for started_at, finding in onsets(case.telling, case.concerned):
        if started_at < looked_at - EARLIER:
            words = f"it began at {clock(started_at)}, before the alert: what was changed before that?"
            yield Enquiry(finding.agent, "changes.look", words)


def _who_waits_there(case: Case) -> Iterator[Enquiry]:
    """Lines and pools that speak of a database, where nobody has looked into it."""
    if "database" in case.answered:
        return
    for finding in case.telling:
        databases = case.catalog.databases_of(finding.service) if finding.service else ()
        if databases and finding.agent in {"logs", "metrics"} and _DATABASE_WORDS.search(_words(finding)):
            database = databases[0]
            words = f"{finding.service} waits for connections or locks: who blocks whom in {database}?"
            yield Enquiry(finding.agent, "database.blocking_sessions", words, {"database": database})


def _what_its_lines_say(case: Case) -> Iterator[Enquiry]:
    """A service that is off, whose lines nobody has read since it is not below the one that the alert names."""
    if "logs" not in case.answered or case.service is None:
        return
    for finding in case.telling:
        unread = finding.service in case.catalog.services and finding.service not in case.concerned
        if unread and finding.agent in {"metrics", "traces"}:
            words = f"{finding.service} is off too: does it log anything new?"
            yield Enquiry(
                finding.agent, "logs.new_templates", words, {"service": finding.service, "dependencies": False}
            )


def _words(finding: Finding) -> str:
    return f"{finding.title} {finding.indicator}".replace("_", " ")
