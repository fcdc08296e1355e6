"""SQL texts made fit for a chat: literal values masked, comments dropped, one line, bounded.

A statement of the application holds its customers' data. Where the text does not say for certain where a literal
ends, the rest is masked too.
"""

from __future__ import annotations

import re

MAX_STATEMENT = 240
_SCANNED = 20_000

_OPENING = re.compile(
    r"""
    (?P<line>--[^\n\r]*)
  | (?P<block>/\*)
  | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
  | (?P<identifier>"[^"]*")
  | (?P<escaped>(?<!\w)[eE]')
  | (?P<string>')
  | (?P<number>(?<![\w$])(?:\d[\w.]*|\.\d[\w.]*))
    """,
    re.VERBOSE,
)
_MYSQL_OPENING = re.compile(
    r"""
    (?P<line>\#[^\n\r]*|--(?=[\s\x00-\x1f]|\Z)[^\n\r]*)
  | (?P<block>/\*)
  | (?P<identifier>`[^`]*`)
  | (?P<quoted>['"])
  | (?P<number>(?<![\w$])(?:\d[\w.]*|\.\d[\w.]*))
    """,
    re.VERBOSE,
)
_ESCAPED_REST = re.compile(r"(?:[^'\\]|\\.|'')*(?:'|\Z)", re.DOTALL)
_STRING_REST = {"'": re.compile(r"(?:[^']|'')*(?:'|\Z)"), '"': re.compile(r'(?:[^"]|"")*(?:"|\Z)')}
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_LIST = re.compile(r"\?(?:\s*,\s*\?)+")


def masked(statement: str, limit: int = MAX_STATEMENT) -> str:
    """The statement with `?` for every string and number, without comments, at most `limit` characters long."""
    return _masked(statement, _OPENING, limit)


def mysql_masked(statement: str, limit: int = MAX_STATEMENT) -> str:
    """The same for MySQL and MariaDB, where double quotes are for strings too, and `#` begins a comment."""
    return _masked(statement, _MYSQL_OPENING, limit)


def bounded(text: str, limit: int) -> str:
    """One printable line of at most `limit` characters."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _masked(statement: str, openings: re.Pattern[str], limit: int) -> str:
    text, pieces, place = statement[:_SCANNED], [], 0
    while opening := openings.search(text, place):
        pieces.append(text[place : opening.start()])
        piece, place = _replaced(text, opening)
        pieces.append(piece)
    pieces.append(text[place:])
    return bounded(_LIST.sub("?, …", "".join(pieces)), limit)


def _replaced(text: str, opening: re.Match[str]) -> tuple[str, int]:
    """What stands in the text's place, and where the text goes on."""
    match opening.lastgroup:
        case "identifier":
            return opening.group(), opening.end()
        case "line":
            return " ", opening.end()
        case "block":
            return " ", _after_comment(text, opening.end())
        case _:
            return "?", _after_literal(text, opening)


def _after_literal(text: str, opening: re.Match[str]) -> int:
    match opening.lastgroup:
        case "dollar":
            closing = text.find(opening.group(), opening.end())
            return len(text) if closing < 0 else closing + len(opening.group())
        case "escaped":
            return _after(_ESCAPED_REST, text, opening.end())
        case "string" | "quoted":
            return _after_string(text, opening.end(), opening.group())
        case _:
            return opening.end()


def _after(rest: re.Pattern[str], text: str, start: int) -> int:
    found = rest.match(text, start)
    return found.end() if found else len(text)


def _after_string(text: str, start: int, quote: str) -> int:
    """Where the string ends; a backslash before the quote means one thing or the other by a server setting."""
    end = _after(_STRING_REST[quote], text, start)
    return len(text) if f"\\{quote}" in text[start:end] else end


def _after_comment(text: str, start: int) -> int:
    """Where the comment ends; in PostgreSQL comments nest."""
    depth, place = 1, start
    while depth:
        edge = _COMMENT_EDGE.search(text, place)
        if edge is None:
            return len(text)
        depth += 1 if edge.group() == "/*" else -1
        place = edge.end()
    return place
