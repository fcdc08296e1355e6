"""The Mermaid flowchart subset: read strictly, written canonically.

Only what Mermaid draws the way the bot walks it is read; all else is refused with the mend. One statement a line:

    flowchart TD
      a([Start]) --> b{Is it so?}
      b -- yes --> c[Look here] & d[Look there]
      b -->|otherwise| e([End])
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedEOF, UnexpectedInput, UnexpectedToken

from bot.canvas import labels
from bot.canvas.chart import Chart, Link, Mention, Remark, Shape, Statement
from bot.canvas.faults import Fault, NotAPlaybook, Place
from bot.canvas.foreign import explain

DIRECTIONS = ("TD", "TB", "LR", "RL", "BT")

GRAMMAR = r"""
start: group (link group)*
group: mention (_AMP mention)*
mention: ID outline?
outline: "([" text "])"   -> terminal
       | "[" text "]"     -> step
       | "{" text "}"     -> branch
       | "{{" text "}}"   -> fork
       | "[/" text "/]"   -> gate
       | "[[" text "]]"   -> playbook
text: PLAIN | QUOTED
link: ARROW | PIPED | WORDED
ID: /[A-Za-z][A-Za-z0-9_]*/
_AMP: /[ \t]+&[ \t]+/
ARROW: /[ \t]*-->[ \t]*/
PIPED.2: /[ \t]*-->[ \t]*\|("[^"]*"|[^|"]*)\|[ \t]?/
WORDED.2: /[ \t]*--[ \t]+("[^"]*"|[^"|]+?)[ \t]+-->[ \t]*/
QUOTED: /"[^"]*"/
PLAIN: /[^"\[\]{}()|<>\/\\]+/
"""

KEYWORDS = (
    "end graph flowchart subgraph style linkStyle classDef class click call href default interpolate direction "
    "accTitle accDescr constructor toString toLocaleString valueOf hasOwnProperty isPrototypeOf propertyIsEnumerable"
)
BEHIND = re.compile(r"\s{0,3}(#{2,6}\s|```|~~~)")
"""A heading of a section, or the beginning of a block."""
RESERVED = frozenset(KEYWORDS.split())
"""Words that Mermaid's own reader takes for itself, and the names that every JavaScript object has, which break it."""


def read_chart(lines: Sequence[str], *, file: str, first_line: int) -> Chart:
    """The chart in the lines of a ```mermaid block; `first_line` is the file's line of the first of them.

    Raises:
        NotAPlaybook: a fault for each line that cannot be read.
    """
    reader = _Reader(file)
    content = list(enumerate(lines, start=first_line))
    while content and not content[0][1].strip():
        content.pop(0)
    if not content:
        raise NotAPlaybook(
            [reader.fault(Place(first_line - 1), "The chart is empty.", "Write flowchart TD and nodes.")]
        )
    direction = reader.header(*content[0])
    body = list(reader.within_the_block(content[1:]))
    drawn = tuple(read for number, line in body if (read := reader.line(number, line)) is not None)
    if reader.faults:
        raise NotAPlaybook(reader.faults)
    return Chart(direction, _trimmed(drawn), Place(content[0][0]))


def write_chart(chart: Chart) -> str:
    """The canonical text: two spaces of indent, `-- label -->`, quotes only where they are needed."""
    body = [_write_line(line) for line in chart.lines]
    return "\n".join([f"flowchart {chart.direction}", *body])


def _trimmed(lines: tuple[Statement | Remark, ...]) -> tuple[Statement | Remark, ...]:
    kept = list(lines)
    while kept and kept[-1] == Remark(""):
        kept.pop()
    while kept and kept[0] == Remark(""):
        kept.pop(0)
    return tuple(kept)


class _Reader:
    """Reads line by line, so that one bad line does not hide the next."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self._shapes: dict[str, Mention] = {}

    def fault(self, place: Place, message: str, mend: str) -> Fault:
        return Fault(self.file, place, "chart-syntax", message, mend)

    def complain(self, place: Place, message: str, mend: str) -> None:
        self.faults.append(self.fault(place, message, mend))

    def header(self, number: int, line: str) -> str:
        words = line.split()
        if len(words) == 2 and words[0] == "flowchart" and words[1] in DIRECTIONS:
            return words[1]
        self.complain(
            Place(number), f"The chart begins with '{line.strip()}'.", "Begin with 'flowchart TD' (or LR, TB, RL, BT)."
        )
        return "TD"

    def within_the_block(self, lines: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        """The lines up to one that only stands behind a drawing: without its end, all else would be misread."""
        for number, line in lines:
            if BEHIND.match(line):
                self.complain(
                    Place(number), "The drawing is not closed before this line.", "Write ``` on a line above it."
                )
                return
            yield number, line

    def line(self, number: int, line: str) -> Statement | Remark | None:
        text = line.strip()
        indent = len(line) - len(line.lstrip())
        if not text or re.match(r"%%[^{]", text):
            return Remark(f"%% {text[2:].strip()}".rstrip() if text else "")
        try:
            tree = _parser().parse(text)
        except UnexpectedInput as error:
            self._explain(error, text, number, indent)
            return None
        before = len(self.faults)
        statement = _Shaper(self, number, indent, text).statement(tree)
        return statement if len(self.faults) == before else None

    def drawn(self, mention: Mention) -> None:
        """Remember the outline of a node; a second, different one is a fault."""
        if mention.shape is None:
            return
        first = self._shapes.setdefault(mention.id, mention)
        if first.place != mention.place:
            self.complain(
                mention.place,
                f"'{mention.id}' is drawn twice, first in line {first.place.line}.",
                f"Write the id alone here: {mention.id}.",
            )

    def _explain(self, error: UnexpectedInput, text: str, number: int, indent: int) -> None:
        at = len(text) if isinstance(error, UnexpectedEOF) or _at_end(error) else max(error.column, 1) - 1
        begins, (message, mend) = explain(text, at)
        self.complain(Place(number, indent + begins + 1), message, mend)


def _at_end(error: UnexpectedInput) -> bool:
    return isinstance(error, UnexpectedToken) and error.token.type == "$END"


class _Shaper:
    """Turns the tree of one line into a statement."""

    def __init__(self, reader: _Reader, number: int, indent: int, text: str) -> None:
        self.reader, self.number, self.indent, self.text = reader, number, indent, text

    def place(self, token: Token) -> Place:
        space = len(token) - len(token.lstrip())
        return Place(self.number, self.indent + (token.column or 1) + space)

    def statement(self, tree: Tree[Token]) -> Statement:
        groups = tuple(self.group(child) for child in _trees(tree, "group"))
        links = tuple(self.link(cast("Token", child.children[0])) for child in _trees(tree, "link"))
        return Statement(groups, links)

    def group(self, tree: Tree[Token]) -> tuple[Mention, ...]:
        return tuple(self.mention(child) for child in _trees(tree, "mention"))

    def mention(self, tree: Tree[Token]) -> Mention:
        name = cast("Token", tree.children[0])
        place = self.place(name)
        self._check_name(name, place)
        if len(tree.children) == 1:
            return Mention(str(name), place=place)
        outline = cast("Tree[Token]", tree.children[1])
        label = cast("Token", _trees(outline, "text")[0].children[0])
        mention = Mention(str(name), Shape[outline.data.upper()], self.label(label), place)
        self.reader.drawn(mention)
        return mention

    def link(self, token: Token) -> Link:
        if token.type == "ARROW":
            return Link(None, self.place(token))
        worded = token.strip().removeprefix("-->").removeprefix("--").removesuffix("-->").strip()
        text = worded.removeprefix("|").removesuffix("|").strip()
        return Link(self.label(token, text), self.place(token))

    def label(self, token: Token, text: str | None = None) -> str:
        raw = (str(token) if text is None else text).strip()
        quoted = len(raw) >= 2 and raw.startswith('"') and raw.endswith('"')
        label = raw[1:-1].strip() if quoted else raw
        misread = labels.misread(label, quoted=quoted)
        if misread is not None:
            self.reader.complain(self.place(token), *misread)
        return label

    def _check_name(self, name: Token, place: Place) -> None:
        if self.text == "end":
            self.reader.complain(place, "Subgraphs are not part of a playbook, so none ends here.", "Delete the line.")
        elif name in RESERVED:
            self.reader.complain(place, f"'{name}' is a word of Mermaid's own.", "Give the node another id.")
        after = self.text[(name.column or 1) - 1 + len(name) :]
        if name in {"x", "o"} and after.startswith("--"):
            self.reader.complain(
                place, f"Mermaid reads '{name}--' as an arrow's tail.", "Put a space before the arrow."
            )


def _trees(tree: Tree[Token], kind: str) -> list[Tree[Token]]:
    return [child for child in tree.children if isinstance(child, Tree) and child.data == kind]


@lru_cache(maxsize=1)
def _parser() -> Any:
    return Lark(GRAMMAR, parser="lalr", maybe_placeholders=False)


def _write_line(line: Statement | Remark) -> str:
    if isinstance(line, Remark):
        return f"  {line.text}".rstrip()
    parts = [_write_group(line.groups[0])]
    for link, group in zip(line.links, line.groups[1:], strict=True):
        parts.append("-->" if link.label is None else f"-- {labels.written(link.label)} -->")
        parts.append(_write_group(group))
    return "  " + " ".join(parts)


def _write_group(group: tuple[Mention, ...]) -> str:
    return " & ".join(_write_mention(mention) for mention in group)


def _write_mention(mention: Mention) -> str:
    if mention.shape is None:
        return mention.id
    opening, closing = mention.shape.value
    return f"{mention.id}{opening}{labels.written(mention.label or mention.id)}{closing}"
