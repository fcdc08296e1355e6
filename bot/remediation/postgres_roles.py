"""Limit how many connections one application's role may hold, so that it cannot starve the others."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Final, LiteralString

from psycopg.sql import SQL, Identifier, Literal
from pydantic import Field, SecretStr

from bot.catalog import Catalog
from bot.errors import EffectUnknown, PreconditionFailed, RemediationError
from bot.models import Risk
from bot.remediation.action import Action, ActionParameters, BlastRadius
from bot.remediation.postgres_connection import application_of, connected, one, sayable

_ROLE: Final[LiteralString] = """
SELECT r.rolconnlimit AS connection_limit, r.rolsuper OR r.rolreplication AS untouchable,
    r.rolname = current_user AS own,
    (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid) AS connections
FROM pg_roles r WHERE r.rolname = %(role)s
"""
UNLIMITED = -1


class RoleLimitParameters(ActionParameters):
    """Which role of which database, and how many connections."""

    database: str = Field(min_length=1, max_length=100, description="name in the catalogue")
    role: str = Field(min_length=1, max_length=63)
    connections: int = Field(ge=0, le=10_000)
    seen: int | None = Field(default=None, ge=UNLIMITED, description="the limit when it is proposed, filled in then")


class LimitRole(Action[RoleLimitParameters]):
    """Set the connection limit of one role that the catalogue names."""

    name = "postgres.limit_role"
    summary = "Set how many connections one application's role may open; open ones stay."
    parameters = RoleLimitParameters

    def __init__(self, catalog: Catalog, dsns: Mapping[str, SecretStr]) -> None:
        self._catalog = catalog
        self._dsns = dsns

    def accept(self, given: Mapping[str, Any]) -> RoleLimitParameters:
        """The parameters; only roles that the catalogue names for a database with a role for actions are taken."""
        params = super().accept(given)
        database = self._catalog.databases.get(params.database)
        allowed = database.limited_roles if database and params.database in self._dsns else ()
        if params.role not in allowed:
            known = ", ".join(allowed) or "none"
            raise RemediationError(
                f"The limit of role '{params.role}' on '{params.database}' may not be set (there are: {known}): "
                "name it under 'limited_roles' in the service catalogue."
            )
        return params

    def target(self, params: RoleLimitParameters) -> str:
        return f"role {params.role} of database {params.database}"

    def effect(self, params: RoleLimitParameters) -> str:
        return f"{params.role} may hold {params.connections} connections{_instead(params.seen)}; open ones stay."

    async def blast_radius(self, params: RoleLimitParameters) -> BlastRadius:
        found = await self._read(params)
        services = self._catalog.dependants(params.database)
        beyond = max(0, found["connections"] - params.connections)
        return BlastRadius(
            statement=f"{params.role} holds {found['connections']} connections now; {beyond} beyond the new limit stay "
            "open, and new ones are refused above it.",
            services=services,
            reach="service" if beyond else "session",
        )

    def service(self, params: RoleLimitParameters) -> str | None:
        return params.database

    def reversible(self, params: RoleLimitParameters) -> bool:
        return params.seen is not None

    def rollback(self, params: RoleLimitParameters) -> str:
        return f"Set the limit of {params.role} back to {_limit(params.seen)}."

    def base_risk(self, params: RoleLimitParameters) -> Risk:
        return Risk.HIGH if params.connections == 0 else Risk.MEDIUM

    def timeout_s(self, params: RoleLimitParameters) -> float:  # noqa: ARG002
        return 15.0

    async def pinned(self, params: RoleLimitParameters) -> RoleLimitParameters:
        seen = int((await self._read(params))["connection_limit"])
        if seen == params.connections:
            raise PreconditionFailed(f"Nothing to do: the limit of {params.role} is {seen} already.")
        return params.model_copy(update={"seen": seen})

    async def check(self, params: RoleLimitParameters) -> None:
        now = int((await self._read(params))["connection_limit"])
        if now != params.seen:
            raise PreconditionFailed(
                f"Nothing was done: the limit of {params.role} is {_limit(now)} now, it was {_limit(params.seen)}."
            )

    async def perform(self, params: RoleLimitParameters, idempotency_key: str) -> str:
        await self.check(params)
        statement = SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(
            Identifier(params.role), Literal(params.connections)
        )
        database = params.database
        async with connected(database, self._dsns[database], application_of(idempotency_key)) as connection:
            with _sayable(database, EffectUnknown):
                await connection.execute(statement)
        return f"{params.role} on {database} may hold {params.connections} connections."

    async def _read(self, params: RoleLimitParameters) -> dict[str, Any]:
        database = params.database
        async with connected(database, self._dsns[database], "nightdesk") as connection:
            with _sayable(database, PreconditionFailed):
                found = await one(connection, _ROLE, role=params.role)
        if found is None:
            raise PreconditionFailed(f"Nothing was done: {database} has no role {params.role}.")
        if found["untouchable"] or found["own"]:
            raise PreconditionFailed(
                f"Nothing was done: {params.role} is a superuser's, replication's or our own role."
            )
        return found


def _sayable(database: str, kind: type[RemediationError]) -> AbstractContextManager[None]:
    return sayable(database, kind, grant="CREATEROLE")


def _limit(seen: int | None) -> str:
    return "no limit" if seen in {UNLIMITED, None} else str(seen)


def _instead(seen: int | None) -> str:
    return "" if seen is None else f" instead of {_limit(seen)}"
