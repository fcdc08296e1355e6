"""What a server answers, read tolerantly: whole, or piece by piece as it comes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.characters import well_formed
from bot.errors import SourceUnavailable
from bot.llm.chat import ChatReply, ChatRequest, OnText, ToolCall, Usage
from bot.llm.written import calls_in, without_thoughts

ENDED_WELL = frozenset({"stop", "tool_calls", "function_call", "eos", "end_turn"})
LONGEST_TOKEN = 16
"""In characters, on average: who writes more than the question allowed does not keep to `max_tokens`."""
MOST_TOKENS = 100_000_000
"""Of one answer; a server that counts more has not counted."""
MOST_CALLS = 32
"""Tools that a model may ask for in one turn; what is beyond is dropped."""
_DONE = "[DONE]"


def reply_of(answer: Any, request: ChatRequest, model: str) -> ChatReply:
    """The reply in a whole answer.

    Raises:
        SourceUnavailable: it is an error, or holds no reply.
    """
    _refuse(answer)
    choice = _first_choice(answer)
    if choice is None:
        raise SourceUnavailable(f"the model server answered without a choice: {_short(answer)}")
    message = _mapping(choice.get("message"))
    said = _text(message.get("content"))
    written = said[: _most_chars(request)]
    text, calls = _told(request, written, _calls(message))
    ended = choice.get("finish_reason")
    usage = _usage(answer.get("usage")) or estimated(request, written + _thought(message), calls)
    complete = written == said and (ended is None or str(ended) in ENDED_WELL)
    named = well_formed(str(answer.get("model") or model))
    return ChatReply(text=text, calls=calls, usage=usage, model=named, complete=complete)


@dataclass
class Stream:
    """An answer that comes in pieces (server-sent events).

    Args:
        on_text: hears each piece of the text.
    """

    request: ChatRequest
    model: str
    on_text: OnText
    text: str = ""
    over: bool = False
    """Whether the server has said that nothing more comes."""
    _ended: str = ""
    _usage: Usage | None = None
    _wanted: list[dict[str, str]] = field(default_factory=list)
    _open: dict[int, dict[str, str]] = field(default_factory=dict)
    """Index → the call that its pieces belong to."""
    _whole: list[str] = field(default_factory=list)
    _chars: int = 0
    _thoughts: list[str] = field(default_factory=list)

    def take(self, raw: bytes) -> str:
        """One line; the text that it adds.

        Raises:
            SourceUnavailable: the server says that it failed.
        """
        line = raw.decode("utf-8", "replace").strip()
        if not line.startswith("data:"):
            if line and not line.startswith((":", "event:", "id:", "retry:")):
                self._whole.append(line)  # a server that does not stream answers with plain JSON
            return ""
        data = line.removeprefix("data:").strip()
        if data == _DONE:
            self.over = True
            return ""
        try:
            piece = json.loads(data)
        except (ValueError, RecursionError):
            return ""
        _refuse(piece)
        return self._add(piece)

    def reply(self) -> ChatReply:
        """What has come.

        Raises:
            SourceUnavailable: nothing that could be read.
        """
        calls = tuple(
            ToolCall(id=known["id"] or f"call-{index}", name=known["name"], arguments=known["arguments"] or "{}")
            for index, known in enumerate(self._wanted)
            if known["name"]
        )[:MOST_CALLS]
        if self._whole and not self.text and not calls:
            return reply_of(_parsed("".join(self._whole)), self.request, self.model)
        if not (self.text or calls or self.over or self._ended):
            raise SourceUnavailable("the model server broke off before it had said anything.")
        text, calls = _told(self.request, self.text, calls)
        usage = self._usage or estimated(self.request, self.text + "".join(self._thoughts), calls)
        complete = self._ended in ENDED_WELL if self._ended else self.over
        broken = not (self._ended or self.over)
        return ChatReply(text=text, calls=calls, usage=usage, model=self.model, complete=complete, broken=broken)

    def _add(self, piece: Any) -> str:
        if not isinstance(piece, Mapping):
            return ""
        self._usage = _usage(piece.get("usage")) or self._usage
        self.model = well_formed(str(piece.get("model") or self.model))
        choice = _first_choice(piece)
        if choice is None:
            return ""
        delta = _mapping(choice.get("delta"))
        for place, call in enumerate(_list(delta.get("tool_calls"))):
            self._add_call(place, _mapping(call))
        if ended := choice.get("finish_reason"):
            self._ended = str(ended)
        added, thought = _text(delta.get("content")), _thought(delta)
        self.text += added
        self._thoughts.append(thought)
        self._chars += len(added) + len(thought)
        if self._chars > _most_chars(self.request):
            self.over, self._ended = True, "length"
        return added

    def _add_call(self, place: int, call: Mapping[str, Any]) -> None:
        index, function = call.get("index"), _mapping(call.get("function"))
        index = index if isinstance(index, int) else place
        identity, name = well_formed(str(call.get("id") or "")), well_formed(str(function.get("name") or ""))
        known = self._open.get(index)
        if known is None or (name and identity and known["id"] not in {"", identity}):
            known = self._open[index] = {"id": "", "name": "", "arguments": ""}  # some give each call the same index
            self._wanted.append(known)
        known["id"] = known["id"] or identity
        known["name"] = known["name"] or name
        added = _arguments(function.get("arguments"))
        known["arguments"] += added
        self._chars += len(added)


def estimated(request: ChatRequest, text: str, calls: tuple[ToolCall, ...] = ()) -> Usage:
    """For servers that do not count: about four characters a token, fewer where they are not Latin."""
    written = text + "".join(call.name + call.arguments for call in calls)
    return Usage(prompt=prompt_tokens(request), completion=_tokens(written))


def prompt_tokens(request: ChatRequest) -> int:
    """About how many tokens the question has."""
    said = "".join(one.text + "".join(call.arguments for call in one.calls) for one in request.said)
    tools = "".join(tool.name + tool.description + json.dumps(dict(tool.parameters)) for tool in request.tools)
    return _tokens(said + tools) + 4 * len(request.said)


def _tokens(text: str) -> int:
    ascii_only = sum(character.isascii() for character in text)
    return ascii_only // 4 + len(text) - ascii_only


def _refuse(answer: Any) -> None:
    if not isinstance(answer, Mapping):
        raise SourceUnavailable(f"the model server answered with something that is no reply: {_short(answer)}")
    if error := answer.get("error"):
        said = error.get("message", error) if isinstance(error, Mapping) else error
        raise SourceUnavailable(f"the model server failed: {_short(said)}")


def _first_choice(answer: Mapping[str, Any]) -> Mapping[str, Any] | None:
    choices = _list(answer.get("choices"))
    return choices[0] if choices and isinstance(choices[0], Mapping) else None


def _text(content: Any) -> str:
    """A text, or a list of parts of which some are texts."""
    if isinstance(content, str):
        return well_formed(content)
    return "".join(_text(_mapping(part).get("text")) for part in _list(content))


def _calls(message: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    found = []
    for place, raw in enumerate(_list(message.get("tool_calls"))[:MOST_CALLS]):
        call, function = _mapping(raw), _mapping(_mapping(raw).get("function"))
        if name := well_formed(str(function.get("name") or "")):
            arguments = _arguments(function.get("arguments")) or "{}"
            found.append(
                ToolCall(id=well_formed(str(call.get("id") or f"call-{place}")), name=name, arguments=arguments)
            )
    return tuple(found)


def _told(request: ChatRequest, text: str, calls: tuple[ToolCall, ...]) -> tuple[str, tuple[ToolCall, ...]]:
    """The text without thoughts; where tools were offered and none is called, the calls that stand in the text."""
    bare = without_thoughts(text)
    if calls or not request.tools:
        return bare, calls
    written = calls_in(bare, [tool.name for tool in request.tools])[:MOST_CALLS]
    found = tuple(ToolCall(id=f"call-{at}", name=name, arguments=given) for at, (name, given) in enumerate(written))
    return ("" if found else bare), found


def _thought(message: Mapping[str, Any]) -> str:
    """What a server gives apart from the text: it is paid for, and no part of the answer."""
    return _text(message.get("reasoning_content") or message.get("reasoning"))


def _arguments(raw: Any) -> str:
    """As text: some servers give an object."""
    if raw is None:
        return ""
    return well_formed(raw) if isinstance(raw, str) else json.dumps(raw)


def _usage(raw: Any) -> Usage | None:
    counted = _mapping(raw)
    prompt, completion = counted.get("prompt_tokens"), counted.get("completion_tokens")
    if not _is_count(prompt):
        return None
    return Usage(prompt=prompt, completion=completion if _is_count(completion) else 0)


def _is_count(raw: Any) -> bool:
    return isinstance(raw, int) and 0 <= raw <= MOST_TOKENS


def _most_chars(request: ChatRequest) -> int:
    return LONGEST_TOKEN * request.max_tokens


def _mapping(raw: Any) -> Mapping[str, Any]:
    return raw if isinstance(raw, Mapping) else {}


def _list(raw: Any) -> list[Any]:
    return raw if isinstance(raw, list) else []


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise SourceUnavailable(f"the model server answered with something that is not JSON: {text[:100]}") from None


def _short(value: Any) -> str:
    return str(value)[:200]
