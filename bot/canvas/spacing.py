"""Labels of arrows, moved onto their arrows and apart: Mermaid lays some on each other, and some beside a curve."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from math import hypot

Point = tuple[float, float]

GAP = 2.0
"""Pixels between two labels."""
MOST_PASSES = 50
"""A label that was moved may touch the next one, which is then moved too."""
SAMPLES = 24
"""Points of each piece of an arrow."""
_ARROW = re.compile(r'<path d="(?P<line>[^"]+)" id="my-svg-(?P<arrow>L_\w+)"')
_PIECE = re.compile(r"([A-DF-Za-df-z])([^A-DF-Za-df-z]*)")
"""A command and its numbers; an e is part of a number."""
_LABEL = re.compile(
    r'(?P<open><g class="edgeLabel" transform="translate\()(?P<x>[-\d.]+), (?P<y>[-\d.]+)'
    r'(?P<rest>\)"><g class="label" data-id="(?P<arrow>L_\w+)"[^>]*>'
    r'<foreignObject width="(?P<width>[\d.]+)" height="(?P<height>[\d.]+)")'
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
    """Mermaid's SVG with each label on its arrow and none on another."""
    lines = {found["arrow"]: points(found["line"]) for found in _ARROW.finditer(svg)}
    placed = iter(apart([onto(_box(found), lines.get(found["arrow"], [])) for found in _LABEL.finditer(svg)]))

    def moved(one: re.Match[str]) -> str:
        box = next(placed)
        return f"{one['open']}{box.x:g}, {box.y:g}{one['rest']}"

    return _LABEL.sub(moved, svg)


def _box(label: re.Match[str]) -> Box:
    return Box(*(float(label[part]) for part in ("x", "y", "width", "height")))


def points(line: str) -> list[Point]:
    """Places along an SVG path of moves, straight lines and cubic curves; none of a path that says anything else.

    A label whose arrow is not understood stays where Mermaid put it, and the picture is drawn all the same.
    """
    try:
        return _along(line)
    except ValueError:
        return []


def _along(line: str) -> list[Point]:
    found: list[Point] = []
    for command, numbers in _PIECE.findall(line):
        values = [float(number) for number in numbers.replace(",", " ").split()]
        corners = list(zip(values[::2], values[1::2], strict=True))
        if command not in "MLC" or not corners or (command != "M" and not found):
            raise ValueError(line)
        if command == "M":
            found.append(corners[-1])
            continue
        size = 3 if command == "C" else 1
        for start in range(0, len(corners) - size + 1, size):
            piece = (found[-1], *corners[start : start + size])
            found += [_on(piece, step / SAMPLES) for step in range(1, SAMPLES + 1)]
    return found


def _on(piece: Sequence[Point], part: float) -> Point:
    """The place on a straight line or a curve, by de Casteljau's repeated division."""
    while len(piece) > 1:
        piece = [(x + (u - x) * part, y + (v - y) * part) for (x, y), (u, v) in pairwise(piece)]
    return piece[0]


def onto(box: Box, line: Sequence[Point]) -> Box:
    """The box where its line is nearest, unless the line passes through it."""
    if not line or any(abs(x - box.x) <= box.width / 2 and abs(y - box.y) <= box.height / 2 for x, y in line):
        return box
    x, y = min(line, key=lambda point: hypot(point[0] - box.x, point[1] - box.y))
    return replace(box, x=x, y=y)


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
