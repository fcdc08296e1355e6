"""The catalogue of actions: what is not in it cannot be done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import SecretStr

from bot.catalog import Catalog
from bot.errors import Misconfigured, RemediationError
from bot.http import Transport
from bot.remediation.action import Action, ActionParameters
from bot.settings import RemediationSettings, Secret

ENTRY_POINTS = "nightdesk.actions"
"""Each names a callable `(Catalog, RemediationSettings) -> Iterable[Action]`."""

Resolved = tuple[Action[Any], ActionParameters]


class Actions:
    """All actions by name.

    Raises:
        Misconfigured: two actions claim one name.
    """

    def __init__(self, actions: Iterable[Action[Any]]) -> None:
        self._actions: dict[str, Action[Any]] = {}
        for action in actions:
            if action.name in self._actions:
                raise Misconfigured(f"Two actions are named '{action.name}': uninstall the package that adds one.")
            self._actions[action.name] = action

    def __contains__(self, name: str) -> bool:
        return name in self._actions

    def __iter__(self) -> Iterator[Action[Any]]:
        return iter(self._actions.values())

    def named(self, name: str) -> Action[Any]:
        """The action of that name.

        Raises:
            RemediationError: listing the names there are.
        """
        if name not in self._actions:
            known = ", ".join(sorted(self._actions)) or "none; see the settings under 'remediation'"
            raise RemediationError(f"There is no action '{name}'. There are: {known}.")
        return self._actions[name]

    def resolve(self, name: str, given: Mapping[str, Any]) -> Resolved:
        """The action, and the parameters read for it.

        Raises:
            RemediationError: no such action, or parameters that it cannot take.
        """
        action = self.named(name)
        return action, action.accept(given)


def actions(
    catalog: Catalog,
    settings: RemediationSettings,
    *,
    action_dsns: Mapping[str, SecretStr],
    secret: Secret = lambda _: None,
    transport: Transport | None = None,
    installed: Iterable[EntryPoint] | None = None,
) -> Actions:
    """The actions that ship and those of installed packages, as far as the settings and the catalogue allow them.

    Args:
        action_dsns: database → connection string of the role that actions use (`action_dsn_env`).
        secret: the value of a variable that the settings name; what lacks its secret is not offered.
        installed: the entry points of group `nightdesk.actions`, where not those of this environment.

    Raises:
        Misconfigured: a template, a restart target or an installed package that cannot be used.
    """
    found = entry_points(group=ENTRY_POINTS) if installed is None else installed
    return Actions(
        [
            *_postgres(catalog, action_dsns),
            *_http_call(catalog, settings, secret, transport),
            *_restart(catalog, settings),
            *_kubernetes(catalog, settings, secret, transport),
            *_services(catalog, settings, secret, transport),
            *_redis(catalog, settings, secret),
            *(action for point in found for action in _load(point)(catalog, settings)),
        ]
    )


def _postgres(catalog: Catalog, dsns: Mapping[str, SecretStr]) -> list[Action[Any]]:
    usable = {name: dsn for name, dsn in dsns.items() if name in catalog.databases}
    if not usable:
        return []
    from bot.remediation.postgres import CancelQuery, TerminateBackend  # noqa: PLC0415 - psycopg loads a C library
    from bot.remediation.postgres_roles import LimitRole  # noqa: PLC0415

    limited = any(catalog.databases[name].limited_roles for name in usable)
    roles: list[Action[Any]] = [LimitRole(catalog, usable)] if limited else []
    return [TerminateBackend(catalog, usable), CancelQuery(catalog, usable), *roles]


def _http_call(
    catalog: Catalog, settings: RemediationSettings, secret: Secret, transport: Transport | None
) -> list[Action[Any]]:
    from bot.remediation.http_call import HttpCall  # noqa: PLC0415

    return [HttpCall(catalog, settings.http_calls, transport, secret=secret)] if settings.http_calls else []


def _kubernetes(
    catalog: Catalog, settings: RemediationSettings, secret: Secret, transport: Transport | None
) -> list[Action[Any]]:
    from bot.remediation.kubernetes import Cluster  # noqa: PLC0415
    from bot.remediation.kubernetes_nodes import CordonNode  # noqa: PLC0415
    from bot.remediation.kubernetes_workloads import RestartRollout, RollBack, Scale  # noqa: PLC0415

    clusters = {
        name: Cluster(name, cluster, token, transport)
        for name, cluster in settings.kubernetes.items()
        if (token := secret(cluster.token_env))
    }
    if not clusters:
        return []
    nodes: list[Action[Any]] = (
        [CordonNode(catalog, clusters)] if any(c.settings.nodes for c in clusters.values()) else []
    )
    return [RestartRollout(catalog, clusters), Scale(catalog, clusters), RollBack(catalog, clusters), *nodes]


def _services(
    catalog: Catalog, settings: RemediationSettings, secret: Secret, transport: Transport | None
) -> list[Action[Any]]:
    """What asks another service to act: AWX, GitHub, the provider of a flag."""
    from bot.remediation.awx import LaunchJob  # noqa: PLC0415
    from bot.remediation.flags import TurnFlag, provider_of  # noqa: PLC0415
    from bot.remediation.github import DispatchWorkflow  # noqa: PLC0415

    found: list[Action[Any]] = []
    if settings.awx and settings.awx.jobs and (token := secret(settings.awx.token_env)):
        found.append(LaunchJob(catalog, settings.awx, token, transport))
    if settings.github and settings.github.workflows and (token := secret(settings.github.token_env)):
        found.append(DispatchWorkflow(catalog, settings.github, token, transport))
    flags = {
        name: provider_of(name, flag, token, transport)
        for name, flag in settings.flags.items()
        if (token := secret(flag.token_env))
    }
    return [*found, TurnFlag(catalog, flags)] if flags else found


def _redis(catalog: Catalog, settings: RemediationSettings, secret: Secret) -> list[Action[Any]]:
    from bot.remediation.redis_config import SetRedisConfig  # noqa: PLC0415

    servers = settings.redis_servers
    urls = {name: url for name, server in servers.items() if (url := secret(server.url_env))}
    return [SetRedisConfig(catalog, servers, urls)] if urls else []


def _restart(catalog: Catalog, settings: RemediationSettings) -> list[Action[Any]]:
    from bot.remediation.restart import Restart  # noqa: PLC0415

    return [Restart(catalog, settings.restarts)] if settings.restarts else []


def _load(point: EntryPoint) -> Callable[[Catalog, RemediationSettings], Iterable[Action[Any]]]:
    try:
        made: Callable[[Catalog, RemediationSettings], Iterable[Action[Any]]] = point.load()
    except (ImportError, AttributeError) as error:
        raise Misconfigured(f"The actions of '{point.name}' ({point.value}) cannot be loaded: {error}") from error
    return made
