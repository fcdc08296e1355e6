"""What ten incidents cost: with memory and playbook, as a plain loop over the whole history, and in one question."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from bot.catalog import Catalog, Service
from bot.llm.chat import ChatReply, ChatRequest, Model, OnText, Spender
from bot.memory import MemoryManager
from bot.models import Alert, Evidence, Finding, Report
from bot.storage import connect, embedded_redis
from tests.bench.memory.cost import NOW as THEN
from tests.bench.memory.cost import TROUBLES, Trouble, channel
from tests.integration.work.night import NOW, Night, told

USD_IN, USD_OUT = 1.0, 4.0
"""A price for a million tokens, so that the two ways can be compared in money; put your own here."""
PER_TOKEN = 4
"""Characters, as the budgets of this project count where a server does not say."""
TOOLS = ("logs.look", "database.look", "changes.look")
LOOKED = (
    "{service}: error ratio 0.{n}2 where 0.00{n} is normal, since 07:5{n}",
    "{service}: latency p95 2.{n} s, was 0.2{n} s",
    "{service}: a new line 4{n} times: connection to the upstream was refused after {n}000 ms",
    "{service}: {n} sessions wait for one that is idle in its transaction",
    "{service}: nothing unusual at the neighbours",
    "deployment of {service} {n} minutes before, by the pipeline, build 18{n}",
    "{service}: traffic is as it always is",
)


@dataclass
class Meter:
    """A model that is counted: what goes to it and what comes back, in characters of JSON."""

    model: Model
    sent: int = 0
    received: int = 0
    asked: list[str] = field(default_factory=list)

    async def ask(self, request: ChatRequest, spender: Spender, *, on_text: OnText | None = None) -> ChatReply:
        """Ask, and count."""
        reply = await self.model.ask(request, spender, on_text=on_text)
        self.sent += len(request.model_dump_json(exclude_none=True))
        self.received += len(reply.model_dump_json(include={"text", "calls"}))
        self.asked.append(request.role)
        return reply

    @property
    def tokens(self) -> int:
        """Of all that was said."""
        return (self.sent + self.received) // PER_TOKEN

    @property
    def usd(self) -> float:
        """At the prices above."""
        return (self.sent * USD_IN + self.received * USD_OUT) / PER_TOKEN / 1e6


async def measure(home: Path, model: Model) -> list[list[str]]:
    """One row for each incident, and the means."""
    talk = channel()
    history = sum(len(f"{message.user}: {message.text}\n") for message in talk) // PER_TOKEN
    rows: list[list[str]] = []
    ours: list[int] = []
    paid: list[float] = []
    async with (
        embedded_redis(home) as url,
        connect(url) as redis,
        MemoryManager.open(url, clock=lambda: THEN) as memory,
    ):
        await memory.remember(message.model_copy(update={"channel": "C0PAY"}) for message in talk)
        for number, trouble in enumerate(TROUBLES):
            meter = Meter(model)
            looks = _reports(trouble)
            night = Night(redis, memory, meter, told(looks), Catalog(services={trouble.service: Service()}))
            await night.triage(alert=_alert(trouble), incident_id=f"260312-COST0{number}")
            loop, once = _plain(history, looks)
            ours.append(meter.tokens)
            paid.append(meter.usd)
            rows.append([trouble.name, f"{meter.tokens:,}", f"{meter.usd:.4f}", str(len(meter.asked)), f"{loop:,}",
                         f"{loop * USD_IN / 1e6:.4f}", f"{once:,}", f"{loop / meter.tokens:.0f}×",
                         f"{once / meter.tokens:.1f}×"])  # fmt: skip
    loop, once = _plain(history, _reports(TROUBLES[0]))
    mean = fmean(ours)
    mean_row = [f"mean (history: {history:,} tokens)", f"{mean:,.0f}", f"{fmean(paid):.4f}", "", f"{loop:,}",
                f"{loop * USD_IN / 1e6:.4f}", f"{once:,}", f"{loop / mean:.0f}×", f"{once / mean:.1f}×"]  # fmt: skip
    return [*rows, mean_row]


def _plain(history: int, looks: dict[str, Report]) -> tuple[int, int]:
    """A loop that has the whole history before it, calls every tool in its turn and then answers; and one question.

    Each turn of a chat sends all that was said before again. Nothing is counted for its rules, its tools, and answers.
    """
    results = [len(report.model_dump_json()) // PER_TOKEN for report in looks.values()]
    turns = [history + sum(results[:turn]) for turn in range(len(results) + 1)]
    return sum(turns), history + sum(results)


def _alert(trouble: Trouble) -> Alert:
    return Alert(source="generic", name=trouble.name, status="firing", service=trouble.service,
                 summary=trouble.summary, fingerprint=trouble.name, starts_at=NOW)  # fmt: skip


def _reports(trouble: Trouble) -> dict[str, Report]:
    """What three agents see: made up, as long as real ones."""
    return {
        name: _report(trouble, name, place) for place, name in enumerate(("logs.look", "database.look", "changes.look"))
    }


def _report(trouble: Trouble, tool: str, place: int) -> Report:
    agent = tool.partition(".")[0]
    facts = [
        Evidence(id=f"{agent}-{n}", statement=text.format(service=trouble.service, n=n + 1), observed_at=THEN, value=n)
        for n, text in enumerate(LOOKED)
    ]
    finding = Finding.model_validate(
        {"agent": agent, "title": f"{trouble.service} deviates, seen by {agent}", "service": trouble.service,
         "indicator": agent, "kind": f"seen_by_{agent}", "score": 0.9 - 0.2 * place, "evidence": facts,
         "facts": {"worst": 0.9, "statement": facts[0].statement}}
    )  # fmt: skip
    return Report(agent=finding.agent, findings=(finding,))
