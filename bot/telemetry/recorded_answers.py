"""What the recorded databases of every engine have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from pydantic import SecretStr

from bot.errors import SourceUnavailable

NO_DSN = SecretStr("")
T = TypeVar("T")


class Turns(Generic[T]):
    """Readings one after the other; the last one stays."""

    def __init__(self, readings: Sequence[T]) -> None:
        self._left = list(readings)

    def next(self) -> T | None:
        """None where there is none."""
        return self._left.pop(0) if len(self._left) > 1 else next(iter(self._left), None)


def known(answer: T | None, name: str, question: str) -> T:
    """The answer.

    Raises:
        SourceUnavailable: it was not kept.
    """
    if answer is None:
        raise SourceUnavailable(f"The recording of database {name} holds no '{question}'.")
    return answer


async def at_once(_seconds: float) -> None:
    """A recording need not be waited for."""
