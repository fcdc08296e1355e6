"""Bodies in the shapes that the senders document, by `format/name`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def raw(name: str) -> bytes:
    """The bytes of one body, such as `alertmanager/firing`."""
    return (FOLDER / f"{name}.json").read_bytes()


def payload(name: str) -> Any:
    """One body as JSON values, anew at every call."""
    return json.loads(raw(name))


def names(form: str = "*") -> list[str]:
    """All bodies of a format, or of all."""
    return sorted(f"{file.parent.name}/{file.stem}" for file in FOLDER.glob(f"{form}/*.json"))
