"""A bad night: thousands of alerts of a few causes, sent until each is acknowledged, and counted afterwards."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bot.incidents import Journal
from bot.incidents.aside import SPOOL
from bot.storage import connect
from tests.servers.nightdesk import CHANNEL, TOKEN
from tests.servers.process import wait_until

CAUSES = 5
SERVICES_A_CAUSE = 4
ANSWER_WITHIN_S = 15.0


def services(channel: str = CHANNEL) -> str:
    """A catalogue of five causes: a store that fails, and three services that stand on it one above the other."""
    rows = []
    for cause in range(CAUSES):
        for level in range(SERVICES_A_CAUSE):
            needs = f", depends_on: [c{cause}-s{level - 1}]" if level else ""
            rows.append(f"  c{cause}-s{level}: {{channel: {channel}{needs}}}")
    return "\n".join(["services:", *rows, ""])


@dataclass(frozen=True)
class Body:
    """What Alertmanager posts for one group."""

    content: bytes
    alerts: int


def bodies(alerts: int, fingerprints: int, *, largest: int = 10, seed: int = 7) -> Iterator[Body]:
    """So many alerts of so many different ones, in groups as Alertmanager forms them; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - a storm is no secret
    left = alerts
    while left:
        size = min(left, chance.randint(1, largest))
        service = f"c{chance.randrange(CAUSES)}-s{chance.randrange(SERVICES_A_CAUSE)}"
        a_service = fingerprints // (CAUSES * SERVICES_A_CAUSE)
        yield _body(service, [chance.randrange(a_service) for _ in range(size)])
        left -= size


def _body(service: str, numbers: Sequence[int]) -> Body:
    alerts = [
        {
            "status": "firing",
            "labels": {"alertname": f"Slow{number % 4}", "service": service, "severity": "warning", "pod": str(number)},
            "annotations": {"summary": f"{service} is slow on {number}"},
            "startsAt": "2026-03-14T02:57:41Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example.com/graph",
            "fingerprint": f"{service}-{number}",
        }
        for number in numbers
    ]
    group = {"version": "4", "groupKey": f'{{}}:{{service="{service}"}}', "status": "firing", "receiver": "nightdesk",
             "groupLabels": {"service": service}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "",
             "alerts": alerts}  # fmt: skip
    return Body(json.dumps(group).encode(), len(alerts))


def request(body: Body, path: str = "/alerts/alertmanager", token: str = TOKEN) -> bytes:
    """The whole HTTP request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body.content)}\r\n\r\n"
    )
    return head.encode() + body.content


@dataclass
class Sender:
    """Sends each body until it is acknowledged, over a few connections, as Alertmanager does.

    `acknowledged` counts alerts that were answered 202, `sent` those that may have been taken all the same.
    """

    port: int
    acknowledged: int = 0
    sent: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)

    async def send(self, storm: Sequence[Body], *, connections: int = 16) -> None:
        """Return when every body was acknowledged."""
        waiting = list(reversed(storm))
        await asyncio.gather(*(self._work(waiting) for _ in range(connections)))

    async def _work(self, waiting: list[Body]) -> None:
        while waiting:
            body = waiting.pop()
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                waiting.append(body)
                await asyncio.sleep(0.1)
                continue
            try:
                await self._speak(reader, writer, body, waiting)
            finally:
                writer.close()

    async def _speak(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: Body, waiting: list[Body]
    ) -> None:
        """Over one connection, until it breaks or nothing is left; what was not acknowledged goes back."""
        clock = asyncio.get_running_loop().time
        while True:
            begun = clock()
            self.sent += body.alerts
            try:
                writer.write(request(body))
                status = await asyncio.wait_for(_status(reader), ANSWER_WITHIN_S)
            except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError):
                waiting.append(body)
                return
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if status == 202:
                self.acknowledged += body.alerts
                self.latencies_s.append(clock() - begun)
            else:
                waiting.append(body)
                await asyncio.sleep(0.1)
            if not waiting:
                return
            body = waiting.pop()


async def _status(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    await reader.readexactly(length)
    return int(head.split()[1])


@dataclass(frozen=True)
class Count:
    """What became of a storm."""

    alerts: int
    incidents: int
    fingerprints: int


async def counted(redis_url: str, *, within_s: float = 120) -> Count:
    """Everything that was acknowledged and sorted; waits until nothing is left to sort."""

    async def sorted_out() -> bool:
        async with connect(redis_url) as redis:
            return not await redis.xlen(SPOOL)

    await wait_until(sorted_out, within_s=within_s, what="an empty spool")
    async with connect(redis_url) as redis:
        journal = Journal(redis)
        incidents = [await journal.counted(one) for one in await journal.open_ids()]
    alerts = sum(1 + one.joined + one.duplicates for one in incidents)
    return Count(alerts, len(incidents), sum(len(one.alerts) for one in incidents))
