"""What every section of the settings shares."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Fixed once read, and closed to names that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)
