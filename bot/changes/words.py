"""Changes in plain words: what kind, from which version to which, by whom."""

from __future__ import annotations

import re

from bot.changes.change import ChangeKind, Outcome

_PATTERNS: tuple[tuple[ChangeKind, str], ...] = (
    ("rollback", r"\b(roll(ed|ing|s)?( (it|this|that|them))?[ -]?back|rollback|revert(ed|ing|s)?)\b|回滚"),
    ("migration", r"\bmigrat(ed|ing|ion|ions)\b"),
    ("flag", r"\b(feature[ -]flag|flipped|toggled)\b"),
    ("scale", r"\bscal(ed|ing) (\w+ )*(up|down|to)\b|\bscaled\b"),
    ("config", r"\bconfig(uration)?( change(d|s)?)?\b"),
    ("infrastructure", r"\b(fail(ed|ing)?[ -]?over|failover|upgrad(ed|ing|e))\b"),
    ("restart", r"\brestart(ed|ing|s)?\b"),
    (
        "deploy",
        r"\b(deploy(ed|ing|s|ment|ments)?|roll(ed|ing)? out|releas(ed|ing|e)|shipp(ed|ing))\b|部署|发布|上线",
    ),
)
_KINDS = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _PATTERNS)
_VERSION = r"(?:v?\d+(?:\.\d+)+(?:[-+][\w.]+)?|v\d+|[0-9a-f]{7,40}(?![\w-]))"
_MOVE = re.compile(rf"\b({_VERSION})\s*(?:→|->|=>|➡|\bto\b)\s*({_VERSION})")
_ONE = re.compile(rf"(?<![\w.:/-])({_VERSION})(?![\w/:])")
_HEX_ONLY = re.compile(r"\d+|[a-f]+")
_BY = re.compile(r"\bby @?([\w.-]{2,40})", re.IGNORECASE)
_FAILED = re.compile(r"\b(failed|failing|aborted|error)\b|失败", re.IGNORECASE)
_BEGUN = re.compile(r"\b(start(ed|ing)|deploying|rolling|in progress|releasing|migrating)\b", re.IGNORECASE)


def kind_of(text: str) -> ChangeKind | None:
    """What sort of change the words tell of, if they do."""
    return next((kind for kind, pattern in _KINDS if pattern.search(text)), None)


def versions_in(text: str) -> tuple[str | None, str | None]:
    """(before, after): 'v4.2.1 → v4.3.0', 'from 4.2.1 to 4.3.0', or one version alone."""
    if moved := _MOVE.search(text):
        return moved[1], moved[2]
    single = [found for found in _ONE.findall(text) if not _HEX_ONLY.fullmatch(found)]
    return None, (single[0] if single else None)


def author_in(text: str) -> str | None:
    """'… by mina'."""
    found = _BY.search(text)
    return found[1].rstrip(".-") if found else None


def outcome_in(text: str) -> Outcome:
    """How it went, as far as the words say."""
    if _FAILED.search(text) and not re.search(r"\bfailed[ -]?over\b", text, re.IGNORECASE):
        return "failed"
    return "started" if _BEGUN.search(text) else "succeeded"
