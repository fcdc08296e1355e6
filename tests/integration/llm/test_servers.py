"""Servers that call themselves compatible, and how each differs: a whole night goes well with every one of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

import pytest

from bot.models import Noted, Worded
from tests.characters import Heard, Helpful, Reply, heard
from tests.integration.work.night import LOCK, WITH_A_JUDGE, night_as
from tests.integration.work.test_answering import Asked
from tests.servers.model import Answer, Fails, Json, Raw, Says
from tests.speaking import Speaking, speaking

Server = Callable[[Json], Answer]
_DESCRIBED = re.compile(r"^- (look_\w+|conclude): ", re.MULTILINE)


def reply_to(body: Json, tools: tuple[str, ...] | None = None) -> Reply:
    """What the helpful model answers, if the tools stand in the text instead."""
    said = heard(body)
    if tools:
        said = Heard(said.call, said.language, said.told, tools, said.turns)
    return Helpful()(said)


def says(body: Json, **more: object) -> Says:
    """It answers as the published API has it."""
    reply = reply_to(body)
    return Says(reply.text, reply.calls, **more)  # type: ignore[arg-type]


def writes_calls(body: Json) -> Says:
    """Its model knows no marks for calls: it writes them, after its thoughts."""
    system = body["messages"][0]["content"]
    offered = tuple(tool["function"]["name"] for tool in body.get("tools") or ())
    reply = reply_to(body, offered or tuple(_DESCRIBED.findall(system)))
    calls = [f'{{"name": "{name}", "arguments": {given}}}' for name, given in reply.calls]
    return Says("\n".join(["<think>What now? {</think>", reply.text, *calls]), usage=None)


def openai_reasoning(body: Json) -> Answer:
    if "max_tokens" in body:
        return Fails(400, "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                          "'max_completion_tokens' instead.")  # fmt: skip
    if "temperature" in body:
        return Fails(400, "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) "
                          "value is supported.")  # fmt: skip
    return says(body)


def azure(body: Json) -> Answer:
    if "stream_options" in body:
        return Fails(400, "Unrecognized request argument supplied: stream_options")
    if body.get("response_format", {}).get("type") == "json_schema":
        return Fails(400, "response_format value as json_schema is enabled only for api versions 2024-08-01-preview "
                          "and later")  # fmt: skip
    return says(body, usage=None)


def vllm(body: Json) -> Answer:
    if "tools" in body:
        return Fails(400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set')
    return writes_calls(body)


def ollama(body: Json) -> Answer:
    if "tools" in body:
        return Fails(400, "registry.ollama.ai/library/gemma3:4b does not support tools")
    return writes_calls(body)


def llama_cpp(body: Json) -> Answer:
    if "tools" in body:
        return Fails(500, "tools param requires --jinja flag")
    if "response_format" in body:
        return Fails(400, "failed to parse grammar")
    return writes_calls(body)


def litellm(body: Json) -> Answer:
    for name in ("response_format", "tools", "temperature"):
        if name in body:
            return Fails(400, f"litellm.UnsupportedParamsError: x does not support parameters: ['{name}'], for model=y")
    return writes_calls(body)


def deepseek(body: Json) -> Answer:
    if body.get("response_format", {}).get("type") == "json_schema":
        return Fails(400, "This response_format type is unavailable now")
    return says(body, thought="First the logs, then the locks.")


def qwen(body: Json) -> Answer:
    if not body.get("stream"):
        return Raw(b'{"code": "InvalidParameter", "message": "parameter.enable_thinking must be set to false for '
                   b'non-streaming calls"}', status=400)  # fmt: skip
    if "response_format" in body:
        return Fails(400, "Json mode response is not supported when enable_thinking is true")
    return says(body, thought="Hmm, what could it be?")


def gemini(body: Json) -> Answer:
    if "response_format" in body and "tools" in body:
        return Raw(b'[{"error": {"code": 400, "message": "Function calling with a response mime type: '
                   b"'application/json' is unsupported\"}}]", status=400)  # fmt: skip
    return says(body)


def gemma(body: Json) -> Answer:
    if body["messages"][0]["role"] == "system":
        return Fails(400, "System role not supported")
    first, *rest = body["messages"]
    return says({**body, "messages": [first, first, *rest]})


def never_streams(body: Json) -> Answer:
    if body.get("stream"):
        return Fails(501, "stream=true is not supported by this gateway")
    return says(body)


def hermes(body: Json) -> Answer:
    """It takes tools, and writes calls into the text for all that."""
    return writes_calls(body)


SERVERS: Mapping[str, Server] = {
    server.__name__: server
    for server in (openai_reasoning, azure, vllm, ollama, llama_cpp, litellm, deepseek, qwen, gemini, gemma,
                   never_streams, hermes)
}  # fmt: skip


@pytest.mark.parametrize("name", SERVERS)
async def test_a_night_goes_well_with_every_server(redis_url: str, name: str) -> None:
    async with speaking(Helpful()) as model, night_as(Asked, redis_url, model) as night:
        model.server.script = SERVERS[name]
        incident = await night.triage(WITH_A_JUDGE)
        told = await night.asked("what do we know of it?", thread="1.2")
    notes = [one.event.text for one in incident.history if isinstance(one.event, Noted)]
    assert any("The model chose 'yes'" in note for note in notes), "it judges"
    assert not [note for note in notes if "without it" in note or "of no use" in note], "it explores"
    (worded,) = [one.event for one in incident.history if isinstance(one.event, Worded)]
    assert worded.sentences[0].text == LOCK, "it words"
    assert f"{LOCK} [" in told, "it answers"
    assert wasted(model) <= 6, "what a server does not know is learnt once"


def wasted(model: Speaking) -> int:
    """Questions that were asked again in other words."""
    said = [json.dumps(body["messages"]) for body in model.requests]
    return len(said) - len(set(said))
