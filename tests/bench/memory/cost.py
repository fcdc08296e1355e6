"""What briefs cost: ten incidents over a channel that has seen their like before, between a lot of other talk."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean

from bot.memory import MemoryManager
from bot.memory.budget import tokens_of
from bot.models import Alert, AlertStatus, Brief, Incident, Message, Phase
from tests.bench.memory.cases import conversations

FOLDER = Path(__file__).parent / "oncall"
OTHER_TALK = 4000
ROLES = ("metrics", "logs", "database", "changes")
BUDGET = 800
NOW = datetime(2026, 3, 12, 8, tzinfo=UTC)
SERVICES = ("payments-api", "checkout", "search", "inventory", "refund", "sms-gateway", "orders", "ledger", "billing")
SENTENCES = (
    "{service} build {number} green", "deployed {service} #{number} to staging", "who reviews {service} PR {number}?",
    "standup in five minutes", "{service} dashboards moved to the new folder", "I am out on Friday", "早会推迟到十点",
    "{service} 的单元测试挂了，我看看", "lunch?", "{service} latency looks normal today", "谁有 {service} 的权限？",
    "flaky test in {service} again, retrying job {number}", "{service} 发布窗口改到下午三点", "thanks!", "好的，收到",
    "updated the {service} readme", "{service} error budget is at {number}%", "ticket OPS-{number} is about {service}",
)  # fmt: skip


@dataclass(frozen=True)
class Trouble:
    """An alert, and the messages that someone must have read."""

    name: str
    service: str
    summary: str
    facts: tuple[str, ...]


TROUBLES = (
    Trouble("PaymentApi5xx", "payments-api", "502 rate above 10 %", ("m04", "m05")),
    Trouble("CheckoutLatencyHigh", "checkout", "p99 latency above 2 s after the rollout", ("m13", "m15")),
    Trouble("KafkaConsumerLag", "order-events", "kafka 消费延迟超过 50 万条", ("m18", "m20")),
    Trouble("CertificateExpiring", "api.example.com", "TLS certificate expires in 3 days", ("m23",)),
    Trouble("DiskAlmostFull", "log-store-3", "disk usage above 90 %", ("m26",)),
    Trouble("SearchOutOfMemory", "search", "search was OOM killed", ("m29", "m31")),
    Trouble("SmsDeliveryFailing", "sms-gateway", "短信验证码发送失败", ("m34",)),
    Trouble("InventoryCpuHigh", "inventory", "inventory CPU 使用率 95%", ("m38", "m39")),
    Trouble("RefundMismatch", "refund", "refund amounts differ from billing by one cent", ("m42", "m44")),
    Trouble("ReplicationLag", "orders-replica-2", "主从复制延迟 300 秒", ("m46", "m48")),
)


def channel() -> list[Message]:
    """The on-call talk, and everything else that was said in those weeks."""
    chance = random.Random(3)  # noqa: S311 - made-up talk, the same in every run
    talk = [message for conversation in conversations(FOLDER) for message in conversation.messages]
    start = NOW - timedelta(days=20)
    for number in range(OTHER_TALK):
        text = chance.choice(SENTENCES).format(service=chance.choice(SERVICES), number=chance.randrange(10, 9000))
        at = start + timedelta(seconds=chance.randrange(20 * 86400))
        talk.append(Message(id=f"o{number}", channel="oncall", user=f"user{number % 25}", text=text, sent_at=at))
    return talk


async def measure() -> list[list[str]]:
    """One row for each incident, and the means."""
    talk = channel()
    whole = sum(tokens_of(message.user, message.text) for message in talk)
    by_id = {message.id: message.text for message in talk}
    rows: list[list[str]] = []
    costs: list[float] = []
    shares: list[float] = []
    async with MemoryManager.open() as memory:
        await memory.remember(talk)
        for trouble in TROUBLES:
            briefs = [await memory.brief(_incident(trouble), role, BUDGET) for role in ROLES]
            cost, share = sum(brief.tokens for brief in briefs), _told(briefs, [by_id[name] for name in trouble.facts])
            costs.append(cost)
            shares.append(share)
            rows.append([trouble.name, str(cost), f"{whole * len(ROLES) / cost:.0f}×", f"{share:.2f}"])
    ratio = whole * len(ROLES) / fmean(costs)
    return [
        *rows,
        [f"all (channel: {whole:,.0f} tokens)", f"{fmean(costs):.0f}", f"{ratio:.0f}×", f"{fmean(shares):.2f}"],
    ]


def _told(briefs: list[Brief], facts: list[str]) -> float:
    """The share of the facts that at least one agent's brief holds."""
    lines = {line.text for brief in briefs for line in brief.lines}
    return fmean(fact in lines for fact in facts)


def _incident(trouble: Trouble) -> Incident:
    alert = Alert(
        source="generic", name=trouble.name, status=AlertStatus.FIRING, service=trouble.service,
        summary=trouble.summary, fingerprint=trouble.name,
    )  # fmt: skip
    return Incident(
        id=trouble.name, phase=Phase.INVESTIGATING, opened_at=NOW, alert=alert, alerts=(alert,),
        service=trouble.service, channel="oncall",
    )  # fmt: skip
