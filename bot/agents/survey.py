"""Asks Prometheus about some services at once: which series there are, and how far they left their normal."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bot.agents.change import Change, Direction, change
from bot.agents.discovery import Discovery
from bot.agents.exporters import SignalKind
from bot.agents.forecast import Forecast
from bot.agents.forms import Form
from bot.agents.scope import Scope
from bot.agents.signals import Signal
from bot.agents.together import Batch, Question, batches
from bot.errors import BadInput, SourceUnavailable
from bot.models import Gap, Window
from bot.telemetry.prometheus import Prometheus, step_for
from bot.telemetry.series import Answer, Floats, Series

LISTING_SHARE = 0.25
"""The part of the time in which services list their series; who is later is asked by itself."""
MOST_SIGNALS = 24
"""Questions asked about one service."""
DIRECTIONS: Mapping[SignalKind, Direction] = {
    "error_rate": "up", "latency": "up", "traffic": "both", "saturation": "up", "target_down": "down",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Reading:
    """One question answered."""

    signal: Signal
    query: str
    series: Series
    change: Change
    rate_s: float
    """The length of the query's rates."""
    usual: tuple[str, ...] = ()
    """The earlier days on which it was as far out at this time."""
    against: tuple[str, ...] = ()
    """The earlier days that the change is measured against, where it is not the stretch before."""
    item: str = ""
    """The fullest of what the signal folds together."""
    filling: Forecast | None = None
    """When it is full, where it rises steadily and that is within hours."""
    sent: Series | None = None
    """The samples that came, where `series` holds 0 in the place of those that did not."""
    then: Series | None = None
    """The earlier day of `against`, moved to just before the window."""


class Surveyed(Protocol):
    """What has been seen, wherever the series came from."""

    @property
    def scope(self) -> Scope:
        """The assignment."""

    @property
    def readings(self) -> Sequence[Reading]:
        """Every question that was answered."""

    @property
    def known(self) -> Collection[str]:
        """Services of which there are series."""

    def graph_url(self, query: str) -> str | None:
        """Where a person sees it drawn."""


@dataclass
class Survey:
    """What is known so far; it grows while the questions run, so that a deadline costs only what is missing."""

    prometheus: Prometheus
    scope: Scope
    kinds: Collection[SignalKind] | None = None
    readings: list[Reading] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    """Services of which there are series."""

    def __post_init__(self) -> None:
        self.discovery = Discovery(self.prometheus, self.scope, self.note)
        self._pending: set[str] = set()
        self._types: asyncio.Task[Mapping[str, str]] | None = None

    @property
    def span(self) -> Window:
        """Baseline and window together."""
        return self.discovery.span

    @property
    def stretches(self) -> tuple[Window, ...]:
        """What is asked for: everything at once, or only the two ends where days lie between them."""
        baseline, window = self.scope.baseline, self.scope.window
        apart = (window.start - baseline.end).total_seconds() > window.seconds
        return (baseline, window) if apart else (self.span,)

    @property
    def step_s(self) -> float:
        """The distance of samples, the same in all stretches."""
        return max(step_for(stretch) for stretch in self.stretches)

    def graph_url(self, query: str) -> str:
        """Where a person sees it drawn."""
        return self.prometheus.graph_url(query, self.span)

    async def of(self, services: Iterable[str], within_s: float) -> None:
        """Ask about these services; what is unanswered when the time is up becomes a gap."""
        try:
            async with asyncio.timeout(within_s), asyncio.TaskGroup() as group:
                self._types = group.create_task(self.discovery.types())
                listed = [group.create_task(self._questions(service)) for service in services]
                await asyncio.wait(listed, timeout=within_s * LISTING_SHARE)
                in_time = [task for task in listed if task.done()]
                group.create_task(self.read(question for task in in_time for question in task.result()))
                for task in listed:
                    if task not in in_time:
                        group.create_task(self._later(task))
        except TimeoutError:
            for question in sorted(self._pending):
                self.note(f"{question} was not answered within {within_s:.1f} s")

    async def _later(self, listed: asyncio.Task[list[Question]]) -> None:
        """Who is slow to list its series holds up nobody else."""
        await self.read(await listed)

    async def _questions(self, service: str) -> list[Question]:
        self._pending.add(f"the list of series of {service}")
        try:
            questions = await self.discovery.questions(service, self._types, self.step_s)
        except (SourceUnavailable, BadInput) as error:
            self.note(f"{service}: {error}")
            return []
        finally:
            self._settle(f"the list of series of {service}")
        if questions is None:
            self._missing(service)
            return []
        self.known.add(service)
        signals = [signal for signal in questions.signals if self._wanted(signal)]
        if len(signals) > MOST_SIGNALS:
            self.note(f"{service} has {len(signals)} signals, of which {MOST_SIGNALS} were looked at")
        return [Question(signal, questions.rate_s, self.readings) for signal in _fairly(signals)[:MOST_SIGNALS]]

    async def read(self, questions: Iterable[Question]) -> None:
        """Ask for each signal; what is answered is there at once, whatever becomes of the rest."""
        async with asyncio.TaskGroup() as group:
            for batch in batches(questions):
                group.create_task(self._read(batch))

    async def _read(self, batch: Batch) -> None:
        asked = {question.words for question in batch.questions}
        self._pending |= asked
        try:
            answers, volumes = await self._answered(batch)
        except SourceUnavailable as error:
            if batch.label is None:
                self.note(f"{batch.questions[0].words}: {error}")
                return
            for one in batch.singly():
                await self._read(one)
            return
        finally:
            for words in asked:
                self._settle(words)
        for question, answer, volume in zip(batch.questions, answers, volumes, strict=True):
            self._judge(question, answer, volume)

    async def _answered(self, batch: Batch) -> tuple[list[Answer], list[Answer | None]]:
        """The answer to each question, and where its exactness needs one, that to how many there were."""
        signal = batch.questions[0].signal
        answers = await self._range(batch, signal.form)
        if signal.volume and any(answer.single for answer in answers):
            return answers, [*await self._range(batch, signal.volume)]
        return answers, [None] * len(answers)

    async def _range(self, batch: Batch, form: Form | None) -> list[Answer]:
        query = batch.promql(form)
        answers = [await self.discovery.over(query, stretch, self.step_s) for stretch in self.stretches]
        parts = zip(*(batch.parted(answer) for answer in answers), strict=True)
        return [ones[0] if len(ones) == 1 else _joined(ones) for ones in parts]

    def _judge(self, question: Question, answer: Answer, volume: Answer | None) -> None:
        signal = question.signal
        self._note(answer)
        series = self._completed(signal, answer)
        least = Floor(signal, question.rate_s, _median(volume))
        found = series and change(
            series, self.scope.baseline, self.scope.window, floor=least, direction=DIRECTIONS[signal.kind]
        )
        if series and found:
            query = signal.over(question.rate_s)
            question.answers.append(Reading(signal, query, series, found, question.rate_s, sent=answer.single))

    def _completed(self, signal: Signal, answer: Answer) -> Series | None:
        """Traffic that stops, and a target that goes, leave no samples: from their first on, none means 0."""
        series = answer.single
        if series is None or signal.kind not in {"traffic", "target_down"}:
            return series
        grids = [np.arange(part.start.timestamp(), part.end.timestamp(), self.step_s) for part in self.stretches]
        times = np.concatenate(grids)
        missing = times[(times > series.times[0]) & ~_near(times, series.finite().times, self.step_s / 2)]
        known = series.finite()
        order = np.argsort(np.concatenate([known.times, missing]), kind="stable")
        values = np.concatenate([known.values, np.zeros_like(missing)])[order]
        return Series(series.labels, np.concatenate([known.times, missing])[order], values)

    def _wanted(self, signal: Signal) -> bool:
        return self.kinds is None or signal.kind in self.kinds

    def _missing(self, service: str) -> None:
        if service in self.scope.catalog.services:
            self.note(f"no series of {service}: give it `selectors` in the service catalogue")

    def _note(self, answer: Answer) -> None:
        for warning in answer.warnings:
            self.note(f"warned: {warning}")

    def _settle(self, question: str) -> None:
        """Whatever is answered, in whatever way, is no longer pending; what a deadline cancels stays."""
        task = asyncio.current_task()
        if task is None or not task.cancelling():
            self._pending.discard(question)

    def note(self, reason: str) -> None:
        """Something that could not be seen."""
        gap = Gap(source="prometheus", reason=reason)
        if gap not in self.gaps:
            self.gaps.append(gap)


