"""The lines of the bench: of eleven styles, with known templates."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Callable

NAMES = ("ann", "bob", "chen", "dilek", "eve", "farid", "grace", "hiro", "ines", "jo")
WORDS = ("orders", "payments", "stock", "baskets", "invoices", "sessions")

FIGURES: dict[str, Callable[[random.Random], str]] = {
    "ip": lambda chance: ".".join(str(chance.randrange(256)) for _ in range(4)),
    "uuid": lambda chance: str(uuid.UUID(int=chance.getrandbits(128), version=4)),
    "hex": lambda chance: f"{chance.getrandbits(64):016x}",
    "short": lambda chance: f"{chance.getrandbits(40):010x}",
    "few": lambda chance: str(chance.randrange(64)),
    "num": lambda chance: str(chance.randrange(10 ** chance.randrange(1, 7))),
    "big": lambda chance: str(chance.randrange(10**18)),
    "dec": lambda chance: f"{chance.random() * 900:.3f}",
    "name": lambda chance: chance.choice(NAMES),
    "word": lambda chance: chance.choice(WORDS),
}

STYLES: tuple[tuple[str, str], ...] = (
    ("access log", '{ip} - - "GET /api/{word}/{num} HTTP/1.1" 200 {num} {dec}'),
    ("access log", '{ip} - - "POST /api/{word} HTTP/1.1" 503 {num} {dec}'),
    ("blocks", "Received block blk_{big} of size {num} from /{ip}"),
    ("blocks", "PacketResponder {few} for block blk_-{big} terminating"),
    ("java", "[exec-{few}] o.s.OrderService - order {num} placed in {num} ms"),
    ("java", "[exec-{few}] c.z.hikari.HikariPool - connection timed out after {num}ms"),
    ("postgres", "process {num} still waiting for ShareLock on transaction {num} after {dec} ms"),
    ("postgres", "checkpoint complete: wrote {num} buffers ({dec}%); sync={dec} s"),
    ("kubernetes", 'Back-off restarting failed container=api pod="api-{short}-x" podUID="{uuid}"'),
    ("kubernetes", "Probe readiness of pod {short} failed with statuscode: 50{few}"),
    ("sshd", "Failed password for invalid user {name} from {ip} port {num} ssh2"),
    ("sshd", "Accepted publickey for {name} from {ip} port {num} ssh2: ED25519"),
    ("kernel", "[{num}.{num}] eth{few}: link up, {num} Mbps, full duplex"),
    ("kernel", "Out of memory: Killed process {num} (java) total-vm:{num}kB, anon-rss:{num}kB"),
    ("payments", "payment {uuid} authorised amount={dec} currency=EUR attempt={few}"),
    ("payments", "payment {uuid} refused by acquirer: code {few} for user {name}"),
    ("cache", "evicted {num} keys in {few}ms, used memory {num} of {num}"),
    ("scheduler", "job '{word}-nightly' finished with exit code {few} after {few}m{few}s"),
    ("trace", "span {hex} of trace {hex}{hex} dropped: queue of {num} is full"),
    ("mail", "{short}: to=<{name}@example.com>, delay={dec}, status=sent (250 2.0.0 Ok)"),
)
"""Style and line; every line here is a template of its own."""


def written(pattern: str, chance: random.Random) -> str:
    """A line of this pattern."""
    return re.sub(r"\{(\w+)\}", lambda found: FIGURES[found[1]](chance), pattern)


def mix(lines: int, seed: int) -> tuple[list[str], list[int]]:
    """Lines, and the number of the template that each was made of; common templates are far more common than rare."""
    chance = random.Random(seed)  # noqa: S311
    shares = [1 / (place + 1) ** 0.7 for place in range(len(STYLES))]
    truth = chance.choices(chance.sample(range(len(STYLES)), len(STYLES)), shares, k=lines)
    return [written(STYLES[place][1], chance) for place in truth], truth


def never_again(lines: int, seed: int) -> list[str]:
    """The worst case: lines of random words."""
    chance = random.Random(seed)  # noqa: S311
    return [" ".join("".join(chance.choices("ghijklmnop", k=6)) for _ in range(8)) for _ in range(lines)]
