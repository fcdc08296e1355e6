"""The real Mermaid: it draws what is run, and the pictures show the way that was taken."""

from __future__ import annotations

import asyncio
import re
import struct
from itertools import combinations
from pathlib import Path

import mermaidx
import pytest
from hypothesis import assume, given, settings

from bot.canvas import Outcome, Playbook, parse, read
from bot.canvas.chart import Chart
from bot.canvas.labels import misread
from bot.canvas.mermaid import write_chart
from bot.canvas.picture import draw, render
from bot.canvas.spacing import GAP, Box
from tests.integration.canvas.loose import loose_charts
from tests.unit.canvas.test_mermaid import charts
from tests.unit.canvas.test_walk import GATED
from tests.unit.canvas.worlds import drawn

SHIPPED = sorted((Path(__file__).parents[3] / "playbooks").glob("*.md"))


def mermaids_view(text: str) -> tuple[set[str], list[str], list[str]]:
    """Node ids, arrows and labels that Mermaid itself sees."""
    svg = mermaidx.render(text).svg()
    nodes = set(re.findall(r'id="my-svg-flowchart-(\w+)-\d+"', svg))
    arrows = re.findall(r'<path [^>]*id="my-svg-L_(\w+)_\d+"', svg)
    labels = re.findall(r"<p>(.*?)</p>", svg)
    return nodes, arrows, labels


def our_view(chart: Chart) -> tuple[set[str], list[str], list[str]]:
    labels = [edge.label for edge in chart.edges if edge.label] + [node.label for node in chart.nodes.values()]
    return set(chart.nodes), [f"{edge.source}_{edge.target}" for edge in chart.edges], labels


def plain(html: str) -> str:
    return html.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")


FEW, LONGEST_S = (200, 7200) if settings.get_current_profile_name() == "explore" else (4, 180)
"""Mermaid takes a while for each; with the profile `explore` there are more, and they have the time."""


@pytest.mark.timeout(LONGEST_S)
@settings(max_examples=FEW)
@given(charts())
def test_mermaid_sees_the_same_nodes_arrows_and_labels(chart: Chart) -> None:
    assume(all(edge.source != edge.target for edge in chart.edges))
    nodes, arrows, labels = mermaids_view(write_chart(chart))
    ours = our_view(chart)
    assert (nodes, sorted(arrows)) == (ours[0], sorted(ours[1]))
    assert sorted(map(plain, labels)) == sorted(ours[2])


@pytest.mark.timeout(LONGEST_S)
@settings(max_examples=FEW)
@given(loose_charts())
def test_a_chart_that_is_read_is_seen_the_same_by_mermaid_as_its_author_wrote_it(drawn: tuple[str, Chart]) -> None:
    text, chart = drawn
    nodes, arrows, labels = mermaids_view(text)
    ours = our_view(chart)
    assert (nodes, sorted(arrows)) == (ours[0], sorted(ours[1]))
    assert sorted(map(plain, labels)) == sorted(ours[2])


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_shipped_chart_is_drawn_with_all_its_nodes_and_arrows(file: Path) -> None:
    chart = read(file).chart
    nodes, arrows, _ = mermaids_view(write_chart(chart))
    assert (nodes, arrows) == our_view(chart)[:2]


@pytest.mark.parametrize(
    "line",
    ["x-->b", "a --x--> b", 'a[ "x" ] --> b', "end --> b", "call --> b", "a&b --> c", "a{ops@home} --> b",
     "a -->|x|  b", "constructor --> b", "accDescr{x} --> b", "a[The direction TB] --> b", "a[~~~] --> b"],
)  # fmt: skip
def test_what_is_refused_as_different_is_different_in_mermaid(line: str) -> None:
    try:
        svg = mermaidx.render(f"flowchart TD\n{line}").svg()
    except RuntimeError:
        return
    assert re.findall(r'id="my-svg-L_(\w+)_\d+"', svg) == [], "Mermaid draws no arrow from a to c either"


@pytest.mark.parametrize(
    "label",
    [
        "$$x$$",
        "fa:fa-user Ask",
        "R&amp;D",
        "#35;1",
        "x %%{init}%% y",
        "see style:# first;",
        "`x`",
        "one. twofa:fa-user",
    ],
)
def test_a_label_that_is_refused_is_shown_otherwise_by_mermaid(label: str) -> None:
    assert misread(label, quoted=True) is not None
    _, _, labels = mermaids_view(f'flowchart TD\na["{label}"]')
    assert [plain(shown) for shown in labels] != [label]


