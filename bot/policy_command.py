"""`nightdesk policy lint|explain|schema`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.catalog import Catalog, load_catalog
from bot.errors import BadInput
from bot.gate import WITHOUT, actions_of, policy_file, policy_of
from bot.models import Risk
from bot.models.base import as_utc
from bot.nearest import nearest
from bot.plural import many
from bot.remediation.action import BlastRadius
from bot.remediation.catalogue import Actions, actions
from bot.remediation.explanation import explain
from bot.remediation.policy import Circumstances
from bot.remediation.rules import faults, load_policy
from bot.settings import Settings
from bot.work.specs import SHIPPED


def lint(settings: Settings, file: Path | None) -> tuple[str, int]:
    """What is wrong with the policy, and the exit code."""
    place = file or policy_file(settings.remediation)
    policy = load_policy(place, settings.remediation)
    catalog = load_catalog(settings.services_file) if settings.services_file.is_file() else Catalog()
    names = frozenset(
        {*(action.name for action in SHIPPED), *(action.name for action in actions_of(settings, catalog))}
    )
    found = list(faults(policy, catalog, names))
    where = place or "the settings (there is no policy.yaml)"
    if found:
        return "\n".join([f"{where}: {many(len(found), 'problem')}", *(f"  {fault}" for fault in found)]), 1
    return f"{where}: sound, {many(len(policy.forbidden), 'prohibition')}, {many(len(policy.freezes), 'freeze')}", 0


def explanation(
    settings: Settings,
    action: str,
    *,
    parameters: str | None,
    service: str | None,
    risk: Risk,
    reach: str,
    reversible: bool,
    confidence: float,
    at: datetime,
) -> str:
    """How policy decides about the action under these circumstances.

    Raises:
        BadInput: parameters that are no JSON object, or a service that the catalogue does not have.
        RemediationError: the action does not take the parameters.
    """
    catalog = load_catalog(settings.services_file) if settings.services_file.is_file() else Catalog()
    known = _described(settings, catalog)
    names = {*(one.name for one in known), *(shipped.name for shipped in SHIPPED)}
    if action not in names:
        meant = nearest(action, names) or "."
        raise BadInput(f"There is no action '{action}'{meant} There are: {', '.join(sorted(names))}.")
    assumed = "" if parameters is not None else _assumed(risk, reach, confidence, reversible=reversible)
    if parameters is not None:
        made, params = known.resolve(action, _object(parameters))
        service, risk, reversible = made.service(params), made.base_risk(params), made.reversible(params)
    if service and service not in catalog.services and service not in catalog.databases:
        there = [*catalog.services, *catalog.databases]
        raise BadInput(f"The catalogue has no '{service}'. There are: {', '.join(there) or 'none'}.")
    services = (*([service] if service in catalog.services else []), *(catalog.dependants(service) if service else ()))
    blast = BlastRadius.model_validate({"statement": "as asked", "services": services, "reach": reach})
    circumstances = Circumstances(
        action=action,
        at=as_utc(at),
        base=risk,
        blast=blast,
        reversible=reversible,
        confidence=confidence,
        subject=service,
    )
    return explain(circumstances, catalog, policy_of(settings), assumed=assumed)


def _assumed(risk: Risk, reach: str, confidence: float, *, reversible: bool) -> str:
    """What the answer rests on where nobody has said which parameters the action would have."""
    interrupted = {"session": "it interrupts one session", "service": "it interrupts a service"}
    far = interrupted.get(reach, "nobody can tell how far it reaches")
    return (
        f"Taken for granted: it is of {risk} risk by itself, {far}, "
        f"{'it can' if reversible else 'it cannot'} be undone, and the cause is {confidence:.0%} sure. "
        "Say otherwise by --risk, --reach, --reversible and --confidence, or give its parameters by --with."
    )


def _described(settings: Settings, catalog: Catalog) -> Actions:
    """The actions as they are configured, without a credential: nothing is read from their targets."""
    dsns = {name: WITHOUT for name, database in catalog.databases.items() if database.action_dsn_env}
    return actions(catalog, settings.remediation, action_dsns=dsns, secret=lambda _: WITHOUT)


def _object(given: str) -> Mapping[str, Any]:
    try:
        found = json.loads(given)
    except ValueError as error:
        raise BadInput(f"The parameters are not JSON: {error}") from None
    if not isinstance(found, Mapping):
        raise BadInput('The parameters are a JSON object, such as {"service": "payments"}.')
    return found
