"""Masking for a language model: secrets are gone for good, identifiers come back.

A model needs to tell one host from another, not their names. Each identifier becomes a token that says what kind it is
(`HOST_1`, `IP_2`, `PERSON_3`), the same one wherever it stands; what the model answers is turned back. A token that the
model made up stays as it is, and outside text that looks like a token is masked too, so that it stands for no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.redaction import redact, redact_log

_HEX = "[0-9a-fA-F]"
_GROUP = f"{_HEX}{{1,4}}"
_GROUPS = f"{_GROUP}(?::{_GROUP}){{0,6}}"
_IPV6 = f"(?:{_GROUP}:){{7}}{_GROUP}|{_GROUPS}::(?:{_GROUPS})?|::{_GROUPS}"
"""With all of its groups, or with a gap: three of them are a time of day."""

_TOKEN = re.compile(r"\b(?:TOKEN|EMAIL|PERSON|IP|HOST|PATH|UUID|NAME)_\d+\b")
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("TOKEN", _TOKEN),
    ("EMAIL", re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}\b")),
    ("PERSON", re.compile(r"(?<=@)[UW][A-Z0-9]{2,20}\b|\b[UW]0[A-Z0-9]{2,20}\b")),
    ("UUID", re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")),
    (
        "IP",
        re.compile(
            rf"\b\d{{1,3}}(?:\.\d{{1,3}}){{3}}\b|(?<![\w:])(?:{_IPV6}|(?:{_HEX}{{2}}:){{5}}{_HEX}{{2}})(?![\w:])"
        ),
    ),
    ("PATH", re.compile(r"(?<![\w/.])/(?:[\w.@-]{1,100}/){1,20}[\w.@-]{1,100}")),
    ("HOST", re.compile(r"\b(?=[a-z0-9.-]*[a-z])(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24}\b(?!\()")),
)


@dataclass
class Mask:
    """One conversation's masking: the same identifier is the same token in all of its texts.

    Args:
        names: names of the company's own, such as services, that are masked as well.
        keep: identifiers that the model may see as they are.
    """

    names: Iterable[str] = ()
    keep: frozenset[str] = frozenset()
    _tokens: dict[str, str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = sorted({name for name in self.names if name}, key=len, reverse=True)
        words = "|".join(re.escape(name) for name in named)
        self._names = re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.IGNORECASE) if words else None

    def mask(self, text: str) -> str:
        """The text without secrets, and with a token for every identifier.

        Read both as talk and as a log: a word too many that is kept from a model costs less than a secret that is told.
        """
        shown = redact_log(redact(text))
        for kind, pattern in _KINDS:
            shown = self._replace(shown, kind, pattern)
        return self._replace(shown, "NAME", self._names) if self._names else shown

    def unmask(self, text: str) -> str:
        """What the model said, with the identifiers that its tokens stand for; an unknown token stays."""
        known = {token: identifier for identifier, token in self._tokens.items()}
        return _TOKEN.sub(lambda found: known.get(found[0], found[0]), text)

    def _replace(self, text: str, kind: str, pattern: re.Pattern[str]) -> str:
        """Replace outside the tokens that stand there already; the kind TOKEN is about those that came from outside."""
        if kind == "TOKEN":
            return pattern.sub(lambda found: self._token(kind, found[0]), text)
        parts = _TOKEN.split(text)
        tokens = _TOKEN.findall(text)
        masked = [pattern.sub(lambda found: self._token(kind, found[0]), part) for part in parts]
        return "".join(part for pair in zip(masked, [*tokens, ""], strict=True) for part in pair)

    def _token(self, kind: str, identifier: str) -> str:
        if identifier in self.keep:
            return identifier
        if identifier not in self._tokens:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._tokens[identifier] = f"{kind}_{self._counts[kind]}"
        return self._tokens[identifier]
