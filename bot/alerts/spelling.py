"""Payloads whose keys an operator writes: the same variable is `alert_title` to one, `alertTitle` or `ALERT_TITLE` to
another, and `{"alert": {"title": …}}` to a third.

Keys are compared as words of severity are: letters and digits only, in any case; a key inside an object is the object's
with its own behind it. What stands nearer to the top wins. A variable that the sender could not fill is not given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, ConfigDict, Field, model_validator

from bot.alerts.payload import Payload, as_text
from bot.alerts.severity import plain

DEEPEST = 4
"""Objects within one another whose keys are spelled."""
MOST_KEYS = 2_000
LOOKED_AT = 300
"""Keys by which a sender is recognised: every format looks."""

_UNFILLED = re.compile(
    r"\$[A-Z][A-Z0-9_]*"  # Datadog, Coralogix
    r"|\{\{[^{}]*\}\}"  # Kibana, Sumo Logic, Checkly
    r"|\{[$#]?[A-Za-z][\w.$#]*\}"  # Dynatrace, Zabbix
    r"|\$[a-z][\w.]*\$"  # Icinga
    r"|\$[A-Z][A-Z0-9_]*\$"  # Checkmk
    r"|\*UNKNOWN\*|\*insert [^*]*\*"
)


class Spelled(Payload):
    """Base of the models of such payloads: aliases are keys without case, and without what is no letter or digit."""

    model_config = ConfigDict(extra="ignore", frozen=True, loc_by_alias=False)

    @model_validator(mode="before")
    @classmethod
    def _in_any_spelling(cls, said: Any) -> Any:
        return spelled(said) if isinstance(said, Mapping) else said


def _word(value: object) -> str | None:
    return None if isinstance(value, dict | list) else as_text(value)


Word = Annotated[str | None, BeforeValidator(_word)]
"""Text where others put an object: `{"service": "cart"}`, and not `{"service": {"id": 7}}`."""


def called(*names: str) -> Any:
    """A field that has these names, in the order in which they are looked for."""
    return Field(default=None, validation_alias=AliasChoices(*names))


def listed(*names: str) -> Any:
    """The same, of a list of texts."""
    return Field(default_factory=list, validation_alias=AliasChoices(*names))


def tagged(*names: str) -> Any:
    """The same, of labels."""
    return Field(default_factory=dict, validation_alias=AliasChoices(*names))


def needed(*names: str) -> Any:
    """The same, of a field without which there is no alert."""
    return Field(validation_alias=AliasChoices(*names))


def spelled(body: Mapping[Any, Any]) -> dict[str, object]:
    """The values by their keys in plain spelling, those inside objects included."""
    found: dict[str, object] = {}
    for key, value in _keys(body):
        if len(found) >= MOST_KEYS:
            break
        found.setdefault(key, value)
    return found


def spells(body: object, *keys: str) -> bool:
    """Whether the body is an object that gives all the keys, in any spelling."""
    return isinstance(body, Mapping) and set(keys) <= {key for key, _ in islice(_keys(body), LOOKED_AT)}


def _keys(body: Mapping[Any, Any]) -> Iterator[tuple[str, object]]:
    level: list[tuple[str, Mapping[Any, Any]]] = [("", body)]
    for _ in range(DEEPEST):
        inner: list[tuple[str, Mapping[Any, Any]]] = []
        for path, node in level:
            for key, value in node.items():
                if not isinstance(key, str) or not _is_given(value):
                    continue
                name = path + plain(key)
                yield name, value
                if isinstance(value, Mapping):
                    inner.append((name, value))
        level = inner


def _is_given(value: object) -> bool:
    if isinstance(value, str):
        return bool(text := value.strip()) and not _UNFILLED.fullmatch(text)
    return value not in (None, [], {})
