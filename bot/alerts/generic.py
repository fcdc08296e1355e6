"""Any JSON: the operator says with JMESPath expressions where each field is.

Source of truth of the expressions: https://jmespath.org/specification.html

The setting `alerts.NAME.mapping` gives a field of `Alert` → expression. The key `alerts` finds the list of alerts in
the body; every other expression is asked of one of them. Where there is a mapping, only the fields in it are read.
Without one, each field is looked for under its own name, in the body, or in the list that the body is or has under
`alerts`. `labels` and `annotations` may be objects or lists of tags. An alert that gives no status fires.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from bot.alerts.normal import normal
from bot.alerts.payload import Moment, Name, Payload, Tags, Text, kind, read
from bot.alerts.status import status_of
from bot.alerts.text import one_line
from bot.errors import BadInput, Misconfigured
from bot.models import Alert

NAME = "generic"
LIST = "alerts"


class Mapped(Payload):
    """One alert, as the expressions found it."""

    name: Name
    status: Text = None
    severity: Text = None
    service: Text = None
    environment: Text = None
    summary: Text = None
    labels: Tags = Field(default_factory=dict)
    annotations: Tags = Field(default_factory=dict)
    starts_at: Moment = None
    ends_at: Moment = None
    url: Text = None
    runbook_url: Text = None
    fingerprint: Text = None
    group_key: Text = None


FIELDS = tuple(Mapped.model_fields)


def recognises(body: object) -> bool:
    """Whether the body names its fields as `Alert` does; anything else needs a mapping."""
    inside = body[LIST] if isinstance(body, dict) and isinstance(body.get(LIST), list) else body
    items = inside if isinstance(inside, list) else [inside]
    return bool(items) and all(isinstance(item, dict) and "name" in item for item in items)


def parse(body: object, mapping: Mapping[str, str] | None = None) -> list[Alert]:
    """The alerts that the mapping finds.

    Raises:
        BadInput: an expression found nothing that its field can be.
        Misconfigured: the mapping names no field of an alert, or an expression is not JMESPath.
    """
    expressions = compiled(mapping or {})
    items = _items(body, expressions.pop(LIST, None))
    return [_alert(_found(item, expressions, place) if mapping else item) for place, item in items]


def compiled(mapping: Mapping[str, str]) -> dict[str, Any]:
    """Field → parsed expression.

    Raises:
        Misconfigured: naming the field.
    """
    if unknown := sorted(set(mapping) - {*FIELDS, LIST}):
        raise Misconfigured(f"The mapping names {', '.join(unknown)}; the fields are {', '.join((LIST, *FIELDS))}.")
    if mapping and "name" not in mapping:
        raise Misconfigured("The mapping has no expression for 'name': say where the rule's name is.")
    return {field: _expression(field, text) for field, text in mapping.items()}


def _expression(field: str, text: str) -> Any:
    import jmespath  # noqa: PLC0415 - used by this format only

    try:
        return jmespath.compile(text)
    except jmespath.exceptions.JMESPathError as error:
        raise Misconfigured(f"The mapping of '{field}' is not JMESPath: {error}") from None


def _items(body: object, finder: Any) -> list[tuple[str, object]]:
    found = _search(finder, body, LIST) if finder else body
    if not finder and isinstance(body, dict) and isinstance(body.get(LIST), list):
        found = body[LIST]
    if isinstance(found, list):
        return [(f"{LIST}.{index}", item) for index, item in enumerate(found)]
    if isinstance(found, dict):
        return [("the body", found)]
    raise BadInput(f"The body holds no alerts: where they should be is {kind(found)}, not an object or a list.")


def _found(item: object, expressions: Mapping[str, Any], place: str) -> dict[str, object]:
    found = {field: _search(expression, item, field) for field, expression in expressions.items()}
    if found["name"] in (None, ""):
        raise BadInput(f"{place}: the expression for 'name', {expressions['name'].expression!r}, found nothing.")
    return found


def _search(expression: Any, value: object, field: str) -> object:
    try:
        found: object = expression.search(value)
    except (ValueError, TypeError, OverflowError) as error:  # JMESPathError is a ValueError
        raise BadInput(f"The expression for '{field}' does not fit this body: {one_line(str(error))}") from None
    return found


def _alert(item: object) -> Alert:
    mapped = read(Mapped, item, sender="a sender without a mapping")
    return normal(
        source=NAME,
        name=mapped.name,
        status=status_of(mapped.status),
        severity=mapped.severity,
        service=mapped.service,
        environment=mapped.environment,
        summary=mapped.summary,
        labels=mapped.labels,
        annotations=mapped.annotations,
        starts_at=mapped.starts_at,
        ends_at=mapped.ends_at,
        urls=(mapped.url,),
        runbook_url=mapped.runbook_url,
        fingerprint=mapped.fingerprint,
        group_key=mapped.group_key,
    )
