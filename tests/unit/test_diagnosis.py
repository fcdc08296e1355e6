"""`nightdesk diagnose` on small recorded cases."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from bot.diagnosis import command
from bot.errors import BadInput
from tests.recorded import BEFORE, QUIET, WINDOW, minutes, stretch, write_case, write_lines, write_table, write_topology

STRETCHES = (WINDOW, BEFORE, QUIET)
CALLS = (("web", "cart"), ("web", "pay"), ("pay", "bank"))
SERVICES = ("web", "cart", "pay", "bank")


def wobble(place: int) -> float:
    """Noise that is the same every time, between 0.95 and 1.05."""
    return 1 + 0.05 * math.sin(7 * place)


def metric_rows(faulty: str | None, *, step_s: int = 60) -> Iterator[tuple[object, ...]]:
    """CPU and latency of each service; a faulty one is busy in the window, and slow together with its callers."""
    slow = {"bank": {"bank", "pay", "web"}, "cart": {"cart", "web"}}.get(faulty or "", set())
    for pair in STRETCHES:
        for place, moment in enumerate(minutes(pair, step_s)):
            for service in SERVICES:
                bad = pair == WINDOW
                yield moment.isoformat(), service, "cpu_usage", wobble(place) * (9 if bad and service == faulty else 1)
                delay = 2.0 if bad and service in slow else 0.0
                yield moment.isoformat(), service, "latency_p90_seconds", wobble(place) * 0.1 + delay


def with_metrics(folder: Path, faulty: str | None, *, step_s: int = 60) -> Path:
    write_case(folder)
    write_topology(folder, *CALLS)
    write_table(folder / "metrics.csv.gz", ("time", "service", "metric", "value"), metric_rows(faulty, step_s=step_s))
    return folder


def causes(folder: Path) -> list[dict[str, object]]:
    told = json.loads(command(folder, as_json=True))
    assert told["seconds"] > 0
    return list(told["causes"])


def with_traces(folder: Path, *, broken: bool) -> Path:
    """Requests from web over pay to bank, with lines; in the window pay gives up before it asks bank, if broken."""
    write_case(folder)
    write_topology(folder, *CALLS)
    spans: list[tuple[object, ...]] = []
    lines: list[dict[str, object]] = []
    numbers = count()
    for pair in STRETCHES:
        for moment in minutes(pair, 5)[:40]:
            trace, early = f"t{next(numbers)}", broken and pair == WINDOW
            spans += trace_rows(trace, moment, early=early)
            said = ["12:00:01 INFO Charge begins", *([] if early else ["12:00:02 INFO Bank has agreed"])]
            for place, text in enumerate(said):
                at = (moment + timedelta(milliseconds=30 + 5 * place)).isoformat()
                lines.append({"time": at, "service": "pay", "trace": trace, "message": text})
    columns = ("start", "duration_us", "trace", "span", "parent", "service", "instance", "operation")
    write_table(folder / "spans.csv.gz", columns, spans)
    write_lines(folder / "logs.jsonl.gz", lines)
    return folder


def trace_rows(trace: str, moment: datetime, *, early: bool) -> Iterator[tuple[object, ...]]:
    chain = [("web", "GET /pay", 100), ("web", "call pay", 80), ("pay", "Charge", 60), ("pay", "call bank", 40),
             ("bank", "Book", 20)]  # fmt: skip
    for place, (service, operation, lasts_ms) in enumerate(chain[: 3 if early else 5]):
        start = moment + timedelta(milliseconds=10 * place)
        parent = f"s{place - 1}" if place else ""
        yield start.isoformat(), lasts_ms * 1000, trace, f"s{place}", parent, service, f"{service}-1", operation


def test_metrics_and_topology_alone_name_the_service_and_not_its_callers(tmp_path: Path) -> None:
    (best, *_) = causes(with_metrics(tmp_path, "bank"))
    assert (best["service"], best["kind"]) == ("bank", "cpu")
    assert "rose from" in str(best["statement"])


def test_samples_every_two_minutes_are_enough(tmp_path: Path) -> None:
    (best, *_) = causes(with_metrics(tmp_path, "cart", step_s=120))
    assert best["service"] == "cart"


def test_a_quiet_case_is_called_healthy(tmp_path: Path) -> None:
    (best, *_) = causes(with_metrics(tmp_path, None))
    assert (best["service"], best["kind"]) == (None, "healthy")


def test_a_line_and_a_call_that_stay_away_name_the_service(tmp_path: Path) -> None:
    (best, *_) = causes(with_traces(tmp_path, broken=True))
    assert (best["service"], best["kind"]) == ("pay", "exception")
    assert any("Bank has agreed" in fact for fact in list(best["evidence"]))  # type: ignore[call-overload]


def test_whole_traces_are_healthy(tmp_path: Path) -> None:
    assert causes(with_traces(tmp_path, broken=False))[0]["kind"] == "healthy"


def test_people_are_told_in_sentences(tmp_path: Path) -> None:
    told = command(with_metrics(tmp_path, "bank"), as_json=False)
    assert told.splitlines()[0].startswith("CPU usage rose from")
    assert "\n1. bank: cpu, " in told


def test_agents_ask_each_other_as_in_a_live_triage(tmp_path: Path) -> None:
    """Nobody reads the lines of a service that the alerted one does not stand on, until its figures make one ask."""
    with_metrics(tmp_path, "bank")
    write_topology(tmp_path, ("web", "cart"), ("pay", "bank"))
    well, ill = "INFO Booked", "ERROR Ledger is locked"
    lines = [
        {
            "time": moment.isoformat(),
            "service": "bank",
            "trace": f"{place}",
            "message": ill if pair == WINDOW and place % 2 else well,
        }
        for pair in STRETCHES
        for place, moment in enumerate(minutes(pair, 10))
    ]
    write_lines(tmp_path / "logs.jsonl.gz", lines)
    told = command(tmp_path, as_json=False)
    assert "metrics asked logs: bank is off too: does it log anything new?" in told
    assert "Ledger is locked" in told


def test_the_truth_of_a_case_is_never_read(tmp_path: Path) -> None:
    (with_metrics(tmp_path, "bank") / "truth.json").write_text("not even JSON")
    assert causes(tmp_path)[0]["service"] == "bank"


def test_a_service_that_only_the_topology_knows_does_no_harm(tmp_path: Path) -> None:
    write_topology(with_metrics(tmp_path, "bank"), *CALLS, ("bank", "vault"), ("vault", "vault"))
    assert causes(tmp_path)[0]["service"] == "bank"


def test_names_that_differ_in_capitals_only_are_one_service(tmp_path: Path) -> None:
    write_topology(with_metrics(tmp_path, "bank"), *CALLS, ("PAY", "Bank"))
    assert causes(tmp_path)[0]["service"] == "bank"


def test_a_case_without_telemetry_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nothing to look at"):
        command(write_case(tmp_path), as_json=True)


def test_bad_input_ends_the_command_with_exit_code_2_and_one_line(tmp_path: Path) -> None:
    write_case(tmp_path, window=stretch((WINDOW[1], WINDOW[0])))
    done = subprocess.run([sys.executable, "-m", "bot.cli", "diagnose", "--case", str(tmp_path), "--json"],
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("nightdesk: ")
    assert len(done.stderr.splitlines()) == 1
