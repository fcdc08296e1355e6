"""What authors write that is not of the subset: what it is, and what to write instead."""

from __future__ import annotations

import re
import unicodedata

from bot.canvas.labels import Misread

SHAPES = "Write one of ([ ]) [ ] { } {{ }} [/ /] [[ ]]."

FOREIGN: tuple[tuple[str, str, str], ...] = (
    (r"^subgraph\b", "Subgraphs are not part of a playbook.", "Draw a sub-playbook: name[[its-id]]."),
    (
        r"^(classDef|class|style|linkStyle|click|direction)\b",
        "Styling is not part of a playbook.",
        "Delete the line: the run colours the drawing.",
    ),
    (r"^%%\{", "Mermaid directives are not part of a playbook.", "Delete the line."),
    (r"^%%$", "Mermaid draws an empty remark as a node.", "Delete the line, or say something after '%%'."),
    (r"^(#|//|--\s|<!--)", "A remark begins with '%%'.", "Write %% before its words."),
    (r"(?<=\s)%%", "A remark has a line of its own.", "Put it on the line above."),
    (r";\s*$", "A statement ends with its line.", "Delete the semicolon."),
    (r":::", "Styling is not part of a playbook.", "Delete ':::' and the class name."),
    (r"@\{", "Shapes are drawn with brackets.", SHAPES),
    (r"-\.+->?|==+>?|~~~", "Dotted, thick and invisible arrows have no meaning here.", "Write -->."),
    (r"<--|--[xo](?=[\s|]|$)|-->?[xo]\b(?=-)", "Arrows have one head.", "Write --> with a space on either side."),
    (r"(?<=\|)[ \t]{2}", "Mermaid allows one space after the label of an arrow.", "Write -- label -->."),
    (r"---+>", "A longer arrow means nothing more.", "Write -->."),
    (r"---", "A line without a head has no direction.", "Write -->."),
    (r"(?<!-)->|[—–→]>?|=>", "That is no arrow of Mermaid.", "Write -->, with two plain hyphens."),
    (r"[［］（）｛｝【】「」｜]", "That is a full-width bracket.", "Write the plain one: [ ] ( ) { } |."),
    (r"\(\(|\[\(|(?<=\w)\((?!\[)|(?<=\w)>[^|\]]*\]|\[/[^\]/]*\\\]|\[\\", "That outline has no meaning here.", SHAPES),
    (r"(?<=\w)&|&(?=\w)|&\s*$", "Mermaid reads '&' as part of the name.", "Write 'a & b', with spaces, on one line."),
    (r",", "A comma joins nothing.", "Write 'a & b' for both."),
    (r"--[^\s>-]", "A label needs a space after '--'.", "Write -- label -->."),
    (r"[\[({/]\s+\"|\"\s+[\])}/]", "Mermaid allows no space between a bracket and a quote.", 'Write ["label"].'),
)
"""What Mermaid or a hasty hand knows and a playbook does not: pattern, what it is, what to do."""

GENERIC = 'Write id[label] --> id, id -- label --> id, or a & b --> c; quote a label with brackets or slashes: ["a/b"].'
OPENED = re.compile(r"\w(?:\(\[|\[\[|\[/|\{\{|\[|\{)(?P<label>[^\[\]{}]*)$")
"""A label that has begun where a line cannot be read on."""
NO_LABEL = re.compile(r"\[\(|\[/[^\]/]*\\\]|\[\\|[\[({/]\s+\"|\"\s+[\])}/]")
"""Where it is the outline that is wrong, and not the words in it."""
ID = re.compile(r"[A-Za-z]\w*", re.ASCII)
WORD = re.compile(r"[^\s\[\](){}|&<>\"]+")


def explain(text: str, at: int) -> tuple[int, Misread]:
    """Why a line cannot be read on at an offset: where that begins, and what to say."""
    place = at + len(text[at:]) - len(text[at:].lstrip())
    label = OPENED.search(_without_quotes(text[:at]))
    if label and not NO_LABEL.search(text, label.start()):
        return at, _in_label(text, at)
    for pattern, message, mend in FOREIGN:
        if (found := re.search(pattern, _without_quotes(text))) and found.start() <= place:
            return found.start(), (message, mend)
    for word in WORD.finditer(text):
        if word.start() <= at < word.end() and not ID.fullmatch(word[0]) and "--" not in word[0]:
            return at, (f"'{word[0]}' is no id: ids are of A to Z, digits and '_'.", f"Write {_as_id(word[0])}.")
    return at, (f"Cannot read '{text[at:] or text}' here.", GENERIC)


def _in_label(text: str, at: int) -> Misread:
    rest = text[at:]
    if re.match(r"<br\s*/?>", rest):
        return "A label is one line; long ones are broken where they are drawn.", "Write a space instead of <br>."
    if text[:at].rstrip().endswith('"') and text[:at].count('"') % 2 == 0:
        return "A label ends at its second quote.", "Write ' or other words for the quotes within it."
    if not rest:
        return "The label does not end on this line.", "Close its bracket; a label is one line."
    return f"Mermaid may read '{rest[0]}' in a label as a shape.", 'Quote the label: ["a (b) / c"].'


def _as_id(word: str) -> str:
    """The word in letters, digits and underscores."""
    plain = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode()
    name = re.sub(r"\W+", "_", plain, flags=re.ASCII).strip("_")
    return name if ID.fullmatch(name) else f"n{name}"


def _without_quotes(text: str) -> str:
    return re.sub(r'"[^"]*"', lambda quoted: '"' + "." * (len(quoted[0]) - 2) + '"', text)
