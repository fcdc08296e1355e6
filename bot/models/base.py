"""What every noun shares: frozen, closed to unknown fields, instants in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


class Noun(BaseModel):
    """A value: compared by content, never changed in place."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def as_utc(instant: datetime) -> datetime:
    """Read a naive instant as UTC, move any other to UTC."""
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


Instant = Annotated[datetime, AfterValidator(as_utc)]
"""A moment in UTC."""
