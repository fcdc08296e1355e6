"""Log files of every kind: the window's lines come back, all of them and no others."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.errors import SourceUnavailable
from bot.models import Window
from bot.telemetry.files import LogFiles
from bot.telemetry.loglines import LogLine

START = datetime(2026, 3, 4, 0, 0, tzinfo=UTC)
WINDOW = Window(start=START + timedelta(hours=3), end=START + timedelta(hours=3, minutes=15))


def day(path: Path, *, every_s: float = 1, hours: float = 4, padding: str = "") -> Path:
    """A file of JSON lines, numbered by their second."""
    with path.open("w") as file:
        for place in range(int(hours * 3600 / every_s)):
            at = START + timedelta(seconds=place * every_s)
            line = {"ts": at.isoformat(), "level": "info", "msg": f"line {place}{padding}", "service": "pay"}
            file.write(json.dumps(line) + "\n")
    return path


async def read(source: LogFiles, window: Window = WINDOW, services: list[str] | None = None) -> list[LogLine]:
    return [line async for batch in source.read(window, services) for line in batch.lines]


async def gaps(source: LogFiles, window: Window = WINDOW) -> list[str]:
    return [gap async for batch in source.read(window) for gap in batch.gaps]


async def test_exactly_the_lines_of_the_window_are_read(tmp_path: Path) -> None:
    lines = await read(LogFiles(str(day(tmp_path / "app.log"))))
    assert [line.message for line in lines] == [f"line {second}" for second in range(10_800, 11_700)]


@pytest.mark.parametrize("offset_s", [-99_999, 0, 1, 3600, 14_398, 99_999])
async def test_a_window_anywhere_is_found(tmp_path: Path, offset_s: int) -> None:
    path = day(tmp_path / "app.log")
    os.utime(path, (2e9, 2e9))
    window = Window(start=START + timedelta(seconds=offset_s), end=START + timedelta(seconds=offset_s + 60))
    wanted = [f"line {second}" for second in range(offset_s, offset_s + 60) if 0 <= second < 14_400]
    assert [line.message for line in await read(LogFiles(str(path)), window)] == wanted


async def test_lines_out_of_order_by_seconds_are_found_all(tmp_path: Path) -> None:
    path = day(tmp_path / "app.log")
    lines = path.read_text().splitlines()
    swapped = [lines[place ^ 3] for place in range(len(lines))]
    path.write_text("\n".join(swapped) + "\n")
    assert len(await read(LogFiles(str(path)))) == 900


async def test_only_the_bytes_around_the_window_are_read(tmp_path: Path) -> None:
    path = day(tmp_path / "app.log", every_s=0.25, padding=" " + "x" * 200)
    share = path.stat().st_size * 900 // 14_400
    source = LogFiles(str(path), max_bytes=2 * share)
    assert len(await read(source)) == 3600
    assert await gaps(source) == []


async def test_a_window_beyond_the_byte_limit_keeps_its_end_and_says_so(tmp_path: Path) -> None:
    source = LogFiles(str(day(tmp_path / "app.log")), max_bytes=20_000)
    lines = await read(source)
    assert 100 < len(lines) < 900
    assert lines[-1].message == "line 11699"
    assert "only the last 20,000 bytes" in (await gaps(source))[0]


async def test_a_file_that_grows_while_it_is_read_lacks_nothing(tmp_path: Path) -> None:
    path = day(tmp_path / "app.log", hours=1)
    whole = Window(start=START, end=START + timedelta(hours=2))
    said: list[str] = []
    lines = 0
    async for batch in LogFiles(str(path)).read(whole):
        with path.open("a") as file:
            file.write(json.dumps({"ts": (START + timedelta(hours=1)).isoformat(), "msg": "later"}) + "\n")
        said += batch.gaps
        lines += len(batch.lines)
    assert lines >= 3600
    assert said == []


async def test_a_zipped_file_is_read_to_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "app.log.gz"
    path.write_bytes(gzip.compress(day(tmp_path / "plain").read_bytes()))
    assert len(await read(LogFiles(str(path)))) == 900
    limited = LogFiles(str(path), max_bytes=50_000)
    assert await read(limited) == []
    assert "only the first 50,000 bytes" in (await gaps(limited))[0]


async def test_a_damaged_zip_is_a_gap_and_the_other_files_are_read(tmp_path: Path) -> None:
    day(tmp_path / "app.log")
    (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(b"x" * 9000)[:30])
    source = LogFiles(str(tmp_path / "app.log*"))
    assert len(await read(source)) == 900
    assert "app.log.1.gz cannot be read" in (await gaps(source))[0]


async def test_a_file_last_written_before_the_window_is_not_opened(tmp_path: Path) -> None:
    path = day(tmp_path / "app.log", hours=1)
    os.utime(path, (START.timestamp() + 3600,) * 2)
    assert await read(LogFiles(str(path))) == []


async def test_a_stack_trace_belongs_to_its_event(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text(
        "2026-03-04 03:01:00,000 INFO before\n"
        "2026-03-04 03:01:01,000 ERROR settling failed\n"
        "Traceback (most recent call last):\n"
        '  File "pay.py", line 7, in settle\n'
        "ValueError: no lock\n"
        "2026-03-04 03:01:02,000 INFO after\n"
    )
    before, failed, after = await read(LogFiles(str(path), service="pay"))
    assert failed.message.splitlines()[-1] == "ValueError: no lock"
    assert (before.message, after.message) == ("INFO before", "INFO after")
    assert failed.level == "error"
    assert failed.service == "pay"


async def test_a_file_without_times_is_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("started\nstopped\n")
    assert "carries no times" in (await gaps(LogFiles(str(path))))[0]


async def test_lines_of_other_services_are_left_out(tmp_path: Path) -> None:
    path = day(tmp_path / "app.log")
    assert await read(LogFiles(str(path)), services=["stock"]) == []
    assert len(await read(LogFiles(str(path)), services=["PAY", "stock"])) == 900


async def test_too_many_lines_are_thinned_evenly_and_alarming_ones_are_kept(tmp_path: Path) -> None:
    path = day(tmp_path / "app.log", every_s=0.25)
    text = path.read_text().replace('"msg": "line 45000"', '"msg": "lock failed"')
    path.write_text(text)
    lines = await read(LogFiles(str(path), quota=200))
    assert len(lines) < 1500
    assert sum(line.weight for line in lines) == pytest.approx(3600, rel=0.05)
    assert [line.weight for line in lines if line.message == "lock failed"] == [1.0]


async def test_a_loud_service_in_the_same_file_hides_no_quiet_one(tmp_path: Path) -> None:
    path = day(tmp_path / "app.log", every_s=0.1)
    lines = path.read_text().splitlines()
    lines[3::300] = [line.replace('"service": "pay"', '"service": "stock"') for line in lines[3::300]]
    path.write_text("\n".join(lines) + "\n")
    found = await read(LogFiles(str(path), quota=1000))
    assert [line.weight for line in found if line.service == "stock"] == [1.0] * 30
    assert sum(line.weight for line in found) == pytest.approx(9000, rel=0.05)
    assert len(found) < 3000


async def test_a_link_out_of_the_configured_place_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    inside = tmp_path / "logs"
    outside.mkdir()
    inside.mkdir()
    day(outside / "secret.log")
    (inside / "app.log").symlink_to(outside / "secret.log")
    with pytest.raises(SourceUnavailable, match="No file matches"):
        await read(LogFiles(str(inside / "*.log")))


async def test_bytes_that_are_no_text_and_lines_without_end_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    good = b'{"ts": "2026-03-04T03:01:00Z", "msg": "good"}\n'
    path.write_bytes(good + b"\xff\xfe\x00{]\n" + b"{" * 3_000_000 + b"\n" + good)
    assert [line.message.split("\n")[0] for line in await read(LogFiles(str(path)))] == ["good", "good"]
