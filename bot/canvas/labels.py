"""The words in a drawing: which of them Mermaid would show otherwise than they are written."""

from __future__ import annotations

import re

Misread = tuple[str, str]
"""What Mermaid makes of it, and what to do."""

REWRITTEN: tuple[tuple[str, Misread], ...] = (
    (r"<\S", ("Mermaid reads '<…' in a label as HTML.", "Put a space after '<', or use words.")),
    (r"#.*;|&#?\w+;", ("Mermaid replaces '#…;' and '&…;' in a label.", "Use other words.")),
    (r"^`", ("Mermaid reads a label in backticks as Markdown.", "Delete the backticks.")),
    (r"\$\$", ("Mermaid reads '$$' in a label as a formula.", "Use words.")),
    (r"fa\w*:fa-", ("Mermaid draws 'fa:fa-…' in a label as an icon.", "Use words.")),
    (r"%%\{", ("Mermaid reads '%%{' as a directive, also in a label.", "Use other words.")),
    (
        r"direction\s+(TB|BT|RL|LR|TD)",
        ("Mermaid reads 'direction TB' as a statement, also in a label.", "Use other words."),
    ),
    (r"\\n", ("Mermaid breaks the line at '\\n'.", "Write a space.")),
    (r"^(\d+[.)]|[-+*]|#{1,6}|>)\s", ("Mermaid may read the label as a list or a heading.", "Begin with a word.")),
    (
        r"(?<![\w*])(\*{1,3}|_{1,3})(?=\S)[^*_]+(?<=\S)\1(?![\w*])",
        ("Mermaid may draw '*…*' and '_…_' as emphasis.", "Write the words alone."),
    ),
)
"""Patterns that are read so with quotes too."""

UNQUOTED: tuple[tuple[str, Misread], ...] = (
    (r"[\"\[\]{}()|<>/\\]", ("Mermaid may read a bracket or a slash here as a shape.", "Quote the label.")),
    (r"@", ("Mermaid may read what stands before '@' as the name of an arrow.", "Quote the label.")),
    (r"--|-$|^-", ("Mermaid may read '-' here as part of an arrow.", "Quote the label.")),
    (r"~~~", ("Mermaid reads '~~~' here as an arrow that is not drawn.", "Quote the label.")),
)
"""Patterns that are read so without quotes."""

PLAIN = re.compile(r"[^\W_]([^\"\[\]{}()|<>/\\#;`@~-]|(?<=\w)-(?=\w))*")
"""Words that need no quotes wherever they stand."""


def misread(label: str, *, quoted: bool) -> Misread | None:
    """Why the label may not be drawn as it is written; None where it is."""
    if not label:
        return "The label is empty.", "Say in a few words what this is."
    patterns = REWRITTEN if quoted else (*REWRITTEN, *UNQUOTED)
    return next((said for pattern, said in patterns if re.search(pattern, label)), None)


def written(label: str) -> str:
    """The label as a chart writes it: in quotes where it needs them."""
    return label if PLAIN.fullmatch(label) else f'"{label}"'
