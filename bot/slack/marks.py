"""What Slack takes for formatting in words that were never meant as such, and how they are shown as what they are.

mrkdwn has no escape for its own marks: `*`, `_`, `~`, a backtick, `>` at the beginning of a line, `:name:`. A mark from
outside that could begin or end something is shown by a character that looks like it and means nothing. Within a word
and between spaces Slack takes it for none; there it stays, so that it can be copied.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re

WORD_JOINER = "\u2060"
"""Takes no room, and parts what Slack would read as one."""
_LIKE = str.maketrans({"*": "\u2217", "_": "\u02cd", "~": "\u223c", "`": "\u02cb"})
_RUN = re.compile(r"[*_~`]+")
_QUOTE = re.compile(r"^(?=[ \t]*>)", re.MULTILINE)
_NAME = r"(?:[^\WA-Z]|[+'-])+"
_EMOJI = re.compile(rf"(?<![A-Za-z0-9]):(?={_NAME}:)|:(?={_NAME}:(?![A-Za-z0-9:/]))")
"""Not within a longer name, as in `arn:aws:s3:::bucket`, `fe80:a:b:1` or 03:10:00."""


def unmarked(text: str) -> str:
    """The text with its marks as characters that mean nothing."""
    return unpictured(_QUOTE.sub(WORD_JOINER, _RUN.sub(_like, text)))


def unpictured(text: str) -> str:
    """For where nothing but the name of an emoji is a mark."""
    return _EMOJI.sub(":" + WORD_JOINER, text)


def unticked(text: str) -> str:
    """For within a code span, where nothing but a backtick is a mark."""
    return text.replace("`", "`".translate(_LIKE))


def _like(run: re.Match[str]) -> str:
    before, after = run.string[max(0, run.start() - 1) : run.start()], run.string[run.end() : run.end() + 1]
    return run[0] if _means_nothing(before, run[0], after) else run[0].translate(_LIKE)


def _means_nothing(before: str, marks: str, after: str) -> bool:
    if "`" in marks:
        return False
    if before.isspace() and (after.isspace() or marks == "~"):  # "a * b", "~5 min": it ends nothing, nothing ends it
        return True
    within = _is_of_a_word(before) and _is_of_a_word(after)
    return within and (len(marks) == 1 or set(marks) == {"_"})


def _is_of_a_word(character: str) -> bool:
    return character.isascii() and character.isalnum()
