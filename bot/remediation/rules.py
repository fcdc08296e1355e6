"""The policy as people write it: `policy.yaml` says who may approve what, how many, for how long, and what never runs.

It can only make things stricter than the built-in floor: a high risk always needs two people, and never the one who
asked for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from bot.catalog import Catalog
from bot.documents import bytes_of, document_in, schema_of
from bot.errors import Misconfigured
from bot.models import Risk
from bot.settings import RemediationSettings

USER = re.compile(r"[UW][A-Z0-9]+")
GROUP = re.compile(r"S[A-Z0-9]+")
MOST_DAYS = 90
"""No standing approval lasts longer, whatever the policy says."""


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Approvers(_Rule):
    """People, by Slack's ids."""

    users: tuple[str, ...] = Field(default=(), description="user ids")
    groups: tuple[str, ...] = Field(default=(), description="user group ids")


class Tier(_Rule):
    """What a decision on an action of that risk takes."""

    approvals: int | None = Field(default=None, ge=1, le=5, description="different people; not set: one, for high two")
    approvers: Approvers = Field(default=Approvers(), description="who may decide, beside those for all tiers")
    owners: bool = Field(default=True, description="whether the owners of the service may decide too")
    valid_for_s: float | None = Field(default=None, gt=0, description="how long a proposal waits; not set: the setting")
    reason: bool = Field(default=False, description="whether an approval needs a written reason")
    requester: bool = Field(default=True, description="whether the person who asked may approve")


class HighTier(Tier):
    """As every tier, but never less than two people, and never the one who asked."""

    approvals: int | None = Field(default=None, ge=2, le=5)
    requester: Literal[False] = False


class Tiers(_Rule):
    """By risk."""

    read_only: Tier = Field(default=Tier(), alias="read-only")
    low: Tier = Tier()
    medium: Tier = Tier()
    high: HighTier = HighTier()

    def of(self, risk: Risk) -> Tier:
        """The tier of that risk."""
        return {Risk.READ_ONLY: self.read_only, Risk.LOW: self.low, Risk.MEDIUM: self.medium, Risk.HIGH: self.high}[
            risk
        ]


class Forbidden(_Rule):
    """What never runs, whoever approves it."""

    action: str = Field(default="*", description="name of the action; * stands for any characters")
    services: tuple[str, ...] = Field(default=(), description="catalogue names; none: all")
    environments: tuple[str, ...] = Field(default=(), description="of the service; none: all")
    from_tier: Risk = Field(default=Risk.READ_ONLY, description="from this risk upwards")
    why: str = Field(min_length=1, description="told to whoever wanted it")


class Freeze(_Rule):
    """A stretch of time in which changes are more dangerous, or forbidden."""

    name: str = Field(min_length=1)
    start: AwareDatetime
    end: AwareDatetime
    services: tuple[str, ...] = Field(default=(), description="catalogue names; none: all")
    effect: Literal["raise", "forbid"] = "raise"

    @model_validator(mode="after")
    def _forwards(self) -> Freeze:
        if self.end <= self.start:
            raise ValueError("a freeze ends after it starts")
        return self


class StandingRules(_Rule):
    """What people may allow in advance, once it has proved itself. Never anything of high risk."""

    after_successes: int = Field(
        default=5, ge=2, description="verified successes in a row, of this action on this service"
    )
    most_tier: Literal["read-only", "low", "medium"] = "low"
    most_services: int = Field(default=1, ge=1, le=20, description="how many services may notice, at most")
    most_days: int = Field(default=30, ge=0, le=MOST_DAYS, description="0: nobody may grant any")


