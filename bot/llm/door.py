"""The door: which model is asked for what, within which budget, and what happens when one does not answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.errors import BudgetSpent, ModelUnavailable, SourceUnavailable
from bot.http import Transport
from bot.llm.budget import Cost, Meter, Spent
from bot.llm.chat import ChatReply, ChatRequest, OnText, Spender, Usage
from bot.llm.client import ChatClient
from bot.llm.reading import prompt_tokens
from bot.llm.rests import Rests
from bot.observability import MODEL_CALLS, MODEL_MONEY, MODEL_SECONDS, MODEL_TOKENS
from bot.settings.model import ModelRole, ModelServer, ModelSettings, Price

UNREAD = frozenset({408, 504, 524})
"""With these a server says that it waited for the model in vain, which has read the question."""
UNCOUNTED = "What a model may cost cannot be counted now (Redis did not answer), so none was asked."

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Seat:
    """One server behind the door.

    Args:
        model_of: the model that it is asked for.
        thinking_tokens: room that it gets beside every answer.
    """

    client: ChatClient
    model_of: Callable[[ModelRole], str]
    rests: Rests
    thinking_tokens: int = 0


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
        clock: Callable[[], datetime],
        *,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seats = seats
        self._meter = meter
        self._prices = prices
        self._clock = clock
        self._elapsed = elapsed

    async def ask(self, request: ChatRequest, spender: Spender, *, on_text: OnText | None = None) -> ChatReply:
        """The answer of the first model that gives a whole one; where none does, what broke off.

        Args:
            on_text: hears the first answer. One that follows because it broke off is given whole: they do not mix.

        Raises:
            ModelUnavailable: none gave any.
            BudgetSpent: what the question may cost at most is not left; nobody was asked.
        """
        try:
            return await self._answer(request, spender, on_text)
        except RedisError as lost:
            log.warning("model.uncounted", role=request.role, why=str(lost))
            raise ModelUnavailable(UNCOUNTED) from lost

    async def _answer(self, request: ChatRequest, spender: Spender, on_text: OnText | None) -> ChatReply:
        failures: list[str] = []
        partial: ChatReply | None = None
        for seat in self._seats:
            model = seat.model_of(request.role)
            try:
                reply = await self._tried(seat, request, spender, None if partial else on_text)
            except SourceUnavailable as failure:
                failures.append(f"{model}: {str(failure).rstrip('.')}")
            except BudgetSpent:
                if partial is None:
                    raise
            else:
                if not reply.broken:
                    return reply
                log.warning("model.broke_off", model=model, role=request.role)
                partial = partial or reply
        if partial:
            return partial
        raise ModelUnavailable(f"No model answered. {'; '.join(failures)}.")

    async def _tried(self, seat: Seat, request: ChatRequest, spender: Spender, on_text: OnText | None) -> ChatReply:
        """Its answer, unless it is left alone; who answers, or refuses the question itself, is well."""
        admitted = await seat.rests.admits()
        if admitted == "rests":
            raise SourceUnavailable("it did not answer a moment ago, and is left alone for now")
        asked = self._clock()
        try:
            reply = await self._asked(seat, request, spender, on_text)
        except SourceUnavailable as failure:
            if not _was_ours(failure):
                await _kept(seat.rests.failed(asked, failure.wait_s))
            elif admitted == "trial":
                await _kept(seat.rests.answered())
            raise
        if admitted == "trial":
            await _kept(seat.rests.answered())
        return reply

    async def spent(self, incident_id: str) -> Spent:
        """What the incident's questions have cost so far."""
        return await self._meter.spent(incident_id)

    async def today(self, channel: str) -> tuple[Spent, Spent]:
        """What the questions of the channel, and all questions, have cost today."""
        return await self._meter.today(channel)

    async def _asked(self, seat: Seat, request: ChatRequest, spender: Spender, on_text: OnText | None) -> ChatReply:
        model = seat.model_of(request.role)
        request = request.model_copy(update={"max_tokens": request.max_tokens + seat.thinking_tokens})
        most = Usage(prompt=prompt_tokens(request), completion=request.max_tokens)
        reserved = await self._meter.reserve(spender, self._cost(model, most))
        begun, used = self._elapsed(), Usage(prompt=most.prompt)  # who is cancelled has read the question
        outcome = "failed"
        try:
            reply = await seat.client.ask(request, model, on_text=on_text)
            used, outcome = reply.usage, "answered" if reply.complete else "cut"
        except SourceUnavailable as failure:
            used = used if _was_read(failure) else Usage()
            log.warning("model.failed", model=model, role=request.role, why=str(failure))
            raise
        finally:
            cost = self._cost(model, used, self._elapsed() - begun)
            self._count(request.role, outcome, used, cost)
            await asyncio.shield(_kept(reserved.settle(cost)))
        log.info("model.answered", role=request.role, model=reply.model, tokens=cost.tokens,
                 seconds=round(cost.seconds, 2))  # fmt: skip
        return reply

    def _cost(self, model: str, usage: Usage, seconds: float = 0.0) -> Cost:
        price = self._prices.get(model)
        money = (usage.prompt * price.prompt + usage.completion * price.completion) / 1_000_000 if price else 0.0
        return Cost(usage.prompt + usage.completion, money, seconds)

    def _count(self, role: ModelRole, outcome: str, used: Usage, cost: Cost) -> None:
        MODEL_CALLS.labels(role=role, outcome=outcome).inc()
        MODEL_TOKENS.labels(role=role, kind="prompt").inc(used.prompt)
        MODEL_TOKENS.labels(role=role, kind="completion").inc(used.completion)
        MODEL_MONEY.labels(role=role).inc(cost.money)
        if outcome != "failed":
            MODEL_SECONDS.labels(role=role).observe(cost.seconds)


async def _kept(note: Awaitable[None]) -> None:
    """What is noted beside an answer, such as its cost, costs nobody the answer."""
    try:
        await note
    except RedisError as lost:
        log.warning("model.unnoted", why=str(lost))


def _was_read(failure: SourceUnavailable) -> bool:
    """Whether a model may have read the question, which a provider bills."""
    return failure.status in UNREAD or (failure.status is None and failure.reached)


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

    def resting(server: ModelServer) -> Rests:
        return Rests(redis, server.url or "", clock)

    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(ChatClient(settings, transport=transport))
        named = Seat(first, lambda role: settings.roles.get(role, settings.name), resting(settings),
                     settings.thinking_tokens)  # fmt: skip
        seats = [named]
        if fallback := settings.fallback:
            second = await stack.enter_async_context(ChatClient(fallback, transport=transport))
            seats.append(Seat(second, lambda _: fallback.name, resting(fallback), fallback.thinking_tokens))
        yield Door(seats, Meter(redis, settings.budget, clock), dict(settings.prices), clock)
