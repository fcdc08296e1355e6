"""What OpenAI has published about a request to its chat API, held against a request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""Of a function and of a schema, as the API's description has it."""


def objections(body: Mapping[str, Any]) -> list[str]:
    """Where the request is none; empty where it is one."""
    streams = bool(body.get("stream"))
    try:
        taken = _whole(_requests(streams).validate_python(body))
    except ValidationError as error:
        return [f"{place['loc']}: {place['msg']}" for place in error.errors()]
    if taken != body:
        return [f"only this of it is known: {taken}"]
    return [f"'{name}' is no name" for name in _names(body) if not NAME.fullmatch(name)]


@cache
def _requests(streams: bool) -> TypeAdapter[Any]:
    from openai.types.chat import completion_create_params as published  # noqa: PLC0415 - takes a second

    if streams:
        return TypeAdapter(published.CompletionCreateParamsStreaming)
    return TypeAdapter(published.CompletionCreateParamsNonStreaming)


def _whole(value: Any) -> Any:
    """With what pydantic would look at only when it is iterated: messages and tools are such."""
    if isinstance(value, Mapping):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [_whole(item) for item in value]
    return value


def _names(body: Mapping[str, Any]) -> list[str]:
    tools = [tool["function"]["name"] for tool in body.get("tools", [])]
    called = [call["function"]["name"] for said in body["messages"] for call in said.get("tool_calls") or []]
    schema = body.get("response_format", {}).get("json_schema")
    return [*tools, *called, *([schema["name"]] if schema else [])]
