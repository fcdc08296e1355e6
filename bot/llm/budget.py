"""What models have cost, counted in Redis by incident, channel and day, and what may still be spent.

What a question may cost at most is set aside before it is asked and settled afterwards, so that neither parallel
questions nor several replicas spend the same rest twice. A process that dies in between leaves too much set aside,
never too little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from redis.asyncio import Redis

from bot.errors import BudgetSpent
from bot.llm.chat import Spender
from bot.model_settings import Budget

KEPT = timedelta(days=35)
MICRO = 1_000_000
SET = "NIGHTDESK_MODEL__BUDGET__"


@dataclass(frozen=True)
class Cost:
    """Of one answer, or of many."""

    tokens: int = 0
    money: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class Spent:
    """What an incident's questions have cost so far."""

    tokens: int
    money: float
    seconds: float
    calls: int
    currency: str


@dataclass(frozen=True)
class _Purse:
    """One of those who pay, and how far they may go."""

    key: str
    who: str
    tokens: int
    money: float | None
    seconds: float | None
    setting: str


class Meter:
    """Counts.

    Args:
        redis: decodes responses.
    """

    def __init__(self, redis: Redis, budget: Budget, clock: Callable[[], datetime]) -> None:
        self._redis = redis
        self._budget = budget
        self._clock = clock

    async def reserve(self, spender: Spender, most: Cost) -> Reserved:
        """Set aside what one question may cost at most.

        Raises:
            BudgetSpent: not so much is left; nothing was set aside.
        """
        purses = tuple(self._purses(spender))
        reserved = Reserved(self._redis, tuple(purse.key for purse in purses), most)
        for purse, (tokens, micros, milliseconds) in zip(purses, await reserved.add(most), strict=True):
            if why := _over(purse, tokens, micros / MICRO, milliseconds / 1000, self._budget.currency):
                await reserved.add(most, sign=-1)
                raise BudgetSpent(why)
        return reserved

    async def spent(self, incident_id: str) -> Spent:
        """What the incident has cost so far."""
        raw = await self._redis.hmget(_incident(incident_id), ["tokens", "micros", "ms", "calls"])
        tokens, micros, milliseconds, calls = (int(value or 0) for value in raw)
        return Spent(tokens, micros / MICRO, milliseconds / 1000, calls, self._budget.currency)

    def _purses(self, spender: Spender) -> Iterator[_Purse]:
        budget, day = self._budget, f"{self._clock():%Y-%m-%d}"
        if spender.incident:
            yield _Purse(_incident(spender.incident), "this incident", budget.incident_tokens, budget.incident_money,
                         budget.incident_s, "INCIDENT")  # fmt: skip
        if spender.channel:
            yield _Purse(f"nd:model:{{{spender.channel}:{day}}}", "this channel today", budget.channel_tokens,
                         budget.channel_money, None, "CHANNEL")  # fmt: skip
        yield _Purse(f"nd:model:{{{day}}}", "today", budget.day_tokens, budget.day_money, None, "DAY")


@dataclass(frozen=True)
class Reserved:
    """What was set aside for one question."""

    redis: Redis
    keys: tuple[str, ...]
    most: Cost

    async def add(self, cost: Cost, *, sign: int = 1, calls: int = 0) -> list[tuple[int, int, int]]:
        """Count it on every key: tokens, millionths of money, milliseconds, as they stand then."""
        amounts = (cost.tokens, round(cost.money * MICRO), round(cost.seconds * 1000))
        async with self.redis.pipeline(transaction=False) as pipe:
            for key in self.keys:
                for name, amount in zip(("tokens", "micros", "ms"), amounts, strict=True):
                    pipe.hincrby(key, name, sign * amount)
                pipe.hincrby(key, "calls", calls)
                pipe.expire(key, KEPT)
            answers = await pipe.execute()
        return [(int(answers[at]), int(answers[at + 1]), int(answers[at + 2])) for at in range(0, len(answers), 5)]

    async def settle(self, cost: Cost) -> None:
        """It has cost this: the rest of what was set aside is free again."""
        rest = Cost(self.most.tokens - cost.tokens, self.most.money - cost.money, self.most.seconds - cost.seconds)
        await self.add(rest, sign=-1, calls=1)


def _incident(incident_id: str) -> str:
    return f"nd:model:{{{incident_id}}}"


def _over(purse: _Purse, tokens: int, money: float, seconds: float, currency: str) -> str:
    """Which limit would be passed; empty where none would."""
    if tokens > purse.tokens:
        return f"The budget of {purse.tokens:,} tokens for {purse.who} is used up ({SET}{purse.setting}_TOKENS)."
    if purse.money is not None and money > purse.money:
        limit = f"{purse.money:,.2f} {currency}"
        return f"The budget of {limit} for {purse.who} is used up ({SET}{purse.setting}_MONEY)."
    if purse.seconds is not None and seconds > purse.seconds:
        return f"The {purse.seconds:g} s of a model's time for {purse.who} are used up ({SET}{purse.setting}_S)."
    return ""
