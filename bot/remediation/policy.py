"""How dangerous an action is under the circumstances, and who must approve it.

Every rule can only raise the risk. What is not known counts as the worst case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from pydantic import Field

from bot.catalog import Catalog, Owners, Service
from bot.errors import RemediationError
from bot.models import Instant, Noun, Proposal, Risk
from bot.models.base import as_utc
from bot.remediation.action import BlastRadius
from bot.remediation.rules import Freeze, Policy, concerns

DOUBTFUL = 0.5
"""A cause with less confidence makes the remedy more dangerous."""
HARMLESS_ENVIRONMENTS = frozenset({"development", "dev", "test", "testing", "staging", "sandbox", "local", "demo"})


class Circumstances(Noun):
    """What policy looks at."""

    action: str
    at: Instant
    base: Risk = Field(description="of the action by itself")
    floor: Risk | None = Field(default=None, description="what the playbook's author says at least")
    blast: BlastRadius
    reversible: bool
    confidence: float = Field(ge=0, le=1, description="in the cause that the action removes")
    subject: str | None = Field(default=None, description="service or database that it acts on, by catalogue name")


class Judgement(Noun):
    """What policy makes of it."""

    risk: Risk
    reasons: tuple[str, ...] = Field(description="short sentences, the action's own risk first")
    approvals_needed: int = Field(ge=1)
    approver_users: tuple[str, ...]
    approver_groups: tuple[str, ...]
    valid_for_s: float = Field(gt=0)
    reason_needed: bool
    requester_may_approve: bool


class Forbids(RemediationError):
    """Policy says that this never runs, or not now."""


def judge(circumstances: Circumstances, catalog: Catalog, policy: Policy) -> Judgement:
    """The risk with its reasons, and who must approve.

    Raises:
        Forbids: a rule or a freeze forbids it.
        RemediationError: nobody, or too few people, may approve it.
    """
    steps = assess(circumstances, catalog, policy)
    risk = steps[-1][0]
    require_allowed(circumstances.action, circumstances.subject, risk, circumstances.at, catalog, policy)
    return _who(risk, tuple(reason for _, reason in steps), circumstances.subject, catalog, policy)


def rejudge(proposal: Proposal, at: datetime, catalog: Catalog, policy: Policy) -> Judgement:
    """What policy says of a proposal now: it may have become stricter since people were asked.

    Raises:
        Forbids: a rule or a freeze forbids it, or a freeze has begun since.
        RemediationError: nobody, or too few people, may approve it.
    """
    require_allowed(proposal.action, proposal.service, proposal.risk, at, catalog, policy)
    if stricter := next(_stricter(proposal, at, catalog, policy), None):
        raise Forbids(f"Since this was proposed, one thing is new: {stricter} It must be proposed again.")
    return _who(proposal.risk, proposal.risk_reasons, proposal.service, catalog, policy)


def assess(circumstances: Circumstances, catalog: Catalog, policy: Policy) -> tuple[tuple[Risk, str], ...]:
    """How the risk comes about: each reason with the risk that it leads to; the last one counts."""
    risk = circumstances.base
    steps = [(risk, f"The action by itself is of {risk} risk.")]
    for least, reason in _least(circumstances, catalog):
        risk = max(risk, least, key=lambda risk: risk.rank)
        steps.append((risk, reason))
    for reason in _raises(circumstances, catalog, policy):
        risk = list(Risk)[min(risk.rank + 1, Risk.HIGH.rank)]
        steps.append((risk, reason))
    return tuple(steps)


def approvers(
    risk: Risk, subject: str | None, catalog: Catalog, policy: Policy
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Users and groups: those for all tiers and for this one, and the owners of what it acts on if the tier says so."""
    tier = policy.tiers.of(risk)
    owners = owners_of(subject, catalog) if tier.owners else []
    users = [*policy.approvers.users, *tier.approvers.users, *(user for owner in owners for user in owner.users)]
    groups = [*policy.approvers.groups, *tier.approvers.groups, *(group for owner in owners for group in owner.groups)]
    return tuple(dict.fromkeys(users)), tuple(dict.fromkeys(groups))


def owners_of(subject: str | None, catalog: Catalog) -> list[Owners]:
    """The owners of the service, or of the services that use the database directly."""
    return [
        service.owners
        for name, service in catalog.services.items()
        if subject == name or (subject in catalog.databases and subject in (*service.databases, *service.depends_on))
    ]


def require_allowed(
    action: str, subject: str | None, risk: Risk, at: datetime, catalog: Catalog, policy: Policy
) -> None:
    """Nothing forbids it.

    Raises:
        Forbids: a rule or a freeze does.
    """
    touched = _touched(subject, catalog)
    environments = {catalog.services[name].environment for name in touched if name in catalog.services}
    for rule in policy.forbidden:
        about = concerns(rule.action, action) and _names(rule.services, touched)
        if about and _names(rule.environments, environments) and risk.rank >= rule.from_tier.rank:
            raise Forbids(f"Policy forbids it: {rule.why}")
    frozen = next((one for one in _freezes(policy, subject, at, catalog) if one.effect == "forbid"), None)
    if frozen:
        raise Forbids(f"Policy forbids changes during '{frozen.name}', until {as_utc(frozen.end):%Y-%m-%d %H:%M} UTC.")


