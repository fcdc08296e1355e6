"""In which words a server wants to be asked. They differ in details, and say so when they are asked wrongly."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any, Literal

from bot.llm.chat import ChatRequest, Said, ToolCall, ToolOffer

_UNFIT = re.compile(r"[^A-Za-z0-9_-]")
"""In the name of a function, as the published API has it."""


@dataclass(frozen=True)
class Dialect:
    """What one server takes for one model."""

    length_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    answer_format: Literal["schema", "object", "text"] = "schema"
    temperature: float | None = 0.0
    stream_usage: bool = True

    def body(self, request: ChatRequest, model: str, *, stream: bool) -> dict[str, Any]:
        """The request as JSON."""
        body: dict[str, Any] = {
            "model": model,
            "messages": [_message(said) for said in request.said],
            self.length_field: request.max_tokens,
        }
        if self.temperature is not None:
            body["temperature"] = self.temperature
        if request.tools:
            body["tools"] = [_tool(tool) for tool in request.tools]
        if shape := self._format(request):
            body["response_format"] = shape
        if stream:
            body["stream"] = True
            if self.stream_usage:
                body["stream_options"] = {"include_usage": True}
        return body

    def adapted(self, refusal: str) -> Dialect | None:
        """The dialect that the refusal asks for; None where it complains of something else."""
        said = refusal.casefold()
        if "max_completion_tokens" in said and self.length_field == "max_tokens":
            return replace(self, length_field="max_completion_tokens")
        if "stream_options" in said and self.stream_usage:
            return replace(self, stream_usage=False)
        if "temperature" in said and self.temperature is not None:
            return replace(self, temperature=None)
        if any(word in said for word in ("response_format", "json_schema", "json_object", "schema")):
            if self.answer_format == "schema":
                return replace(self, answer_format="object")
            if self.answer_format == "object":
                return replace(self, answer_format="text")
        return None

    def _format(self, request: ChatRequest) -> dict[str, Any] | None:
        if request.json_schema is None or self.answer_format == "text":
            return None
        if self.answer_format == "object":
            return {"type": "json_object"}
        named = {"name": request.schema_name or "answer", "strict": True, "schema": dict(request.json_schema)}
        return {"type": "json_schema", "json_schema": named}


def _message(said: Said) -> dict[str, Any]:
    message: dict[str, Any] = {"role": said.role, "content": said.text}
    if said.calls:
        message["tool_calls"] = [_call(call) for call in said.calls]
        message["content"] = said.text or None
    if said.answers is not None:
        message["tool_call_id"] = said.answers
    return message


def _call(call: ToolCall) -> dict[str, Any]:
    """What the model itself wrote, in a form that servers take back: several refuse the talk if it was no JSON."""
    function = {"name": _UNFIT.sub("_", call.name)[:64], "arguments": call.arguments}
    if not _is_object(call.arguments):
        function["arguments"] = json.dumps({"unreadable": call.arguments})
    return {"id": call.id, "type": "function", "function": function}


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _tool(offer: ToolOffer) -> dict[str, Any]:
    function = {"name": offer.name, "description": offer.description, "parameters": dict(offer.parameters)}
    return {"type": "function", "function": function}
