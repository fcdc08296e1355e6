"""What agents see, and what the commander concludes from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from bot.models.base import Instant, Noun

AgentName = Literal["metrics", "logs", "traces", "database", "changes", "commander", "memory"]


class Window(Noun):
    """A stretch of time, start included, end excluded."""

    start: Instant
    end: Instant

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.end - self.start).total_seconds()


class Evidence(Noun):
    """One observed fact, with the question that was asked to see it."""

    id: str = Field(description="unique within the incident, such as metrics-3; hypotheses cite it")
    statement: str = Field(description="one plain sentence with figures and units")
    query: str | None = Field(default=None, description="what was asked, so that a person can ask again")
    url: str | None = Field(default=None, description="where a person sees the same")
    observed_at: Instant
    value: float | None = None
    baseline: float | None = None
    unit: str | None = None


class Gap(Noun):
    """A question that got no answer: stated, never passed over."""

    source: str
    reason: str

    @property
    def words(self) -> str:
        """What could not be seen and why, the source named once: most reasons name it themselves."""
        return self.reason if self._named else f"{self.source}: {self.reason}"

    @property
    def failure(self) -> str:
        """The same without the question that failed, where the reason names that before the source."""
        return self.reason[self._named.start() :] if self._named else self.words

    @property
    def _named(self) -> re.Match[str] | None:
        return re.search(rf"(?<![\w-]){re.escape(self.source)}(?![\w-])", self.reason, re.IGNORECASE)


def unseen(gaps: Iterable[Gap]) -> list[str]:
    """A sentence for each thing that could not be seen; of questions that failed in the same way, one sentence."""
    together: dict[str, list[Gap]] = {}
    for gap in dict.fromkeys(gaps):
        together.setdefault(gap.failure, []).append(gap)
    return [
        ones[0].words if len(ones) == 1 else f"{failure} – {len(ones)} questions are unanswered"
        for failure, ones in together.items()
    ]


class Remedy(Noun):
    """An action of the catalogue that would end the cause, as the agent that saw it suggests."""

    action: str = Field(description="name in the action catalogue, such as postgres.terminate_backend")
    parameters: Mapping[str, Any]
    why: str


class Finding(Noun):
    """What one agent makes of several facts: one thing that is wrong, or was looked for and is not."""

    agent: AgentName
    title: str = Field(description="one sentence that a tired person understands")
    service: str | None = Field(default=None, description="the service or database it is about, by catalogue name")
    indicator: str = Field(description="the metric, template or condition, such as blocked_sessions")
    kind: str = Field(description="what sort of trouble: blocking_session, error_rate, latency, saturation, …")
    score: float = Field(
        ge=0, le=1, description="how strongly the facts deviate from normal; 0 is 'looked, and normal'"
    )
    deviations: float | None = Field(
        default=None,
        description="signed distance from the service's own normal, in units of its own fault-free variation",
    )
    of_requests: bool = Field(
        default=False, description="whether it tells of single requests, which may be compared one by one as well"
    )
    peer: str | None = Field(default=None, description="the service at the other end, where it is about a call")
    started_at: Instant | None = Field(default=None, description="onset, where it can be told")
    started_by: Instant | None = Field(
        default=None, description="where only that is known: a moment at which it had begun"
    )
    evidence: tuple[Evidence, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    facts: Mapping[str, Any] = Field(
        default_factory=dict, description="typed values that branches and steps can refer to"
    )


class Chart(Noun):
    """A picture for the thread."""

    title: str
    alt: str = Field(description="what the picture shows, in words")
    png: bytes


class Report(Noun):
    """One agent's answer: its findings, what it could not see, and how long it looked."""

    agent: AgentName
    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    charts: tuple[Chart, ...] = ()
    seconds: float = 0.0

    @property
    def facts(self) -> dict[str, Any]:
        """The facts of all findings, the strongest finding winning where names clash."""
        merged: dict[str, Any] = {}
        for finding in sorted(self.findings, key=lambda finding: finding.score):
            merged.update(finding.facts)
        return merged


class Hypothesis(Noun):
    """A possible cause, and how sure the evidence makes us."""

    service: str | None
    indicator: str
    kind: str
    statement: str
    score: float = Field(ge=0)
    confidence: float = Field(ge=0, le=1)
    evidence_for: tuple[str, ...] = Field(default=(), description="evidence ids")
    follows: tuple[str, ...] = Field(default=(), description="evidence ids of what would follow from it")
    evidence_against: tuple[str, ...] = ()
    empty: tuple[str, ...] = Field(default=(), description="what was asked and came back empty or unanswered")
    remedies: tuple[Remedy, ...] = ()


class Cited(Noun):
    """A sentence of a model, and the evidence that it was held against."""

    text: str
    cites: tuple[str, ...] = Field(min_length=1, description="evidence ids, or what was asked and came back empty")
