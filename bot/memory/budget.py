"""What fits: tokens are estimated the same way everywhere."""

from __future__ import annotations

from collections.abc import Sequence

from bot.models import Recalled

CHARACTERS_PER_TOKEN = 4
MOST_CANDIDATES = 10_000


def tokens_of(user: str, text: str, *, longest: int | None = None) -> float:
    """Estimated tokens of `user: text`, of which at most so many characters of the text are told."""
    return len(f"{user}: {text[:longest]}") / CHARACTERS_PER_TOKEN


def within(
    found: Sequence[Recalled], limit: int | None, budget_tokens: float | None, *, longest: int | None = None
) -> list[Recalled]:
    """The best that fit; a short one may fill what a long one leaves. Of each at most the `longest` are told."""
    left = float("inf") if budget_tokens is None else budget_tokens
    chosen: list[Recalled] = []
    for recalled in found:
        cost = tokens_of(recalled.message.user, recalled.message.text, longest=longest)
        if cost <= left and (limit is None or len(chosen) < limit):
            chosen.append(recalled)
            left -= cost
    return chosen


def enough(limit: int | None, budget_tokens: float | None) -> int:
    """How many candidates to look at, so that short ones can fill what long ones leave."""
    for_budget = MOST_CANDIDATES if budget_tokens is None else 40 + budget_tokens // 8
    for_limit = MOST_CANDIDATES if limit is None else limit + 10
    return max(int(min(for_budget, for_limit)), 1)
