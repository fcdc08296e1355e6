"""The logs agent reading files that real programs could have written."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.agents.logs import logs_tools
from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.catalog import Catalog
from bot.models import Alert, AlertStatus, Finding, Report, Window
from bot.settings.sources import FilesSource
from bot.telemetry.sources import log_sources

ONSET = datetime(2026, 3, 4, 3, 12, tzinfo=UTC)
WINDOW = Window(start=ONSET - timedelta(minutes=5), end=ONSET + timedelta(minutes=10))
BASELINE = Window(start=WINDOW.start - timedelta(hours=1), end=WINDOW.start)
CATALOG = Catalog.model_validate(
    {"services": {"checkout": {"depends_on": ["payments"]}, "payments": {"aliases": ["pay-svc"]}, "search": {}}}
)

TRACE = """Traceback (most recent call last):
  File "pay.py", line 7, in settle
psycopg.errors.LockNotAvailable: lock timeout"""


def scope(**changes: object) -> Scope:
    alert = Alert(source="test", name="CheckoutErrors", status=AlertStatus.FIRING, fingerprint="f")
    given: dict[str, object] = {"service": "checkout", "catalog": CATALOG, "window": WINDOW, "baseline": BASELINE}
    return Scope(incident_id="i", alert=alert, **(given | changes))  # type: ignore[arg-type]


def record(at: datetime, service: str, level: str, message: str) -> str:
    return json.dumps({"time": at.isoformat(), "service": service, "level": level, "message": message})


def night(every: timedelta = timedelta(seconds=2)) -> Iterator[str]:
    """Payments wait for a lock from 03:12 on, and settle nothing any more; somebody searches all the while."""
    chance = random.Random(7)  # noqa: S311
    at = BASELINE.start
    while at < WINDOW.end:
        order = chance.randrange(10_000, 99_999)
        yield record(at, "checkout", "info", f"order {order} placed in {chance.randrange(20, 90)}ms")
        if at < ONSET:
            yield record(at, "pay-svc", "info", f"settled order {order} amount={chance.random() * 90:.2f} EUR")
        else:
            yield record(at, "pay-svc", "error", f"could not settle order {order} for ann@example.com\n{TRACE}")
        if chance.random() < 0.02:
            yield record(at, "checkout", "warning", f"retry {order % 5} of order {order}")
        yield record(at, "search", "error", f"index {order} is missing")
        at += every


def write(path: Path, lines: Iterator[str]) -> Path:
    text = "\n".join(lines) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


async def ask(pattern: Path | str, tool: str = "logs.look", **changes: object) -> Report:
    async with log_sources([FilesSource(kind="files", path=str(pattern))]) as sources:
        return await Toolbox(logs_tools(sources)).use(tool, {}, scope(**changes))


def of_kind(report: Report, kind: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.kind == kind]


async def test_a_look_finds_the_new_error_the_missing_line_and_the_share(tmp_path: Path) -> None:
    report = await ask(write(tmp_path / "app.jsonl", night()))
    [new] = of_kind(report, "new_error")
    assert new.service == "payments"
    assert new.started_at == ONSET
    assert "LockNotAvailable: lock timeout" in new.indicator
    [missing] = of_kind(report, "vanished_log")
    assert "settled order <num>" in missing.indicator
    assert missing.started_at == ONSET - timedelta(seconds=2)
    worst = max(of_kind(report, "error_rate"), key=lambda finding: finding.score)
    assert worst.title == "Errors make 66.7 % of the log lines, usually 0 % (payments)"
    assert report.gaps == ()


def requests(early: bool) -> Iterator[str]:
    """Every order has a trace; from 03:12 on payments return early and log nothing of it."""
    for place in range(int((WINDOW.end - BASELINE.start).total_seconds() / 3)):
        at = BASELINE.start + timedelta(seconds=3 * place)
        steps = ["received order {}", "checked the card of order {}", "charged order {}", "answered order {}"]
        for step in steps[: 2 if early and at >= ONSET else 4]:
            at += timedelta(milliseconds=20)
            said = {"service": "payments", "msg": step.format(place), "traceID": f"{place:032x}"}
            yield json.dumps({"time": at.isoformat(), "level": "info", **said})


async def test_an_early_return_is_seen_in_the_order_of_the_lines(tmp_path: Path) -> None:
    report = await ask(write(tmp_path / "app.jsonl", requests(early=True)), "logs.paths")
    [turn] = of_kind(report, "log_path")
    assert turn.title == (
        "Requests end early since 03:12 UTC: behind “checked the card of order <num>” came “charged order <num>” "
        "33.3 % of 300 times, usually 100 % (payments)"
    )
    assert turn.started_at is not None
    assert abs(turn.started_at - ONSET) < timedelta(seconds=1)
    assert report.facts["turned_count"] == 1
    calm = await ask(write(tmp_path / "calm.jsonl", requests(early=False)), "logs.paths")
    assert of_kind(calm, "log_path") == []
    assert calm.facts["turned_count"] == 0


async def test_facts_count_what_was_found(tmp_path: Path) -> None:
    facts = (await ask(write(tmp_path / "app.jsonl", night()))).facts
    wanted = {"new_error_count": 1, "vanished_count": 1, "surging_error_count": 0, "top_kind": "new_error",
              "top_service": "payments", "error_share": 0.0}  # fmt: skip
    assert facts.items() >= wanted.items()


async def test_examples_hold_no_mail_address(tmp_path: Path) -> None:
    report = await ask(write(tmp_path / "app.jsonl", night()))
    shown = report.model_dump_json()
    assert "ann@example.com" not in shown
    assert "[email]" in shown


async def test_other_services_lines_are_left_out(tmp_path: Path) -> None:
    report = await ask(write(tmp_path / "app.jsonl", night()))
    assert {finding.service for finding in report.findings} == {"checkout", "payments"}


async def test_without_a_known_service_all_lines_are_looked_at(tmp_path: Path) -> None:
    report = await ask(write(tmp_path / "app.jsonl", night()), service=None)
    assert "search" in {finding.service for finding in report.findings}
    assert of_kind(report, "new_error")


async def test_rotated_and_zipped_files_are_read_as_one(tmp_path: Path) -> None:
    lines = list(night())
    write(tmp_path / "app.log.2.gz", iter(lines[:2000]))
    write(tmp_path / "app.log.1", iter(lines[2000:5000]))
    write(tmp_path / "app.log", iter(lines[5000:]))
    whole, parts = await ask(write(tmp_path / "whole.jsonl", iter(lines))), await ask(tmp_path / "app.log*")
    assert parts.facts == whole.facts


async def test_the_tools_answer_what_they_are_asked(tmp_path: Path) -> None:
    path = write(tmp_path / "app.jsonl", night())
    assert {finding.kind for finding in (await ask(path, "logs.error_share")).findings} == {"error_rate"}
    assert not of_kind(await ask(path, "logs.new_templates"), "vanished_log")


async def test_a_pattern_that_matches_nothing_is_a_gap(tmp_path: Path) -> None:
    report = await ask(tmp_path / "*.log")
    assert "No file matches" in report.gaps[0].reason
    assert report.findings == ()


async def test_without_sources_the_gap_says_what_to_set() -> None:
    report = await Toolbox(logs_tools(())).use("logs.look", {}, scope())
    assert "NIGHTDESK_LOGS" in report.gaps[0].reason


async def test_a_quiet_night_is_looked_at_and_normal(tmp_path: Path) -> None:
    quiet = Window(start=WINDOW.start - timedelta(minutes=15), end=WINDOW.start)
    before = Window(start=BASELINE.start, end=quiet.start)
    report = await ask(write(tmp_path / "app.jsonl", night()), window=quiet, baseline=before)
    assert [finding.title for finding in report.findings if finding.score > 0.1] == []
    assert all("looked, and normal" in finding.title for finding in of_kind(report, "error_rate"))


async def test_a_deadline_reports_what_was_read_and_names_the_rest(tmp_path: Path) -> None:
    path = write(tmp_path / "app.jsonl", night(every=timedelta(milliseconds=200)))
    report = await ask(path, deadline_s=0.05)
    assert any("there was no time to read" in gap.reason for gap in report.gaps)


async def test_a_file_that_is_cut_in_the_window_proves_no_absence(tmp_path: Path) -> None:
    lines = list(night())
    (tmp_path / "a.log").write_text("\n".join(lines))
    assert of_kind(await ask(tmp_path / "*.log"), "vanished_log")
    (tmp_path / "b.log.gz").write_bytes(gzip.compress("\n".join(lines).encode())[:-500])
    report = await ask(tmp_path / "*.log*")
    assert any("b.log.gz cannot be read" in gap.reason for gap in report.gaps)
    assert not of_kind(report, "vanished_log")


async def test_two_hundred_thousand_lines_leave_the_loop_free(tmp_path: Path) -> None:
    """Whoever waits for the agent, and wants to look up now and then, gets to do so many times."""
    path = write(tmp_path / "app.jsonl", night(every=timedelta(seconds=0.0676)))
    looking = asyncio.create_task(ask(path, service=None, deadline_s=120))
    turns = 0
    while not looking.done():
        await asyncio.wait({looking}, timeout=0.001)
        turns += 1
    report = looking.result()
    assert report.facts["lines_read"] > 50_000
    assert turns > 100
    [new] = of_kind(report, "new_error")
    assert "LockNotAvailable" in new.indicator
