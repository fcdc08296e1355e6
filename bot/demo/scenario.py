"""The world that fails: a payments service on Postgres, its customers, and what watches them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from textwrap import dedent, indent

from bot.demo.child import announced, child, module
from bot.demo.metrics.rules import Rule, watch
from bot.demo.payments.ledger import Ledger, create_ledger
from bot.demo.postgres import Postgres, private_postgres
from bot.demo.prometheus import system_prometheus
from bot.errors import SourceUnavailable
from bot.http import HttpSource

Progress = Callable[[str], None]

FAILURE_RATIO = (
    'sum by (service) (rate(payments_requests_total{outcome="error", operation="scan-to-pay"}[10s]))'
    ' / sum by (service) (rate(payments_requests_total{operation="scan-to-pay"}[10s]))'
)
RULE = Rule(
    name="PaymentFailureRateHigh",
    expr=f"{FAILURE_RATIO} > 0.2",
    for_s=3.0,
    labels={"severity": "critical", "tier": "backend", "operation": "scan-to-pay"},
    annotations={
        "summary": "Scan-to-pay payments are failing",
        "description": "{value:.0%} of scan-to-pay payments failed in the last 10 s",
    },
)
DSN_ENV, ACTION_DSN_ENV = "PAYMENTS_RO_DSN", "PAYMENTS_ACT_DSN"


class World:
    """The running world."""

    rule = RULE

    def __init__(
        self, folder: Path, postgres: Postgres, ledger: Ledger, *, payments_url: str, prometheus_url: str
    ) -> None:
        self.folder = folder
        self.postgres = postgres
        self.dsn_ro = ledger.nightdesk_ro
        self.dsn_act = ledger.nightdesk_act
        self.payments_url = payments_url
        self.prometheus_url = prometheus_url
        self._ledger = ledger
        self._stack = AsyncExitStack()
        self._reports: list[asyncio.subprocess.Process] = []

    @property
    def log_path(self) -> str:
        """Where the services log, for a log source of kind `files`."""
        return str(self.folder / "*.jsonl")

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the catalogue names."""
        return {DSN_ENV: self.dsn_ro, ACTION_DSN_ENV: self.dsn_act}

    def services_yaml(self, *, channel: str, users: Sequence[str] = ()) -> str:
        """The catalogue of this world, for the workspace's channel and people."""
        return services_yaml(channel=channel, users=users)

    async def break_it(self) -> int:
        """Let the report take its locks; the Postgres process id of its session."""
        log = self.folder / "report.err"
        report = child(module("bot.demo.payments.report"), log=log, env={"REPORTING_DSN": self._ledger.reporting})
        process = await self._stack.enter_async_context(report)
        self._reports.append(process)
        return int(await announced(process, log))

    @property
    def broken(self) -> bool:
        """Whether a report still holds its locks."""
        return any(report.returncode is None for report in self._reports)

    async def failure_ratio(self) -> float:
        """The share of payments that failed in the last seconds, 0 to 1; 0 where there were none.

        Raises:
            SourceUnavailable: the metrics server does not answer.
        """
        async with HttpSource("prometheus", self.prometheus_url) as prometheus:
            answer = await prometheus.get("api/v1/query", {"query": f"{FAILURE_RATIO} or vector(0)"})
        ratio = max((float(one["value"][1]) for one in answer["data"]["result"]), default=0.0)
        return 0.0 if ratio != ratio else ratio  # noqa: PLR0124 - NaN: no payments at all

    async def wait_failing(self, *, above: float = 0.2, within_s: float = 30) -> float:
        """Wait until more than that share of payments fails; the share.

        Raises:
            SourceUnavailable: it did not happen in time.
        """
        return await self._wait(lambda ratio: ratio > above, f"payments fail (above {above:.0%})", within_s)

    async def wait_recovered(self, *, below: float = 0.05, within_s: float = 60) -> float:
        """Wait until less than that share of payments fails; the share.

        Raises:
            SourceUnavailable: it did not happen in time.
        """
        return await self._wait(lambda ratio: ratio < below, f"payments recover (below {below:.0%})", within_s)

    async def watch(self, webhook_url: str, token: str) -> None:
        """Evaluate the rule each second and tell the webhook when the alert fires and resolves, until cancelled."""
        await watch(self.rule, self.prometheus_url, webhook_url=webhook_url, token=token)

    async def aclose(self) -> None:
        """End the reports."""
        await self._stack.aclose()

    async def _wait(self, holds: Callable[[float], bool], what: str, within_s: float) -> float:
        give_up = time.monotonic() + within_s
        while not holds(ratio := await self.failure_ratio()):
            if time.monotonic() > give_up:
                raise SourceUnavailable(f"Waited {within_s:.0f} s until {what}, but {ratio:.0%} of them fail.")
            await asyncio.sleep(0.25)
        return ratio


