"""What a run leaves behind, and what it tells the world while it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field, field_validator
from pydantic_core import to_jsonable_python

from bot.canvas.playbook import Kind
from bot.canvas.settings import Budget, Settings
from bot.models import Instant, Noun


class Outcome(Noun):
    """How one visit of one node ended. Stored once, never changed."""

    state: Literal["done", "failed"] = "done"
    edge: str | None = Field(default=None, description="the label to leave by; None for the arrows without a label")
    facts: Mapping[str, Any] = Field(default_factory=dict, description="JSON values that later nodes refer to")
    note: str | None = Field(default=None, description="what a reader must know: a missing value, an error")
    actor: str | None = Field(default=None, description="user id of the person who decided")
    at: Instant | None = Field(default=None, description="when it ended")
    seconds: float = Field(default=0.0, ge=0)
    attempts: int = Field(default=1, ge=1)

    @field_validator("facts", mode="before")
    @classmethod
    def _as_json(cls, facts: object) -> object:
        """The same values before and after a restart: JSON types only, NaN and infinity as null."""
        return to_jsonable_python(facts, inf_nan_mode="null")


@dataclass(frozen=True)
class Step:
    """One visit of one node, as the world is told of it."""

    run_id: str
    """The run, or the sub-playbook's own run inside it: where `decide` delivers to."""
    key: str
    """The node's id, with `#2`, `#3`, … on later visits: unique within the run."""
    node: str
    kind: Kind
    label: str
    prose: str
    playbook: str
    playbook_hash: str
    settings: Settings
    budget: Budget


@dataclass(frozen=True)
class Change:
    """A change that a gate asks about, with everything resolved that will be done."""

    node: str
    label: str
    action: str
    parameters: Mapping[str, Any]
    verify: Mapping[str, Any] | None = None
    """The change's `verify` block, resolved."""
    rollback: Mapping[str, Any] | None = None
    """`{"use": action, "with": parameters}`, resolved."""
    irreversible: str | None = None
    risk: str | None = None
    """What the author calls it at least."""


@dataclass(frozen=True)
class Judgement:
    """A model's answer at a branch: a label, and the facts that it cites for it."""

    label: str
    cites: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True)
class Walked:
    """Where a walk has come to."""

    state: Literal["finished", "suspended", "failed"]
    waiting: tuple[Step, ...] = ()
    """The gates, questions and changes whose outcome comes from outside."""
    path: tuple[str, ...] = ()
    """The keys of the steps that have ended, each after those that led to it."""
    end: str | None = None
    """The end node that was reached; the last one, where arms reach several."""
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    """Every finished step's outcome by key."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What each node's latest visit has found, by saved name."""
    error: str | None = None
    """Why the run has failed."""
