"""What was read of a history is not read again, and does not pile up."""

from __future__ import annotations

from bot.incidents.known import KnownHistories
from tests.unit.work.histories import incident, to_verified

HISTORY = list(incident(*to_verified()).history)


def test_what_was_learned_is_known() -> None:
    known = KnownHistories()
    assert known.of("a") == []
    known.learn("a", HISTORY[:3])
    known.learn("a", HISTORY)
    assert known.of("a") == HISTORY


def test_what_was_not_used_for_longest_is_let_go() -> None:
    known = KnownHistories(most_events=10)
    for name in ("a", "b", "a", "c"):
        known.learn(name, HISTORY[:4])
    assert [len(known.of(name)) for name in ("a", "b", "c")] == [4, 0, 4]


def test_a_history_longer_than_all_room_is_read_each_time() -> None:
    known = KnownHistories(most_events=3)
    known.learn("a", HISTORY[:4])
    assert known.of("a") == []
    known.learn("b", HISTORY[:2])
    assert known.of("b") == HISTORY[:2]
