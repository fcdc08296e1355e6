"""What every section of the settings shares."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Section(BaseModel):
    """Fixed once read, and closed to names that it does not know. What is empty is not set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, given: Any) -> Any:
        return without_blanks(cls, given)


def without_blanks(of: type[BaseModel], given: Any) -> Any:
    """What is given, without the known names whose value is an empty text: their defaults stand."""
    if not isinstance(given, dict):
        return given
    return {name: value for name, value in given.items() if name not in of.model_fields or not _is_blank(value)}


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()
