"""The file: its parts, its places, and its one way to be written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.canvas import Kind, NotAPlaybook, format_text, parse, read
from bot.canvas.chart import Chart
from bot.canvas.mermaid import write_chart
from tests.unit.canvas.test_lint import SOUND
from tests.unit.canvas.test_mermaid import charts

UGLY = """---
id:   ugly   # the name
title: 'Not   pretty'
owner: tests
match:
    labels: {tier: "backend"}
---
Why there is this playbook.


```mermaid
flowchart TD
a([Start])-->b{ Is it? }

b-- yes -->c["End"]
b-->|otherwise|c
c --> d([Over])
```
Notes about the drawing.
### b
By hand:

```sql
select 1
```
```yaml
when:
    yes: "alert.name == 'x'"   # comments stay
```
And something after.

### c

```yaml
use: x
with: {list: [1, 2]}
```
"""


def test_a_file_is_taken_apart() -> None:
    playbook = parse(UGLY, "ugly.md")
    assert playbook.front.title == "Not   pretty"
    assert playbook.of("b").when == {"yes": "alert.name == 'x'"}
    assert "select 1" in playbook.sections["b"].prose
    assert playbook.sections["b"].after == "And something after."
    assert [playbook.kind(node) for node in playbook.chart.nodes] == [Kind.START, Kind.BRANCH, Kind.READ, Kind.END]


def test_the_canonical_form_keeps_words_and_comments() -> None:
    text = format_text(UGLY)
    for kept in ("# the name", "# comments stay", "Why there is", "Notes about", "select 1", "And something after."):
        assert kept in text
    assert "  a([Start]) --> b{Is it?}\n\n  b -- yes --> c[End]\n" in text


@pytest.mark.parametrize("text", [UGLY, SOUND])
def test_formatting_changes_no_meaning_and_nothing_the_second_time(text: str) -> None:
    once = format_text(text)
    assert parse(once) == parse(text)
    assert format_text(once) == once


PROSE = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp"), exclude_characters="`#\x85"), max_size=40
)
BLOCKS = st.fixed_dictionaries(
    {},
    optional={
        "use": st.from_regex(r"[a-z]+\.[a-z]+", fullmatch=True),
        "save_as": st.from_regex(r"x[a-z]{3,8}", fullmatch=True),
        "max_visits": st.integers(1, 100),
        "deadline": st.sampled_from(["30s", "5m", "250ms", "1.5h"]),
        "irreversible": st.text(st.characters(codec="ascii", categories=("L", "N", "P", "Zs")), min_size=5),
    },
)  # fmt: skip


@given(charts(), st.lists(st.tuples(PROSE, BLOCKS), max_size=3))
def test_parse_format_parse_is_identity(chart: Chart, sections: list[tuple[str, dict[str, object]]]) -> None:
    text = f"---\nid: any\ntitle: Any one\nowner: t\n---\n```mermaid\n{write_chart(chart)}\n```\n"
    for number, (prose, block) in enumerate(sections):
        lines = "\n".join(f"{key}:   {json.dumps(value)}" for key, value in block.items())
        text += f"### n{number}\n{prose}\n```yaml\n{lines}\n```\n"
    playbook = parse(text)
    again = format_text(text)
    assert parse(again) == playbook
    assert format_text(again) == again


def test_the_hash_is_of_the_text() -> None:
    assert parse(UGLY).hash != parse(UGLY + "\n").hash
    assert parse(UGLY) is parse(UGLY)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("---\nid", "id", "ugly.md:1:1: The file has no front matter"),
        ("---\nWhy", "Why", "does not end"),
        ("```mermaid", "```", "ugly.md:8:1: There is no drawing"),
        ("### b\n", "```mermaid\nflowchart TD\n```\n### b\n", "ugly.md:20:1: There are two drawings"),
        ("### b\n", "```yaml\na: 1\n```\n### b\n", "ugly.md:20:1: A ```yaml block does not belong here"),
        ("And something after.", "```yaml\nuse: x\n```", "ugly.md:30:1: 'b' has two ```yaml blocks"),
        ("use: x", "use: {x", "ugly.md:36:5: This is not YAML"),
        ("use: x\nwith: {list: [1, 2]}", "just words", "ugly.md:35:1: This is not a YAML mapping"),
        ("use: x", "use: x\nuse: y", "ugly.md:36:1: This is not YAML"),
        ("[1, 2]}\n```", "[1, 2]}", "ugly.md:34:1: The block opened with ```yaml does not end"),
    ],
)
def test_what_is_not_a_playbook_is_named_with_its_place(old: str, new: str, said: str) -> None:
    with pytest.raises(NotAPlaybook) as caught:
        parse(UGLY.replace(old, new, 1), "ugly.md")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("with: {list: [1, 2]}", "with:\n  list: {{ b.list }}", "a.md:37:9: YAML reads {{ … }} without quotes"),
        ("with: {list: [1, 2]}", "with:\n\tlist: 1", "Indent with spaces."),
        ("title: 'Not   pretty'", "title: Not: pretty", "Quote a text that holds ': '."),
        ("use: x", "use: x\nuse: y", "Keep one of them."),
        ("id:   ugly", "id: Ugly One", "write lower-case words with hyphens"),
        ("use: x", "use: x\nsave_as: my-facts", "write a word of A to Z, digits and '_'"),
        ("```mermaid", "```Mermaid", "Write ```mermaid."),
        ("Notes about the drawing.", "Notes ~~~ Mermaid", "Keep one drawing"),
    ],
)
def test_what_authors_write_by_mistake_is_told_with_the_mend(old: str, new: str, said: str) -> None:
    assert UGLY.count(old) == 1
    with pytest.raises(NotAPlaybook) as caught:
        parse(UGLY.replace(old, new), "a.md")
    assert said in str(caught.value)


@pytest.mark.parametrize("written", [b"\xef\xbb\xbf" + UGLY.encode(), UGLY.replace("\n", "\r\n").encode()])
def test_a_file_that_windows_has_written_is_the_same_playbook(tmp_path: Path, written: bytes) -> None:
    file = tmp_path / "ugly.md"
    file.write_bytes(written)
    assert read(file).hash == parse(UGLY, "ugly.md").hash


@pytest.mark.parametrize("name", ["yml", "YAML"])
def test_a_block_may_be_called_yml(name: str) -> None:
    renamed = UGLY.replace("```yaml", f"```{name}")
    assert parse(renamed, "ugly.md").settings == parse(UGLY, "ugly.md").settings
    assert format_text(renamed) == format_text(UGLY)


HIDDEN = "```mermaid\nflowchart TD\n  a([Start]) --> e([Another end])\n```\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("<!--", "HTML may hide"),
        ("  <details>", "HTML may hide"),
        ("~~~text", "opens a block of its own"),
        ("  ```text", "opens a block of its own"),
        ("> ```mermaid", "GitHub draws this"),
        ("1. ~~~ mermaid", "GitHub draws this"),
        (" ### b", "shows this as a heading"),
        ("one\u2028two", r"U\+2028"),
        ("pay \u202eyap", r"U\+202E"),
        ("a\x0cb", r"U\+000C"),
    ],
)
def test_what_could_show_another_drawing_than_the_one_that_runs_is_refused_at_its_line(line: str, said: str) -> None:
    text = UGLY.replace("Why there is this playbook.", line)
    with pytest.raises(NotAPlaybook, match=rf"u\.md:8:\d+: .*{said}"):
        parse(text, "u.md")


def test_a_block_of_another_language_ends_where_github_ends_it() -> None:
    shown = "```c++ title\n### b\n    ```\n````"
    playbook = parse(UGLY.replace("Why there is this playbook.", shown), "u.md")
    assert format_text(playbook.text).count(shown) == 1


def test_a_drawing_within_a_block_is_text_and_does_not_run() -> None:
    playbook = parse(UGLY.replace("Why there is this playbook.", f"````text\n{HIDDEN}````"), "u.md")
    assert playbook.chart.nodes["c"].label == "End"


@pytest.mark.parametrize(
    ("written", "where", "said"),
    [
        (None, ":1:1: ", "No such file or directory. Give the path of a playbook."),
        ("ein Schalter für alle\n".encode("latin-1"), ":1:15: ", "this is not UTF-8. Save it as Markdown in UTF-8."),
        ("---\nid: x\n".encode("utf-16"), ":1:1: ", "this is not UTF-8. Save it as Markdown in UTF-8."),
        (b"---\nid: a\ntitle: \xff\n", ":3:8: ", "this is not UTF-8."),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_the_place_and_the_mend(
    tmp_path: Path, written: bytes | None, where: str, said: str
) -> None:
    file = tmp_path / "x.md"
    if written is not None:
        file.write_bytes(written)
    with pytest.raises(NotAPlaybook) as refused:
        read(file)
    assert f"x.md{where}" in str(refused.value)
    assert said in str(refused.value)
