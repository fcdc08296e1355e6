"""End a session of a PostgreSQL, or only what it is doing: one statement checks who it is and signals it."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import UTC
from typing import Annotated, Any, ClassVar, Final, LiteralString

from psycopg import AsyncConnection
from pydantic import AwareDatetime, BeforeValidator, Field, SecretStr

from bot.catalog import Catalog
from bot.errors import EffectFailed, EffectUnknown, PreconditionFailed, RemediationError
from bot.models import Risk, Verification
from bot.plural import many, verb
from bot.remediation.action import Action, ActionParameters, BlastRadius, Measure
from bot.remediation.postgres_connection import application_of, connected, one, sayable

WAITING_SESSIONS = "postgres.waiting_sessions"
"""The catalogue check: how many sessions of the database have waited for a lock for more than a second."""

# Who may be touched: an ordinary client's session of this database, and the very one that was approved.
_SAME_SESSION: Final[LiteralString] = """
    FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
    WHERE a.pid = %(pid)s AND a.backend_start = %(backend_start)s AND a.datname = current_database()
      AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
      AND NOT r.rolsuper AND NOT r.rolreplication
      AND (%(transaction_start)s::timestamptz IS NULL OR a.xact_start = %(transaction_start)s)
      AND (%(query_start)s::timestamptz IS NULL OR (a.query_start = %(query_start)s AND a.state = 'active'))
"""
_TERMINATE: Final[LiteralString] = "SELECT pg_terminate_backend(a.pid) AS signalled" + _SAME_SESSION
_CANCEL: Final[LiteralString] = (
    "SELECT pg_cancel_backend(a.pid) AS signalled" + _SAME_SESSION + "AND a.state = 'active'"
)
_WHO: Final[LiteralString] = """
SELECT a.backend_start, a.backend_type, a.datname = current_database() AS here, a.usename AS role,
    a.application_name AS application, a.state, a.xact_start, a.query_start, r.rolsuper AS superuser,
    r.rolreplication AS replication, a.pid = pg_backend_pid() AS own,
    extract(epoch FROM clock_timestamp() - a.xact_start) AS transaction_age_s
