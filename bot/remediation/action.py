"""What an action of the catalogue is: one typed change to the world that a person can be asked to approve."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.errors import RemediationError
from bot.models import Noun, Risk, Verification

LONGEST_EXTENT = 200

Measure = Callable[[], Awaitable[float | None]]
"""One reading; None where there is none at the moment."""


class ActionParameters(BaseModel):
    """Base of every action's parameters: closed to unknown names, fixed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class BlastRadius(Noun):
    """Who notices, read from the live state and the catalogue's topology."""

    statement: str = Field(description="one or two sentences with figures")
    services: tuple[str, ...] = Field(default=(), description="services that may notice, nearest first")
    reach: Literal["session", "service", "unknown"] = Field(
        description="what is interrupted: one session, whole services, or nobody can tell"
    )


P = TypeVar("P", bound=ActionParameters)


def fitting(name: str, parameters: type[P], given: Mapping[str, Any]) -> P:
    """The parameters as the action of that name takes them.

    Raises:
        RemediationError: they do not fit.
    """
    try:
        return parameters.model_validate(dict(given))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc']) or 'parameters'}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        )
        raise RemediationError(f"{name} cannot take these parameters: {problems}.") from None


class Action(ABC, Generic[P]):
    """One kind of change.

    `check` and `perform` are called by the execution only, after an approval of exactly these parameters.
    """

    name: ClassVar[str]
    """In the catalogue, such as `postgres.terminate_backend`."""
    summary: ClassVar[str]
    """One sentence."""
    parameters: type[P]

    def accept(self, given: Mapping[str, Any]) -> P:
        """The parameters, checked against everything that can be known without looking at the world.

        Raises:
            RemediationError: they do not fit.
        """
        return fitting(self.name, self.parameters, given)

    @abstractmethod
    def target(self, params: P) -> str:
        """What it acts on, in words."""

    @abstractmethod
    def effect(self, params: P) -> str:
        """What will happen, one sentence."""

    @abstractmethod
    async def blast_radius(self, params: P) -> BlastRadius:
        """Who will notice, now.

        Raises:
            RemediationError: it cannot be told; then nothing may be proposed.
        """

    @abstractmethod
    def service(self, params: P) -> str | None:
        """The service or database, by catalogue name, whose importance decides the risk."""

    @abstractmethod
    def reversible(self, params: P) -> bool:
        """Whether `rollback` restores what was."""

    @abstractmethod
    def rollback(self, params: P) -> str:
        """How to undo it, or that it cannot be undone."""

    def extent(self, params: P) -> str:
        """What of the action this is: trust that it earns never reaches beyond. By itself: the same parameters again.

        What was seen when it was proposed differs every time, and is not part of it.
        """
        given = params.model_dump(mode="json", exclude_none=True)
        said = ", ".join(f"{name}={_written(given[name])}" for name in sorted(given) if not name.startswith("seen"))
        if len(said) <= LONGEST_EXTENT:
            return said
        return f"{said[:LONGEST_EXTENT]}… ({hashlib.sha256(said.encode()).hexdigest()[:16]})"

    def made_of(self, params: P) -> object:  # noqa: ARG002
        """What the operator has written that it carries out, where target and effect do not show all of it."""
        return None

    @abstractmethod
    def base_risk(self, params: P) -> Risk:
        """Its risk before policy looks at the circumstances."""

    @abstractmethod
    def timeout_s(self, params: P) -> float:
        """After this long nobody may assume any more that it is still going to happen, or that it will not."""

    @abstractmethod
    async def check(self, params: P) -> None:
        """Whether the world is still as it was when the action was proposed.

        Raises:
            PreconditionFailed: it is not, or it cannot be told.
        """

    async def pinned(self, params: P) -> P:
        """The parameters with what was left open, and what was seen, filled in from the live state.

        What is approved is then exact: which revision, and from which one. Called once, when it is proposed.

        Raises:
            RemediationError: the state cannot be read, or there is nothing to do.
        """
        return params

    async def rehearse(self, params: P) -> str | None:  # noqa: ARG002
        """Let the target try it without doing it; what it said, one sentence, None where it offers no dry run.

        Raises:
            RemediationError: it would not take it.
        """
        return None

    @abstractmethod
    async def perform(self, params: P, idempotency_key: str) -> str:
        """Do it, once; never retried. Gives the outcome, one sentence.

        Raises:
            PreconditionFailed: the world changed at the last moment; nothing was done.
            EffectFailed: the target refused; nothing was changed.
            EffectUnknown: it may or may not have happened.
        """

    def default_verification(self, params: P, window_s: float) -> Verification | None:  # noqa: ARG002
        """How to tell that it worked, where the playbook does not say."""
        return None

    def checks(self, params: P) -> Mapping[str, Measure]:  # noqa: ARG002
        """The readings that this action's own verification refers to by name."""
        return {}


def definition(action: Action[Any], params: ActionParameters) -> str:
    """SHA-256 of what the action is made of; empty where nothing stands behind its parameters."""
    words = action.made_of(params)
    if words is None:
        return ""
    plain = words.model_dump(mode="json") if isinstance(words, BaseModel) else words
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
