"""What a ready-made series says, as a signal such as Prometheus answers: `disk_used_percent` is how full a disk is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bot.agents.exporters import Resource, SignalKind, Unit
from bot.agents.quantities import Quantity, quantity_of
from bot.agents.signals import Signal
from bot.agents.wording import spelled
from bot.telemetry.series import Floats

Turn = Callable[[Floats], Floats]
SECONDS: Mapping[str, float] = {"s": 1.0, "ms": 1e-3, "µs": 1e-6}
SHARES: Mapping[str, float] = {"ratio": 1.0, "percent": 0.01}
_RESOURCES: tuple[tuple[str, Resource], ...] = (
    (r"inodes?", "inodes"), (r"queue|backlog", "queue"), (r"fds?|file descriptors?|open files", "files"),
    (r"connections?|sockets?|pool", "connections"), (r"cpu|processor", "cpu"),
    (r"mem|memory|heap|swap", "memory"), (r"disk|fs|file ?system|volume", "disk"),
)  # fmt: skip
"""Words that name what can be full, the more special first: 'filesystem inodes used ratio'."""
_NO_LEVEL = re.compile(r"\b(hits?|miss(es)?|errors?|fail\w*|loss|lost|drop\w*|wait\w*|steal|throttl\w*|read|write)\b")
"""A share of a resource's work, not of its room."""
_LEFT = re.compile(r"\b(free|available|idle|unused|left|remaining)\b")
_LEVEL_WORDS = re.compile(r"\s*\b(used|usage|utili[sz]ation|fullness|ratio|fraction|percent|pct)\b|\s*%")


@dataclass(frozen=True)
class Meaning:
    """What a metric says of a service."""

    signal: Signal
    turn: Turn
    """How its values become the signal's unit."""


def meaning_of(service: str, metric: str) -> Meaning | None:
    """The signal; None where the metric's name does not tell one whose unit is known.

    Its `promql` is the metric's name, for the evidence: nothing asks it.
    """
    known = _known(metric)
    if known is None:
        return None
    kind, noun, unit, resource, turn = known
    return Meaning(
        Signal(kind, service, metric, spelled(noun), metric, unit, bounded=unit == "ratio", resource=resource), turn
    )


@lru_cache(maxsize=4096)
def _known(metric: str) -> tuple[SignalKind, str, Unit, Resource | None, Turn] | None:
    quantity = quantity_of(metric)
    if metric.casefold() == "up":
        return "target_down", "instances that answer", "ratio", None, _scaled(1.0)
    if quantity.unit in SHARES and (resource := _resource(quantity)):
        turn = _scaled(SHARES[quantity.unit])
        return "saturation", _room(quantity), "ratio", resource, _rest(turn) if _LEFT.search(quantity.noun) else turn
    if quantity.kind == "error_rate" and quantity.unit in SHARES:
        turn = _scaled(SHARES[quantity.unit])
        return "error_rate", quantity.noun, "ratio", None, _rest(turn) if quantity.direction == "down" else turn
    if quantity.kind == "latency" and quantity.unit in SECONDS:
        return "latency", quantity.noun, "s", None, _scaled(SECONDS[quantity.unit])
    if quantity.kind == "traffic" and quantity.unit == "/s":
        return "traffic", quantity.noun, "/s", None, _scaled(1.0)
    return None


def _resource(quantity: Quantity) -> Resource | None:
    if _NO_LEVEL.search(quantity.noun):
        return None
    return next((name for words, name in _RESOURCES if re.search(rf"\b({words})\b", quantity.noun)), None)


def _room(quantity: Quantity) -> str:
    """'disk' for 'disk used ratio', which its figure tells."""
    return " ".join(_LEFT.sub("", _LEVEL_WORDS.sub("", quantity.noun)).split()) or quantity.noun


def _scaled(factor: float) -> Turn:
    return lambda values: np.asarray(values * factor)


def _rest(turn: Turn) -> Turn:
    return lambda values: np.asarray(1.0 - turn(values))
