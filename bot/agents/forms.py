"""PromQL with slots: one question of one service, which can be asked of several services at once.

A form is text and slots in turn, so that no text from outside, whatever it holds, is ever taken for a slot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from bot.telemetry.promql import any_of, label_name, matchers


class Slot(Enum):
    """What a form leaves open."""

    CHOSEN = "the matchers that choose the series"
    BY = "the label that tells services apart, as an aggregation has it"
    AND_BY = "the same behind other labels"


Form = tuple[str | Slot, ...]


@dataclass(frozen=True)
class Choice:
    """Which series: those with these labels."""

    labels: tuple[tuple[str, str], ...]
    """Sorted."""

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> Choice:
        """From a mapping."""
        return cls(tuple(sorted(labels.items())))

    @property
    def names(self) -> tuple[str, ...]:
        """The labels' names."""
        return tuple(name for name, _ in self.labels)

    def value(self, label: str) -> str:
        """What it has there."""
        return dict(self.labels)[label]

    def without(self, label: str) -> dict[str, str]:
        """All other labels."""
        return {name: value for name, value in self.labels if name != label}


def form(*parts: str | Slot | Form) -> Form:
    """One form from several parts."""
    return tuple(piece for part in parts for piece in (part if isinstance(part, tuple) else (part,)))


def of_one(asked: Form, choice: Choice) -> str:
    """PromQL for one service."""
    return _filled(asked, {Slot.CHOSEN: matchers(dict(choice.labels)), Slot.BY: "", Slot.AND_BY: ""})


def of_several(asked: Form, choices: Sequence[Choice], label: str) -> str:
    """PromQL for services that differ in one label alone: the answer has a series for each of its values."""
    values = any_of({choice.value(label) for choice in choices})
    fixed, label = matchers(choices[0].without(label)), label_name(label)
    chosen = ",".join(part for part in (fixed, f"{label}=~{values}") if part)
    return _filled(asked, {Slot.CHOSEN: chosen, Slot.BY: f" by ({label}) ", Slot.AND_BY: f", {label}"})


def _filled(asked: Form, slots: Mapping[Slot, str]) -> str:
    return "".join(slots[part] if isinstance(part, Slot) else part for part in asked)
