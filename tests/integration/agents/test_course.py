"""The general playbook on a recorded service that suffers from a lock queue in its own database, or beside one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from shutil import copy
from typing import Any

import pytest

import bot.recorded
from bot.agents.commander import rank
from bot.models import Hypothesis
from bot.rehearsal import rehearse
from bot.telemetry.postgres_rows import Beginning
from bot.telemetry.recorded_databases import PostgresAnswers
from tests.recorded import write_lines, write_table, write_topology
from tests.unit.agents.test_course import CONFIDENT
from tests.unit.canvas.answers import ANSWERS, connections, told
from tests.unit.canvas.recordings import BEGAN, CASES

GENERAL = Path("playbooks/general-triage.md")
SPANS = ("start", "duration_us", "trace", "span", "parent", "service", "instance", "operation", "error")
WITH_LOCK_S = 660
"""Seconds into the window, when the session is about to leave its transaction open."""
LONG_BEFORE_S = 120
LOCKED = ANSWERS["general-triage"]["search-db"]


def at(second: float) -> datetime:
    return BEGAN + timedelta(seconds=second)


def wobble(second: int) -> float:
    return 1 + 0.05 * math.sin(second * 1.4)


def samples(sick_from: int, callers: Sequence[str]) -> Iterator[tuple[object, ...]]:
    levels: dict[tuple[str, str], tuple[float, float]] = {
        ("search", "latency_p95_seconds"): (0.2, 2.4), ("search", "error_ratio"): (0.002, 0.4),
        ("search", "requests_per_second"): (40.0, 40.0), ("search", "cpu_used_ratio"): (0.3, 0.3),
    }  # fmt: skip
    for caller in callers:
        levels |= {(caller, "latency_p95_seconds"): (0.3, 2.6), (caller, "error_ratio"): (0.002, 0.4)}
    for (service, metric), levels_of in levels.items():
        for second in range(-3600, 900, 30):
            yield at(second).isoformat(), service, metric, levels_of[second >= sick_from] * wobble(second)


def spans(second: int, *, slow: bool, cut: bool) -> Iterator[tuple[object, ...]]:
    lasts_ms = (2000 if slow else 40) * wobble(second)
    chain = [("web", "GET /search", lasts_ms + 20), ("web", "call search", lasts_ms + 10),
             ("search", "Search", lasts_ms), ("search", "order results", 5.0)]  # fmt: skip
    for place, (service, operation, long_ms) in enumerate(chain[: 3 if cut else 4]):
        start, parent = at(second + place * 0.004).isoformat(), f"s{place - 1}" if place else ""
        failed = "true" if cut and operation == "Search" else ""
        yield (
            start,
            round(long_ms * 1000),
            f"t{second}",
            f"s{place}",
            parent,
            service,
            f"{service}-1",
            operation,
            failed,
        )


def lines(second: int, *, traced: bool, cut: bool) -> Iterator[Mapping[str, str]]:
    failed = ("ERROR", f"query {second} failed: canceling statement due to lock timeout")
    said = [("INFO", f"query {second} begins"), failed if cut else ("INFO", f"query {second} answered")]
    for place, (level, message) in enumerate(said):
        time = at(second + 0.01 + place * 0.02).isoformat()
        trace = {"trace": f"t{second}"} if traced else {}
        yield {"time": time, "service": "search", "level": level, "message": message, **trace}


def full(since_s: float | None) -> PostgresAnswers:
    """All connections are used; the last of them were taken in that second of the window, if the server tells it."""
    moments = (-7200.0,) * 60 + (since_s,) * 40 if since_s is not None else ()
    begun = tuple(Beginning(role="app", here=True, at=at(moment)) for moment in moments)
    return PostgresAnswers(engine="postgres", connections=connections(100), beginnings=begun)


@pytest.fixture
def rankings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Hypothesis, ...]]:
    """What the commander made of each rehearsal."""
    made: list[tuple[Hypothesis, ...]] = []

    def ranked(*given: Any) -> tuple[Hypothesis, ...]:
        made.append(rank(*given))
        return made[-1]

    monkeypatch.setattr(bot.recorded, "rank", ranked)
    return made


def recorded(
    folder: Path,
    kept: str,
    *,
    sick_from: int = WITH_LOCK_S,
    database: PostgresAnswers | None = None,
    callers: Sequence[str] = ("web",),
    others: Sequence[str] = (),
) -> Path:
    """Search is slow from that second of the window on, and two of five of its requests fail."""
    copy(CASES / "general-triage" / "case.json", folder)
    (folder / "changes.json").write_text("[]")
    (folder / "database.json").write_text(json.dumps(told({"search-db": database or LOCKED})))
    write_topology(folder, *((caller, "search") for caller in callers), *pairwise(others))
    sick = {second: second >= sick_from for second in range(-3600, 900, 5)}
    cut = {second: ill and second // 5 % 5 < 2 for second, ill in sick.items()}
    if "metrics" in kept:
        write_table(folder / "metrics.csv.gz", ("time", "service", "metric", "value"), samples(sick_from, callers))
    if "traces" in kept:
        rows = (row for second, slow in sick.items() for row in spans(second, slow=slow, cut=cut[second]))
        write_table(folder / "spans.csv.gz", SPANS, rows)
    if "logs" in kept:
        traced = "traces" in kept
        write_lines(
            folder / "logs.jsonl.gz", (line for one in sick for line in lines(one, traced=traced, cut=cut[one]))
        )
    return folder


@pytest.mark.parametrize("kept", ["metrics", "logs", "traces", "metrics logs", "logs traces", "metrics logs traces"])
async def test_a_service_that_suffers_from_its_database_is_no_rival_to_it(tmp_path: Path, kept: str) -> None:
    said, _ = await rehearse(GENERAL, case=recorded(tmp_path, kept))
    assert "postgres.terminate_backend" in said
    assert "'pid': 4711" in said
    assert said.splitlines()[-1] == "finished: recovered"


async def test_many_callers_that_suffer_as_well_are_no_rivals_either(tmp_path: Path) -> None:
    callers, others = [f"caller-{place}" for place in range(10)], [f"quiet-{place}" for place in range(60)]
    said, _ = await rehearse(GENERAL, case=recorded(tmp_path, "metrics", callers=callers, others=others))
    assert "postgres.terminate_backend" in said


@pytest.mark.parametrize("kept", ["traces", "metrics logs", "logs traces", "metrics logs traces"])
async def test_a_lock_that_came_after_the_trouble_is_not_acted_on(tmp_path: Path, kept: str) -> None:
    said, _ = await rehearse(GENERAL, case=recorded(tmp_path, kept, sick_from=LONG_BEFORE_S))
    assert "would do" not in said
    assert said.splitlines()[-1] == "finished: hand_over"


@pytest.mark.parametrize("kept", ["metrics", "metrics logs", "metrics logs traces"])
async def test_connections_that_ran_out_explain_the_service_that_stands_on_them(
    tmp_path: Path, kept: str, rankings: list[tuple[Hypothesis, ...]]
) -> None:
    for name, since_s in {"undated": None, "before": WITH_LOCK_S - 30, "taking turns": 890}.items():
        (tmp_path / name).mkdir()
        await rehearse(GENERAL, case=recorded(tmp_path / name, kept, database=full(since_s)))
    undated, before, turning = [
        next(one.confidence for one in ranked if one.kind == "connection_exhaustion") for ranked in rankings
    ]
    assert undated < CONFIDENT < before
    assert turning == undated  # the last slots were taken just now, and perhaps often before


async def test_where_nobody_waits_in_the_database_nothing_is_done_to_it(tmp_path: Path) -> None:
    assert isinstance(LOCKED, PostgresAnswers)
    calm = LOCKED.model_copy(update={"locks": (), "transactions": ()})
    said, _ = await rehearse(GENERAL, case=recorded(tmp_path, "metrics logs traces", database=calm))
    assert "would do" not in said
    assert said.splitlines()[-1] == "finished: hand_over"
