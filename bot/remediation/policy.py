"""How dangerous an action is under the circumstances, and who must approve it.

Every rule can only raise the risk. What is not known counts as the worst case.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from bot.catalog import Catalog, Service
from bot.errors import RemediationError
from bot.models import Noun, Risk
from bot.remediation.action import BlastRadius
from bot.settings import RemediationSettings

DOUBTFUL = 0.5
"""A cause with less confidence makes the remedy more dangerous."""
HARMLESS_ENVIRONMENTS = frozenset({"development", "dev", "test", "testing", "staging", "sandbox", "local", "demo"})


class Circumstances(Noun):
    """What policy looks at."""

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


def judge(circumstances: Circumstances, catalog: Catalog, settings: RemediationSettings) -> Judgement:
    """The risk with its reasons, and who must approve.

    Raises:
        RemediationError: nobody, or too few people, may approve it.
    """
    risk, reasons = assess(circumstances, catalog)
    needed = settings.high_risk_approvals if risk is Risk.HIGH else 1
    users, groups = approvers(circumstances, catalog, settings)
    if not users and not groups:
        raise RemediationError(
            "Nobody may approve this: set NIGHTDESK_REMEDIATION__APPROVER_USERS or "
            "NIGHTDESK_REMEDIATION__APPROVER_GROUPS, or give the service owners in the catalogue."
        )
    if not groups and len(users) < needed:
        raise RemediationError(f"This needs {needed} people's approval, but only {len(users)} may approve: name more.")
    return Judgement(risk=risk, reasons=reasons, approvals_needed=needed, approver_users=users, approver_groups=groups)


def assess(circumstances: Circumstances, catalog: Catalog) -> tuple[Risk, tuple[str, ...]]:
    """The risk and why."""
    risk = circumstances.base
    reasons = [f"The action by itself is of {risk} risk."]
    for least, reason in _least(circumstances, catalog):
        risk = max(risk, least, key=lambda risk: risk.rank)
        reasons.append(reason)
    for reason in _raises(circumstances):
        risk = list(Risk)[min(risk.rank + 1, Risk.HIGH.rank)]
        reasons.append(reason)
    return risk, tuple(reasons)


def approvers(
    circumstances: Circumstances, catalog: Catalog, settings: RemediationSettings
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Users and groups: those of the settings, and the owners of the service, or of the database's direct users."""
    subject = circumstances.subject
    owners = [
        service.owners
        for name, service in catalog.services.items()
        if subject == name or (subject in catalog.databases and subject in (*service.databases, *service.depends_on))
    ]
    users = dict.fromkeys([*settings.approver_users, *(user for owner in owners for user in owner.users)])
    groups = dict.fromkeys([*settings.approver_groups, *(group for owner in owners for group in owner.groups)])
    return tuple(users), tuple(groups)


def _least(circumstances: Circumstances, catalog: Catalog) -> Iterator[tuple[Risk, str]]:
    """The risk that each circumstance calls for at least."""
    if circumstances.floor:
        yield circumstances.floor, f"The playbook's author calls it {circumstances.floor} risk."
    if not circumstances.reversible:
        yield Risk.MEDIUM, "It cannot be undone."
    yield from _place(circumstances, catalog)


def _place(circumstances: Circumstances, catalog: Catalog) -> Iterator[tuple[Risk, str]]:
    """What the most important of the services that may notice calls for."""
    names = dict.fromkeys([circumstances.subject or "", *circumstances.blast.services])
    services = [(name, catalog.services[name]) for name in names if name in catalog.services]
    exposed = [(name, service) for name, service in services if not _harmless(service)]
    critical = next(((name, service) for name, service in exposed if service.tier == "critical"), None)
    if not services:
        yield Risk.MEDIUM, "No service of the catalogue is known to stand behind it."
    elif critical:
        yield Risk.MEDIUM, f"{critical[0]} is critical and runs in {critical[1].environment}."
    elif exposed:
        yield Risk.LOW, f"{exposed[0][0]} runs in {exposed[0][1].environment}."


def _harmless(service: Service) -> bool:
    return service.environment.casefold() in HARMLESS_ENVIRONMENTS


def _raises(circumstances: Circumstances) -> Iterator[str]:
    """The circumstances that make anything more dangerous by one step."""
    if circumstances.confidence < DOUBTFUL:
        yield f"The confidence in the cause is only {circumstances.confidence:.0%}."
    if circumstances.blast.reach == "unknown":
        yield "Nobody can tell how far it reaches."
    if circumstances.blast.reach == "service" and len(circumstances.blast.services) > 1:
        yield f"It interrupts {len(circumstances.blast.services)} services."