@asynccontextmanager
async def payments_world(
    folder: Path,
    *,
    progress: Progress = lambda line: None,  # noqa: ARG005 - nobody listens
    scrape_interval_s: float = 1.0,
    rate: float = 20.0,
    seed: int = 7,
    use_system_prometheus: bool = False,
) -> AsyncIterator[World]:
    """Start the world in `folder`, which exists; when the block ends, everything in it is stopped.

    Args:
        progress: told a line when a part is up.
        rate: requests a second.
        seed: of the customers' choices.
        use_system_prometheus: the one on PATH instead of the demo's own small one.

    Raises:
        Misconfigured: a part did not start.
    """
    async with AsyncExitStack() as stack:
        told = _Told(progress)
        postgres = await stack.enter_async_context(private_postgres(folder))
        told(f"Postgres {postgres.version} is up")
        ledger = await create_ledger(postgres.superuser_dsn)
        payments_url = await _payments(stack, folder, ledger)
        told(f"The payments service answers at {payments_url}")
        await _traffic(stack, folder, payments_url, rate, seed)
        targets = {"payments": f"{payments_url}/metrics"}
        prometheus_url = await stack.enter_async_context(
            system_prometheus(folder, targets, interval_s=scrape_interval_s)
            if use_system_prometheus
            else _own_metrics(folder, targets, interval_s=scrape_interval_s)
        )
        told(f"Customers pay, about {rate:.0f} requests a second; metrics at {prometheus_url}")
        world = World(folder, postgres, ledger, payments_url=payments_url, prometheus_url=prometheus_url)
        stack.push_async_callback(world.aclose)
        yield world


class _Told:
    """Tells progress with the time that each part took."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._since = time.monotonic()

    def __call__(self, line: str) -> None:
        now = time.monotonic()
        self._progress(f"✓ {line} ({now - self._since:.1f} s)")
        self._since = now


async def _payments(stack: AsyncExitStack, folder: Path, ledger: Ledger) -> str:
    log = folder / "payments.err"
    command = module("bot.demo.payments", "--dsn-env", "PAYMENTS_DSN", "--log", str(folder / "payments.jsonl"))
    process = await stack.enter_async_context(child(command, log=log, env={"PAYMENTS_DSN": ledger.app}))
    return await announced(process, log)


async def _traffic(stack: AsyncExitStack, folder: Path, url: str, rate: float, seed: int) -> None:
    log = folder / "traffic.err"
    command = module("bot.demo.payments.traffic", "--url", url, "--rate", str(rate), "--seed", str(seed))
    await announced(await stack.enter_async_context(child(command, log=log)), log)


@asynccontextmanager
async def _own_metrics(folder: Path, targets: Mapping[str, str], *, interval_s: float) -> AsyncIterator[str]:
    log = folder / "metrics.err"
    pages = [word for job, url in targets.items() for word in ("--target", f"{job}={url}")]
    async with child(module("bot.demo.metrics", *pages, "--interval", str(interval_s)), log=log) as process:
        yield await announced(process, log)


def services_yaml(*, channel: str, users: Sequence[str] = ()) -> str:
    """The service catalogue of the world."""
    owners = "".join(f"\n- {user}" for user in users) if users else " []"
    return dedent(
        """\
        services:
          payments:
            aliases: [scan-to-pay, payment-service, payments-api]
            description: Customers scan a code and pay from their wallet
            tier: critical
            depends_on: []
            databases: [payments-db]
            channel: {channel}
            selectors: {{service: payments}}
            owners:
              users:{owners}
        databases:
          payments-db:
            engine: postgres
            dsn_env: {dsn}
            action_dsn_env: {action}
        """
    ).format(channel=channel, owners=indent(owners, "      "), dsn=DSN_ENV, action=ACTION_DSN_ENV)
