"""YAML that people write, read into a model: every error names the file, the place and what is wrong there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from bot.errors import Misconfigured
from bot.nearest import nearest
from bot.plural import many

M = TypeVar("M", bound=BaseModel)
LONGEST_WHY = 300


def read_document(file: Path, model: type[M], *, whole: str) -> M:
    """The document; an empty file says nothing, and so leaves every default.

    Args:
        whole: what the document is called, where a problem is about all of it.

    Raises:
        Misconfigured: it cannot be read, is no YAML, or does not fit the model.
    """
    return document_in(bytes_of(file, whole=whole), file, model, whole=whole)


def bytes_of(file: Path, *, whole: str) -> bytes:
    """The document as it lies there.

    Raises:
        Misconfigured: it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise Misconfigured(f"The {whole} {file} cannot be read: {error.strerror}.") from None


def document_in(written: bytes, file: Path, model: type[M], *, whole: str) -> M:
    """What is written in the file; as `read_document`."""
    try:
        document = YAML(typ="safe").load(written.decode("utf-8"))
    except MarkedYAMLError as error:
        raise Misconfigured(f"{file} is not readable YAML: {_marked(error)}.") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{file} is not readable YAML: {error}") from None
    try:
        return model.model_validate(document or {})
    except ValidationError as error:
        lines = [f"{file} has {many(error.error_count(), 'problem')}:"]
        for problem in error.errors(include_url=False, include_input=False):
            place = ".".join(str(part) for part in problem["loc"]) or whole
            said = problem["msg"].removeprefix("Value error, ")
            if problem["type"] == "extra_forbidden":
                said = f"there is no such name here{nearest(str(problem['loc'][-1]), _beside(problem['loc'], model))}"
            lines.append(f"  {place}: {said}")
        raise Misconfigured("\n".join(lines)) from None


def in_short(unusable: Misconfigured) -> str:
    """What is wrong, in one line that a thread can hold."""
    why = " ".join(str(unusable).split())
    return why if len(why) <= LONGEST_WHY else f"{why[:LONGEST_WHY]}…"


def _marked(error: MarkedYAMLError) -> str:
    """Where it is, and what is wrong there, in one line."""
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{where}{', '.join(filter(None, (error.context, error.problem)))}"


def _beside(place: Sequence[str | int], model: type[BaseModel]) -> list[str]:
    """The names that could stand where that one does. An index or a key of a mapping leads to no other section."""
    section = model
    for part in place[:-1]:
        field = next((one for name, one in section.model_fields.items() if part in (name, one.alias)), None)
        section = next(_sections(field.annotation), section) if field else section
    return [field.alias or name for name, field in section.model_fields.items()]


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _sections(part)


def schema_of(model: type[BaseModel], *, title: str) -> str:
    """The JSON Schema of the document, for editors."""
    schema = model.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = title
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
