"""The payments service: a customer scans a code at a counter, and the wallet pays the merchant."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any

import psycopg
from prometheus_client import CONTENT_TYPE_LATEST
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.demo.payments.journal import Journal
from bot.demo.payments.meters import Meters

LOCK_TIMEOUT_MS = 1000
STATEMENT_TIMEOUT_MS = 3000
POOL_TIMEOUT_S = 2.0
POOL_SIZE = 12
REVIEW_FROM_CENTS = 9000
SLOW_MS = 80
SETTLE_EVERY_S = 7.0

CLOSE_BATCH = (
    "SELECT count(*), coalesce(sum(amount_cents), 0) FROM payments WHERE paid_at > now() - make_interval(secs => %s)"
)
TOP_UP = "UPDATE wallets SET balance_cents = balance_cents + 20000 WHERE balance_cents < 500 RETURNING id"

Pool = AsyncConnectionPool[psycopg.AsyncConnection[tuple[Any, ...]]]


class Declined(Exception):
    """The wallet cannot pay that."""


class Payments:
    """The service's endpoints over one pool."""

    def __init__(self, pool: Pool, meters: Meters, journal: Journal) -> None:
        self._pool = pool
        self._meters = meters
        self._journal = journal

    async def scan_to_pay(self, request: Request) -> Response:
        """`POST /scan-to-pay` with `wallet`, `account` and `cents`."""
        order = await request.json()
        trace, started = request.headers.get("x-trace-id") or secrets.token_hex(8), time.perf_counter()
        with self._meters.serving("scan-to-pay") as ended:
            try:
                payment, left = await self._pay(order["wallet"], order["account"], order["cents"], trace)
            except Declined as refusal:
                ended("declined")
                self._journal.warning(f"payment declined for wallet {order['wallet']}: {refusal}", trace=trace)
                return JSONResponse({"error": str(refusal), "trace": trace}, status_code=402)
            except (psycopg.Error, PoolTimeout) as error:
                return self._failed("scan-to-pay", f"account {order['account']}", error, trace, started)
            ended("ok")
        self._tell_payment(order, payment, trace, started)
        return JSONResponse({"payment": payment, "left_cents": left, "trace": trace}, status_code=201)

    async def balance(self, request: Request) -> Response:
        """`GET /balance/{wallet}`."""
        wallet, trace, started = request.path_params["wallet"], secrets.token_hex(8), time.perf_counter()
        with self._meters.serving("balance") as ended:
            try:
                async with self._pool.connection() as connection:
                    cursor = await connection.execute("SELECT balance_cents FROM wallets WHERE id = %s", [wallet])
                    row = await cursor.fetchone()
            except (psycopg.Error, PoolTimeout) as error:
                return self._failed("balance", f"wallet {wallet}", error, trace, started)
            ended("ok")
        return JSONResponse({"balance_cents": row[0]}) if row else JSONResponse({"error": "no such wallet"}, 404)

    async def metrics(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        """`GET /metrics`."""
        return Response(self._meters.page(), media_type=CONTENT_TYPE_LATEST)

    async def healthy(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        """`GET /healthz`: the process lives."""
        return JSONResponse({"status": "ok"})

    async def settle(self) -> None:
        """Close a batch and top up empty wallets now and then, for as long as the service runs."""
        for batch in count(1):
            await asyncio.sleep(SETTLE_EVERY_S)
            try:
                await self._settle(batch)
            except (psycopg.Error, PoolTimeout) as error:
                self._journal.warning(f"settlement batch {batch} postponed: {_sentence(error)}")

    async def _settle(self, batch: int) -> None:
        async with self._pool.connection() as connection:
            closed = await (await connection.execute(CLOSE_BATCH, [SETTLE_EVERY_S])).fetchone()
            topped_up = await (await connection.execute(TOP_UP)).fetchall()
        payments, cents = closed or (0, 0)
        self._journal.info(f"settlement batch {batch} closed: {payments} payments, {cents / 100:.2f} EUR")
        for (wallet,) in topped_up:
            self._journal.info(f"wallet {wallet} topped up from its bank account")

    async def _pay(self, wallet: int, account: int, cents: int, trace: str) -> tuple[int, int]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute("SELECT balance_cents FROM wallets WHERE id = %s FOR UPDATE", [wallet])
            row = await cursor.fetchone()
            if row is None or row[0] < cents:
                raise Declined(f"insufficient funds, {row[0] if row else 0} cents for {cents}")
            cursor = await connection.execute(
                "INSERT INTO payments (wallet_id, account_id, amount_cents, trace) "
                "VALUES (%s, %s, %s, %s) RETURNING id",
                [wallet, account, cents, trace],
            )
            (payment,) = await cursor.fetchone() or (0,)
            await connection.execute(
                "UPDATE wallets SET balance_cents = balance_cents - %s WHERE id = %s", [cents, wallet]
            )
            await connection.execute(
                "UPDATE accounts SET balance_cents = balance_cents + %s WHERE id = %s", [cents, account]
            )
        self._meters.paid(cents)
        return payment, row[0] - cents

    def _tell_payment(self, order: dict[str, int], payment: int, trace: str, started: float) -> None:
        took_ms = (time.perf_counter() - started) * 1000
        fields: dict[str, Any] = {"trace": trace, "duration_ms": round(took_ms, 1), "operation": "scan-to-pay"}
        self._journal.info(
            f"payment {payment} accepted for account {order['account']}, {order['cents']} cents", **fields
        )
        if order["cents"] >= REVIEW_FROM_CENTS:
            self._journal.info(f"payment {payment} queued for review, {order['cents']} cents", **fields)
        if took_ms > SLOW_MS:
            self._journal.warning(f"payment {payment} was slow: {took_ms:.0f} ms", **fields)

    def _failed(self, operation: str, what: str, error: Exception, trace: str, started: float) -> Response:
        took_ms = (time.perf_counter() - started) * 1000
        self._journal.error(
            f"{operation} failed for {what}: {_sentence(error)}",
            trace=trace,
            operation=operation,
            duration_ms=round(took_ms, 1),
            exception=f"{type(error).__module__}.{type(error).__name__}",
            sqlstate=getattr(error, "sqlstate", None),
        )
        return JSONResponse({"error": "the payment could not be made, try again", "trace": trace}, status_code=503)


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())


def create_app(dsn: str, journal: Journal) -> Starlette:
    """The service as an ASGI application; it opens its pool when it starts."""
    meters = Meters()
    pool = _pool(dsn)
    payments = Payments(pool, meters, journal)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:  # noqa: ARG001 - Starlette's signature
        async with pool:
            await pool.wait()
            meters.watch_pool(pool.get_stats)
            journal.info(f"payments is up, {POOL_SIZE} database connections at most")
            settling = asyncio.create_task(payments.settle())
            yield
            settling.cancel()
            with suppress(asyncio.CancelledError):
                await settling
        journal.info("payments stops")

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/scan-to-pay", payments.scan_to_pay, methods=["POST"]),
            Route("/balance/{wallet:int}", payments.balance),
            Route("/metrics", payments.metrics),
            Route("/healthz", payments.healthy),
        ],
    )


def _pool(dsn: str) -> Pool:
    options = f"-c lock_timeout={LOCK_TIMEOUT_MS} -c statement_timeout={STATEMENT_TIMEOUT_MS}"
    return AsyncConnectionPool(
        dsn,
        kwargs={"application_name": "payments", "options": options},
        min_size=4,
        max_size=POOL_SIZE,
        timeout=POOL_TIMEOUT_S,
        open=False,
    )
