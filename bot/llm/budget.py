"""What models have cost, counted in Redis by incident, channel and day, and what may still be spent.

What a question may cost at most is set aside before it is asked and settled afterwards, so that neither parallel
questions nor several replicas spend the same rest twice. What is set aside is counted beside what is spent: the card
tells what was spent, and who is refused is told which of the two it was. A process that dies in between leaves too
much set aside, never too little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from bot.errors import BudgetSpent
from bot.llm.chat import Spender
from bot.models import ModelCost
from bot.settings.model import Budget

KEPT = timedelta(days=400)
"""As long as the records of incidents, for the report."""
MICRO, MILLI = 1_000_000, 1_000
SPENT = ("tokens", "micros", "ms")
ASIDE = ("aside_tokens", "aside_micros", "aside_ms")
"""Fields of a purse: tokens, millionths of money, milliseconds."""
MANY = 500
"""Purses of one round trip."""
SET = "NIGHTDESK_MODEL__BUDGET__"


@dataclass(frozen=True)
class Cost:
    """Of one answer, or of many."""

    tokens: int = 0
    money: float = 0.0
    seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.tokens + other.tokens, self.money + other.money, self.seconds + other.seconds)


@dataclass(frozen=True)
class Spent:
    """What an incident's questions have cost so far."""

    tokens: int
    money: float
    seconds: float
    calls: int
    currency: str

    @property
    def cost(self) -> ModelCost:
        """As it is shown."""
        return ModelCost(tokens=self.tokens, money=self.money, currency=self.currency)


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
        for purse, (spent, aside) in zip(purses, await reserved.begin(), strict=True):
            if why := _refusal(purse, spent, aside, most, self._budget.currency):
                await reserved.drop()
                raise BudgetSpent(why)
        return reserved

    async def spent(self, incident_id: str) -> Spent:
        """What the incident has cost so far."""
        return await self._stands(_incident(incident_id))

    async def spent_on(self, incident_ids: Sequence[str]) -> list[Spent]:
        """What each of the incidents has cost so far, in their order, many at a time."""
        found: list[Spent] = []
        for start in range(0, len(incident_ids), MANY):
            async with self._redis.pipeline(transaction=False) as pipe:
                for incident_id in incident_ids[start : start + MANY]:
                    pipe.hmget(_incident(incident_id), [*SPENT, "calls"])
                found += [self._read(fields) for fields in await pipe.execute()]
        return found

    async def today(self, channel: str) -> tuple[Spent, Spent]:
        """What the channel, and all of them together, have cost since midnight in UTC."""
        return await self._stands(self._of_channel(channel)), await self._stands(self._of_day())

    async def _stands(self, key: str) -> Spent:
        return self._read(await self._redis.hmget(key, [*SPENT, "calls"]))

    def _read(self, fields: Sequence[str | bytes | None]) -> Spent:
        *amounts, calls = fields
        cost = _cost(amounts)
        return Spent(cost.tokens, cost.money, cost.seconds, int(calls or 0), self._budget.currency)

    def _of_day(self) -> str:
        return f"nd:model:{{{self._clock():%Y-%m-%d}}}"

    def _of_channel(self, channel: str) -> str:
        return f"nd:model:{{{channel}:{self._clock():%Y-%m-%d}}}"

    def _purses(self, spender: Spender) -> Iterator[_Purse]:
        budget = self._budget
        if spender.incident:
            yield _Purse(_incident(spender.incident), "this incident", budget.incident_tokens, budget.incident_money,
                         budget.incident_s, "INCIDENT")  # fmt: skip
        if spender.channel:
            yield _Purse(self._of_channel(spender.channel), "this channel today", budget.channel_tokens,
                         budget.channel_money, None, "CHANNEL")  # fmt: skip
        yield _Purse(self._of_day(), "today", budget.day_tokens, budget.day_money, None, "DAY")


@dataclass(frozen=True)
class Reserved:
    """What was set aside for one question."""

    redis: Redis
    keys: tuple[str, ...]
    most: Cost

    async def begin(self) -> list[tuple[Cost, Cost]]:
        """Set it aside on every key; what is spent there, and what is set aside with it."""
        async with self.redis.pipeline(transaction=False) as pipe:
            for key in self.keys:
                _count(pipe, key, ASIDE, self.most)
                pipe.hmget(key, [*SPENT, *ASIDE])
                pipe.expire(key, KEPT)
            answers = await pipe.execute()
        stands = [answer for answer in answers if isinstance(answer, list)]
        return [(_cost(amounts[:3]), _cost(amounts[3:])) for amounts in stands]

    async def drop(self) -> None:
        """It is not asked: all of it is free again."""
        await self._end(Cost(), calls=0)

    async def settle(self, cost: Cost) -> None:
        """It has cost this: the rest of what was set aside is free again."""
        await self._end(cost, calls=1)

    async def _end(self, cost: Cost, calls: int) -> None:
        async with self.redis.pipeline(transaction=False) as pipe:
            for key in self.keys:
                _count(pipe, key, SPENT, cost)  # before the other: at no moment is less counted than was spent
                pipe.hincrby(key, "calls", calls)
                _count(pipe, key, ASIDE, self.most, sign=-1)
            await pipe.execute()


def _incident(incident_id: str) -> str:
    return f"nd:model:{{{incident_id}}}"


def _count(pipe: Pipeline, key: str, fields: tuple[str, str, str], cost: Cost, *, sign: int = 1) -> None:
    amounts = (cost.tokens, round(cost.money * MICRO), round(cost.seconds * MILLI))
    for name, amount in zip(fields, amounts, strict=True):
        pipe.hincrby(key, name, sign * amount)


def _cost(amounts: Sequence[str | bytes | None]) -> Cost:
    tokens, micros, milliseconds = (int(amount or 0) for amount in amounts)
    return Cost(tokens, micros / MICRO, milliseconds / MILLI)


def _refusal(purse: _Purse, spent: Cost, aside: Cost, most: Cost, currency: str) -> str:
    """Which limit one more question would pass, and why; empty where none."""
    total = spent + aside
    if total.tokens > purse.tokens:
        return _told(purse, "TOKENS", f"{purse.tokens:,} tokens", spent.tokens >= purse.tokens,
                     _short(purse.tokens, spent.tokens, most.tokens))  # fmt: skip
    if purse.money is not None and total.money > purse.money:
        return _told(purse, "MONEY", f"{_exactly(purse.money)} {currency}", spent.money >= purse.money,
                     _short(purse.money, spent.money, most.money))  # fmt: skip
    if purse.seconds is not None and total.seconds > purse.seconds:
        return _told(purse, "S", f"{purse.seconds:g} s of a model's time", used_up=True, short="")
    return ""


def _short(limit: float, spent: float, most: float) -> str:
    """What is left, where one question alone may cost more."""
    if spent + most <= limit:
        return ""
    return f"{_exactly(limit - spent)} of it are left, and the next question may cost {_exactly(most)}"


def _exactly(amount: float) -> str:
    """As exactly as it takes to tell small sums apart."""
    if isinstance(amount, int):
        return f"{amount:,}"
    return f"{amount:,.2f}" if amount >= 1 else f"{amount:.4f}"


def _told(purse: _Purse, setting: str, limit: str, used_up: bool, short: str) -> str:
    budget, where = f"The budget of {limit} for {purse.who}", f"({SET}{purse.setting}_{setting})."
    if used_up:
        return f"{budget} is used up {where}"
    if short:
        return f"{budget} is too small for more: {short} {where}"
    return f"What is left of the budget of {limit} for {purse.who} is set aside for questions under way {where}"
