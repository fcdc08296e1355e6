"""What somebody may have meant by a name that does not exist."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean …?` with the known name that is most like it, nothing where none is."""
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def meant(name: str, known: Iterable[str]) -> str:
    """`Did you mean …? `, to be said before what else can be done; nothing where no known name is like it."""
    near = get_close_matches(name, sorted(known), n=1)
    return f"Did you mean {near[0]}? " if near else ""
