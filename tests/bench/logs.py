"""How fast log lines find their templates, beside masked drain3 in the same run: `python -m tests.bench.logs`.

The lines are made here, of eleven styles with known templates, so that grouping accuracy (Zhu et al., ICSE-SEIP 2019:
the part of lines whose group is exactly the lines of their template) can be told for both.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import time
import tracemalloc
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from math import comb

from drain3.drain import Drain
from drain3.masking import LogMasker, MaskingInstruction

from bot.telemetry.templates import DEPTH, MASKS, SIMILARITY, Templates

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


def masked_drain3(lines: Sequence[str]) -> list[int]:
    """What drain3 does as it comes: every mask, then the tree."""
    masker = LogMasker([MaskingInstruction(pattern, name) for name, pattern in MASKS])
    drain = Drain(depth=DEPTH, sim_th=SIMILARITY)
    return [drain.add_log_message(masker.mask(line))[0].cluster_id for line in lines]


def grouping_accuracy(groups: Sequence[Hashable], truth: Sequence[Hashable]) -> float:
    """The part of lines whose group holds exactly the lines of their template."""
    of_truth, of_group = Counter(truth), Counter(groups)
    both = Counter(zip(groups, truth, strict=True))
    right = sum(count for (group, kind), count in both.items() if count == of_truth[kind] == of_group[group])
    return right / len(truth)


def adjusted_rand(one: Sequence[Hashable], other: Sequence[Hashable]) -> float:
    """Agreement of two groupings over pairs of lines, 1 for the same, 0 for chance (Hubert and Arabie, 1985)."""
    pairs = sum(comb(count, 2) for count in Counter(zip(one, other, strict=True)).values())
    first = sum(comb(count, 2) for count in Counter(one).values())
    second = sum(comb(count, 2) for count in Counter(other).values())
    by_chance = first * second / comb(len(one), 2)
    most = (first + second) / 2
    return (pairs - by_chance) / (most - by_chance) if most != by_chance else 1.0


def timed(work: Callable[[Sequence[str]], list[int]], lines: Sequence[str]) -> tuple[list[int], float]:
    """The groups, and lines a second of processor time: other work on the machine does not count."""
    began = time.process_time()
    groups = work(lines)
    return groups, len(lines) / (time.process_time() - began)


async def longest_pause(lines: Sequence[str], slice_lines: int = 2000) -> float:
    """Seconds for which the event loop stood still while the lines were grouped in a thread, slice by slice."""
    longest, done = 0.0, asyncio.Event()

    async def watching() -> None:
        nonlocal longest
        while not done.is_set():
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - began - 0.001)

    watcher = asyncio.create_task(watching())
    templates = Templates()
    for start in range(0, len(lines), slice_lines):
        await asyncio.to_thread(templates.add_all, lines[start : start + slice_lines])
    done.set()
    await watcher
    return longest


def memory_of(lines: Sequence[str]) -> float:
    """Megabytes that the templates of these lines hold."""
    tracemalloc.start()
    templates = Templates()
    templates.add_all(lines)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held / 1e6


def by_style(lines: Sequence[str], truth: Sequence[int]) -> dict[str, float]:
    """Lines a second of each style alone."""
    own: dict[str, list[str]] = defaultdict(list)
    for line, kind in zip(lines, truth, strict=True):
        own[STYLES[kind][0]].append(line)
    return {style: timed(Templates().add_all, some)[1] for style, some in sorted(own.items())}


def _beside(speed: float, baseline: float) -> str:
    return f"{speed:,.0f} ({speed / baseline:.1f} times)"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--baseline-lines", type=int, default=30_000, help="drain3 gets this many of them")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    lines, truth = mix(asked.lines, asked.seed)
    fewer = lines[: asked.baseline_lines]
    theirs, their_speed = timed(masked_drain3, fewer)
    _, our_speed_on_fewer = timed(Templates().add_all, fewer)
    ours, our_speed = timed(Templates().add_all, lines)
    head, odd = truth[: len(fewer)], never_again(20_000, asked.seed)
    _, odd_speed = timed(Templates().add_all, odd)
    rows = (
        (f"lines/s, {len(fewer):,} lines", f"{their_speed:,.0f}", _beside(our_speed_on_fewer, their_speed)),
        (f"lines/s, {len(lines):,} lines", "", _beside(our_speed, their_speed)),
        (
            "grouping accuracy",
            f"{grouping_accuracy(theirs, head):.3f}",
            f"{grouping_accuracy(ours[: len(head)], head):.3f}",
        ),
        ("agreement of the two (adjusted Rand)", "", f"{adjusted_rand(theirs, ours[: len(head)]):.4f}"),
        ("longest pause of the event loop", "", f"{asyncio.run(longest_pause(lines)) * 1000:.0f} ms"),
        (f"memory held after {len(lines):,} lines", "", f"{memory_of(lines):.2f} MB"),
        (f"lines/s of {len(odd):,} lines that never repeat", "", f"{odd_speed:,.0f}"),
        ("memory held after these", "", f"{memory_of(odd):.2f} MB"),
    )
    print("| | masked drain3 | templates.py |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print("\n| style | lines/s |\n|---|---|")
    for style, speed in by_style(lines, truth).items():
        print(f"| {style} | {speed:,.0f} |")


if __name__ == "__main__":
    main()
