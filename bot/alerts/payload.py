"""What the payload models of all senders share.

Optional fields are read leniently, since an alert with an odd detail is still an alert: a scalar is text, an instant
that cannot be read is none. A wrong shape is refused with the path of the field.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bot.alerts import labels
from bot.alerts.moment import as_moment
from bot.alerts.text import scalar
from bot.errors import BadInput

SHOWN_PROBLEMS = 5

P = TypeVar("P", bound="Payload")


class Payload(BaseModel):
    """Base of every payload model: fields that it does not name are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def read(model: type[P], body: object, *, sender: str) -> P:
    """The body as the sender's model.

    Raises:
        BadInput: naming the fields that do not fit.
    """
    if not isinstance(body, dict):
        raise BadInput(f"The body is {kind(body)}, but {sender} sends a JSON object.")
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise BadInput(f"This is not what {sender} sends: {_explain(error)}.") from None


def has(body: object, *keys: str) -> bool:
    """Whether the body is an object with all the keys."""
    return isinstance(body, dict) and all(key in body for key in keys)


def kind(value: object) -> str:
    """The JSON type of a value, in words."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    names = {str: "a string", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), "something else")


def _explain(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False)
    lines = [f"{_place(problem['loc'])}: {_said(problem)}" for problem in problems[:SHOWN_PROBLEMS]]
    more = len(problems) - len(lines)
    return "; ".join(lines) + (f"; and {more} more" if more else "")


def _place(path: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in path) or "the body"


def _said(problem: Any) -> str:
    if problem["type"] == "missing":
        return "this field is missing"
    if problem["type"] in {"model_type", "dict_type"}:
        return "an object is expected here"
    said: str = problem["msg"]
    return said.removeprefix("Value error, ")


def as_text(value: object) -> str | None:
    """A scalar as text; null, and text with nothing in it, is None."""
    return (scalar(value) or "").strip() or None


def as_texts(value: object) -> list[str]:
    """Every scalar of a list, or the one scalar, as text; null is none."""
    found = value if isinstance(value, list) else [value]
    return [text for entry in found if (text := as_text(entry))]


Text = Annotated[str | None, BeforeValidator(as_text)]
"""Optional text."""
Texts = Annotated[list[str], BeforeValidator(as_texts)]
"""A list of texts; a sender may give one text instead."""
Name = Annotated[str, BeforeValidator(as_text), Field(min_length=1)]
"""Text without which there is no alert."""
Labels = Annotated[dict[str, str], BeforeValidator(labels.from_object)]
Tags = Annotated[dict[str, str], BeforeValidator(labels.from_tags)]
Moment = Annotated[datetime | None, BeforeValidator(as_moment)]
