"""What fits is never more than was asked for."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bot.memory.budget import enough, tokens_of, within
from bot.models import Message, Recalled

AT = datetime(2026, 1, 1, tzinfo=UTC)


def _found(lengths: list[int]) -> list[Recalled]:
    return [
        Recalled(
            message=Message(id=str(number), channel="C", user="u", text="x" * length, sent_at=AT),
            score=1,
            why="wording",
        )
        for number, length in enumerate(lengths)
    ]


@given(st.lists(st.integers(0, 400), max_size=30), st.integers(0, 300), st.integers(0, 10))
def test_neither_budget_nor_limit_is_exceeded(lengths: list[int], budget: int, limit: int) -> None:
    chosen = within(_found(lengths), limit, budget)
    assert len(chosen) <= limit
    assert sum(tokens_of(each.message.user, each.message.text) for each in chosen) <= budget


def test_a_short_message_fills_what_a_long_one_leaves() -> None:
    assert [each.id for each in within(_found([400, 4000, 40]), None, 150)] == ["0", "2"]


def test_a_budget_looks_at_more_than_it_can_hold() -> None:
    assert enough(None, 1000) > 1000 / 25
    assert enough(5, None) > 5
