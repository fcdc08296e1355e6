"""How bad: the words of all senders in one table."""

from __future__ import annotations

from bot.models import Severity

WORDS: dict[Severity, str] = {
    Severity.CRITICAL: "critical crit fatal emergency emerg panic page alert disaster blocker urgent "
    "p0 p1 sev0 sev1 s1",
    Severity.HIGH: "high error err major severe p2 sev2 s2",
    Severity.WARNING: "warning warn medium moderate minor average ticket p3 sev3 s3",
    Severity.INFO: "info information informational notice p4 sev4 s4",
    Severity.LOW: "low debug verbose trivial none notclassified p5 sev5 s5",
}
"""Compared without case and without anything that is neither letter nor digit: 'SEV-1' is 'sev1'."""

_MEANING = {word: severity for severity, words in WORDS.items() for word in words.split()}


def severity_of(word: str | None) -> Severity | None:
    """What the word means, None where the table does not have it."""
    return _MEANING.get(plain(word))


def plain(word: str | None) -> str:
    """Letters and digits of the word, in lower case."""
    return "".join(letter for letter in (word or "").casefold() if letter.isalnum())
