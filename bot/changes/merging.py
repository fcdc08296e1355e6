"""One change that several sources tell of is one change; going back to an earlier version is a rollback."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from bot.changes.change import Change

APART = timedelta(minutes=15)
"""CI, the cluster and the channel tell of one deployment within about so long."""
_DEPLOYS = frozenset({"deploy", "rollback", "restart"})
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_RICHEST = {"failed": 2, "succeeded": 1, "started": 0}


def merged(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Each change once, oldest first; what one source knows and another does not is put together."""
    found: list[Change] = []
    for change in sorted(changes, key=lambda one: one.at):
        place = next((at for at, known in enumerate(found) if _same(known, change)), None)
        if place is None:
            found.append(change)
        else:
            found[place] = _joined(found[place], change)
    return tuple(found)


def recognised(changes: Sequence[Change]) -> tuple[tuple[Change, bool], ...]:
    """Each change (given oldest first), a deploy of the version before as the rollback that it is, and whether a later
    one has undone it."""
    known = [_as_rollback(change, changes[:place]) for place, change in enumerate(changes)]
    return tuple(
        (change, any(_undoes(later, change) for later in known[place + 1 :])) for place, change in enumerate(known)
    )


def alike(one: str | None, other: str | None) -> bool:
    """Whether two sources may mean one version: v4.2.1 and 4.2.1, a commit and its beginning, a tag and a commit."""
    if not one or not other:
        return True
    first, second = _plain(one), _plain(other)
    if _COMMIT.fullmatch(first) and _COMMIT.fullmatch(second):
        return first.startswith(second) or second.startswith(first)
    return first == second or bool(_COMMIT.fullmatch(first)) != bool(_COMMIT.fullmatch(second))


def _same(known: Change, change: Change) -> bool:
    family = known.kind == change.kind or {known.kind, change.kind} <= _DEPLOYS
    if not (family and known.service == change.service and change.at - known.at <= APART):
        return False
    if known.source == change.source or change.source in known.source.split(", "):
        return known.after is not None and known.after == change.after and known.at == change.at
    return known.kind in _DEPLOYS and alike(known.after, change.after)


def _joined(one: Change, other: Change) -> Change:
    """The fuller of the two, with what only the other one knows; it began when the first of them says."""
    fuller, barer = (one, other) if _fullness(one) >= _fullness(other) else (other, one)
    outcome = max(one.outcome, other.outcome, key=lambda said: _RICHEST[said])
    return fuller.but(
        source=f"{one.source}, {other.source}",
        kind="rollback" if "rollback" in {one.kind, other.kind} else fuller.kind,
        before=fuller.before or barer.before,
        after=fuller.after or barer.after,
        who=fuller.who or barer.who,
        url=fuller.url or barer.url,
        details=fuller.details or barer.details,
        outcome=outcome,
        at=min(one.at, other.at),
    )


def _fullness(change: Change) -> int:
    """What a channel quotes whole says less than what CI tells in fields."""
    fields = (change.before, change.after, change.who, change.url, change.details)
    return sum(bool(field) for field in fields) - 3 * (change.source == "channel")


def _as_rollback(change: Change, earlier: Sequence[Change]) -> Change:
    if change.kind != "deploy" or not change.after:
        return change
    own = [one for one in earlier if one.service == change.service and one.kind in _DEPLOYS and one.before]
    back = any(_equal(one.before, change.after) and not _equal(one.after, change.after) for one in own)
    return change.but(kind="rollback") if back else change


def _undoes(later: Change, change: Change) -> bool:
    """A rollback that did not fail takes away what it goes back behind."""
    if later.kind != "rollback" or later.outcome == "failed" or later.service != change.service:
        return False
    if change.kind not in _DEPLOYS:
        return False
    return later.before is None or _equal(later.before, change.after) or not _equal(later.after, change.after)


def _equal(one: str | None, other: str | None) -> bool:
    return bool(one and other) and _plain(one or "") == _plain(other or "")


def _plain(version: str) -> str:
    return version.casefold().removeprefix("v")