class Policy(_Rule):
    """The whole policy."""

    version: Literal[1] = 1
    approvers: Approvers = Field(default=Approvers(), description="who may decide on everything")
    tiers: Tiers = Tiers()
    forbidden: tuple[Forbidden, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    standing: StandingRules = StandingRules()

    def under(self, settings: RemediationSettings) -> Policy:
        """With the settings filled in where the policy says nothing; approvers of the settings count as well."""
        tiers = {
            name: tier.model_copy(
                update={
                    "approvals": tier.approvals or (settings.high_risk_approvals if name == "high" else 1),
                    "valid_for_s": tier.valid_for_s or settings.expires_s,
                }
            )
            for name in Tiers.model_fields
            if (tier := getattr(self.tiers, name))
        }
        approvers = Approvers(
            users=tuple(dict.fromkeys([*settings.approver_users, *self.approvers.users])),
            groups=tuple(dict.fromkeys([*settings.approver_groups, *self.approvers.groups])),
        )
        return self.model_copy(update={"tiers": Tiers.model_construct(**tiers), "approvers": approvers})


PolicyNow = Callable[[], Policy]
"""The policy at this moment: what decides never keeps one, see `lawbook`. Raises NotNow where that cannot be told."""


def concerns(pattern: str, action: str) -> bool:
    """Whether a rule about `pattern` is about the action."""
    return fnmatchcase(action, pattern)


def load_policy(file: Path | None, settings: RemediationSettings) -> Policy:
    """The policy of the file, or what the settings alone say where there is none.

    Raises:
        Misconfigured: naming the file, the place and what to do.
    """
    return (read_policy(file) if file else Policy()).under(settings)


def read_policy(file: Path) -> Policy:
    """The policy as it is written.

    Raises:
        Misconfigured: naming the file, the place and what to do.
    """
    return policy_in(bytes_of(file, whole="policy"), file)


def policy_in(written: bytes, file: Path) -> Policy:
    """What is written in the file. An empty one is no policy: it may be one that is being written.

    Raises:
        Misconfigured: as `read_policy`.
    """
    policy = document_in(written, file, Policy, whole="policy")
    if not policy.model_fields_set:
        raise Misconfigured(f"{file} says nothing: write `version: 1` where the settings alone are to count.")
    return policy


def faults(policy: Policy, catalog: Catalog, actions: frozenset[str]) -> Iterator[str]:
    """What is well formed, and does not do what its author thinks: unknown names, tiers nobody may decide on."""
    for rule in policy.forbidden:
        if not any(concerns(rule.action, action) for action in actions):
            yield f"forbidden: no action is named '{rule.action}'"
        yield from _unknown("forbidden", rule.services, catalog)
    for freeze in policy.freezes:
        yield from _unknown(f"freeze '{freeze.name}'", freeze.services, catalog)
    everywhere = [policy.approvers, *(policy.tiers.of(risk).approvers for risk in Risk)]
    yield from dict.fromkeys(fault for approvers in everywhere for fault in _strangers(approvers))
    owned = any(service.owners.users or service.owners.groups for service in catalog.services.values())
    for risk in Risk:
        tier = policy.tiers.of(risk)
        named = [*policy.approvers.users, *tier.approvers.users]
        groups = [*policy.approvers.groups, *tier.approvers.groups]
        if not groups and not (tier.owners and owned) and len(set(named)) < (tier.approvals or 1):
            few = f"only {len(set(named))} may decide" if named else "nobody may decide"
            yield f"tiers.{risk.value}: needs {tier.approvals} approval{'s' * (tier.approvals != 1)}, and {few}"


def _strangers(approvers: Approvers) -> Iterator[str]:
    """Who cannot be anybody: Slack knows people and groups by ids, not by what they are called."""
    for user in approvers.users:
        if not USER.fullmatch(user):
            yield f"approvers: '{user}' is no id of a Slack user, such as U0MINA1234, so it is nobody"
    for group in approvers.groups:
        if not GROUP.fullmatch(group):
            yield f"approvers: '{group}' is no id of a Slack user group, such as S0ONCALL12, so it is nobody"


def _unknown(where: str, services: tuple[str, ...], catalog: Catalog) -> Iterator[str]:
    for name in services:
        if name not in catalog.services and name not in catalog.databases:
            yield f"{where}: the catalogue has no '{name}'"


def json_schema() -> str:
    """The JSON Schema of `policy.yaml`, for editors."""
    return schema_of(Policy, title="Nightdesk approval policy")
