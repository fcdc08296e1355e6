"""The wiring of the gate: policy, the actions with or without their credentials, and which process does what."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from bot.catalog import Catalog
from bot.errors import Misconfigured
from bot.remediation.catalogue import Actions, actions
from bot.remediation.lawbook import Lawbook
from bot.remediation.rules import Policy
from bot.settings import RemediationSettings, Role, Secret, Settings, secret_from_environment
from bot.work.queue import Place

POLICY = Path("policy.yaml")
WITHOUT = SecretStr("this process holds no credentials")
PLACES: dict[Role, tuple[Place, ...]] = {
    "all": (Place.TRIAGE, Place.GATE, Place.WATCH),
    "worker": (Place.TRIAGE,),
    "executor": (Place.GATE, Place.WATCH),
}
"""Which queues a process of that role works on."""


def policy_file(settings: RemediationSettings) -> Path | None:
    """The file that the settings name, else `policy.yaml` here, if there is one."""
    return settings.policy_file or (POLICY if POLICY.is_file() else None)


def lawbook_of(settings: Settings) -> Lawbook:
    """The policy in force, read anew for every decision.

    Raises:
        Misconfigured: it cannot be used as it is now.
    """
    lawbook = Lawbook(partial(policy_file, settings.remediation), settings.remediation)
    lawbook.policy()
    return lawbook


def policy_of(settings: Settings) -> Policy:
    """The policy in force, for who asks once.

    Raises:
        Misconfigured: it cannot be used.
    """
    return lawbook_of(settings).policy()


def actions_of(settings: Settings, catalog: Catalog) -> Actions:
    """The actions; a worker knows them by their names and parameters only.

    Raises:
        Misconfigured: they cannot be used, or a worker has been given credentials.
    """
    secret: Secret = secret_from_environment
    if settings.role == "worker":
        require_none(settings, catalog, secret)
        secret = _none
    dsns = {
        name: dsn
        for name, database in catalog.databases.items()
        if database.action_dsn_env and (dsn := secret(database.action_dsn_env))
    }
    return actions(catalog, settings.remediation, action_dsns=dsns, secret=secret)


def require_none(settings: Settings, catalog: Catalog, secret: Secret) -> None:
    """A process that reads what strangers write must not hold what changes production.

    Raises:
        Misconfigured: naming what it holds.
    """
    held = sorted({name for name in credentials(settings.remediation, catalog) if secret(name)})
    inline = sorted(name for name, call in settings.remediation.http_calls.items() if call.headers)
    if held or inline:
        what = ", ".join([*held, *(f"the headers of http call '{name}' (use headers_env)" for name in inline)])
        raise Misconfigured(
            f"A worker runs without the credentials of actions, but this one has {what}: give them to the process of "
            "`nightdesk serve --role executor` alone."
        )


def credentials(settings: RemediationSettings, catalog: Catalog) -> Iterator[str]:
    """The variables that hold what actions need."""
    yield from (database.action_dsn_env for database in catalog.databases.values() if database.action_dsn_env)
    yield from (cluster.token_env for cluster in settings.kubernetes.values())
    yield from (flag.token_env for flag in settings.flags.values())
    yield from (server.url_env for server in settings.redis_servers.values())
    yield from (variable for call in settings.http_calls.values() for variable in call.headers_env.values())
    yield from (section.token_env for section in (settings.awx, settings.github) if section)


def _none(_: str) -> SecretStr:
    return WITHOUT
