"""A playbook: what its file says, checked for form. Whether it is sound is for `lint` to say."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from bot.canvas.chart import Chart, Node, Shape
from bot.canvas.faults import Fault, NotAPlaybook, Place
from bot.canvas.markdown import Block, Document, Section, take_apart
from bot.canvas.mermaid import read_chart
from bot.canvas.settings import BARE, Front, Settings, misfit
from bot.canvas.topology import Topology

M = TypeVar("M", bound=BaseModel)


class Kind(StrEnum):
    """What a node does, told by its shape and its block."""

    START = "start"
    END = "end"
    READ = "read"
    CHANGE = "change"
    EXPLORE = "explore"
    ASK = "ask"
    BLANK = "blank"
    BRANCH = "branch"
    FORK = "fork"
    GATE = "gate"
    PLAYBOOK = "playbook"


@dataclass(frozen=True)
class Playbook:
    """A playbook as read from one file."""

    file: str = field(compare=False)
    text: str = field(compare=False, repr=False)
    front: Front
    chart: Chart
    sections: Mapping[str, Section]
    settings: Mapping[str, Settings]
    places: Mapping[str, Mapping[str, Place]] = field(compare=False, repr=False)
    """Node → key of its block → where the key stands; the front matter's under the empty name."""

    @property
    def id(self) -> str:
        """The name that sub-playbook nodes use."""
        return self.front.id

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the file's text: the version that a run is pinned to."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def topology(self) -> Topology:
        """The order, loops and joins of the drawing."""
        return Topology(self.chart)

    def of(self, node: str) -> Settings:
        """The block of a node; a node without one has all defaults."""
        return self.settings.get(node, BARE)

    def kind(self, node: str) -> Kind:
        """What the node does."""
        drawn = self.chart.nodes[node]
        if drawn.shape is Shape.TERMINAL:
            return Kind.END if self.topology.incoming[node] else Kind.START
        if drawn.shape is Shape.STEP:
            return _kind_of_step(self.of(node))
        return KIND_OF_SHAPE[drawn.shape]

    def saved_as(self, node: str) -> str:
        """The name under which branches and steps refer to the node's facts."""
        return self.of(node).save_as or node

    def sub_playbook(self, node: Node) -> str:
        """The id of the playbook that a `[[ ]]` node stands for: its block's `playbook`, else its label."""
        return self.of(node.id).playbook or node.label

    def place(self, node: str, key: str | None = None) -> Place:
        """Where a key of the node's block stands; else its section; else the drawing of the node."""
        places = self.places.get(node, {})
        if key is not None and key in places:
            return places[key]
        return self.sections[node].place if node in self.sections else self.chart.nodes[node].place


KIND_OF_SHAPE = {
    Shape.BRANCH: Kind.BRANCH,
    Shape.FORK: Kind.FORK,
    Shape.GATE: Kind.GATE,
    Shape.PLAYBOOK: Kind.PLAYBOOK,
}


def _kind_of_step(settings: Settings) -> Kind:
    if settings.change is not None:
        return Kind.CHANGE
    if settings.explore is not None:
        return Kind.EXPLORE
    if settings.ask is not None:
        return Kind.ASK
    return Kind.BLANK if settings.use is None else Kind.READ


@lru_cache(maxsize=256)
def parse(text: str, file: str = "playbook.md") -> Playbook:
    """Read the text of a playbook's file. The same text gives the same object.

    Raises:
        NotAPlaybook: with every fault that was found, each with its line and its mend.
    """
    document = take_apart(text, file)
    return _Assembly(document, file).playbook(text)


