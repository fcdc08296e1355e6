"""PromQL text from outside words: every value is quoted here, every name checked here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from bot.errors import BadInput

LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")


def quoted(value: str) -> str:
    """A PromQL string literal that holds exactly this text, whatever it contains."""
    text = value.encode("utf-8", "replace").decode("utf-8")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def any_of(values: Iterable[str]) -> str:
    """An RE2 pattern, quoted, that matches exactly one of these texts."""
    return quoted("|".join(re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", value) for value in sorted(values)))


def matchers(labels: Mapping[str, str]) -> str:
    """`name="value"` for each label, joined by commas.

    Raises:
        BadInput: a label name that PromQL does not allow.
    """
    return ",".join(f"{label_name(name)}={quoted(value)}" for name, value in labels.items())


def label_name(name: str) -> str:
    """The name as it is.

    Raises:
        BadInput: PromQL does not allow it.
    """
    if not LABEL_NAME.match(name):
        raise BadInput(f"'{name}' cannot be a Prometheus label: use letters, digits and underscores.")
    return name


def selector(metric: str | None, labels: Mapping[str, str], *further: str) -> str:
    """A series selector: `{__name__="metric",label="value",…}`; `further` matchers are PromQL already."""
    named = {"__name__": metric} if metric else {}
    return "{" + ",".join(part for part in (matchers({**named, **labels}), *further) if part) + "}"
