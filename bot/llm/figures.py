"""Figures in a text, as far as they can be compared: with their unit, and as exactly as they were said.

"12 %" and "0.123" are the same figure, said with different precision; "12 ms" and "12 s" are not. Times of day, dates
and names that hold digits (`p95`, `web-3`, `5xx`) are no figures: they are compared letter by letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Dimension = Literal["time", "bytes", "share", "count", "bare"]

_SCALES: dict[str, tuple[Dimension, tuple[float, ...]]] = {
    **dict.fromkeys(("ns", "纳秒"), ("time", (1e-9,))),
    **dict.fromkeys(("us", "µs", "μs", "微秒"), ("time", (1e-6,))),
    **dict.fromkeys(("ms", "millisecond", "milliseconds", "毫秒"), ("time", (1e-3,))),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "秒", "秒钟"), ("time", (1.0,))),
    **dict.fromkeys(("min", "mins", "minute", "minutes", "分", "分钟"), ("time", (60.0,))),
    **dict.fromkeys(("h", "hour", "hours", "小时"), ("time", (3600.0,))),
    **dict.fromkeys(("d", "day", "days", "天"), ("time", (86400.0,))),
    **dict.fromkeys(("b", "byte", "bytes", "字节"), ("bytes", (1.0,))),
    "kb": ("bytes", (1e3, 2.0**10)), "kib": ("bytes", (2.0**10,)),
    "mb": ("bytes", (1e6, 2.0**20)), "mib": ("bytes", (2.0**20,)),
    "gb": ("bytes", (1e9, 2.0**30)), "gib": ("bytes", (2.0**30,)),
    "tb": ("bytes", (1e12, 2.0**40)), "tib": ("bytes", (2.0**40,)),
    **dict.fromkeys(("%", "％", "percent", "per cent"), ("share", (1e-2,))),
    "‰": ("share", (1e-3,)),
    "ratio": ("share", (1.0,)),
    **dict.fromkeys(("k", "thousand", "千"), ("count", (1e3,))),
    "万": ("count", (1e4,)), "亿": ("count", (1e8,)),
    **dict.fromkeys(("million", "百万"), ("count", (1e6,))),
}  # fmt: skip
_UNITS = "|".join(re.escape(unit) for unit in sorted(_SCALES, key=len, reverse=True))
_ASCII = r"[A-Za-z0-9_]"
_MOMENT = re.compile(r"(?<!\d)(?:\d{4}-\d{2}-\d{2}|\d{1,2}:\d{2}(?::\d{2})?)(?![\d:])")
_FIGURE = re.compile(
    rf"(?P<hundredth>百分之)?(?<!{_ASCII})(?<![A-Za-z0-9][.\-/:@])(?P<number>\d+(?:,\d{{3}})*(?:\.\d+)?(?:e[+-]?\d+)?)"
    rf"(?:[\s-]?(?P<unit>{_UNITS})(?!{_ASCII}))?(?!{_ASCII})(?![.\-/:@]{_ASCII})",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Za-z0-9_./:@#+-]*[A-Za-z0-9_]", re.ASCII)
_EDGES = "./:-+@#"
_CLOSE = 0.05
"""How far a round number may be from what it stands for: 1,800 for 1,834."""


@dataclass(frozen=True)
class Figure:
    """A number as it was said."""

    said: str
    dimension: Dimension
    bases: tuple[float, ...]
    """Its value in seconds, bytes, as a share or as it is; several where a unit has two meanings."""
    bare: float
    """Without its unit."""
    slack: float
    """By how much it may have been rounded, as a part of its value."""

    def fits(self, seen: Figure) -> bool:
        """Whether this is said of what was seen."""
        return any(abs(mine - theirs) <= (self.slack + 1e-9) * abs(mine) for mine, theirs in self._pairs(seen))

    def _pairs(self, seen: Figure) -> Iterator[tuple[float, float]]:
        if self.dimension == seen.dimension:
            yield from ((mine, theirs) for mine in self.bases for theirs in seen.bases)
        if "bare" in {self.dimension, seen.dimension}:
            # One of the two has no unit: it may be meant in the other's, or in its base.
            yield self.bare, seen.bare
            yield from ((mine, seen.bare) for mine in self.bases)
            yield from ((self.bare, theirs) for theirs in seen.bases)


def figures(text: str) -> list[Figure]:
    """The figures of a text, in order."""
    return [_figure(found) for found in _FIGURE.finditer(_MOMENT.sub(" ", text))]


def moments(text: str) -> set[str]:
    """Dates and times of day, as written."""
    return set(_MOMENT.findall(text))


def names(text: str) -> set[str]:
    """Identifiers, paths and addresses: what holds a digit beside letters, or a sign that no plain word holds."""
    left = _FIGURE.sub(" ", _MOMENT.sub(" ", text))
    return {word.strip(_EDGES).casefold() for word in _NAME.findall(left) if _is_name(word.strip(_EDGES), word)}


def _is_name(bare: str, word: str) -> bool:
    if re.search(r"[_@#]|//", bare) or word.startswith("/"):
        return True
    return bool(re.search(r"\d", bare) and not bare.isdecimal()) or bool(
        re.fullmatch(r"[\w-]{2,}(?:\.[\w-]{2,})+", bare)
    )


def _figure(found: re.Match[str]) -> Figure:
    number = found["number"].replace(",", "")
    unit = "%" if found["hundredth"] else (found["unit"] or "").casefold()
    dimension, scales = _SCALES.get(unit, ("bare", (1.0,)))
    bare = float(number)
    return Figure(found[0].strip(), dimension, tuple(bare * scale for scale in scales), bare, _slack(number, bare))


def _slack(number: str, value: float) -> float:
    """Half of the last place that counts, as a part of the value; of a round number at most a twentieth."""
    if not value or "e" in number.lower():
        return 0.0
    whole, point, decimals = number.partition(".")
    if point:
        return 0.5 * 10.0 ** -len(decimals) / value
    zeros = len(whole) - len(whole.rstrip("0"))
    return min(0.5 * 10.0**zeros / value, _CLOSE) if zeros else 0.5 / value