def test_labels_that_mermaid_lays_on_each_other_are_moved_apart() -> None:
    playbook = read(next(file for file in SHIPPED if file.stem == "cpu-memory-saturation"))
    plain = boxes(mermaidx.render(write_chart(playbook.chart)).svg())
    assert overlaps(plain)
    moved = boxes(draw(playbook).decode())
    assert len(moved) == len(plain)
    assert overlaps(moved) == []


def test_an_empty_remark_is_a_node_to_mermaid() -> None:
    assert "%%" in mermaids_view("flowchart TD\n  %%\n  a --> b")[2]


def boxes(svg: str) -> list[Box]:
    pattern = r'edgeLabel" transform="translate\((\S+), (\S+)\)"><g [^>]*><foreignObject width="(\S+)" height="(\S+)"'
    return [Box(*map(float, numbers)) for numbers in re.findall(pattern, svg)]


def overlaps(placed: list[Box]) -> list[tuple[Box, Box]]:
    return [pair for pair in combinations(placed, 2) if min(pair[0].overlap(pair[1])) > GAP]


DONE = {"a": Outcome(), "x": Outcome()}


def test_the_way_so_far_is_in_the_picture() -> None:
    svg = draw(GATED, DONE).decode()
    looks = dict(re.findall(r'look-(\w+)" id="my-svg-flowchart-(\w+)-', svg))
    assert looks == {"done": "x", "waiting": "g", "plain": "p"}
    assert re.findall(r"way-(\w+) ", svg).count("taken") == 2


def test_the_words_of_a_way_that_was_not_taken_step_back() -> None:
    chosen = drawn(
        "s([Start]) --> a{Well?}\na -- yes --> b([B])\na -- otherwise --> e([End])", {"a": 'when: {yes: "true"}'}
    )
    svg = draw(chosen, {"s": Outcome(), "a": Outcome(edge="yes")}).decode()
    assert re.findall(r'"said-(\w+) edgeLabel[^>]*><p>(\w+)', svg) == [("taken", "yes"), ("skipped", "otherwise")]


def test_a_loop_of_one_node_is_coloured_though_mermaid_draws_its_arrow_last() -> None:
    again = drawn(
        "s([Start]) --> a{Well?}\na -- again --> a\na -- otherwise --> e([End])",
        {"a": 'max_visits: 2\nwhen: {again: "true"}'},
    )
    svg = draw(again, {"s": Outcome(), "a": Outcome(edge="again"), "a#2": Outcome(edge="otherwise")}).decode()
    ways = dict(re.findall(r'id="my-svg-L_(\w+)_0" class="way-(\w+)', svg))
    assert ways == {"s_a": "taken", "a_a": "skipped", "a_e": "taken"}
    assert re.findall(r"<p>(again|otherwise)</p>", svg) == ["again", "otherwise"]


async def test_a_png_is_drawn_without_holding_up_the_event_loop_and_differs_by_the_way() -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    turning = asyncio.create_task(turn())
    before, after = await render(GATED, None, "png"), await render(GATED, DONE, "png")
    turning.cancel()
    assert before.startswith(b"\x89PNG\r\n\x1a\n")
    assert before != after
    assert turns > 10


def size(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def worded(label: str) -> Playbook:
    return parse(GATED.text.replace("[Do it]", f"[{label}]"), "drawn.md")


def test_chinese_japanese_and_korean_are_drawn_with_a_font_that_has_them() -> None:
    pictures = {draw(worded(label), fmt="png") for label in ("谁在阻塞", "調査結果", "오류확인", "丂丂丂丂")}
    assert len(pictures) == 4, "characters without a glyph would look alike"


def test_a_long_label_without_spaces_is_broken_into_lines() -> None:
    one, three = draw(worded("阻塞" * 6), fmt="png"), draw(worded("阻塞" * 18), fmt="png")
    assert size(three)[0] <= size(one)[0] * 1.2
    assert size(three)[1] > size(one)[1]
    assert "阻塞<br/>阻塞" in draw(worded("阻塞" * 18)).decode()
