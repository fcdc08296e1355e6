"""The payments database: its tables, its first rows, and one role for each who speaks to it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from bot.demo.postgres import connected

DATABASE = "payments"
ROLES = ("payments_app", "reporting", "nightdesk_ro", "nightdesk_act")


@dataclass(frozen=True)
class Ledger:
    """Connection strings for the same database, by who uses them."""

    app: str
    """The payments service."""
    reporting: str
    """The nightly reporting job."""
    nightdesk_ro: str
    """The bot's eyes: reads everything, writes nothing."""
    nightdesk_act: str
    """The bot's hands: may end other roles' sessions."""


async def create_ledger(superuser_dsn: str) -> Ledger:
    """Create the database and its roles, with passwords of this run only, on an empty server."""
    import psycopg  # noqa: PLC0415 - slow to import
    from psycopg import sql  # noqa: PLC0415

    passwords = {role: secrets.token_urlsafe(18) for role in ROLES}
    async with connected(psycopg.AsyncConnection.connect(superuser_dsn, autocommit=True)) as connection:
        for role, password in passwords.items():
            await connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(password))
            )
        await connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    schema = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
    async with connected(psycopg.AsyncConnection.connect(superuser_dsn, dbname=DATABASE)) as connection:
        await connection.execute(schema.encode())
        host, port = connection.info.host, connection.info.port
    address = f"{host}:{port}/{DATABASE}"
    return Ledger(*(f"postgresql://{role}:{passwords[role]}@{address}" for role in ROLES))
