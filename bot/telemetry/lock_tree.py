"""Who blocks whom, whatever the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

BlockedBy = Mapping[int, Iterable[int]]
"""Session → those that it waits for; whoever waits for nobody has none."""


def roots(blocked_by: BlockedBy) -> dict[int, tuple[int, ...]]:
    """The sessions at which the waiting ends, each with everyone behind it; a circle has no root."""
    waits_for = {session: set(blockers) for session, blockers in blocked_by.items()}
    waiting = {session for session, blockers in waits_for.items() if blockers}
    everyone = set(waits_for).union(*waits_for.values()) if waits_for else set()
    found = {root: _behind(root, waits_for) for root in sorted(everyone - waiting)}
    return {root: behind for root, behind in found.items() if behind}


def _behind(root: int, waits_for: Mapping[int, set[int]]) -> tuple[int, ...]:
    behind: dict[int, None] = {}
    ring = {root}
    while ring:
        ring = {session for session, blockers in waits_for.items() if session not in behind and ring & blockers}
        behind.update(dict.fromkeys(sorted(ring)))
    return tuple(behind)
