"""In which words a server wants to be asked. They differ in details, and say so when they are asked wrongly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from bot.llm.chat import ChatRequest, Said, ToolCall, ToolOffer

_UNFIT = re.compile(r"[^A-Za-z0-9_-]")
"""In the name of a function, as the published API has it."""


_FORMAT = re.compile(r"response_format|json_schema|json_object|schema|json mode|mime type|structured output|grammar")
_TOOLS = re.compile(r"\btools?\b|tool_choice|tool_calls?|function.call")
_ALWAYS_STREAMED = re.compile(
    r"non-stream|only supports? stream|enable the stream|stream\W.{0,20}must be (?:set to )?true"
)
_NEVER_STREAMED = re.compile(r"stream\w*\W.{0,40}(?:not|un)\W?(?:supported|allowed|implemented)")
_NO_SYSTEM = re.compile(r"system (?:role|message|prompt)|'system'|roles must alternate")
HOW_TO_CALL = 'Tools. To use one, write nothing but {"name": "its name", "arguments": {}} with its arguments:'


@dataclass(frozen=True)
class Dialect:
    """What one server takes for one model."""

    length_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    answer_format: Literal["schema", "object", "text"] = "schema"
    temperature: float | None = 0.0
    stream: Literal["as asked", "always", "never"] = "as asked"
    stream_usage: bool = True
    tools: Literal["offered", "described"] = "offered"
    """Described: in the text, where a server knows no tools; the model then calls them in its text."""
    rules: Literal["apart", "within"] = "apart"
    """Within: they stand before the question, where a server knows no such role."""

    def body(self, request: ChatRequest, model: str, *, stream: bool) -> dict[str, Any]:
        """The request as JSON."""
        described = bool(request.tools) and self.tools == "described"
        said = _described(request) if described else request.said
        body: dict[str, Any] = {
            "model": model,
            "messages": [_message(one) for one in (said if self.rules == "apart" else _within(said))],
            self.length_field: request.max_tokens,
        }
        if self.temperature is not None:
            body["temperature"] = self.temperature
        if request.tools and not described:
            body["tools"] = [_tool(tool) for tool in request.tools]
        if not described and (shape := self._format(request)):
            body["response_format"] = shape
        if stream:
            body["stream"] = True
            if self.stream_usage:
                body["stream_options"] = {"include_usage": True}
        return body

    def adapted(self, refusal: str) -> Dialect | None:
        """The dialect that the refusal asks for; None where it complains of something else."""
        return next((other for other in self._others(refusal.casefold()) if other != self), None)

    def _others(self, said: str) -> Iterator[Dialect]:
        """What it may mean, most telling words first."""
        if "max_completion_tokens" in said:
            yield replace(self, length_field="max_completion_tokens")
        if "stream_options" in said:
            yield replace(self, stream_usage=False)
        if _ALWAYS_STREAMED.search(said):
            yield replace(self, stream="always")
        elif _NEVER_STREAMED.search(said) and "stream_options" not in said:
            yield replace(self, stream="never")
        if "temperature" in said:
            yield replace(self, temperature=None)
        if _FORMAT.search(said):
            yield replace(self, answer_format="object" if self.answer_format == "schema" else "text")
        if _TOOLS.search(said):
            yield replace(self, tools="described")
        if _NO_SYSTEM.search(said):
            yield replace(self, rules="within")

    def _format(self, request: ChatRequest) -> dict[str, Any] | None:
        if request.json_schema is None or self.answer_format == "text":
            return None
        if self.answer_format == "object":
            return {"type": "json_object"}
        named = {"name": request.schema_name or "answer", "strict": True, "schema": dict(request.json_schema)}
        return {"type": "json_schema", "json_schema": named}


def _described(request: ChatRequest) -> tuple[Said, ...]:
    """The talk with its tools in words: what they are, how they were called, what they answered."""
    offers = [f"- {tool.name}: {tool.description} {json.dumps(dict(tool.parameters))}" for tool in request.tools]
    first, *rest = request.said
    rules = first.model_copy(update={"text": "\n".join([first.text, "", HOW_TO_CALL, *offers])})
    return rules, *map(_in_words, rest)


def _in_words(said: Said) -> Said:
    if said.answers is not None:
        return Said(role="user", text=said.text)
    calls = [json.dumps({"name": call.name, "arguments": call.arguments}) for call in said.calls]
    return Said(role=said.role, text="\n".join(filter(None, [said.text, *calls])))


def _within(said: tuple[Said, ...]) -> tuple[Said, ...]:
    rules, *rest = said
    if rules.role != "system" or not rest or rest[0].role != "user":
        return said
    return Said(role="user", text=f"{rules.text}\n\n{rest[0].text}"), *rest[1:]


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