@dataclass(frozen=True)
class Floor:
    """The least variation that matters, for a normal level of this signal."""

    signal: Signal
    rate_s: float
    volume: float | None = None

    def __call__(self, normal: float) -> float:
        """A tenth of the level, and not less than counting noise or the unit's own grain."""
        return max(0.1 * abs(normal), self.grain(normal))

    def grain(self, normal: float) -> float:
        """Counting noise, or the least that matters of this unit."""
        if self.signal.unit == "/s":
            return math.sqrt(max(normal, 1 / self.rate_s) / self.rate_s)  # Poisson: one event in the range at least
        if self.signal.unit == "ratio":
            counted = self.volume * self.rate_s if self.volume is not None else math.inf
            return max(0.01, min(1.0, 1 / counted if counted > 0 else 1.0))
        return {"s": 0.005, "count": 1.0, "cores": 0.05, "bytes": 1e7}[self.signal.unit]


def _near(times: Floats, others: Floats, within: float) -> NDArray[np.bool_]:
    """For each time, whether one of the others (increasing) is no farther away."""
    if not others.size:
        return np.zeros(times.size, dtype=np.bool_)
    places = np.searchsorted(others, times)
    before, after = others[np.maximum(places - 1, 0)], others[np.minimum(places, others.size - 1)]
    return np.minimum(np.abs(times - before), np.abs(times - after)) <= within


def _joined(answers: Sequence[Answer]) -> Answer:
    """Answers to one query over several stretches as one."""
    parts = [answer.single for answer in answers if answer.single is not None]
    warnings = tuple(warning for answer in answers for warning in answer.warnings)
    if not parts:
        return Answer(answers[0].query, (), warnings, answers[0].step_s)
    times, values = (np.concatenate(arrays) for arrays in zip(*((one.times, one.values) for one in parts), strict=True))
    return Answer(answers[0].query, (Series(parts[0].labels, times, values),), warnings, answers[0].step_s)


def _median(answer: Answer | None) -> float | None:
    series = answer.single if answer else None
    return float(np.median(series.finite().values)) if series and series.finite().values.size else None


def _fairly(signals: list[Signal]) -> list[Signal]:
    """One of each kind and resource in turn, so that a limit does not cost a whole kind."""
    place: dict[str, int] = {}
    turns: list[tuple[int, Signal]] = []
    for signal in signals:
        place[signal.turn] = turn = place.get(signal.turn, 0) + 1
        turns.append((turn, signal))
    return [signal for _, signal in sorted(turns, key=lambda pair: pair[0])]
