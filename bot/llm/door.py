"""The door: which model is asked for what, within which budget, and what happens when one does not answer."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog
from redis.asyncio import Redis

from bot.errors import ModelUnavailable, SourceUnavailable
from bot.http import Transport
from bot.llm.budget import Cost, Meter, Spent
from bot.llm.chat import ChatReply, ChatRequest, OnText, Spender, Usage
from bot.llm.client import ChatClient
from bot.llm.reading import prompt_tokens
from bot.model_settings import ModelRole, ModelSettings, Price
from bot.observability import MODEL_CALLS, MODEL_MONEY, MODEL_SECONDS, MODEL_TOKENS

FIRST_REST_S, LONGEST_REST_S = 15.0, 300.0
"""How long a server that did not answer is left alone: twice as long each time."""

log = structlog.get_logger(__name__)


@dataclass
class Seat:
    """One server behind the door.

    Args:
        model_of: the model that it is asked for.
        thinking_tokens: room that it gets beside every answer.
    """

    client: ChatClient
    model_of: Callable[[ModelRole], str]
    thinking_tokens: int = 0
    _rest_s: float = 0.0
    _rests_until: float = 0.0
    _failed_at: float = -math.inf

    def admits(self, now: float) -> bool:
        """Whether it may be asked: not while it rests, since a dead server costs its seconds once and not with every
        question. After a rest one question tries it, and the others wait for how that ends.
        """
        if now < self._rests_until:
            return False
        if self._rest_s:
            self._rests_until = now + self._rest_s
        return True

    def failed(self, asked: float, now: float, wait_s: float) -> None:
        """Leave it alone for a while. Questions asked at the same moment fail together, and that counts once.

        Args:
            wait_s: for how long it asks to be left alone; kept to up to the longest rest.
        """
        if asked <= self._failed_at:
            return
        self._failed_at = now
        self._rest_s = min(LONGEST_REST_S, 2 * self._rest_s or FIRST_REST_S)
        self._rests_until = now + max(self._rest_s, min(wait_s, LONGEST_REST_S))

    def answered(self) -> None:
        """It is well."""
        self._rest_s = self._rests_until = 0.0


class Door:
    """Asks a model. Implements `bot.llm.chat.Model`.

    Args:
        seats: asked in this order.
        elapsed: seconds that only go forward.
    """

    def __init__(
        self,
        seats: Sequence[Seat],
        meter: Meter,
        prices: dict[str, Price],
        *,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seats = seats
        self._meter = meter
        self._prices = prices
        self._elapsed = elapsed

    async def ask(self, request: ChatRequest, spender: Spender, *, on_text: OnText | None = None) -> ChatReply:
        """The answer of the first model that gives one.

        Raises:
            ModelUnavailable: none did.
            BudgetSpent: what the question may cost at most is not left; nobody was asked.
        """
        failures: list[str] = []
        for seat in self._seats:
            if not seat.admits(self._elapsed()):
                failures.append(f"{seat.model_of(request.role)} did not answer a moment ago and is left alone for now.")
                continue
            try:
                return await self._asked(seat, request, spender, on_text)
            except SourceUnavailable as failure:
                failures.append(f"{seat.model_of(request.role)}: {failure}")
        raise ModelUnavailable(f"No model answered. {' '.join(failures)}")

    async def spent(self, incident_id: str) -> Spent:
        """What the incident's questions have cost so far."""
        return await self._meter.spent(incident_id)

    async def _asked(self, seat: Seat, request: ChatRequest, spender: Spender, on_text: OnText | None) -> ChatReply:
        model = seat.model_of(request.role)
        request = request.model_copy(update={"max_tokens": request.max_tokens + seat.thinking_tokens})
        most = Usage(prompt=prompt_tokens(request), completion=request.max_tokens)
        reserved = await self._meter.reserve(spender, self._cost(model, most))
        begun, used = self._elapsed(), Usage(prompt=most.prompt)  # who is cancelled has read the question
        try:
            reply = await seat.client.ask(request, model, on_text=on_text)
            used = reply.usage
        except SourceUnavailable as failure:
            used = Usage()
            if _was_ours(failure):
                seat.answered()
            else:
                seat.failed(begun, self._elapsed(), failure.wait_s)
            MODEL_CALLS.labels(role=request.role, outcome="failed").inc()
            log.warning("model.failed", model=model, role=request.role, why=str(failure))
            raise
        finally:
            cost = self._cost(model, used, self._elapsed() - begun)
            await asyncio.shield(reserved.settle(cost))
        seat.answered()
        self._count(request.role, reply, cost)
        return reply

    def _cost(self, model: str, usage: Usage, seconds: float = 0.0) -> Cost:
        price = self._prices.get(model)
        money = (usage.prompt * price.prompt + usage.completion * price.completion) / 1_000_000 if price else 0.0
        return Cost(usage.prompt + usage.completion, money, seconds)

    def _count(self, role: ModelRole, reply: ChatReply, cost: Cost) -> None:
        MODEL_CALLS.labels(role=role, outcome="answered" if reply.complete else "cut").inc()
        MODEL_TOKENS.labels(role=role, kind="prompt").inc(reply.usage.prompt)
        MODEL_TOKENS.labels(role=role, kind="completion").inc(reply.usage.completion)
        MODEL_MONEY.labels(role=role).inc(cost.money)
        MODEL_SECONDS.labels(role=role).observe(cost.seconds)
        log.info("model.answered", role=role, model=reply.model, tokens=cost.tokens, seconds=round(cost.seconds, 2))


def _was_ours(failure: SourceUnavailable) -> bool:
    """Whether the question was at fault, such as one too long or for no model of this server, which is well itself."""
    return failure.status in {400, 404, 413, 422}


@asynccontextmanager
async def model_of(
    settings: ModelSettings, redis: Redis, clock: Callable[[], datetime], *, transport: Transport | None = None
) -> AsyncIterator[Door | None]:
    """The door of the settings; None where they name no model."""
    if not settings.url:
        yield None
        return
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(ChatClient(settings, transport=transport))
        seats = [Seat(first, lambda role: settings.roles.get(role, settings.name), settings.thinking_tokens)]
        if fallback := settings.fallback:
            second = await stack.enter_async_context(ChatClient(fallback, transport=transport))
            seats.append(Seat(second, lambda _: fallback.name, fallback.thinking_tokens))
        yield Door(seats, Meter(redis, settings.budget, clock), dict(settings.prices))
