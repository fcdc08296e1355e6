"""One span of a trace, and what every source of spans gives."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass
from typing import Literal, Protocol

from bot.models import Window

SpanKind = Literal["server", "client", "internal", "producer", "consumer", "unknown"]


@dataclass(frozen=True, slots=True)
class Span:
    """One piece of work of one service within a trace."""

    trace: str
    id: str
    """Unique within its trace."""
    parent: str | None
    """The id of the span that caused it; None at the root. The parent itself may be missing."""
    service: str
    """As the source names it; agents translate it to the catalogue's name."""
    operation: str
    start_s: float
    """Unix seconds by the clock of the service's own machine."""
    duration_s: float
    instance: str = ""
    """The pod, host or process that did it, where the source tells."""
    kind: SpanKind = "unknown"
    failed: bool = False
    """Whether the span itself says that it ended in an error."""
    peer: str | None = None
    """The service that a client span says it called, where it tells."""

    @property
    def end_s(self) -> float:
        """When it ended, unix seconds."""
        return self.start_s + self.duration_s


@dataclass(frozen=True, slots=True)
class SpanBatch:
    """Some spans, and what could not be read on the way. A trace may be spread over several batches."""

    spans: tuple[Span, ...]
    gaps: tuple[str, ...] = ()


class SpanSource(Protocol):
    """Where spans come from: Tempo, Jaeger, a recorded case."""

    @property
    def name(self) -> str:
        """How gaps name it."""

    def read(self, window: Window, services: Collection[str] | None = None) -> AsyncGenerator[SpanBatch, None]:
        """The spans that start in the window, of whole traces as far as possible, without blocking the loop.

        `services` (names and aliases, any case) asks for traces that pass through one of these; such a trace keeps its
        spans of other services too, since a cause is often found there. What is too much is left out evenly, by trace.

        Raises:
            SourceUnavailable: nothing can be read at all.
        """
