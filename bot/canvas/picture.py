"""The drawing as a picture, with the way that a run has taken in colour, and as text where no picture can be shown.

Mermaid lays a drawing out once for each version, which takes a second or two; labels are moved onto their arrows and
apart (`spacing`), and colours are put on afterwards. Chinese, Japanese and Korean are drawn with a font that comes with
this package.
"""

from __future__ import annotations

import asyncio
import math
import re
import threading
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from functools import lru_cache
from html import escape
from importlib.resources import as_file, files
from io import BytesIO
from typing import Literal

from bot.canvas.chart import Chart, Edge, Link, Mention, Statement
from bot.canvas.mermaid import write_chart
from bot.canvas.outcome import Outcome
from bot.canvas.perform import EXTERNAL
from bot.canvas.plan import Mark, Plan, Status, plan
from bot.canvas.playbook import Playbook
from bot.canvas.spacing import spaced

Format = Literal["svg", "png"]

SCALE = 1.5
PIXELS = 3_500_000
"""A larger picture is scaled down: the rasterizer holds up the process for as long as it paints."""
FAMILY = "Nightdesk CJK"
FONT = "NotoSansCJK-Subset.otf"
MERMAID_FAMILY = '"trebuchet ms",verdana,arial,sans-serif'
EM = "—"
"""As wide as a full-width character: it stands for one while Mermaid, whose own font has none, measures the labels."""
COLOURS_KEPT = 64
LINE = 12
"""Full-width characters in a line of a label; Mermaid breaks lines at spaces only."""


class Look(StrEnum):
    """How a node is shown."""

    PLAIN = "plain"
    DONE = "done"
    RUNNING = "running"
    WAITING = "waiting"
    FAILED = "failed"
    SKIPPED = "skipped"


COLOURS: Mapping[Look, tuple[str, str, str]] = {
    Look.PLAIN: ("#f6f8fa", "#6e7781", "stroke-width:1px"),
    Look.DONE: ("#d7f0dd", "#1a7f37", "stroke-width:2px"),
    Look.RUNNING: ("#fff1c2", "#9a6700", "stroke-width:3px"),
    Look.WAITING: ("#dbe9ff", "#0a53c1", "stroke-width:3px;stroke-dasharray:8 3"),
    Look.FAILED: ("#ffdcd9", "#c21f2c", "stroke-width:3px"),
    Look.SKIPPED: ("#ffffff", "#b6bcc3", "stroke-width:1px;stroke-dasharray:3 3"),
}
"""Fill, line, and how the line is drawn: the looks differ for the colour-blind too."""
SIGNS: Mapping[Look, str] = {
    Look.PLAIN: "○",
    Look.DONE: "✓",
    Look.RUNNING: "▶",
    Look.WAITING: "⏳",
    Look.FAILED: "✗",
    Look.SKIPPED: "–",
}

SEED = 1
"""Of the lines that Mermaid draws by chance: the same chart gives the same picture, byte for byte."""

_engine = threading.Lock()


async def render(playbook: Playbook, outcomes: Mapping[str, Outcome] | None = None, fmt: Format = "svg") -> bytes:
    """The picture, drawn in a thread. Without outcomes nothing is coloured."""
    return await asyncio.to_thread(draw, playbook, outcomes, fmt)


def draw(
    playbook: Playbook, outcomes: Mapping[str, Outcome] | None = None, fmt: Format = "svg", *, live: bool = True
) -> bytes:
    """The picture; takes some seconds for a drawing that was not drawn before.

    Args:
        outcomes: of the run so far; without them nothing is coloured.
        live: whether the run still goes on; in one that does not, nothing runs or waits any more.
    """
    svg = _coloured(_laid_out(_narrow(playbook.chart)), playbook, outcomes, live=live)
    return _png(svg) if fmt == "png" else svg.encode()


def as_text(playbook: Playbook, outcomes: Mapping[str, Outcome] | None = None, *, live: bool = True) -> str:
    """The drawing in words, a line for each node that matters so far; also the picture's description."""
    shown = looks(playbook, outcomes, live=live)
    lines = [playbook.front.title]
    for node in playbook.topology.order:
        marks = _choice(playbook, outcomes, node)
        lines.append(f"{SIGNS[shown[node]]} {playbook.chart.nodes[node].label}{marks}")
    return "\n".join(lines)


