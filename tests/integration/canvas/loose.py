"""Charts as people in a hurry write them: odd spaces, quotes where none are needed, words that Mermaid may mistake."""

from __future__ import annotations

from hypothesis import strategies as st

from bot.canvas import NotAPlaybook
from bot.canvas.chart import Chart, Shape
from bot.canvas.mermaid import read_chart

IDS = (
    *(
        "a",
        "b",
        "c",
        "d",
        "A",
        "x",
        "o",
        "v",
        "T",
        "TD",
        "LR",
        "BR",
        "up",
        "down",
        "end2",
        "ending",
        "graph1",
        "style_a",
    ),
    *("default1", "href1", "calling", "xx", "oo", "x1", "o2", "a_b", "section", "note", "state", "title", "name", "id"),
    *("length", "undefined", "null", "true", "NaN", "self", "parent", "top", "inherit", "END", "subgraphs"),
)
WORDS = (
    *("look", "yes", "otherwise", "end", "graph", "subgraph", "style", "class", "click", "call", "href", "default"),
    *(
        "linkStyle",
        "direction",
        "x",
        "o",
        "v",
        "12",
        "0.5",
        "a-b",
        "Is it so?",
        "5 %",
        "it's",
        "谁在阻塞",
        "über",
        "🙂",
    ),
    *("one. two", "a, b", "a; b", "a & b", "a < b", "a > b", "(p)", "[q]", "{r}", "a/b", "\\", "|", "--", "->", "-->"),
    *("==", "-.->", "~~~", "@", ":::", "::", ":", "%%", "%{x}", "*", "_", "`", "$", "^", "+", "!", "…", "→", "≥", "#"),
    *("1.", "-", "http://x.y", "\u3000", "e\u0301", "\t", "fa:fa-user", "$$", "&amp;", "%%{init}%%", "<br>"),
    *("direction TB", "\\n", "**"),
)
SPACES = st.sampled_from([" ", " ", " ", "", "  ", "\t"])


@st.composite
def _label(draw: st.DrawFn, before: str, after: str) -> str:
    words = draw(st.sampled_from([" ", "", "  "])).join(draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3)))
    around = draw(st.sampled_from(["", '"', " "]))
    return f"{before}{around}{words}{around}{after}"


@st.composite
def _node(draw: st.DrawFn) -> str:
    name = draw(st.sampled_from(IDS))
    if draw(st.booleans()):
        return name
    return name + draw(_label(*draw(st.sampled_from(Shape)).value))


@st.composite
def _link(draw: st.DrawFn) -> str:
    before, after = draw(SPACES), draw(SPACES)
    form = draw(st.integers(0, 2))
    if form == 0:
        return f"{before}-->{after}"
    if form == 1:
        return draw(_label(f"{before}--{draw(SPACES)}", f"{draw(SPACES)}-->{after}"))
    return draw(_label(f"{before}-->{draw(SPACES)}|", f"|{after}"))


@st.composite
def _line(draw: st.DrawFn) -> str:
    line = draw(SPACES) + draw(_node())
    for _ in range(draw(st.integers(0, 3))):
        line += draw(st.one_of(_link(), st.sampled_from([" & ", "  & ", " &\t"]))) + draw(_node())
    return line + draw(st.sampled_from(["", "", " ", "\t"]))


@st.composite
def loose_charts(draw: st.DrawFn) -> tuple[str, Chart]:
    """The text of a chart, and what we read in it: of random lines those that are not refused."""
    kept = [draw(st.sampled_from(["flowchart TD", "flowchart LR", "  flowchart TB "])), "seed"]
    for line in draw(st.lists(_line(), min_size=8, max_size=16)):
        if _read([*kept, line]) is not None:
            kept.append(line)
    chart = _read(kept)
    assert chart is not None
    return "\n".join(kept), chart


def _read(lines: list[str]) -> Chart | None:
    """The chart; None where it is refused, or an arrow begins where it ends, which Mermaid draws in three pieces."""
    try:
        chart = read_chart(lines, file="a.md", first_line=1)
    except NotAPlaybook:
        return None
    return chart if all(edge.source != edge.target for edge in chart.edges) else None
