"""The action of the chaos run: one row in Postgres for every effect, so that effects can be counted.

It comes as a package of a third party would, by the entry point `nightdesk.actions`. Nothing in the table keeps a row
from being written twice: that is for the gate to prevent.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from psycopg import AsyncConnection, Error

from bot.catalog import Catalog
from bot.errors import EffectUnknown, PreconditionFailed
from bot.models import Risk
from bot.remediation.action import Action, ActionParameters, BlastRadius, Measure
from bot.settings import RemediationSettings

DSN_ENV = "CHAOS_DSN"
TABLE = 'CREATE TABLE effects (id serial PRIMARY KEY, proposal text NOT NULL, "row" text NOT NULL, pid int NOT NULL)'
# The pauses around the row are where a kill hits: before it is written, and after it, before anybody knows.
WRITE = """
WITH before AS (SELECT pg_sleep(0.05)), written AS (
    INSERT INTO effects (proposal, "row", pid) SELECT %s, %s, %s FROM before RETURNING id
) SELECT id, pg_sleep(0.05) FROM written
"""


class RowParameters(ActionParameters):
    """Which row, for which service."""

    row: str
    service: str


class WriteRow(Action[RowParameters]):
    """Write one row."""

    name: ClassVar[str] = "chaos.write_row"
    summary: ClassVar[str] = "Write one row that can be counted."
    parameters = RowParameters

    def target(self, params: RowParameters) -> str:
        return f"the row of {params.row}"

    def effect(self, params: RowParameters) -> str:
        return f"A row is written for {params.row}."

    async def blast_radius(self, params: RowParameters) -> BlastRadius:
        return BlastRadius(statement="One row.", services=(params.service,), reach="session")

    def service(self, params: RowParameters) -> str | None:
        return params.service

    def reversible(self, params: RowParameters) -> bool:
        return True

    def rollback(self, params: RowParameters) -> str:
        return "Delete the row."

    def base_risk(self, params: RowParameters) -> Risk:
        return Risk.LOW

    def timeout_s(self, params: RowParameters) -> float:
        return 4.0

    async def check(self, params: RowParameters) -> None:
        try:
            await _ask("SELECT 1")
        except Error as error:
            raise PreconditionFailed(f"Nothing was done: {type(error).__name__}") from None

    async def perform(self, params: RowParameters, idempotency_key: str) -> str:
        try:
            await _ask(WRITE, idempotency_key, params.row, os.getpid())
        except Error as error:
            raise EffectUnknown(f"Postgres did not answer: {type(error).__name__}") from None
        return "A row was written."

    def checks(self, params: RowParameters) -> Mapping[str, Measure]:
        async def rows() -> float | None:
            found = await _ask('SELECT count(*) FROM effects WHERE "row" = %s', params.row)
            return float(found[0])

        return {"chaos.rows": rows}


async def _ask(statement: str, *values: Any) -> Any:
    connection = await AsyncConnection.connect(os.environ[DSN_ENV], autocommit=True, connect_timeout=3)
    try:
        return await (await connection.execute(statement.encode(), values)).fetchone()
    finally:
        await connection.close()


def offer(_: Catalog, __: RemediationSettings) -> Iterable[Action[Any]]:
    """What the entry point names."""
    return [WriteRow()]