def looks(playbook: Playbook, outcomes: Mapping[str, Outcome] | None, *, live: bool = True) -> Mapping[str, Look]:
    """How each node is shown."""
    if outcomes is None:
        return dict.fromkeys(playbook.chart.nodes, Look.PLAIN)
    now = plan(playbook, outcomes)
    return {node: _look(playbook, now, node, live=live) for node in playbook.chart.nodes}


def _look(playbook: Playbook, now: Plan, node: str, *, live: bool) -> Look:
    if now.nodes.get(node) is Status.DUE:
        if not live:
            return Look.PLAIN
        return Look.WAITING if playbook.kind(node) in EXTERNAL else Look.RUNNING
    by_status = {Status.DONE: Look.DONE, Status.FAILED: Look.FAILED, Status.SKIPPED: Look.SKIPPED}
    return by_status.get(now.nodes.get(node, Status.PENDING), Look.PLAIN)


def _choice(playbook: Playbook, outcomes: Mapping[str, Outcome] | None, node: str) -> str:
    out = [edge for edge in playbook.topology.outgoing[node] if edge.label is not None]
    if outcomes is None:
        return "".join(f"\n    {edge.label} → {playbook.chart.nodes[edge.target].label}" for edge in out)
    now = plan(playbook, outcomes)
    taken = [str(edge.label) for edge in out if now.edges[edge.index] is Mark.TAKEN]
    outcome = outcomes.get(now.key(node))
    note = f" ({outcome.note})" if outcome is not None and outcome.note else ""
    return (f" → {', '.join(dict.fromkeys(taken))}" if taken else "") + note


def _narrow(chart: Chart) -> Chart:
    """The chart as Mermaid is to measure it: no remarks, and a dash for each full-width character."""
    lines = [line for line in chart.lines if isinstance(line, Statement)]
    return Chart(chart.direction, tuple(Statement(tuple(map(_group, line.groups)), _links(line)) for line in lines))


def _group(group: tuple[Mention, ...]) -> tuple[Mention, ...]:
    return tuple(replace(mention, label=_measured(mention.label)) for mention in group)


def _links(line: Statement) -> tuple[Link, ...]:
    return tuple(replace(link, label=_measured(link.label)) for link in line.links)


def _measured(label: str | None) -> str | None:
    return None if label is None else "<br/>".join(re.sub(".", _stand_in, part) for part in _lines(label))


def _stand_in(found: re.Match[str]) -> str:
    return EM if _is_wide(found[0]) else found[0]


def _lines(label: str) -> list[str]:
    """The label, broken within long runs of full-width characters."""
    if not any(map(_is_wide, label)):
        return [label]
    broken, width = [""], 0
    for character in label:
        width += 1 if _is_wide(character) else 0
        if width > LINE:
            broken.append("")
            width = 1
        broken[-1] += character
    return broken


def _is_wide(character: str) -> bool:
    return character == EM or unicodedata.east_asian_width(character) in {"W", "F"}


@lru_cache(maxsize=128)
def _laid_out(chart: Chart) -> str:
    """Mermaid's SVG. The JavaScript engine works for one thread at a time."""
    import mermaidx  # noqa: PLC0415 - loads a JavaScript engine

    with _engine:
        return spaced(str(mermaidx.render(write_chart(chart), config={"handDrawnSeed": SEED}).svg()))


