"""The client against a server that speaks the chat protocol: every way of answering, and of not answering."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import SecretStr

from bot.errors import SourceUnavailable
from bot.llm.chat import ChatReply, ChatRequest, Said, ToolCall, ToolOffer
from bot.llm.client import ChatClient
from bot.settings.model import ModelServer
from tests.servers.chat_contract import objections
from tests.servers.model import Fails, Raw, Says, ScriptedModel, Silent

SCHEMA = {"type": "object", "properties": {"edge": {"type": "string"}}, "required": ["edge"],
          "additionalProperties": False}  # fmt: skip
LOOK = ToolOffer(name="logs_errors", description="New errors", parameters={"type": "object", "properties": {}})
ASKED = ChatRequest(
    role="judge",
    said=(
        Said(role="system", text="Judge."),
        Said(role="user", text="Who blocks whom? 谁阻塞了谁?"),
        Said(role="assistant", calls=(ToolCall(id="c1", name="logs_errors", arguments="{}"),)),
        Said(role="tool", text="nothing", answers="c1"),
    ),
    tools=(LOOK,),
    schema_name="judge",
    json_schema=SCHEMA,
    max_tokens=300,
)
PLAIN = ChatRequest(role="answer", said=(Said(role="user", text="Hello"),), max_tokens=50)


async def ask(model: ScriptedModel, request: ChatRequest = PLAIN, **more: Any) -> ChatReply:
    async with ChatClient(model.settings(**more)) as client:
        return await client.ask(request, "scripted")


async def streamed(model: ScriptedModel, request: ChatRequest = PLAIN, **more: Any) -> tuple[ChatReply, list[str]]:
    heard: list[str] = []

    async def hear(piece: str) -> None:
        heard.append(piece)

    async with ChatClient(model.settings(**more)) as client:
        return await client.ask(request, "scripted", on_text=hear), heard


async def test_a_question_gets_its_answer_and_what_it_cost(scripted_model: ScriptedModel) -> None:
    scripted_model.then(Says("A session is idle in its transaction.", usage=(120, 9)))
    reply = await ask(scripted_model, key=SecretStr("sk-test"))
    assert (reply.text, reply.complete, reply.model) == ("A session is idle in its transaction.", True, "scripted")
    assert (reply.usage.prompt, reply.usage.completion) == (120, 9)
    assert scripted_model.headers[0]["authorization"] == "Bearer sk-test"


async def test_azure_wants_its_own_header_and_a_version(scripted_model: ScriptedModel) -> None:
    await ask(scripted_model, key=SecretStr("k"), key_header="api-key", query={"api-version": "2026-01-01"})
    assert scripted_model.headers[0]["api-key"] == "k"
    assert "authorization" not in scripted_model.headers[0]
    assert scripted_model.queries == ["api-version=2026-01-01"]


@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_sent_is_what_the_published_schema_allows(scripted_model: ScriptedModel, stream: bool) -> None:
    await (streamed if stream else ask)(scripted_model, ASKED)
    (sent,) = scripted_model.asked
    assert (objections(sent), scripted_model.wrong) == ([], [])
    assert sent["response_format"]["json_schema"] == {"name": "judge", "strict": True, "schema": SCHEMA}
    assert [message["role"] for message in sent["messages"]] == ["system", "user", "assistant", "tool"]


@pytest.mark.parametrize(
    "changed",
    [
        {"messages": [{"role": "nobody", "content": "x"}]},
        {"messages": [{"role": "user", "content": "x", "answers": "c1"}]},
        {"messages": [{"role": "tool", "content": "x"}]},
        {"tools": [{"type": "function", "function": {"name": "logs.errors"}}]},
        {"tools": [{"name": "logs_errors"}]},
        {"max_length": 3},
    ],
)
def test_a_request_that_the_published_schema_does_not_know_is_none(changed: dict[str, Any]) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    assert objections(body) == []
    assert objections(body | changed)


async def test_the_scripted_server_answers_as_the_published_schema_says(scripted_model: ScriptedModel) -> None:
    import httpx  # noqa: PLC0415 - the test speaks for itself here

    scripted_model.script = lambda _: Says("Two words", tools=[("logs_errors", '{"service": "pay"}')])
    body = {"model": "m", "messages": []}
    stream = {"stream": True, "stream_options": {"include_usage": True}}
    async with httpx.AsyncClient() as client:
        whole = await client.post(f"{scripted_model.url}/chat/completions", json=body)
        pieces = await client.post(f"{scripted_model.url}/chat/completions", json=body | stream)
    ChatCompletion.model_validate(whole.json(), strict=True)
    lines = [line.removeprefix("data: ") for line in pieces.text.splitlines() if line and "[DONE]" not in line]
    assert len([ChatCompletionChunk.model_validate_json(line, strict=True) for line in lines]) > 10


async def test_several_tools_may_be_wanted_at_once(scripted_model: ScriptedModel) -> None:
    wanted = [("logs_errors", '{"service": "pay"}'), ("metrics_look", "{not json")]
    scripted_model.script = lambda _: Says(tools=wanted)
    for reply in (await ask(scripted_model, ASKED), (await streamed(scripted_model, ASKED))[0]):
        assert [(call.name, call.arguments) for call in reply.calls] == wanted
        assert len({call.id for call in reply.calls}) == 2
        assert reply.complete


async def test_a_call_that_was_no_json_is_told_back_as_json(scripted_model: ScriptedModel) -> None:
    calls = (ToolCall(id="c1", name="drop table!", arguments="{not json"), ToolCall(id="c2", name="a", arguments="{}"))
    said = (*PLAIN.said, Said(role="assistant", calls=calls), Said(role="tool", text="No such tool.", answers="c1"))
    await ask(scripted_model, PLAIN.model_copy(update={"said": said}))
    told = [call["function"] for call in scripted_model.asked[0]["messages"][1]["tool_calls"]]
    assert [call["name"] for call in told] == ["drop_table_", "a"]
    assert [json.loads(call["arguments"]) for call in told] == [{"unreadable": "{not json"}, {}]


async def test_tools_that_all_have_the_same_index_stay_apart(scripted_model: ScriptedModel) -> None:
    wanted = [("look_1", '{"a": 1}'), ("look_2", '{"b": 2}'), ("look_3", "{}")]
    scripted_model.then(Says(tools=wanted, indexed=False))
    reply, _ = await streamed(scripted_model, ASKED)
    assert [(call.name, call.arguments) for call in reply.calls] == wanted


async def test_an_answer_comes_piece_by_piece(scripted_model: ScriptedModel) -> None:
    scripted_model.then(Says("One session blocks eleven others.", usage=(50, 8)))
    reply, heard = await streamed(scripted_model)
    assert len(heard) > 3
    assert "".join(heard) == reply.text == "One session blocks eleven others."
    assert (reply.usage.prompt, reply.usage.completion, reply.complete) == (50, 8, True)


async def test_a_line_that_breaks_leaves_what_was_said(scripted_model: ScriptedModel) -> None:
    scripted_model.then(Says("One session blocks eleven others.", cut_after=3))
    reply, heard = await streamed(scripted_model)
    assert reply.text == "".join(heard) == "One session bl"
    assert not reply.complete
    assert reply.usage.completion > 0, "what nobody counted is estimated"


async def test_a_stream_that_falls_silent_leaves_what_was_said(scripted_model: ScriptedModel) -> None:
    scripted_model.then(Says("One session blocks eleven others.", hangs_after=3))
    reply, heard = await streamed(scripted_model, timeout_s=0.5)
    assert reply.text == "".join(heard) == "One session bl"
    assert not reply.complete


@pytest.mark.parametrize(("drips", "text"), [("word", "word"), ("", "")])
async def test_a_stream_that_drips_for_ever_ends_with_its_time(
    scripted_model: ScriptedModel, drips: str, text: str
) -> None:
    scripted_model.then(Says(drips, drips=True))
    asking = streamed(scripted_model, PLAIN, timeout_s=0.5)
    if not text:
        with pytest.raises(SourceUnavailable, match="did not answer within"):
            await asking
        return
    reply, _ = await asking
    assert reply.text.startswith(text)
    assert (reply.complete, reply.broken) == (False, True)


async def test_thoughts_that_come_apart_are_paid_for_and_no_part_of_the_answer(scripted_model: ScriptedModel) -> None:
    scripted_model.script = lambda _: Says("One session.", thought="Is it the lock? " * 10, usage=None)
    whole, (pieces, heard) = await ask(scripted_model), await streamed(scripted_model)
    assert whole.text == pieces.text == "".join(heard) == "One session."
    assert min(whole.usage.completion, pieces.usage.completion) > 30


async def test_who_only_thinks_has_answered_nothing(scripted_model: ScriptedModel) -> None:
    scripted_model.script = lambda _: Says(thought="And then " * 2_000, finish="length")
    for reply in (await ask(scripted_model), (await streamed(scripted_model))[0]):
        assert (reply.text, reply.complete) == ("", False)


async def test_a_call_that_stands_in_the_text_is_a_call_if_that_tool_was_offered(scripted_model: ScriptedModel) -> None:
    scripted_model.script = lambda _: Says('<tool_call>{"name": "logs_errors", "arguments": {"a": 1}}</tool_call>')
    for reply in (await ask(scripted_model, ASKED), (await streamed(scripted_model, ASKED))[0]):
        assert (reply.text, [(call.name, call.arguments) for call in reply.calls]) == (
            "",
            [("logs_errors", '{"a": 1}')],
        )
    assert (await ask(scripted_model, PLAIN)).calls == ()


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (Raw(b"<html><head><title>502 Bad Gateway</title></head></html>", "text/html", 502), "502: 502 Bad Gateway"),
        (Raw(b"<html><head><title>Sign in</title></head></html>", "text/html"), "not JSON"),
        (Raw(b'{"error": {"message": "no credit"}}', "text/plain"), "failed: no credit"),
        (Raw(b'data: {"error": {"message": "no credit"}}\n\n', "text/event-stream"), "(not JSON|failed: no credit)"),
    ],
)
async def test_a_proxy_that_answers_for_the_model_is_told_from_it(
    scripted_model: ScriptedModel, page: Raw, said: str
) -> None:
    scripted_model.script = lambda _: page
    for asking in (ask, streamed):
        with pytest.raises(SourceUnavailable, match=said):
            await asking(scripted_model)


async def test_an_answer_of_another_content_type_is_read(scripted_model: ScriptedModel) -> None:
    answer = b'{"choices": [{"message": {"content": "Fine."}, "finish_reason": "stop"}]}'
    scripted_model.script = lambda _: Raw(answer, "text/plain")
    assert (await ask(scripted_model)).text == (await streamed(scripted_model))[0].text == "Fine."


async def test_an_answer_without_end_is_cut(scripted_model: ScriptedModel) -> None:
    scripted_model.script = lambda _: Says("word " * 10_000, usage=None)
    reply, heard = await streamed(scripted_model)
    assert len("".join(heard)) == len(reply.text) < 1_000
    whole = await ask(scripted_model)
    assert len(whole.text) < 1_000
    assert [reply.complete, whole.complete] == [False, False]


async def test_a_count_that_cannot_be_is_not_believed(scripted_model: ScriptedModel) -> None:
    scripted_model.then(Says("Short.", usage=(10**30, 5)))
    assert (await ask(scripted_model)).usage.prompt < 100


async def test_halves_of_characters_can_be_stored_and_sent(scripted_model: ScriptedModel) -> None:
    call = r'{"id": "\ud83d", "function": {"name": "a\ude00", "arguments": "\ud83d"}}'
    raw = rf'{{"model": "\ud83d", "choices": [{{"message": {{"content": "cut \ud83d", "tool_calls": [{call}]}}}}]}}'
    scripted_model.then(Raw(raw.encode()), Says("Well."))
    reply = await ask(scripted_model)
    assert (reply.text, reply.calls[0].name) == ("cut \ufffd", "a\ufffd")
    again = PLAIN.model_copy(update={"said": (Said(role="user", text=reply.text + reply.model),)})
    assert (await ask(scripted_model, again)).text == "Well."


async def test_a_line_that_breaks_before_anything_was_said_is_no_answer(scripted_model: ScriptedModel) -> None:
    scripted_model.then(Says("One", cut_after=0))
    with pytest.raises(SourceUnavailable):
        await streamed(scripted_model)


async def test_a_server_that_does_not_stream_is_understood(scripted_model: ScriptedModel) -> None:
    whole = {"choices": [{"message": {"content": "All of it."}, "finish_reason": "stop"}]}
    scripted_model.then(Raw(json.dumps(whole, indent=1).encode()))
    reply, _ = await streamed(scripted_model)
    assert reply.text == "All of it."


async def test_an_answer_that_was_too_long_is_not_complete(scripted_model: ScriptedModel) -> None:
    scripted_model.script = lambda _: Says('{"edge": "ye', finish="length")
    assert not (await ask(scripted_model)).complete
    assert not (await streamed(scripted_model))[0].complete


@pytest.mark.parametrize("how", [ask, streamed])
async def test_a_rate_limit_is_waited_for(scripted_model: ScriptedModel, how: Callable[..., Any]) -> None:
    scripted_model.then(Fails(429, "slow down", {"retry-after": "0"}), Says("Now."))
    answer = await how(scripted_model)
    assert (answer if isinstance(answer, ChatReply) else answer[0]).text == "Now."
    assert len(scripted_model.asked) == 2


async def test_a_server_that_wants_a_long_rest_is_not_waited_for(scripted_model: ScriptedModel) -> None:
    scripted_model.then(Fails(429, "quota", {"retry-after": "3600"}))
    with pytest.raises(SourceUnavailable, match="left alone"):
        await ask(scripted_model)
    assert len(scripted_model.asked) == 1


async def test_a_server_that_stumbles_is_asked_again(scripted_model: ScriptedModel) -> None:
    scripted_model.then(Fails(503), Says("Here."))
    assert (await ask(scripted_model)).text == "Here."


async def test_a_wrong_key_says_where_it_is_set(scripted_model: ScriptedModel) -> None:
    scripted_model.then(Fails(401, "invalid key"))
    with pytest.raises(SourceUnavailable, match="NIGHTDESK_MODEL__KEY"):
        await ask(scripted_model, key=SecretStr("sk-very-secret"))


@pytest.mark.parametrize("how", [ask, streamed])
async def test_silence_ends(scripted_model: ScriptedModel, how: Callable[..., Any]) -> None:
    scripted_model.then(Silent(0.5))
    with pytest.raises(SourceUnavailable, match="did not answer"):
        await how(scripted_model, timeout_s=0.1)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>502</html>", b"[]", b"null", b'"text"', b"{}", b'{"choices": []}', b'{"choices": [null]}',
        b'{"error": {"message": "overloaded"}}', b"\xff\xfe", b'{"choices": {"a": 1}}',
        b"[" * 100_000, b"x" * 1_000_000,
    ],
)  # fmt: skip
async def test_what_is_no_answer_is_said_to_be_none(scripted_model: ScriptedModel, body: bytes) -> None:
    scripted_model.then(Raw(body), Raw(body))
    with pytest.raises(SourceUnavailable):
        await ask(scripted_model)
    with pytest.raises(SourceUnavailable):
        await streamed(scripted_model)


@pytest.mark.parametrize(
    ("message", "text", "calls"),
    [
        ({"content": [{"type": "text", "text": "in "}, {"type": "text", "text": "parts"}]}, "in parts", []),
        ({"content": None}, "", []),
        ({"content": "t", "tool_calls": None}, "t", []),
        ({"tool_calls": [{"function": {"name": "a", "arguments": {"x": 1}}}]}, "", [("a", '{"x": 1}')]),
        ({"tool_calls": [{"function": {"name": ""}}, 7, {"function": {"name": "b"}}]}, "", [("b", "{}")]),
    ],
)
async def test_other_ways_of_writing_are_read(
    scripted_model: ScriptedModel, message: dict[str, Any], text: str, calls: list[tuple[str, str]]
) -> None:
    scripted_model.then(Raw(json.dumps({"choices": [{"message": message}]}).encode()))
    reply = await ask(scripted_model)
    assert (reply.text, [(call.name, call.arguments) for call in reply.calls]) == (text, calls)


async def test_the_words_of_a_server_are_learnt_from_its_refusals_once(scripted_model: ScriptedModel) -> None:
    def reasoning(body: dict[str, Any]) -> Says | Fails:
        if "max_tokens" in body:
            return Fails(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        if "temperature" in body:
            return Fails(400, "Unsupported value: 'temperature' does not support 0.")
        if body.get("response_format", {}).get("type") == "json_schema":
            return Fails(422, "response_format.type: json_schema is not supported")
        return Says('{"edge": "yes"}')

    scripted_model.script = reasoning
    async with ChatClient(scripted_model.settings()) as client:
        assert (await client.ask(ASKED, "m")).text == '{"edge": "yes"}'
        learnt = len(scripted_model.asked)
        assert (await client.ask(ASKED, "m")).text == '{"edge": "yes"}'
    assert (learnt, len(scripted_model.asked)) == (4, 5)
    assert scripted_model.asked[-1]["response_format"] == {"type": "json_object"}
    assert scripted_model.asked[-1]["max_completion_tokens"] == 300


async def test_a_refusal_of_something_else_is_not_repeated(scripted_model: ScriptedModel) -> None:
    scripted_model.script = lambda _: Fails(400, "maximum context length is 8192 tokens")
    with pytest.raises(SourceUnavailable, match="context length"):
        await ask(scripted_model, ASKED)
    assert len(scripted_model.asked) == 1


async def test_a_server_that_refuses_everything_is_left(scripted_model: ScriptedModel) -> None:
    scripted_model.script = lambda _: Fails(400, "max_completion_tokens temperature json_schema stream_options")
    with pytest.raises(SourceUnavailable):
        await ask(scripted_model, ASKED)
    assert len(scripted_model.asked) <= 6


@pytest.mark.parametrize("url", ["ftp://host/v1", "https://user:secret@host/v1", "https://host/v1?key=1", "host"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="https://host/v1"):
        ModelServer(url=url, name="m")
