"""How many of what, in words that fit the number."""

from __future__ import annotations


def many(count: int, noun: str) -> str:
    """Such as "1 session" or "1,200 sessions"."""
    return f"{count:,} {noun if count == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """The plural of an English noun without an irregular one."""
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


def verb(count: int, stem: str) -> str:
    """Such as "waits" for one and "wait" for several."""
    return f"{stem}{'es' if stem.endswith(('o', 's', 'x', 'ch', 'sh')) else 's'}" if count == 1 else stem
