"""kill -9 before, inside and after every step: the same path and evidence, and each finished step once."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
NEVER = 10_000
KILLED = {"signal": signal.SIGKILL}


async def processes(url: str, playbook: str, *calls: tuple[int, int]) -> list[dict[str, Any]]:
    """Walk in one process after the other, each going on with its run and ending at its call; what each told."""
    runner = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.canvas.runner", url, playbook,
        *[f"{run}:{call}" for run, call in calls], stdout=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    output, _ = await runner.communicate()
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.parametrize(("playbook", "changes", "every"), [("forks", 1, 1), ("winding", 0, 3)])
async def test_a_run_that_is_killed_at_any_call_ends_as_the_undisturbed_one(
    redis_url: str, playbook: str, changes: int, every: int
) -> None:
    (undisturbed,) = await processes(redis_url, playbook, (0, NEVER))
    assert undisturbed["came_to"][:2] == ["finished", "done"]
    assert undisturbed["calls"] > 30
    calls = range(1, undisturbed["calls"] + 1, every)
    told = await processes(redis_url, playbook, *[pair for call in calls for pair in ((call, call), (call, NEVER))])
    for call, killed, resumed in zip(calls, told[::2], told[1::2], strict=True):
        assert killed == KILLED
        assert resumed["came_to"] == undisturbed["came_to"], f"killed at call {call}"
        assert (resumed["begun_again"], resumed["changes"]) == ([], changes)


async def test_a_run_whose_every_process_is_killed_soon_still_comes_to_its_end(redis_url: str) -> None:
    told = await processes(redis_url, "forks", *[(1, 5)] * 40)
    killed = told.count(KILLED)
    survivor = told[killed]
    assert killed > 3
    assert survivor["came_to"][:2] == ["finished", "done"]
    assert (survivor["begun_again"], survivor["changes"]) == ([], 1)
