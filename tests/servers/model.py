"""A server that speaks the protocol of OpenAI's chat completions, and answers what a test has written for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.settings.model import ModelSettings
from tests.servers.chat_contract import objections
from tests.servers.web import serving

Json = dict[str, Any]


@dataclass(frozen=True)
class Says:
    """An answer: a text, or the tools that the model wants, as (name, arguments)."""

    text: str = ""
    tools: Sequence[tuple[str, str]] = ()
    finish: str = ""
    usage: tuple[int, int] | None = (100, 20)
    cut_after: int | None = None
    """In a stream: the line breaks after so many pieces."""
    hangs_after: int | None = None
    """In a stream: nothing more comes after so many pieces, and the line stays."""
    drips: bool = False
    """In a stream: one piece after the other for ever, each in good time."""
    thought: str = ""
    """What it thought first, apart from the text, as reasoning models' servers give it."""
    indexed: bool = True
    """False: every tool that is wanted has the index 0, as some servers write."""


@dataclass(frozen=True)
class Fails:
    """A status that is no answer."""

    status: int
    message: str = "no"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Raw:
    """Any bytes."""

    body: bytes
    media_type: str = "application/json"
    status: int = 200


@dataclass(frozen=True)
class Silent:
    """Says nothing for so long."""

    seconds: float


Answer = Says | Fails | Raw | Silent
Script = Callable[[Json], Answer]


@dataclass
class ScriptedModel:
    """Answers from the script, or first from what was put in the queue; keeps what it was asked.

    A request that OpenAI's published API does not know is refused, whatever the script says, and kept in `wrong`.
    """

    script: Script = field(default=lambda _: Says("Nothing to add."))
    queue: list[Answer] = field(default_factory=list)
    asked: list[Json] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    url: str = ""

    def then(self, *answers: Answer) -> None:
        """The next answers."""
        self.queue.extend(answers)

    def settings(self, **more: Any) -> ModelSettings:
        """Settings that lead here."""
        return ModelSettings.model_validate({"url": self.url, "name": "scripted", "timeout_s": 5, **more})

    def app(self) -> Starlette:
        """What is served."""
        return Starlette(routes=[Route("/v1/chat/completions", self._complete, methods=["POST"])])

    async def _complete(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        self.headers.append(dict(request.headers))
        self.queries.append(request.url.query)
        if wrong := objections(body):
            self.wrong += wrong
            return JSONResponse({"error": {"message": "no request", "type": "invalid"}}, 400)
        answer = self.queue.pop(0) if self.queue else self.script(body)
        match answer:
            case Silent(seconds):
                await asyncio.sleep(seconds)  # a model that thinks for too long
                return Response(status_code=504)
            case Fails(status, message, headers):
                return JSONResponse({"error": {"message": message, "type": "invalid"}}, status, dict(headers))
            case Raw(bytes_, media_type, status):
                return Response(bytes_, status, media_type=media_type)
            case Says() as says if body.get("stream"):
                return StreamingResponse(_pieces(says, body), media_type="text/event-stream")
            case Says() as says:
                return JSONResponse(_whole(says, body))


def _whole(says: Says, body: Json) -> Json:
    message: Json = {"role": "assistant", "content": says.text or None, "refusal": None}
    if says.thought:
        message["reasoning_content"] = says.thought
    if says.tools:
        message["tool_calls"] = [_call(place, name, given) for place, (name, given) in enumerate(says.tools)]
    finish = says.finish or ("tool_calls" if says.tools else "stop")
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    answer: Json = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body["model"],
                    "choices": [choice]}  # fmt: skip
    return answer | ({"usage": _usage(says.usage)} if says.usage else {})


async def _pieces(says: Says, body: Json) -> AsyncIterator[bytes]:
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": None, "reasoning_content": part} for part in says.thought.split()]
    deltas += [{"content": says.text[start : start + 7]} for start in range(0, len(says.text), 7)]
    for place, (name, given) in enumerate(says.tools):
        index = place if says.indexed else 0
        deltas.append({"tool_calls": [_call(place, name, "") | {"index": index}]})
        deltas += [{"tool_calls": [{"index": index, "function": {"arguments": part}}]} for part in given]
    for number, delta in enumerate(cycle(deltas) if says.drips else deltas):
        if says.drips:
            await asyncio.sleep(0.02)  # too little to be silence
        if number == says.cut_after:
            raise ConnectionError("the line breaks")
        if number == says.hangs_after:
            await asyncio.sleep(1)
        yield _event(body, [{"index": 0, "delta": delta, "finish_reason": None}])
    finish = says.finish or ("tool_calls" if says.tools else "stop")
    yield _event(body, [{"index": 0, "delta": {}, "finish_reason": finish}])
    if says.usage and body.get("stream_options", {}).get("include_usage"):
        yield _event(body, [], usage=_usage(says.usage))
    yield b"data: [DONE]\n\n"


def _event(body: Json, choices: list[Json], **more: Any) -> bytes:
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": body["model"],
             "choices": choices, **more}  # fmt: skip
    return f"data: {json.dumps(chunk)}\n\n".encode()


def _call(place: int, name: str, given: str) -> Json:
    return {"id": f"call_{place}", "type": "function", "function": {"name": name, "arguments": given}}


def _usage(usage: tuple[int, int]) -> Json:
    prompt, completion = usage
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


@contextmanager
def served(model: ScriptedModel) -> Iterator[ScriptedModel]:
    """The model at a real socket, until the block ends; nobody may have asked it what OpenAI's API does not know."""
    with serving(model.app()) as port:
        model.url = f"http://127.0.0.1:{port}/v1"
        yield model
    assert not model.wrong, "asked as the published API does not allow"


@pytest.fixture
def scripted_model() -> Iterator[ScriptedModel]:
    """A model at a real socket."""
    with served(ScriptedModel()) as model:
        yield model
