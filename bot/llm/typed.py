"""A use of a model is a typed call: nouns in, a noun out, and in between nothing that is believed.

The prompt stands in a file of its own, in the language of the channel. The answer is demanded as JSON of a schema; what
is not is asked for once more, with what was wrong with it; after that the answer is None, and the caller goes on as it
would without a model. Identifiers leave as tokens and come back after the answer was read, never before.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.resources import files
from typing import Any, Generic, Literal, Protocol, TypeVar

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from bot.llm.chat import ChatReply, ChatRequest, Model, OnText, Said, Spender, ToolOffer
from bot.llm.fence import Fence
from bot.masking import Mask
from bot.settings.model import ModelRole

log = structlog.get_logger(__name__)

Language = Literal["en", "zh"]
Narrow = Callable[[dict[str, Any]], dict[str, Any]]
LONGEST_COMPLAINT = 500
NOTHING = "(no text)"
"""Stands for an answer without a word; servers take no empty message."""
_DECODER = json.JSONDecoder()


class Answer(BaseModel):
    """Base of what models answer: closed to unknown fields, and every field is demanded."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Told(Protocol):
    """What a model is given."""

    def told(self, fence: Fence) -> str:
        """In words, with all that came from outside behind the fence."""
        ...


In = TypeVar("In", bound=Told)
Out = TypeVar("Out", bound=Answer)


def _boundary() -> str:
    return f"data-{secrets.token_hex(8)}"


@dataclass(frozen=True)
class Asking:
    """Who is asked, who pays, and in which language.

    Args:
        names: names of the company's own that the model is not told.
    """

    model: Model
    spender: Spender
    language: Language = "en"
    names: frozenset[str] = frozenset()
    boundary: Callable[[], str] = field(default=_boundary)

    def fence(self) -> Fence:
        """A new one: no two conversations share a boundary or a token."""
        return Fence(Mask(self.names), self.boundary())


@dataclass(frozen=True)
class Call(Generic[In, Out]):
    """One use of a model.

    Args:
        name: of the prompt's file, and of the schema.
        role: which model is asked.
        answer: what it must give.
        max_tokens: of the answer.
    """

    name: str
    role: ModelRole
    answer: type[Out]
    max_tokens: int

    async def ask(
        self,
        given: In,
        asking: Asking,
        *,
        complaint: Callable[[Out], str | None] | None = None,
        on_text: OnText | None = None,
        schema: Narrow | None = None,
    ) -> Out | None:
        """The model's answer; None where it gave none that can be used, twice.

        Args:
            complaint: what is wrong with an answer that is well formed; None where nothing is.
            on_text: hears the answer as it comes, with the tokens of the mask still in it.
            schema: narrows the demanded schema, such as a field to the values that exist.

        Raises:
            ModelUnavailable: no model answered.
            BudgetSpent: nothing is left to ask with.
        """
        fence = asking.fence()
        request = partial(self.request, schema=schema)
        said = opening(self.name, given.told(fence), asking.language, fence)
        reply = await asking.model.ask(request(said), asking.spender, on_text=on_text)
        answer, wrong = self.read(reply, fence, complaint)
        if answer is None:
            log.info("llm.repair", call=self.name, model=reply.model, wrong=wrong)
            own = Said(role="assistant", text=reply.text or NOTHING)
            again = (*said, own, Said(role="user", text=repair(wrong, asking, fence)))
            reply = await asking.model.ask(request(again), asking.spender)
            answer, wrong = self.read(reply, fence, complaint)
        if answer is None:
            log.warning("llm.no_answer", call=self.name, model=reply.model, wrong=wrong)
        return answer

    def request(
        self, said: tuple[Said, ...], *, schema: Narrow | None = None, tools: tuple[ToolOffer, ...] = ()
    ) -> ChatRequest:
        """What goes to the model."""
        demanded = bare_schema(self.answer)
        return ChatRequest(
            role=self.role,
            said=said,
            tools=tools,
            schema_name=self.name,
            json_schema=schema(demanded) if schema else demanded,
            max_tokens=self.max_tokens,
        )

    def read(
        self, reply: ChatReply, fence: Fence, complaint: Callable[[Out], str | None] | None = None
    ) -> tuple[Out | None, str]:
        """The answer; or None, and what is wrong with it."""
        try:
            answer = self.answer.model_validate(unmasked(first_object(reply.text), fence.mask))
        except ValueError as error:  # pydantic's is one
            cut = "" if reply.complete else "The answer was cut off; be shorter. "
            return None, f"{cut}{explained(error)}"[:LONGEST_COMPLAINT]
        wrong = complaint(answer) if complaint else None
        return (None, wrong[:LONGEST_COMPLAINT]) if wrong else (answer, "")


def opening(name: str, told: str, language: Language, fence: Fence) -> tuple[Said, ...]:
    """How a conversation begins: the rules and the task, then what there is to know."""
    system = f"{prompt('rules', language)}\n\n{prompt(name, language)}".replace("{boundary}", fence.boundary)
    return Said(role="system", text=system), Said(role="user", text=told)


def repair(wrong: str, asking: Asking, fence: Fence) -> str:
    """What a model is told whose answer cannot be used; what is wrong was found in the answer without its tokens."""
    return prompt("repair", asking.language).replace("{wrong}", fence.mask.mask(wrong))


@cache
def prompt(name: str, language: Language) -> str:
    """The text of a prompt's file."""
    return (files("bot.llm") / "prompts" / language / f"{name}.md").read_text(encoding="utf-8").strip()


def bare_schema(answer: type[BaseModel]) -> dict[str, Any]:
    """The schema as servers take it: without titles, which only cost tokens."""
    bare: dict[str, Any] = _untitled(answer.model_json_schema())
    return bare


def _untitled(schema: Any) -> Any:
    if isinstance(schema, dict):
        named = isinstance(schema.get("title"), str)
        kept = {key: _untitled(value) for key, value in schema.items() if not (key == "title" and named)}
        return {key: value for key, value in kept.items() if key != "description"} if named else kept
    return [_untitled(item) for item in schema] if isinstance(schema, list) else schema


def first_object(text: str) -> dict[str, Any]:
    """The first JSON object in what a model wrote: some put words before it, some put it into a fence.

    Raises:
        ValueError: there is none.
    """
    start = text.find("{")
    while start >= 0:
        try:
            found, _ = _DECODER.raw_decode(text, start)
        except ValueError:
            start = text.find("{", start + 1)
            continue
        except RecursionError:
            break
        if isinstance(found, dict):
            return found
        start = text.find("{", start + 1)
    raise ValueError("There is no complete JSON object in the answer.")


def unmasked(value: Any, mask: Mask) -> Any:
    """The values with the identifiers that their tokens stand for: after parsing, so that none can break it."""
    if isinstance(value, str):
        return mask.unmask(value)
    if isinstance(value, dict):
        return {key: unmasked(item, mask) for key, item in value.items()}
    return [unmasked(item, mask) for item in value] if isinstance(value, list) else value


def offer(name: str, description: str, parameters: dict[str, Any] | None = None) -> ToolOffer:
    """A tool for a model; without parameters it takes none."""
    empty: dict[str, Any] = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    return ToolOffer(name=name, description=description, parameters=parameters or empty)


def explained(error: ValueError) -> str:
    """What is wrong with an answer, in words for the model."""
    if not isinstance(error, ValidationError):
        return str(error)
    problems = error.errors(include_url=False, include_input=False)[:4]
    return " ".join(f"{'.'.join(map(str, problem['loc'])) or 'the answer'}: {problem['msg']}." for problem in problems)
