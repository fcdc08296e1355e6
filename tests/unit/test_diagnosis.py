"""`nightdesk diagnose` on small recorded cases."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot.diagnosis import command
from bot.errors import BadInput
from tests.recorded import (
    CALLS,
    STRETCHES,
    WINDOW,
    minutes,
    stretch,
    with_metrics,
    with_traces,
    write_case,
    write_lines,
    write_topology,
)


def causes(folder: Path) -> list[dict[str, object]]:
    told = json.loads(command(folder, as_json=True))
    assert told["seconds"] > 0
    return list(told["causes"])


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
