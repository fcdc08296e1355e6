"""How fast log lines find their templates, beside masked drain3 in the same run: `python -m tests.bench.logs`.

The lines are made of eleven styles with known templates, so that grouping accuracy (Zhu et al., ICSE-SEIP 2019: the
part of lines whose group is exactly the lines of their template) can be told for both. Then a million of them are read
from a file: by the templates alone, and by the logs agent as it works at night.
"""

from __future__ import annotations

import argparse
import asyncio
import time
import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from math import comb

from drain3.drain import Drain
from drain3.masking import LogMasker, MaskingInstruction

from bot.telemetry.templates import DEPTH, MASKS, SIMILARITY, Templates
from tests.bench.logs.lines import STYLES, mix, never_again
from tests.bench.logs.long import long_runs


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
    parser.add_argument("--long", type=int, default=1_000_000, help="lines of the long run; 0: none")
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
    if asked.long:
        print(f"\n| {asked.long:,} lines | lines/s | longest pause of the loop | memory at most |\n|---|---|---|---|")
        for run in asyncio.run(long_runs(asked.long, asked.seed)):
            print(run)


if __name__ == "__main__":
    main()
