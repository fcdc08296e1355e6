"""The journal through a stand-in `journalctl` on PATH that writes down how it was called."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.errors import SourceUnavailable
from bot.models import Window
from bot.settings.sources import FilesSource, JournaldSource, LogsKind
from bot.telemetry.journald import Journal
from bot.telemetry.loglines import LogLine
from bot.telemetry.sources import log_sources

START = datetime(2026, 3, 4, 3, 0, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(minutes=15))


def entry(second: float, message: object, priority: str = "6") -> str:
    at = int((START.timestamp() + second) * 1e6)
    return json.dumps({"__REALTIME_TIMESTAMP": str(at), "PRIORITY": priority, "MESSAGE": message})


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on PATH with a journalctl that prints `out`, complains `err`, and ends with `status`."""
    program = tmp_path / "journalctl"
    program.write_text(
        f"#!{sys.executable}\n"
        "import json, pathlib, sys\n"
        "here = pathlib.Path(__file__).parent\n"
        "(here / 'called').write_text(json.dumps(sys.argv[1:]))\n"
        "sys.stdout.write((here / 'out').read_text())\n"
        "sys.stderr.write((here / 'err').read_text())\n"
        "sys.exit(int((here / 'status').read_text()))\n"
    )
    program.chmod(0o755)
    for name, text in (("out", ""), ("err", ""), ("status", "0")):
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return tmp_path


async def read(journal: Journal, services: list[str] | None = None) -> list[LogLine]:
    return [line async for batch in journal.read(WINDOW, services) for line in batch.lines]


async def test_journalctl_is_called_with_fixed_arguments(stand_in: Path) -> None:
    await read(Journal("pay.service; rm -rf /"))
    assert json.loads((stand_in / "called").read_text()) == [
        "--output=json",
        "--output-fields=MESSAGE,PRIORITY,__REALTIME_TIMESTAMP",
        "--no-pager",
        "--quiet",
        f"--since=@{START.timestamp():.6f}",
        f"--until=@{WINDOW.end.timestamp():.6f}",
        "-u",
        "pay.service; rm -rf /",
    ]


async def test_entries_have_their_time_level_and_message(stand_in: Path) -> None:
    (stand_in / "out").write_text(
        entry(1.5, "no lock", "3") + "\n" + entry(2, '{"level": "warn", "msg": "slow"}') + "\n"
    )
    at = START.timestamp()
    assert await read(Journal("pay.service", service="pay")) == [
        LogLine(at + 1.5, "no lock", "error", "pay"),
        LogLine(at + 2, "slow", "warning", "pay"),
    ]


async def test_bytes_are_text_and_what_cannot_be_read_is_passed_over(stand_in: Path) -> None:
    entries = [
        entry(1, list(b"caf\xc3\xa9")),
        entry(2, None),
        "{cut",
        "[]",
        '{"MESSAGE": "no time"}',
        entry(900, "late"),
    ]
    (stand_in / "out").write_text("\n".join([*entries, ""]))
    assert [line.message for line in await read(Journal("pay.service"))] == ["café"]


async def test_many_entries_are_thinned_and_errors_are_kept(stand_in: Path) -> None:
    lines = [entry(place / 100, f"step {place}", "3" if place == 7777 else "6") for place in range(20_000)]
    (stand_in / "out").write_text("\n".join([*lines, ""]))
    found = await read(Journal("pay.service", quota=500))
    assert len(found) < 5000
    assert sum(line.weight for line in found) == pytest.approx(20_000, rel=0.05)
    assert [line.weight for line in found if line.message == "step 7777"] == [1.0]


async def test_a_complaint_of_journalctl_is_a_gap_with_its_words(stand_in: Path) -> None:
    (stand_in / "err").write_text("No journal files were opened due to insufficient permissions.\n")
    (stand_in / "status").write_text("1")
    with pytest.raises(SourceUnavailable, match="insufficient permissions"):
        await read(Journal("pay.service"))


async def test_a_machine_without_journalctl_is_a_gap(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="cannot be started"):
        await read(Journal("pay.service", program=str(tmp_path / "nothing")))


async def test_a_reader_that_gives_up_leaves_no_process(stand_in: Path) -> None:
    (stand_in / "journalctl").write_text(
        f"#!{sys.executable}\nimport os, pathlib\n"
        "(pathlib.Path(__file__).parent / 'pid').write_text(str(os.getpid()))\n"
        f"line = {entry(1, 'again')!r} + chr(10)\n"
        "while True:\n    print(line * 1000, end='', flush=True)\n"
    )
    reading = Journal("pay.service").read(WINDOW)
    batch = await anext(reading)
    assert batch.lines[0].message == "again"
    await reading.aclose()
    with pytest.raises(ProcessLookupError):
        os.kill(int((stand_in / "pid").read_text()), 0)


async def test_the_settings_name_the_sources() -> None:
    configured: list[LogsKind] = [
        FilesSource(kind="files", path="/var/log/pay/*.log"), JournaldSource(kind="journald", unit="pay.service")
    ]  # fmt: skip
    async with log_sources(configured) as (files, journal):
        assert (files.name, journal.name) == ("/var/log/pay/*.log", "journal of pay.service")
