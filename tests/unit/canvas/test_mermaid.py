"""The Mermaid subset: what is read, what is refused and where, and how it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.canvas import labels
from bot.canvas.chart import Chart, Link, Mention, Remark, Shape, Statement
from bot.canvas.faults import NotAPlaybook
from bot.canvas.mermaid import RESERVED, read_chart, write_chart


def read(*lines: str) -> Chart:
    return read_chart(["flowchart TD", *lines], file="a.md", first_line=10)


def refused(*lines: str) -> str:
    with pytest.raises(NotAPlaybook) as caught:
        read(*lines)
    return str(caught.value)


def test_every_outline_has_its_shape() -> None:
    chart = read("a([x]) --> b[x] --> c{x} --> d{{x}} --> e[/x/] --> f[[x]]")
    assert [node.shape for node in chart.nodes.values()] == [
        Shape.TERMINAL, Shape.STEP, Shape.BRANCH, Shape.FORK, Shape.GATE, Shape.PLAYBOOK,
    ]  # fmt: skip


def test_lists_and_chains_become_single_arrows_in_mermaids_order() -> None:
    chart = read("a & b --> c & d -- on --> e")
    assert [(edge.source, edge.target, edge.label) for edge in chart.edges] == [
        ("a", "c", None), ("a", "d", None), ("b", "c", None), ("b", "d", None), ("c", "e", "on"), ("d", "e", "on"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "line", ["a -- not yet --> b", "a -->|not yet| b", 'a -- "not yet" --> b', 'a -->|"not yet"| b', "a-- not yet -->b"]
)
def test_a_label_may_be_written_in_several_ways(line: str) -> None:
    assert read(line).edges[0].label == "not yet"


def test_remarks_and_empty_lines_are_kept() -> None:
    assert write_chart(read("%%why", "", "a --> b")) == "flowchart TD\n  %% why\n\n  a --> b"


def test_a_node_that_is_only_named_is_a_step_with_its_id_as_label() -> None:
    node = read("a --> b").nodes["b"]
    assert (node.shape, node.label) == (Shape.STEP, "b")


def test_quotes_are_written_only_where_they_are_needed() -> None:
    chart = read('a["plain words"] --> b["5xx/s (p95) > 2 s"]')
    assert write_chart(chart).endswith('a[plain words] --> b["5xx/s (p95) > 2 s"]')
    assert write_chart(read('a["ops@home"] --> b')).endswith('a["ops@home"] --> b')
    assert write_chart(read('a["x ~~~ y"] --> b')).endswith('a["x ~~~ y"] --> b')


@pytest.mark.parametrize(
    ("line", "column", "said"),
    [
        ("a --x b", 3, "one head"),
        ("a <--> b", 3, "one head"),
        ("a --x--> b", 3, "one head"),
        ("a -.-> b", 3, "Dotted"),
        ("a ==> b", 3, "thick"),
        ("a --- b", 3, "without a head"),
        ("a --yes--> b", 3, "space after '--'"),
        ("subgraph one", 1, "sub-playbook"),
        ("  classDef red fill:#f00", 3, "colours the drawing"),
        ("a:::red --> b", 2, "Styling"),
        ("a --> b;", 8, "semicolon"),
        ("a@{shape: rect} --> b", 2, "brackets"),
        ("a((round)) --> b", 2, "outline"),
        ("a(round) --> b", 2, "outline"),
        ("a&b --> c", 2, "'a & b'"),
        ("a --> b &", 9, "one line"),
        ('a[ "x" ] --> b', 2, "between a bracket and a quote"),
        ("a{ops@home} --> b", 3, "name of an arrow"),
        ("%%{init: {}}%%", 1, "directives"),
        ("end --> b", 1, "Mermaid's own"),
        ("x-->b", 1, "arrow's tail"),
        ("a[5xx/s] --> b", 6, "Quote the label"),
        ("a[ ] --> b", 4, "empty"),
        ('a["<b>loud</b>"] --> b', 3, "HTML"),
        ('a["#35;1"] --> b', 3, "#…;"),
        ('a["`x`"] --> b', 3, "backticks"),
        ("a -- [no] --> b", 3, "Quote the label"),
        ("a[x--y] --> b", 3, "part of an arrow"),
        ("a([~~~]) --> b", 4, "arrow that is not drawn"),
        ("a -- x ~~~ y --> b", 3, "arrow that is not drawn"),
        ("a-b --> c", 2, "Write a_b."),
        ("a --> ", 6, "Cannot read"),
        ("a[x] --> a[y]", 10, "drawn twice"),
        ("a -->|x|  b", 9, "one space after the label"),
        ("%%", 1, "empty remark"),
        ("constructor --> b", 1, "Mermaid's own"),
        ("accDescr{x} --> b", 1, "Mermaid's own"),
        ("a[$$x$$] --> b", 3, "formula"),
        ('a["fa:fa-user Ask"] --> b', 3, "icon"),
        ('a["R&amp;D"] --> b', 3, "&…;"),
        ('a["see #4 first; then"] --> b', 3, "#…;"),
        ('a["x %%{init}%%"] --> b', 3, "directive"),
        ("a[The direction TB] --> b", 3, "as a statement"),
        ('a["one\\ntwo"] --> b', 3, "breaks the line"),
        ('a["1. First look"] --> b', 3, "as a list"),
        ("a -- *not* yet --> b", 3, "emphasis"),
    ],
)
def test_what_mermaid_would_draw_differently_is_refused_with_its_place(line: str, column: int, said: str) -> None:
    message = refused("q --> r", line)
    assert message.startswith(f"a.md:12:{column}: ")
    assert said in message


@pytest.mark.parametrize(
    ("line", "column", "said"),
    [
        ("a[x] -> b", 6, "two plain hyphens"),
        ("a[x] —> b[y]", 6, "two plain hyphens"),
        ("a – yes –> b[y]", 3, "two plain hyphens"),
        ("a ---> b", 3, "longer arrow"),
        ("a --> b, c", 8, "a & b"),
        ("look-disk[x] --> b", 5, "Write look_disk."),
        ("a --> look.disk[x]", 11, "Write look_disk."),
        ("führen[x] --> b", 2, "Write fuhren."),
        ("1look[x] --> b", 1, "Write n1look."),
        ("谁[x] --> b", 1, "no id"),
        ("a[Who (and why)] --> b[y]", 7, "Quote the label"),
        ("a[I/O] --> b[y]", 4, "Quote the label"),
        ("a[One<br/>two] --> b[y]", 6, "a space instead of <br>"),
        ('a["Who "really" writes"] --> b[y]', 9, "second quote"),
        ("a[Who writes", 13, "one line"),
        ("a［x］ --> b[y]", 2, "full-width"),
        ("a[(x)] --> b[y]", 2, "outline"),
        ("a[/x\\] --> b[y]", 2, "outline"),
        ("a>x] --> b[y]", 2, "outline"),
        ("# why", 1, "begins with '%%'"),
        ("// why", 1, "begins with '%%'"),
        ("a --> b %% why", 9, "line of its own"),
        ("end", 1, "none ends here"),
    ],
)
def test_what_a_hasty_hand_writes_is_told_from_what_was_meant(line: str, column: int, said: str) -> None:
    message = refused("q --> r", line)
    assert message.startswith(f"a.md:12:{column}: "), message
    assert said in message


@pytest.mark.parametrize("line", ["\ta[x]\t-->\tb", "a[🔥 x] --> b", "a[“x”] --> b", "a[Disk: var] --> b"])
def test_tabs_emoji_and_curly_quotes_in_labels_are_taken_as_they_are(line: str) -> None:
    assert [edge.target for edge in read(line).edges] == ["b"]


def test_every_bad_line_is_named_at_once() -> None:
    message = refused("a ==> b", "b --> c", "c --- d")
    assert "a.md:11:" in message
    assert "a.md:13:" in message


@pytest.mark.parametrize("lines", [[], ["", " "], ["graph TD", "a --> b"], ["flowchart XY"], ["a --> b"]])
def test_a_chart_begins_with_flowchart_and_a_direction(lines: list[str]) -> None:
    with pytest.raises(NotAPlaybook, match="flowchart TD"):
        read_chart(lines, file="a.md", first_line=2)


IDS = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,6}", fullmatch=True).filter(lambda name: name not in RESERVED)
LABELS = (
    st.text(
        st.characters(exclude_characters='"', exclude_categories=("C", "Z")) | st.just(" "), min_size=1, max_size=14
    )
    .map(str.strip)
    .filter(lambda text: labels.misread(text, quoted=True) is None)
)


@st.composite
def charts(draw: st.DrawFn) -> Chart:
    names = draw(st.lists(IDS, min_size=2, max_size=7, unique=True))
    outlined = set[str]()

    def mention(name: str) -> Mention:
        if name in outlined or draw(st.booleans()):
            return Mention(name)
        outlined.add(name)
        return Mention(name, draw(st.sampled_from(Shape)), draw(LABELS))

    def group() -> tuple[Mention, ...]:
        return tuple(map(mention, draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))))

    def line() -> Statement | Remark:
        if draw(st.integers(0, 5)) == 0:
            return Remark(f"%% {draw(LABELS)}")
        links = [Link(draw(st.none() | LABELS)) for _ in range(draw(st.integers(0, 2)))]
        return Statement(tuple(group() for _ in range(len(links) + 1)), tuple(links))

    return Chart(draw(st.sampled_from(["TD", "LR"])), tuple(line() for _ in range(draw(st.integers(1, 5)))))


@given(charts())
def test_a_written_chart_reads_back_as_the_same_chart(chart: Chart) -> None:
    text = write_chart(chart)
    again = read_chart(text.splitlines(), file="a.md", first_line=1)
    assert again == chart
    assert write_chart(again) == text
