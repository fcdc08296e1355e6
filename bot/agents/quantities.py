"""What a ready-made series measures, read from its name: `PodServerLatencyP95(s)` is a latency in seconds.

Exporters, agents and clouds name the same thing in many ways, but from a small stock of words. The order of the rules
matters: `request_errors_total` counts errors, and `cpu_wait_seconds` is about the processor.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from bot.agents.change import Direction
from bot.agents.wording import spelled

QuantityKind = Literal["error_rate", "latency", "traffic", "cpu", "memory", "disk", "network_io", "saturation", "other"]
Unit = Literal["ratio", "percent", "s", "ms", "bytes", "MiB", "count", "/s", ""]


@dataclass(frozen=True)
class Quantity:
    """One thing that can be measured of a service."""

    kind: QuantityKind
    noun: str
    unit: str
    direction: Direction
    """The way in which a fault moves it."""
    of_host: bool = False
    """Whether it is of the machine under the service, which others share."""

    @property
    def words(self) -> str:
        """The noun as people write it, without its unit: the figure has that."""
        return spelled(_UNIT_WORDS.sub("", self.noun))


_RULES: tuple[tuple[QuantityKind, Direction, str], ...] = (
    ("error_rate", "down", r"succe|availab|healthy|uptime|apdex|\bok\b"),
    ("error_rate", "up", r"error|fail|fault|exception|reject|abort|[45] ?xx|\b5\d\d\b|timeout|retr(y|ies)|restart"),
    ("cpu", "both", r"cpu|processor|throttl|\bload\d*\b"),
    ("memory", "both", r"mem(ory)?\b|memory|heap|\brss\b|working set|swap|\bgc\b"),
    ("saturation", "up", r"queue|pool|backlog|pending|in flight|inflight|saturat|thread|connection|socket|fds?\b"),
    ("latency", "up", r"latenc|duration|response time|delay|\brtt\b|elapsed|\btook\b|\bp(50|75|90|95|99)\b"),
    ("disk", "both", r"disk|\bfs\b|file ?system|volume|iops|\bio\b|syscall|\b(read|write)s?\b"),
    ("network_io", "both", r"network|receive|transmit|\b[rt]x\b|bytes|packet|bandwidth"),
    ("latency", "up", r"\b(?<!per )(time|seconds?|ms|millis)$"),
    ("traffic", "both",
     r"request|workload|\bops\b|throughput|traffic|\bqps\b|\brps\b|calls?\b|invocation|\bhits?\b|count"),
)  # fmt: skip
_HOST = re.compile(r"\b(node|host|machine)\b")
_UNITS: tuple[tuple[str, str], ...] = (
    (r"%|percent|\bpct\b", "percent"), (r"\((m|millicores?)\)", "millicores"), (r"\((mi|mib)\)", "MiB"),
    (r"\bms\b|milli", "ms"), (r"\bus\b|micros", "µs"), (r"\((s|sec)\)|(?<!per )seconds?\b", "s"), (r"bytes", "bytes"),
    (r"ratio|fraction", "ratio"), (r"\bops\b|per second|/s|\bqps\b|\brps\b", "/s"),
)  # fmt: skip
_UNIT_WORDS = re.compile(r"(?<=.) (seconds|milliseconds|millis|ms|ratio|percent|pct)$")
_WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_.\-:/\s]+")


@lru_cache(maxsize=4096)
def quantity_of(metric: str) -> Quantity:
    """What the series of this name measure; kind 'other' where the name does not tell."""
    words = " ".join(_WORD_ENDS.sub(" ", metric).lower().split())
    unit = next((unit for pattern, unit in _UNITS if re.search(pattern, words)), "")
    noun = re.sub(r"\s*\([^)]*\)$", "", words) or metric
    for kind, direction, pattern in _RULES:
        if re.search(pattern, words):
            return Quantity(kind, noun, unit, direction, of_host=_HOST.search(words) is not None)
    return Quantity("other", noun, unit, "both", of_host=_HOST.search(words) is not None)
