"""What the engine costs: a step that does nothing, beside plain asyncio doing the same; and a picture.

python -m tests.bench.canvas
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from typing_extensions import override

from bot.canvas import MemoryStore, Outcome, Playbook, Step, read, walk
from bot.canvas.lint import lint
from bot.canvas.picture import draw
from bot.canvas.playbook import parse
from tests.unit.canvas.worlds import ToldWorld, drawn, looking

ROUNDS = 15
SHIPPED = Path(__file__).parents[3] / "playbooks" / "payments-failing.md"


class Idle(ToldWorld):
    """Tools that find nothing, at once."""

    @override
    async def use(self, tool: str, parameters: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        await asyncio.sleep(0)
        return {}


def chain(length: int) -> Playbook:
    """One step after another; with start and end as many nodes as asked for."""
    names = [f"n{number}" for number in range(length - 2)]
    return drawn(f"a([Start]) --> {' --> '.join(names)} --> z([End])", looking(*names))


def fork(width: int) -> Playbook:
    """Start, fork, arms, join, end."""
    names = [f"n{number}" for number in range(width)]
    return drawn(
        f"a([Start]) --> f{{{{Fork}}}} --> {' & '.join(names)} --> j{{{{Join}}}} --> z([End])", looking(*names)
    )


async def plain_chain(length: int) -> None:
    """The same work without an engine: a task for each step, its result kept in a dict."""
    kept: dict[int, object] = {}
    for number in range(length):
        kept[number] = await asyncio.create_task(asyncio.sleep(0))


async def plain_fork(width: int) -> None:
    """The same work without an engine."""
    await asyncio.gather(*(asyncio.sleep(0) for _ in range(width)))


def milliseconds(work: Callable[[], object]) -> float:
    """The median of several rounds."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def timed(work: Callable[[], Awaitable[object]]) -> float:
    """The median of several rounds, each on a loop that is there already."""
    with asyncio.Runner() as runner:

        async def once() -> None:
            await work()

        return milliseconds(lambda: runner.run(once()))


def run(playbook: Playbook) -> Callable[[], Awaitable[object]]:
    """A whole run in memory."""
    return lambda: walk(playbook, "bench", store=MemoryStore(), world=Idle(), limit=50)


def main() -> None:
    """Print the table."""
    rows = [
        ("chain of 10 nodes", 10, timed(run(chain(10))), timed(lambda: plain_chain(10))),
        ("chain of 100 nodes", 100, timed(run(chain(100))), timed(lambda: plain_chain(100))),
        ("fork of 20", 24, timed(run(fork(20))), timed(lambda: plain_fork(20))),
    ]
    print(f"Medians of {ROUNDS} rounds.\n")
    print("| drawing | ms a run | ms a node | plain asyncio, ms a run |\n|---|---|---|---|")
    for name, nodes, ours, plain in rows:
        print(f"| {name} | {ours:.1f} | {ours / nodes:.2f} | {plain:.2f} |")
    text = SHIPPED.read_text(encoding="utf-8")
    parse(text)
    playbook = read(SHIPPED)
    began, busy = time.perf_counter(), time.process_time()
    draw(playbook)
    first, busy = time.perf_counter() - began, time.process_time() - busy
    outcomes = {"begin": Outcome(), "split": Outcome()}
    print(f"\nof {SHIPPED.stem} ({len(playbook.chart.nodes)} nodes):")
    print(f"  parsing                  {milliseconds(lambda: parse.__wrapped__(text)):.1f} ms")
    print(f"  all lint rules           {milliseconds(lambda: lint(playbook)):.1f} ms")
    print(f"  laid out the first time  {first * 1000:.0f} ms, {busy * 1000:.0f} ms of them of the processor")
    print(f"  coloured again, SVG      {milliseconds(lambda: draw(playbook, outcomes)):.1f} ms")
    print(f"  coloured again, PNG      {milliseconds(lambda: draw(playbook, outcomes, 'png')):.0f} ms")


if __name__ == "__main__":
    main()