def _who(risk: Risk, reasons: tuple[str, ...], subject: str | None, catalog: Catalog, policy: Policy) -> Judgement:
    tier = policy.tiers.of(risk)
    needed = max(tier.approvals or 1, 2 if risk is Risk.HIGH else 1)
    users, groups = approvers(risk, subject, catalog, policy)
    if not users and not groups:
        raise RemediationError(
            "Nobody may approve this: name approvers in policy.yaml, set NIGHTDESK_REMEDIATION__APPROVER_USERS or "
            "NIGHTDESK_REMEDIATION__APPROVER_GROUPS, or give the service owners in the catalogue."
        )
    if not groups and len(users) < needed:
        raise RemediationError(f"This needs {needed} people's approval, but only {len(users)} may approve: name more.")
    return Judgement(
        risk=risk,
        reasons=reasons,
        approvals_needed=needed,
        approver_users=users,
        approver_groups=groups,
        valid_for_s=tier.valid_for_s or 900,
        reason_needed=tier.reason,
        requester_may_approve=tier.requester,
    )


def _least(circumstances: Circumstances, catalog: Catalog) -> Iterator[tuple[Risk, str]]:
    """The risk that each circumstance calls for at least."""
    if circumstances.floor:
        yield circumstances.floor, f"The playbook's author calls it {circumstances.floor} risk."
    if not circumstances.reversible:
        yield Risk.MEDIUM, "It cannot be undone."
    yield from _place(circumstances, catalog)


def _place(circumstances: Circumstances, catalog: Catalog) -> Iterator[tuple[Risk, str]]:
    """What the most important of the services that may notice calls for."""
    names = [circumstances.subject or "", *circumstances.blast.services]
    if not any(name in catalog.services for name in names):
        yield Risk.MEDIUM, "No service of the catalogue is known to stand behind it."
    yield from _exposed(names, catalog)


def _exposed(names: Iterable[str], catalog: Catalog) -> Iterator[tuple[Risk, str]]:
    """What the services call for that do not run in a test environment."""
    services = [(name, catalog.services[name]) for name in dict.fromkeys(names) if name in catalog.services]
    exposed = [(name, service) for name, service in services if not _harmless(service)]
    critical = next(((name, service) for name, service in exposed if service.tier == "critical"), None)
    if critical:
        yield Risk.MEDIUM, f"{critical[0]} is critical and runs in {critical[1].environment}."
    elif exposed:
        yield Risk.LOW, f"{exposed[0][0]} runs in {exposed[0][1].environment}."


def _harmless(service: Service) -> bool:
    return service.environment.casefold() in HARMLESS_ENVIRONMENTS


def _touched(subject: str | None, catalog: Catalog) -> set[str]:
    """What it acts on, and what stands on that: a rule about a service is also about its database.

    Nothing, where the catalogue does not know it: a name that only looks like a known one escapes no rule.
    """
    known = subject is not None and (subject in catalog.services or subject in catalog.databases)
    return {subject, *catalog.dependants(subject)} if subject and known else set()


def _names(rule: tuple[str, ...], known: set[str]) -> bool:
    """Whether a rule is about any of them. A rule that names none is about all; what is not known may be meant."""
    return not rule or not known or bool(known & set(rule))


def _raises(circumstances: Circumstances, catalog: Catalog, policy: Policy) -> Iterator[str]:
    """The circumstances that make anything more dangerous by one step."""
    if circumstances.confidence < DOUBTFUL:
        yield f"The confidence in the cause is only {circumstances.confidence:.0%}."
    if circumstances.blast.reach == "unknown":
        yield "Nobody can tell how far it reaches."
    if circumstances.blast.reach == "service" and len(circumstances.blast.services) > 1:
        yield f"It interrupts {len(circumstances.blast.services)} services."
    for freeze in _freezes(policy, circumstances.subject, circumstances.at, catalog):
        yield _frozen(freeze)


def _frozen(freeze: Freeze) -> str:
    return f"The change freeze '{freeze.name}' is on."


def _stricter(proposal: Proposal, at: datetime, catalog: Catalog, policy: Policy) -> Iterator[str]:
    """What would make the proposal more dangerous now, and was not counted when it was made."""
    for freeze in _freezes(policy, proposal.service, at, catalog):
        if _frozen(freeze) not in proposal.risk_reasons:
            yield _frozen(freeze)
    for risk, reason in _exposed([proposal.service or "", *proposal.noticed_by], catalog):
        if risk.rank > proposal.risk.rank:
            yield reason


def _freezes(policy: Policy, subject: str | None, at: datetime, catalog: Catalog) -> Iterator[Freeze]:
    """The freezes that are on."""
    touched = _touched(subject, catalog)
    for freeze in policy.freezes:
        if freeze.start <= at < freeze.end and _names(freeze.services, touched):
            yield freeze
