"""The tools that a playbook may name, as the caller describes them, and the check of their parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from bot.canvas.templates import REFERENCE, references
from bot.nearest import nearest

TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (Mapping,),
    "null": (type(None),),
}


@dataclass(frozen=True)
class ToolSpec:
    """One tool or action."""

    name: str
    parameters: Mapping[str, Any] | type[BaseModel]
    """JSON Schema of an object, or the model of one."""
    facts: Collection[str] | None = None
    """The names of the facts that it finds; None where they cannot be told beforehand."""
    changes: bool = False
    """Whether it is an action, which needs approval."""

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """JSON Schema of the parameters."""
        return self.parameters if isinstance(self.parameters, Mapping) else self.parameters.model_json_schema()


def misfits(tool: ToolSpec, given: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with parameters as a playbook writes them; a reference fits any type."""
    properties: Mapping[str, Any] = tool.schema.get("properties", {})
    names = ", ".join(properties) or "none"
    for name in tool.schema.get("required", ()):
        if name not in given:
            yield f"{tool.name} needs '{name}'"
    for name, value in given.items():
        if name in properties:
            yield from _misfit(f"'{name}' of {tool.name}", value, properties[name], tool.schema)
        elif tool.schema.get("additionalProperties", True) is False:
            yield f"{tool.name} has no parameter '{name}'{nearest(name, properties)} (it has: {names})"


def _misfit(what: str, value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(value, str) and references(value):
        if not REFERENCE.fullmatch(value.strip()) and not _allows(schema, "string", root):
            yield f"{what} is a text around a reference, and must be {_wanted(schema)}"
        return
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        if all(any(True for _ in _misfit(what, value, option, root)) for option in options):
            yield f"{what} is {value!r}, which fits none of its forms"
        return
    schema = _followed(schema, root)
    wanted = schema.get("type")
    if wanted and not _is(value, wanted):
        yield f"{what} is {value!r}, and must be {_wanted(schema)}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{what} is {value!r}, and must be one of {', '.join(map(str, schema['enum']))}"
    elif not _within(value, schema):
        yield f"{what} is {value!r}, which is out of its bounds"


def _followed(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    followed: Mapping[str, Any] = root.get("$defs", {}).get(name, schema)
    return followed


def _allows(schema: Mapping[str, Any], kind: str, root: Mapping[str, Any]) -> bool:
    options = schema.get("anyOf") or schema.get("oneOf") or [schema]
    return any(_followed(option, root).get("type", kind) == kind for option in options)


def _is(value: Any, wanted: str | list[str]) -> bool:
    kinds = [wanted] if isinstance(wanted, str) else wanted
    if isinstance(value, bool):
        return "boolean" in kinds
    return any(isinstance(value, TYPES.get(kind, (object,))) for kind in kinds)


def _within(value: Any, schema: Mapping[str, Any]) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))


def _wanted(schema: Mapping[str, Any]) -> str:
    kinds = schema.get("type", "of another form")
    return str(kinds) if isinstance(kinds, str) else " or ".join(kinds)