def _coloured(svg: str, playbook: Playbook, outcomes: Mapping[str, Outcome] | None, *, live: bool) -> str:
    shown = looks(playbook, outcomes, live=live)
    marks = plan(playbook, outcomes).edges if outcomes is not None else {}
    ways = _by_pair(playbook.chart.edges)
    labelled = _by_pair(edge for edge in playbook.chart.edges if edge.label is not None)

    def node(found: re.Match[str]) -> str:
        drawn = playbook.chart.nodes[found["node"]]
        return f"{found['open']} look-{shown[drawn.id]}{found['middle']}{_paragraph(drawn.label)}"

    def label(found: re.Match[str]) -> str:
        arrow = labelled[found["pair"]].popleft()
        said = f"{found['open']}said-{marks.get(arrow.index, Mark.UNKNOWN)} "
        return f"{said}{found['middle']}{_paragraph(arrow.label or '')}"

    def edge(found: re.Match[str]) -> str:
        return f"{found['open']}way-{marks.get(ways[found['pair']].popleft().index, Mark.UNKNOWN)} "

    for pattern, change in ((EDGE, edge), (EDGE_LABEL, label), (NODE, node)):
        svg = re.sub(pattern, change, svg, flags=re.DOTALL)
    svg = svg.replace("</style>", f"{''.join(_css())}</style>", 1)
    return svg.replace(MERMAID_FAMILY, f'"{FAMILY}",{MERMAID_FAMILY}')


NODE = r'(?P<open><g class="node[^"]*)(?P<middle>" id="my-svg-flowchart-(?P<node>\w+)-\d+".*?)<p>.*?</p>'
EDGE = r'(?P<open><path [^>]*id="my-svg-L_(?P<pair>\w+)_\d+" class=")'
EDGE_LABEL = (
    r'(?P<open><g class="label" data-id="L_(?P<pair>\w+)_\d+"(?:(?!</g>).)*?<span class=")'
    r"(?P<middle>edgeLabel[^>]*>)<p>.*?</p>"
)
"""Where Mermaid's SVG speaks of a node, an arrow and an arrow's label."""


def _by_pair(edges: Iterable[Edge]) -> Mapping[str, deque[Edge]]:
    """The arrows by the name that Mermaid gives to their ends, in the order in which it numbers them."""
    pairs: dict[str, deque[Edge]] = {}
    for edge in edges:
        pairs.setdefault(f"{edge.source}_{edge.target}", deque()).append(edge)
    return pairs


def _paragraph(label: str) -> str:
    # The rasterizer knows the entities of XML only, and quotes need none between tags.
    return f"<p>{'<br/>'.join(escape(part, quote=False) for part in _lines(label))}</p>"


def _css() -> Iterator[str]:
    for look, (fill, line, how) in COLOURS.items():
        shapes = ",".join(f"#my-svg .look-{look} {shape}" for shape in ("rect", "polygon", "path", "circle"))
        yield f"{shapes}{{fill:{fill} !important;stroke:{line} !important;{how}}}"
    yield "#my-svg .look-skipped span,#my-svg .look-skipped p,#my-svg .said-skipped p{color:#8c959f !important}"
    yield "#my-svg .label rect{stroke:none !important;fill:none !important}"
    yield "#my-svg .way-taken{stroke:#1a7f37 !important;stroke-width:3px !important}"
    yield "#my-svg .way-skipped{stroke:#c9ced4 !important;stroke-dasharray:3 3 !important}"


def _png(svg: str) -> bytes:
    from mermaidx.raster import render_image  # noqa: PLC0415

    _add_font()
    return _fewer_colours(bytes(render_image(svg, "png", scale=_scale(svg), background="#ffffff")))


def _fewer_colours(png: bytes) -> bytes:
    """The same to the eye, in a fifth of the bytes."""
    from PIL import Image  # noqa: PLC0415

    written = BytesIO()
    Image.open(BytesIO(png)).convert("RGB").quantize(COLOURS_KEPT).save(written, "PNG", optimize=True)
    return written.getvalue()


def _scale(svg: str) -> float:
    box = re.search(r'viewBox="\S+ \S+ ([\d.]+) ([\d.]+)"', svg)
    return min(SCALE, math.sqrt(PIXELS / (float(box[1]) * float(box[2])))) if box else 1.0


@lru_cache(maxsize=1)
def _add_font() -> bool:
    """Make the package's font known to the rasterizer, under a name that only these pictures use."""
    from novasvg.fonts import add_font_face_from_file  # type: ignore[import-untyped]  # noqa: PLC0415

    with as_file(files("bot.canvas") / "fonts" / FONT) as font:
        return bool(add_font_face_from_file(FAMILY, False, False, str(font)))  # noqa: FBT003 - bold, italic
