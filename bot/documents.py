"""YAML that people write, read into a model: every error names the file, the place and what is wrong there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.errors import Misconfigured
from bot.plural import many

M = TypeVar("M", bound=BaseModel)


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
    except (YAMLError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{file} is not readable YAML: {error}") from None
    try:
        return model.model_validate(document or {})
    except ValidationError as error:
        lines = [f"{file} has {many(error.error_count(), 'problem')}:"]
        for problem in error.errors(include_url=False, include_input=False):
            place = ".".join(str(part) for part in problem["loc"]) or whole
            lines.append(f"  {place}: {problem['msg'].removeprefix('Value error, ')}")
        raise Misconfigured("\n".join(lines)) from None


def schema_of(model: type[BaseModel], *, title: str) -> str:
    """The JSON Schema of the document, for editors."""
    schema = model.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = title
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
