"""The service catalogue: what there is, who owns it, what it stands on, where to look."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.documents import read_document, schema_of
from bot.errors import Misconfigured


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Owners(_Entry):
    """Who to ask, and who is paged."""

    users: tuple[str, ...] = Field(default=(), description="Slack user ids")
    groups: tuple[str, ...] = Field(default=(), description="Slack user group ids")


class Workload(_Entry):
    """Where a service runs in Kubernetes; the cluster's address and credentials are in the settings."""

    cluster: str = Field(description="name in the settings, remediation.kubernetes")
    namespace: str = Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
    kind: Literal["deployment", "statefulset", "daemonset"] = "deployment"
    name: str = Field(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")
    min_replicas: int = Field(default=1, ge=0, description="an action never scales it below this")
    max_replicas: int = Field(default=20, ge=1, le=1000, description="nor above this")


class Service(_Entry):
    """One service."""

    aliases: tuple[str, ...] = Field(default=(), description="other names in alerts and in talk")
    description: str = ""
    tier: Literal["critical", "standard", "experimental"] = "standard"
    environment: str = "production"
    depends_on: tuple[str, ...] = Field(default=(), description="services and databases that it calls")
    owners: Owners = Owners()
    channel: str | None = Field(default=None, description="Slack channel id for its incidents")
    selectors: Mapping[str, str] = Field(default_factory=dict, description="Prometheus label matchers of its series")
    databases: tuple[str, ...] = Field(default=(), description="names in the section `databases`")
    workload: Workload | None = Field(default=None, description="what Kubernetes actions may restart, scale, roll back")
    dashboards: tuple[str, ...] = Field(default=(), description="URLs")
    runbooks: tuple[str, ...] = Field(default=(), description="URLs or paths")


class Database(_Entry):
    """One database. Credentials are named by environment variable, never written here."""

    engine: Literal["postgres", "mysql", "redis"] = Field(default="postgres", description="mysql is for MariaDB too")
    dsn_env: str = Field(description="variable with the connection string of a read-only role, for the database agent")
    action_dsn_env: str | None = Field(default=None, description="variable with the connection string that actions use")
    limited_roles: tuple[str, ...] = Field(
        default=(), description="roles of applications whose connection limit actions may set"
    )

    @model_validator(mode="after")
    def _can_be_acted_on(self) -> Database:
        if self.action_dsn_env and self.engine != "postgres":
            raise ValueError(f"there are no actions on a {self.engine} database: leave action_dsn_env out")
        return self


class Catalog(_Entry):
    """All services and databases."""

    services: Mapping[str, Service] = Field(default_factory=dict)
    databases: Mapping[str, Database] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _sound(self) -> Catalog:
        problems: list[str] = []
        owner_of: dict[str, str] = {}
        for name, service in self.services.items():
            for spoken in (name, *service.aliases):
                other = owner_of.setdefault(spoken.casefold(), name)
                if other != name:
                    problems.append(f"'{spoken}' names both {other} and {name}")
            problems += [
                f"{name} depends on '{needed}', which is neither a service nor a database here"
                for needed in service.depends_on
                if needed not in self.services and needed not in self.databases
            ]
            problems += [
                f"{name} uses database '{database}', which the section databases does not have"
                for database in service.databases
                if database not in self.databases
            ]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @cached_property
    def _spoken(self) -> dict[str, str]:
        return {
            spoken.casefold(): name for name, service in self.services.items() for spoken in (name, *service.aliases)
        }

    def resolve(self, spoken: str | None) -> str | None:
        """The catalogue name for a name or alias, in any case; None if there is no such service.

        A letter that only looks like one of the name's, such as the Kelvin sign for a K, is another letter.
        """
        if not spoken or unicodedata.normalize("NFKC", spoken) != spoken:
            return None
        return self._spoken.get(spoken.casefold())

    def dependencies(self, service: str) -> tuple[str, ...]:
        """Everything that the service stands on, nearest first, itself excluded."""
        return self._reach(service, self.needs)

    def dependants(self, name: str) -> tuple[str, ...]:
        """Every service that stands on `name` (a service or a database), nearest first."""
        callers: dict[str, list[str]] = defaultdict(list)
        for service in self.services:
            for needed in self.needs(service):
                callers[needed].append(service)
        return self._reach(name, lambda needed: callers.get(needed, ()))

    def databases_of(self, service: str) -> tuple[str, ...]:
        """The databases of the service and of its dependencies, nearest first."""
        found: dict[str, None] = {}
        for name in (service, *self.dependencies(service)):
            if name in self.databases:
                found[name] = None
            elif name in self.services:
                found.update(dict.fromkeys(self.services[name].databases))
        return tuple(found)

    def needs(self, name: str) -> list[str]:
        """What the service calls itself: services and databases."""
        service = self.services.get(name)
        return [*service.depends_on, *service.databases] if service else []

    @staticmethod
    def _reach(start: str, step: Callable[[str], Iterable[str]]) -> tuple[str, ...]:
        seen, ring = {start: None}, [start]
        while ring:
            ring = [name for origin in ring for name in step(origin) if name not in seen]
            seen.update(dict.fromkeys(ring))
        return tuple(name for name in seen if name != start)


CatalogNow = Callable[[], Catalog]
"""As it is at this moment."""


def load_catalog(file: Path) -> Catalog:
    """Read `services.yaml`.

    Raises:
        Misconfigured: naming the file, the place and what to do.
    """
    if not file.is_file():
        raise Misconfigured(
            f"There is no service catalogue at {file}: write one (see docs/services.md), "
            "or set NIGHTDESK_SERVICES_FILE."
        )
    return read_document(file, Catalog, whole="catalogue")


def json_schema() -> str:
    """The JSON Schema of `services.yaml`, for editors."""
    return schema_of(Catalog, title="Nightdesk service catalogue")
