"""`python -m tests.bench.alerts.load PORT PATH SECONDS CONNECTIONS`: an alert a request, as fast as they are answered.

A process of its own, so that its work is not the server's. Prints a JSON list: seconds from each request to its 202.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from itertools import cycle

from tests.servers.storm import bodies, request


async def _connection(port: int, wire: Iterator[bytes], until: float, latencies_s: list[float]) -> None:
    clock = asyncio.get_running_loop().time
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (begun := clock()) < until:
        writer.write(next(wire))
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]))
        assert head.split()[1] == b"202", head
        latencies_s.append(clock() - begun)
    writer.close()


async def _load(port: int, path: str, seconds: float, connections: int) -> list[float]:
    wire = cycle([request(body, path) for body in bodies(1000, 200, largest=1)])
    until = asyncio.get_running_loop().time() + seconds
    latencies_s: list[float] = []
    await asyncio.gather(*(_connection(port, wire, until, latencies_s) for _ in range(connections)))
    return latencies_s


if __name__ == "__main__":
    port_, path_, seconds_, connections_ = sys.argv[1:]
    found = asyncio.run(_load(int(port_), path_, float(seconds_), int(connections_)))
    sys.stdout.write(json.dumps(found))
