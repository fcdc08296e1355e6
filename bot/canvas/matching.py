"""Which playbook an alert gets: the most specific whose every line fits, else the general triage."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from bot.canvas.playbook import Playbook
from bot.canvas.settings import Match
from bot.errors import NotFound
from bot.models import Alert

FALLBACK = "general-triage"

Specificity = tuple[int, int]
"""How many lines `match` has (each label is one), then how many of their patterns are plain texts."""


@dataclass(frozen=True)
class Choice:
    """A playbook, and the sentence that tells people why it."""

    playbook: Playbook
    why: str


def choose(playbooks: Iterable[Playbook], alert: Alert, service: str | None = None) -> Choice:
    """The playbook for the alert; `service` is the catalogue name, where one is known.

    Raises:
        NotFound: none matches and there is no general triage.
    """
    known = {playbook.id: playbook for playbook in playbooks}
    fitting = [playbook for playbook in known.values() if fits(playbook.front.match, alert, service)]
    if fitting:
        best = sorted(fitting, key=lambda playbook: (*_worst_first(specificity(playbook.front.match)), playbook.id))
        return Choice(best[0], _why(best, alert))
    if FALLBACK not in known:
        raise NotFound(f"No playbook matches {alert.name}, and there is no '{FALLBACK}': add playbooks/{FALLBACK}.md.")
    return Choice(known[FALLBACK], f"No playbook matches {alert.name}, so the general triage runs.")


def fits(match: Match | None, alert: Alert, service: str | None) -> bool:
    """Whether every line of `match` fits the alert; an empty `match` fits nothing."""
    lines = list(_lines(match)) if match else []
    given: dict[str, str | None] = {
        "alertname": alert.name,
        "service": service or alert.service,
        "severity": alert.severity.value if alert.severity else None,
        "source": alert.source,
        **{f"labels.{name}": value for name, value in alert.labels.items()},
    }
    return bool(lines) and all(_any_fits(patterns, given.get(name)) for name, patterns in lines)


def specificity(match: Match | None) -> Specificity:
    """How much `match` demands; the greater wins."""
    lines = list(_lines(match)) if match else []
    literal = sum(all(_is_literal(pattern) for pattern in patterns) for _, patterns in lines)
    return len(lines), literal


def tie(one: Match, other: Match) -> bool:
    """Whether an alert may fit both with the same specificity, as far as that can be told from the patterns."""
    if specificity(one) != specificity(other):
        return False
    ours, theirs = dict(_lines(one)), dict(_lines(other))
    return all(_overlap(ours[name], theirs[name]) for name in ours.keys() & theirs.keys())


def patterns_fault(match: Match) -> str | None:
    """What is wrong with a pattern of `match`, if any is."""
    for name, patterns in _lines(match):
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                return f"The pattern '{pattern}' of {name} is not a regular expression: {error}."
    return None


def _lines(match: Match) -> Iterator[tuple[str, tuple[str, ...]]]:
    exact: Mapping[str, tuple[str, ...]] = {
        "severity": tuple(re.escape(word) for word in match.severity),
        "source": tuple(re.escape(word) for word in match.source),
    }
    written = {"alertname": match.alertname, "service": match.service, **exact}
    yield from ((name, patterns) for name, patterns in written.items() if patterns)
    yield from ((f"labels.{name}", (pattern,)) for name, pattern in match.labels.items())


def _any_fits(patterns: tuple[str, ...], value: str | None) -> bool:
    return value is not None and any(re.fullmatch(pattern, value) for pattern in patterns)


def _is_literal(pattern: str) -> bool:
    return re.search(r"[.^$*+?{}\[\]|()]", re.sub(r"\\\W", "", pattern)) is None


def _unescaped(pattern: str) -> str:
    return re.sub(r"\\(\W)", r"\1", pattern)


def _overlap(ours: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    """Whether some pattern of one side, read as a text, fits one of the other; or both are patterns with one prefix."""
    return any(
        re.fullmatch(mine, _sample(other)) or re.fullmatch(other, _sample(mine)) for mine in ours for other in theirs
    )


def _sample(pattern: str) -> str:
    """A text that the pattern fits, for the patterns that people write: `Payment.*`, `a|b`, `db-\\d+`."""
    text = pattern.split("|", maxsplit=1)[0].strip("()^$")
    for wild, stand_in in ((r"\.[*+]\??", "x"), (r"\\d[*+]?", "1"), (r"\\w[*+]?", "x"), (r"\[[^\]]*\][*+]?", "a")):
        text = re.sub(wild, stand_in, text)
    return _unescaped(text)


def _worst_first(wanted: Specificity) -> Specificity:
    return -wanted[0], -wanted[1]


def _why(best: list[Playbook], alert: Alert) -> str:
    match = best[0].front.match
    assert match is not None
    lines = "; ".join(f"{name} {' or '.join(map(_unescaped, patterns))}" for name, patterns in _lines(match))
    why = f"'{best[0].front.title}' was chosen for {alert.name}: it is for {lines}."
    for first, second in pairwise(best[:2]):
        tied = specificity(first.front.match) == specificity(second.front.match)
        why += f" '{second.front.title}' fits as well" + (
            ", equally; the first by name was taken." if tied else ", but says less."
        )
    return why
