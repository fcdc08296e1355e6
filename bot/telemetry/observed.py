"""What looks into databases of every engine share: as whom, and texts of others made fit to be shown."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from bot.models import Noun
from bot.telemetry.statement import bounded, masked, mysql_masked

MAX_NAME = 80


def _name(text: object) -> str | None:
    return None if text is None else bounded(str(text), MAX_NAME)


Statement = Annotated[str, BeforeValidator(lambda text: masked(str(text or "")))]
"""A statement of somebody else's in PostgreSQL's SQL, masked and bounded."""
MySqlStatement = Annotated[str, BeforeValidator(lambda text: mysql_masked(str(text or "")))]
"""The same in MySQL's SQL."""
Name = Annotated[str | None, BeforeValidator(_name)]
"""A name that a client chose, bounded and printable."""


class Role(Noun):
    """As whom a database is looked at."""

    name: str
    may_write: bool | None = Field(description="it could change something; None: the server does not tell")
    monitors: bool = Field(description="it sees the sessions of others")