FROM pg_stat_activity a LEFT JOIN pg_roles r ON r.oid = a.usesysid WHERE a.pid = %(pid)s
"""
_BEHIND: Final[LiteralString] = """
WITH RECURSIVE waiting AS MATERIALIZED (
    SELECT pid, pg_blocking_pids(pid) AS blocked_by FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND datname = current_database()
), behind AS (
    SELECT pid FROM waiting WHERE %(pid)s = ANY (blocked_by)
    UNION SELECT w.pid FROM waiting w JOIN behind b ON b.pid = ANY (w.blocked_by)
) SELECT count(*) AS sessions FROM behind
"""
_STILL_THERE: Final[LiteralString] = (
    "SELECT 1 AS there FROM pg_stat_activity WHERE pid = %(pid)s AND backend_start = %(backend_start)s"
)
_STILL_WORKING: Final[LiteralString] = _STILL_THERE + " AND query_start = %(seen_query_start)s AND state = 'active'"
# Shorter waits are daily life on a busy database, and would hide that the long ones are over.
_WAITING: Final[LiteralString] = """
SELECT count(DISTINCT l.pid) AS sessions FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE NOT l.granted AND l.waitstart < clock_timestamp() - interval '250 milliseconds' AND a.datname = current_database()
"""


def _instant(given: object) -> object:
    # pydantic would read a bare number as seconds since 1970
    if isinstance(given, int | float):
        raise ValueError("an instant is written in ISO 8601 with its offset")  # noqa: TRY004 - pydantic's contract
    return given


def _whole(given: object) -> object:
    if isinstance(given, bool | float):
        raise ValueError("a whole number is needed")  # noqa: TRY004 - pydantic's contract
    return given


Moment = Annotated[AwareDatetime, BeforeValidator(_instant)]
# a fact that could not be seen is an empty text
SeenMoment = Annotated[AwareDatetime | None, BeforeValidator(lambda given: _instant(given) or None)]


class BackendParameters(ActionParameters):
    """One session. The pid alone names nobody: the server uses it again."""

    database: str = Field(min_length=1, max_length=100, description="name in the catalogue")
    pid: Annotated[int, BeforeValidator(_whole)] = Field(gt=0, lt=2**31)
    backend_start: Moment = Field(description="when that session began, to the microsecond")
    transaction_start: SeenMoment = Field(
        default=None, description="if given, the session must still be in that transaction"
    )
    query_start: SeenMoment = Field(default=None, description="if given, it must still work on that statement")


class _Signal(Action[BackendParameters]):
    parameters = BackendParameters
    signal: ClassVar[LiteralString]
    gone: ClassVar[LiteralString]

    def __init__(
        self,
        catalog: Catalog,
        dsns: Mapping[str, SecretStr],
        *,
        within_s: float = 10.0,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._catalog = catalog
        self._dsns = dsns
        self._within_s = within_s
        self._pause = pause

    def accept(self, given: Mapping[str, Any]) -> BackendParameters:
        """The parameters; only databases of the catalogue that have a role for actions are taken."""
        params = super().accept(given)
        if params.database not in self._catalog.databases or params.database not in self._dsns:
            known = ", ".join(sorted(self._dsns)) or "none"
            raise RemediationError(
                f"'{params.database}' is not a database that actions may touch (there are: {known}): give it an "
                "'action_dsn_env' in the service catalogue."
            )
        return params

    def target(self, params: BackendParameters) -> str:
        begun = params.backend_start.astimezone(UTC)
        return f"backend {params.pid} of database {params.database}, begun {begun:%Y-%m-%d %H:%M:%S} UTC"

    def service(self, params: BackendParameters) -> str | None:
        return params.database

    def reversible(self, params: BackendParameters) -> bool:  # noqa: ARG002
        return False

    def extent(self, params: BackendParameters) -> str:  # noqa: ARG002 - no session comes twice
        return ""

    def timeout_s(self, params: BackendParameters) -> float:  # noqa: ARG002
        return self._within_s + 10

    async def blast_radius(self, params: BackendParameters) -> BlastRadius:
        """Who the session is, who waits behind it, and which services stand on its database."""
        async with self._connected(params.database, "nightdesk") as connection:
            with _sayable(params.database, RemediationError):
                who = await one(connection, _WHO, pid=params.pid)
                behind = await one(connection, _BEHIND, pid=params.pid)
        self._refuse(params, who)
        services = self._catalog.dependants(params.database)
        waiting = behind["sessions"] if behind else 0
        standing = f"Services on {params.database}: {', '.join(services[:8])}." if services else ""
        loses = self._loses(params, who or {})
        return BlastRadius(
            statement=f"{loses} {many(waiting, 'session')} {verb(waiting, 'wait')} behind it. {standing}".strip(),
            services=services,
            reach="session",
        )

    async def check(self, params: BackendParameters) -> None:
        async with self._connected(params.database, "nightdesk") as connection:
            with _sayable(params.database, PreconditionFailed):
                who = await one(connection, _WHO, pid=params.pid)
        self._refuse(params, who)

    async def perform(self, params: BackendParameters, idempotency_key: str) -> str:
        async with self._connected(params.database, application_of(idempotency_key)) as connection:
            seen = await self._signalled(connection, params)
            await self._ended(connection, params, seen)
        return self._outcome(params)

    def default_verification(self, params: BackendParameters, window_s: float) -> Verification | None:
        return Verification(
            query=f"{WAITING_SESSIONS}:{params.database}", threshold=1, window_s=window_s, unit="waiting sessions"
        )

    def checks(self, params: BackendParameters) -> Mapping[str, Measure]:
        async def waiting() -> float | None:
            async with self._connected(params.database, "nightdesk") as connection:
                with _sayable(params.database, RemediationError):
                    row = await one(connection, _WAITING)
            return float(row["sessions"]) if row else None

        return {f"{WAITING_SESSIONS}:{params.database}": waiting}

    @abstractmethod
    def _loses(self, params: BackendParameters, who: Mapping[str, Any]) -> str: ...

    @abstractmethod
    def _outcome(self, params: BackendParameters) -> str: ...

    def _refuse(self, params: BackendParameters, who: Mapping[str, Any] | None) -> None:
        reason = refusal(params, who)
        if reason:
            raise PreconditionFailed(f"Nothing was done: {reason}.")

    async def _signalled(self, connection: AsyncConnection[Any], params: BackendParameters) -> Mapping[str, Any]:
        """Check and signal in one statement; gives who it was just before."""
        with _sayable(params.database, PreconditionFailed):
            who = await one(connection, _WHO, pid=params.pid)
        self._refuse(params, who)
        with _sayable(params.database, EffectUnknown):
            row = await one(connection, self.signal, **params.model_dump())
        if row is None:
            raise PreconditionFailed(f"Nothing was done: {self.target(params)} changed at the last moment.")
        if not row["signalled"]:
            raise EffectFailed(f"The server could not signal {self.target(params)}.")
        return who or {}

    async def _ended(
        self, connection: AsyncConnection[Any], params: BackendParameters, seen: Mapping[str, Any]
    ) -> None:
        """Wait until the signal has had its effect; it is delivered at once and obeyed when the session can."""
        values = {**params.model_dump(), "seen_query_start": seen.get("query_start")}
        try:
            async with asyncio.timeout(self._within_s):
                with _sayable(params.database, EffectUnknown):
                    while await one(connection, self.gone, **values):
                        await self._pause(0.05)
        except TimeoutError:
            raise EffectUnknown(
                f"The signal was sent, but {self.target(params)} did not obey within {self._within_s:g} s."
            ) from None

    def _connected(self, database: str, application: str) -> AbstractAsyncContextManager[AsyncConnection[Any]]:
        return connected(database, self._dsns[database], application)


def _sayable(database: str, kind: type[RemediationError]) -> AbstractContextManager[None]:
    return sayable(database, kind, grant="pg_signal_backend and pg_read_all_stats")


class TerminateBackend(_Signal):
    """End one session."""

    name = "postgres.terminate_backend"
    summary = "End one session of a PostgreSQL database; its open transaction is rolled back."
    signal = _TERMINATE
    gone = _STILL_THERE

    def effect(self, params: BackendParameters) -> str:
        return (
            f"The session {params.pid} on {params.database} is ended, its open transaction is rolled back "
            "and its locks are released."
        )

    def rollback(self, params: BackendParameters) -> str:  # noqa: ARG002
        return "Cannot be undone: the client must connect again and repeat its transaction."

    def base_risk(self, params: BackendParameters) -> Risk:  # noqa: ARG002
        return Risk.MEDIUM

    def _loses(self, params: BackendParameters, who: Mapping[str, Any]) -> str:  # noqa: ARG002
        age = who.get("transaction_age_s")
        lost = "It has no open transaction" if age is None else f"Its transaction, open for {age:.0f} s, is rolled back"
        return f"One session of {_called(who)} is lost. {lost}."

    def _outcome(self, params: BackendParameters) -> str:
        return f"Session {params.pid} on {params.database} has ended."


class CancelQuery(_Signal):
    """Cancel what one session is doing."""

    name = "postgres.cancel_query"
    summary = "Cancel the statement that one session is working on; the session stays connected."
    signal = _CANCEL
    gone = _STILL_WORKING

    def effect(self, params: BackendParameters) -> str:
        return f"The statement that session {params.pid} on {params.database} is working on is cancelled."

    def rollback(self, params: BackendParameters) -> str:  # noqa: ARG002
        return "Cannot be undone: the client must repeat the statement, or its transaction if it was in one."

    def base_risk(self, params: BackendParameters) -> Risk:  # noqa: ARG002
        return Risk.LOW

    def _refuse(self, params: BackendParameters, who: Mapping[str, Any] | None) -> None:
        super()._refuse(params, who)
        if who and who["state"] != "active":
            raise PreconditionFailed(f"Nothing was done: session {params.pid} is {who['state']}, it runs no statement.")

    def _loses(self, params: BackendParameters, who: Mapping[str, Any]) -> str:  # noqa: ARG002
        return f"One statement of {_called(who)} is cancelled; the session stays."

    def _outcome(self, params: BackendParameters) -> str:
        return f"The statement of session {params.pid} on {params.database} was cancelled."


def refusal(params: BackendParameters, who: Mapping[str, Any] | None) -> str | None:
    """Why that session must not be touched; None where nothing speaks against it."""
    if who is None:
        return f"backend {params.pid} is gone"
    if who["backend_start"] is None:
        return f"the role for actions on {params.database} may not see other sessions; grant it pg_read_all_stats"
    if who["backend_start"] != params.backend_start:
        return f"backend {params.pid} is another session now, begun {who['backend_start'].isoformat()}"
    return _forbidden(who) or _moved_on(params, who)


def _forbidden(who: Mapping[str, Any]) -> str | None:
    reasons = {
        "it is Nightdesk's own session": who["own"],
        "it belongs to another database": not who["here"],
        f"it is a system process ({who['backend_type']})": who["backend_type"] != "client backend",
        "it belongs to a superuser": who["superuser"] is not False,
        "it belongs to a replication role": who["replication"] is not False,
    }
    reason = next((reason for reason, applies in reasons.items() if applies), None)
    return f"that session must not be touched, {reason}" if reason else None


def _moved_on(params: BackendParameters, who: Mapping[str, Any]) -> str | None:
    if params.transaction_start and who["xact_start"] != params.transaction_start:
        return f"backend {params.pid} has ended the transaction that was seen"
    if params.query_start and (who["query_start"] != params.query_start or who["state"] != "active"):
        return f"backend {params.pid} has ended the statement that was seen"
    return None


def _called(who: Mapping[str, Any]) -> str:
    name = "".join(letter for letter in str(who.get("application") or "") if letter.isprintable())[:60]
    return f"{name or 'an unnamed application'} ({who.get('role') or 'unknown role'})"
