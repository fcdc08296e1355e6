"""A whole chaos run: incidents, clicks and torment together, then the judgement over journal, trail and table.

Whatever waits here is somebody's behaviour: people look at the channel every `LOOK_S`, alerts come at a pace, faults
come at random moments. Nothing waits for the bot to be ready: what has to come is looked for until it is there, or
time is up.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from psycopg import AsyncConnection
from redis.exceptions import RedisError

from bot.incidents import Journal
from bot.models import Approved, Executing, Incident, NotExecuted, OutcomeUnknown, Phase
from bot.remediation.audit import Audit
from bot.storage import connect
from tests.chaos.action import TABLE
from tests.chaos.world import Tally, World, chaos

OVER = {Phase.RESOLVED, Phase.HANDED_OVER}
ENDS = {"executed", "not_executed", "outcome_unknown"}
LOOK_S = 0.2
"""How often people look whether a card is open."""
PACE_S = 1.0
"""How long a sender waits after an alert before its next one."""


@dataclass
class Judgement:
    """What came of it."""

    incidents: int = 0
    unopened: int = 0
    unfinished: int = 0
    approved: int = 0
    lost_approvals: list[str] = field(default_factory=list)
    without_approval: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    unknown: int = 0
    not_quarantined: list[str] = field(default_factory=list)
    executed_without_effect: list[str] = field(default_factory=list)
    not_executed: list[str] = field(default_factory=list)
    """Why: the reason of each approved proposal that did not run."""
    untold: list[str] = field(default_factory=list)
    effects: int = 0
    trail: int = 0
    trail_lacks: list[str] = field(default_factory=list)
    seconds: float = 0.0
    tally: Tally = field(default_factory=Tally)

    @property
    def sound(self) -> bool:
        """Whether every promise was kept."""
        broken = (self.lost_approvals, self.without_approval, self.twice, self.not_quarantined,
                  self.executed_without_effect, self.untold, self.trail_lacks)  # fmt: skip
        return not any(broken) and not self.unfinished and not self.unopened

    def table(self) -> str:
        """The figures, as Markdown."""
        rows: Sequence[tuple[str, object]] = (
            ("incidents", self.incidents),
            ("kill -9 of a replica", self.tally.kills),
            ("kill -9 of Redis", self.tally.redis_kills),
            ("calls of Slack that failed on order (429, 500, resets, lost answers)", self.tally.troubles),
            ("clicks, doubled, late, by strangers and forged ones included", self.tally.clicks),
            ("approved", self.approved),
            ("effects (rows in Postgres)", self.effects),
            ("**approvals acknowledged and lost**", len(self.lost_approvals)),
            ("**effects without approval**", len(self.without_approval)),
            ("**effects twice**", len(self.twice)),
            ("outcomes unknown, each quarantined and handed to people", self.unknown),
            ("of them not quarantined", len(self.not_quarantined)),
            ("approved, and not run for a reason that was told (below)", len(self.not_executed)),
            ("of them without a reason, or with a row after all", len(self.untold)),
            ("said to be executed, but no row", len(self.executed_without_effect)),
            ("alerts acknowledged without an incident", self.unopened),
            ("incidents that did not come to an end", self.unfinished),
            ("audit trail: entries, unbroken", self.trail),
            ("decisions that the trail lacks", len(self.trail_lacks)),
            ("seconds", f"{self.seconds:.0f}"),
        )
        why = [f"- {count} not run: {reason}" for reason, count in Counter(self.not_executed).most_common()]
        return "\n".join(["| what | count |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows), *why])


async def run(dsn: str, *, incidents: int, seed: int, at_once: int, every_s: tuple[float, float]) -> Judgement:
    """Let it happen, and judge."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as postgres:
        await postgres.execute("DROP TABLE IF EXISTS effects")
        await postgres.execute(TABLE.encode())
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="nightdesk-chaos-") as folder:
        async with chaos(Path(folder), dsn, incidents=incidents, seed=seed) as world:
            stop = asyncio.Event()
            torment = asyncio.create_task(world.torment(stop, every_s=every_s))
            await _people(world, incidents, at_once)
            await asyncio.gather(*world.late)
            stop.set()
            await torment
            await _quiet(world, within_s=_patience_s(incidents))
            judgement = await judge(world, dsn, incidents)
    judgement.seconds = time.monotonic() - began
    return judgement


def _patience_s(incidents: int) -> float:
    """Far longer than it takes: an incident that is not over by then is judged as it stands."""
    return 300 + 6 * incidents


