"""Presence compared context by context."""

from __future__ import annotations

import pytest

from bot.agents.presence import Presence, two_shares


def counted(*groups: tuple[str, bool, int, int]) -> Presence[str, str]:
    """Context, side, occasions, and how many of them have the feature."""
    presence: Presence[str, str] = Presence()
    for context, window, occasions, having in groups:
        for place in range(occasions):
            presence.add("op", context, ["line"] if place < having else [], window=window)
    return presence


def test_what_stays_away_in_the_window_deviates_downwards() -> None:
    (shift,) = counted(("c", False, 50, 49), ("c", True, 50, 2)).shifts()
    assert shift.deviations < -8
    assert (shift.share, shift.usual, shift.occasions) == (0.04, 0.98, 50)


def test_another_mix_of_contexts_is_no_deviation() -> None:
    mixed = counted(("a", False, 90, 90), ("a", True, 10, 10), ("b", False, 10, 0), ("b", True, 90, 0))
    assert list(mixed.shifts()) == []


def test_contexts_that_only_one_side_knows_say_nothing() -> None:
    assert list(counted(("a", False, 20, 20), ("b", True, 20, 0)).shifts()) == []


def test_contexts_add_up() -> None:
    (one,) = counted(("a", False, 20, 20), ("a", True, 20, 10)).shifts()
    (both,) = counted(
        *[(context, side, 20, having) for context in "ab" for side, having in ((False, 20), (True, 10))]
    ).shifts()
    assert abs(both.deviations) == pytest.approx(abs(one.deviations) * 2**0.5)


@pytest.mark.parametrize(("counts", "sign"), [((10, 10, 0, 10), 1), ((0, 10, 10, 10), -1), ((5, 10, 5, 10), 0),
                                              ((0, 0, 5, 10), 0), ((10, 10, 10, 10), 0)])  # fmt: skip
def test_two_shares_differ_by_sign(counts: tuple[int, int, int, int], sign: int) -> None:
    deviations = two_shares(*counts)
    assert (deviations > 0) - (deviations < 0) == sign
