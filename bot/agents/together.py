"""Which questions are asked at once: the same of several services, where one label tells these apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.agents.forms import Form, of_one, of_several
from bot.agents.signals import Signal, at_rate
from bot.telemetry.series import Answer, Series

if TYPE_CHECKING:
    from bot.agents.survey import Reading

MOST_TOGETHER = 12
"""Services of one question: its answer has at most so many series, and when it fails so many are asked again."""


@dataclass(frozen=True, eq=False)
class Question:
    """One signal that is asked for."""

    signal: Signal
    rate_s: float
    """The length of its rates."""
    answers: list[Reading]
    """Where what it is answered goes."""

    @property
    def words(self) -> str:
        """How gaps name it."""
        return f"{self.signal.noun} of {self.signal.service}"


@dataclass(frozen=True)
class Batch:
    """Questions that one query answers."""

    questions: tuple[Question, ...]
    label: str | None = None
    """What tells them apart in the answer; None where there is one question."""

    def promql(self, form: Form | None) -> str:
        """The query, of the questions' own form or of another that they share."""
        first = self.questions[0]
        if form is None or first.signal.choice is None:
            return first.signal.over(first.rate_s)
        if self.label is None:
            return at_rate(of_one(form, first.signal.choice), first.rate_s)
        choices = [one.signal.choice for one in self.questions if one.signal.choice]
        return at_rate(of_several(form, choices, self.label), first.rate_s)

    def parted(self, answer: Answer) -> list[Answer]:
        """The answer to each question."""
        if self.label is None:
            return [answer]
        by_value: dict[str | None, list[Series]] = defaultdict(list)
        for series in answer.series:
            by_value[series.labels.get(self.label)].append(series)
        values = [one.signal.choice.value(self.label) if one.signal.choice else None for one in self.questions]
        return [Answer(answer.query, tuple(by_value[value]), answer.warnings, answer.step_s) for value in values]

    def singly(self) -> list[Batch]:
        """Each question by itself."""
        return [Batch((one,)) for one in self.questions]


def batches(questions: Iterable[Question]) -> list[Batch]:
    """Questions of the same form together, as far as their services differ in one label alone."""
    alike: dict[object, list[Question]] = defaultdict(list)
    for one in questions:
        signal = one.signal
        names = signal.choice.names if signal.choice else ()
        key = (signal.kind, signal.form, signal.volume, one.rate_s, names) if signal.form and names else one
        alike[key].append(one)
    return [batch for ones in alike.values() for batch in _batched(ones)]


def _batched(ones: Sequence[Question]) -> Iterator[Batch]:
    if len(ones) == 1:
        yield Batch((ones[0],))
        return
    label = _telling(ones)
    together: dict[object, list[Question]] = defaultdict(list)
    for one in ones:
        if one.signal.choice:
            together[tuple(one.signal.choice.without(label).items())].append(one)
    for group in together.values():
        for start in range(0, len(group), MOST_TOGETHER):
            part = tuple(group[start : start + MOST_TOGETHER])
            yield Batch(part, label if len(part) > 1 else None)


def _telling(ones: Sequence[Question]) -> str:
    """The label with most values."""
    values: dict[str, set[str]] = defaultdict(set)
    for one in ones:
        for name, value in one.signal.choice.labels if one.signal.choice else ():
            values[name].add(value)
    return max(sorted(values), key=lambda name: len(values[name]))