async def _people(world: World, incidents: int, at_once: int) -> None:
    """Alerts come, a few at a time; whenever a card is open, its people press."""
    alerting = asyncio.create_task(_alerts(world, incidents, at_once))
    decided: set[str] = set()
    give_up = time.monotonic() + _patience_s(incidents)
    async with connect(world.redis.url) as redis:
        journal = Journal(redis)
        while not alerting.done() or (len(decided) < incidents and time.monotonic() < give_up):
            with suppress(RedisError):
                fresh = [
                    incident
                    async for incident in journal.open_incidents()
                    if incident.phase is Phase.AWAITING and incident.proposal and incident.proposal.id not in decided
                ]
                decided |= {incident.proposal.id for incident in fresh if incident.proposal}
                await asyncio.gather(*(_decide(world, incident) for incident in fresh))
            await asyncio.sleep(LOOK_S)
    await alerting


async def _alerts(world: World, incidents: int, at_once: int) -> None:
    lane = asyncio.Semaphore(at_once)

    async def one(number: int) -> None:
        async with lane:
            await world.alert(number)
            await asyncio.sleep(PACE_S)

    await asyncio.gather(*(one(number) for number in range(incidents)))


async def _decide(world: World, incident: Incident) -> None:
    if incident.proposal:
        await world.decide(incident.proposal.id, incident.proposal.digest, incident.channel or "")


async def _quiet(world: World, *, within_s: float) -> None:
    """Wait until every incident is over, and what follows has been kept."""
    give_up = time.monotonic() + within_s
    async with connect(world.redis.url) as redis:
        journal = Journal(redis)
        while time.monotonic() < give_up:
            left = [one async for one in journal.open_incidents() if one.phase not in OVER]
            if not left and not await _unaudited(world, journal):
                return
            await asyncio.sleep(0.5)


async def _all(journal: Journal) -> list[Incident]:
    ids = [*await journal.open_ids(), *await journal.closed_ids(since=0, limit=10_000)]
    return [await journal.read(incident_id) for incident_id in ids]


async def _unaudited(world: World, journal: Journal) -> list[str]:
    """Decisions that the trail lacks."""
    async with connect(world.redis.url) as redis:
        known = {(entry.proposal_id, entry.what) async for entry in Audit(redis).entries()}
    return [
        f"{recorded.event.proposal_id} {recorded.event.kind}"
        for incident in await _all(journal)
        for recorded in incident.history
        if isinstance(recorded.event, Approved | OutcomeUnknown | Executing)
        and (recorded.event.proposal_id, recorded.event.kind) not in known
    ]


async def judge(world: World, dsn: str, incidents: int) -> Judgement:
    """Count everything that must not be."""
    made = Judgement(tally=world.tally)
    async with await AsyncConnection.connect(dsn, autocommit=True) as postgres:
        rows = await (await postgres.execute("SELECT proposal, count(*) FROM effects GROUP BY proposal")).fetchall()
    effects = Counter({str(proposal): int(count) for proposal, count in rows})
    async with connect(world.redis.url) as redis:
        journal = Journal(redis)
        found = await _all(journal)
        latest = await Audit(redis).verify()
        made.trail = latest.number if latest else 0
        made.trail_lacks = await _unaudited(world, journal)
    made.incidents, made.unopened, made.effects = len(found), incidents - len(found), effects.total()
    made.twice = [proposal for proposal, count in effects.items() if count > 1]
    approved: set[str] = set()
    for incident in found:
        _count(incident, effects, approved, made)
    made.without_approval = [proposal for proposal in effects if proposal not in approved]
    made.approved = len(approved)
    made.lost_approvals = [proposal for proposal in world.tally.acknowledged if proposal not in approved]
    return made


def _count(incident: Incident, effects: Counter[str], approved: set[str], made: Judgement) -> None:
    kinds = {(getattr(one.event, "proposal_id", ""), one.event.kind) for one in incident.history}
    made.unfinished += incident.phase not in OVER
    for recorded in incident.history:
        event = recorded.event
        if isinstance(event, Approved):
            approved.add(event.proposal_id)
            if not any((event.proposal_id, end) in kinds for end in ENDS):
                made.lost_approvals.append(event.proposal_id)
        if isinstance(event, OutcomeUnknown):
            made.unknown += 1
            if event.quarantined_until <= event.at or incident.phase is not Phase.HANDED_OVER:
                made.not_quarantined.append(event.proposal_id)
        if isinstance(event, NotExecuted):
            made.not_executed.append(event.reason)
            if not event.reason.strip() or effects[event.proposal_id]:
                made.untold.append(event.proposal_id)
        if event.kind == "executed" and not effects[event.proposal_id]:
            made.executed_without_effect.append(event.proposal_id)
