"""Labels of arrows that Mermaid has put on top of each other, moved apart until each can be read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

GAP = 2.0
"""Pixels between two labels."""
MOST_PASSES = 50
"""A label that was moved may touch the next one, which is then moved too."""
_LABEL = re.compile(
    r'(?P<open><g class="edgeLabel" transform="translate\()(?P<x>[-\d.]+), (?P<y>[-\d.]+)'
    r'(?P<rest>\)"><g class="label"[^>]*><foreignObject width="(?P<width>[\d.]+)" height="(?P<height>[\d.]+)")'
)


@dataclass(frozen=True)
class Box:
    """A label by its middle, in pixels."""

    x: float
    y: float
    width: float
    height: float

    def overlap(self, other: Box) -> tuple[float, float]:
        """How far the two reach into each other, sideways and upright; where one is 0 or less they do not touch."""
        return (
            (self.width + other.width) / 2 + GAP - abs(self.x - other.x),
            (self.height + other.height) / 2 + GAP - abs(self.y - other.y),
        )


def spaced(svg: str) -> str:
    """Mermaid's SVG with its labels apart."""
    found = list(_LABEL.finditer(svg))
    placed = iter(apart([Box(*(float(one[part]) for part in ("x", "y", "width", "height"))) for one in found]))

    def moved(one: re.Match[str]) -> str:
        box = next(placed)
        return f"{one['open']}{box.x:g}, {box.y:g}{one['rest']}"

    return _LABEL.sub(moved, svg)


def apart(boxes: Sequence[Box]) -> list[Box]:
    """The boxes without overlaps, each as near to its place as a few passes bring it."""
    placed = list(boxes)
    for _ in range(MOST_PASSES):
        touching = [pair for pair in combinations(range(len(placed)), 2) if _touch(placed[pair[0]], placed[pair[1]])]
        if not touching:
            break
        for one, other in touching:
            placed[one], placed[other] = _pushed(placed[one], placed[other])
    return placed


def _touch(one: Box, other: Box) -> bool:
    return min(one.overlap(other)) > 0


def _pushed(one: Box, other: Box) -> tuple[Box, Box]:
    """Both by half of what is missing, the shorter way; two in the same place part upright, the first one up."""
    sideways, upright = one.overlap(other)
    if min(sideways, upright) <= 0:
        return one, other
    if sideways < upright:
        step = sideways / 2 if one.x >= other.x else -sideways / 2
        return replace(one, x=one.x + step), replace(other, x=other.x - step)
    step = upright / 2 if one.y > other.y else -upright / 2
    return replace(one, y=one.y + step), replace(other, y=other.y - step)