def read(path: Path) -> Playbook:
    """Read a playbook's file.

    Raises:
        NotAPlaybook: as `parse`, or because the file is not there or not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors of Windows begin a file with a mark of its encoding
    except OSError as error:
        said = f"The file cannot be read: {error.strerror}."
        raise NotAPlaybook([Fault(str(path), Place(1), "file", said, "Give the path of a playbook.")]) from None
    except UnicodeDecodeError as error:
        place, said = _undecodable(error), "The file cannot be read: this is not UTF-8."
        raise NotAPlaybook([Fault(str(path), place, "file", said, "Save it as Markdown in UTF-8.")]) from None
    return parse(text, str(path))


def _undecodable(error: UnicodeDecodeError) -> Place:
    """Where the first byte stands that is no UTF-8."""
    before = error.object[: error.start]
    return Place(before.count(b"\n") + 1, len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1)


YAML_MENDS: tuple[tuple[str, str], ...] = (
    ("'\\t'", "Indent with spaces."),
    ("mapping values are not allowed", "Quote a text that holds ': '."),
    ("duplicate key", "Keep one of them."),
)
"""What the reader of YAML says, and what has to be done about it."""


class _Assembly:
    """Reads each part, gathering the faults of all before it gives up."""

    def __init__(self, document: Document, file: str) -> None:
        self.document, self.file = document, file
        self.faults: list[Fault] = []
        self.places: dict[str, dict[str, Place]] = {}

    def playbook(self, text: str) -> Playbook:
        front = self._read(self.document.front, Front, "")
        chart = self._chart()
        settings = {
            section.node: block
            for section in self.document.sections
            if section.yaml is not None and (block := self._read(section.yaml, Settings, section.node)) is not None
        }
        sections = self._sections()
        if self.faults or front is None or chart is None:
            raise NotAPlaybook(self.faults)
        return Playbook(self.file, text, front, chart, sections, settings, self.places)

    def _chart(self) -> Chart | None:
        block = self.document.chart
        try:
            return read_chart(block.lines, file=self.file, first_line=block.first_line)
        except NotAPlaybook as refused:
            self.faults += refused.faults
            return None

    def _sections(self) -> dict[str, Section]:
        sections: dict[str, Section] = {}
        for section in self.document.sections:
            first = sections.setdefault(section.node, section)
            if first is not section:
                message = f"'{section.node}' has a second section; the first is in line {first.place.line}."
                self._fault(section.place, "section-doubled", message, "Make them one.")
        return sections

    def _read(self, block: Block, model: type[M], node: str) -> M | None:
        rule = "block" if node else "front-matter"
        try:
            written = YAML().load(block.text)
        except YAMLError as error:
            problem = _first_line(error)
            mend = next((mend for words, mend in YAML_MENDS if words in problem), "Mend the YAML.")
            self._fault(_yaml_place(error, block), rule, f"This is not YAML: {problem}.", mend)
            return None
        if written is None:
            written = CommentedMap()
        if not isinstance(written, CommentedMap):
            self._fault(Place(block.first_line), rule, "This is not a YAML mapping.", "Write key: value lines.")
            return None
        if (bare := _unquoted(written)) is not None:
            message, mend = "YAML reads {{ … }} without quotes as a mapping.", 'Quote it: "{{ name.fact }}".'
            self._fault(Place(block.first_line + bare.line, bare.column + 1), rule, message, mend)
            return None
        places = {str(key): _key_place(written, key, block) for key in written}
        self.places[node] = places
        try:
            return model.model_validate(plain(written))
        except ValidationError as error:
            self._explain(error, places, block, rule, model)
            return None

    def _explain(
        self, error: ValidationError, places: Mapping[str, Place], block: Block, rule: str, model: type[BaseModel]
    ) -> None:
        keys = [field.alias or name for name, field in model.model_fields.items()]
        for problem in error.errors(include_url=False, include_input=False):
            path = [str(part) for part in problem["loc"]]
            place = places.get(path[0], Place(block.first_line)) if path else Place(block.first_line)
            self._fault(place, rule, *misfit(".".join(path), problem, keys))

    def _fault(self, place: Place, rule: str, message: str, mend: str) -> None:
        self.faults.append(Fault(self.file, place, rule, message, mend))


def plain(value: Any) -> Any:
    """YAML's commented values as plain dicts, lists, strings, numbers and booleans."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    for scalar in (bool, int, float, str):
        if isinstance(value, scalar):
            return scalar(value)
    return None if value is None else str(value)


def _unquoted(value: Any) -> Place | None:
    """Where a reference without quotes stands, as YAML counts: a mapping whose only key is a mapping."""
    children = value.values() if isinstance(value, CommentedMap) else value if isinstance(value, list) else ()
    if isinstance(value, CommentedMap) and any(isinstance(key, Mapping) for key in value):
        return Place(value.lc.line, value.lc.col)
    return next((found for child in children if (found := _unquoted(child)) is not None), None)


def _key_place(written: CommentedMap, key: object, block: Block) -> Place:
    line, column = written.lc.key(key)
    return Place(block.first_line + line, column + 1)


def _yaml_place(error: YAMLError, block: Block) -> Place:
    mark = getattr(error, "problem_mark", None) if isinstance(error, MarkedYAMLError) else None
    return Place(block.first_line + mark.line, mark.column + 1) if mark else Place(block.first_line)


def _first_line(error: YAMLError) -> str:
    problem = getattr(error, "problem", None)
    return str(problem or error).splitlines()[0].rstrip(".")
