"""The one way to write a playbook; what it means, and its YAML comments, stay as they were."""

from __future__ import annotations

from io import StringIO

from ruamel.yaml import YAML

from bot.canvas.markdown import Block, Section, take_apart
from bot.canvas.mermaid import write_chart
from bot.canvas.playbook import parse


def format_text(text: str, file: str = "playbook.md") -> str:
    """The canonical text of a playbook's file.

    Raises:
        NotAPlaybook: the text cannot be read.
    """
    playbook = parse(text, file)
    document = take_apart(text, file)
    top = ["---\n" + _yaml(document.front) + "---"]
    chart = f"```mermaid\n{write_chart(playbook.chart)}\n```"
    parts = [*top, document.before, chart, document.after, *map(_section, document.sections)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(section: Section) -> str:
    block = f"```yaml\n{_yaml(section.yaml)}```" if section.yaml is not None else ""
    return "\n\n".join(part for part in (f"### {section.node}", section.prose, block, section.after) if part)


def _yaml(block: Block) -> str:
    yaml = YAML()
    yaml.width = 4096
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    written = yaml.load(block.text)
    if written is None:
        return "".join(f"{line}\n" for line in block.lines if line.strip())
    stream = StringIO()
    yaml.dump(written, stream)
    return stream.getvalue()
