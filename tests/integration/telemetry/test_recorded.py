"""Recorded cases: what is read from a folder, and what is said of one that cannot be read."""

from __future__ import annotations

import gzip
from datetime import timedelta
from pathlib import Path

import pytest

from bot.errors import BadInput, SourceUnavailable
from bot.telemetry.recorded import RecordedLogs, RecordedMetrics, RecordedSpans, open_case
from tests.recorded import (
    ALERT_AT,
    BEFORE,
    QUIET,
    WINDOW,
    stretch,
    write_case,
    write_lines,
    write_table,
    write_topology,
)

METRIC_COLUMNS = ("time", "service", "instance", "peer", "metric", "value")
SPAN_COLUMNS = ("start", "duration_us", "trace", "span", "parent", "service", "instance", "operation")
AT = WINDOW[0].isoformat()


def test_a_case_tells_its_window_its_baselines_and_who_calls_whom(tmp_path: Path) -> None:
    write_case(tmp_path)
    write_topology(tmp_path, ("web", "cart"))
    case = open_case(tmp_path)
    assert case.window.end == ALERT_AT
    assert [(baseline.start, baseline.end) for baseline in case.baselines] == [BEFORE, QUIET]
    assert [(call.caller, call.callee) for call in case.calls] == [("web", "cart")]


def test_one_baseline_may_be_given_as_an_object(tmp_path: Path) -> None:
    case = open_case(write_case(tmp_path, baselines=None, baseline=stretch(BEFORE)))
    assert [baseline.end for baseline in case.baselines] == [BEFORE[1]]


def test_a_baseline_that_reaches_into_the_window_ends_where_the_window_begins(tmp_path: Path) -> None:
    around = (BEFORE[0], ALERT_AT + timedelta(minutes=30))
    case = open_case(write_case(tmp_path, baselines=None, baseline=stretch(around)))
    assert [(part.start, part.end) for part in case.baselines] == [(BEFORE[0], WINDOW[0]), (WINDOW[1], around[1])]


def test_a_case_with_no_baseline_outside_its_window_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nothing to compare with"):
        open_case(write_case(tmp_path, baselines=[stretch(WINDOW)]))


async def test_series_are_told_apart_by_service_instance_peer_and_metric(tmp_path: Path) -> None:
    write_case(tmp_path)
    later = (WINDOW[0] + timedelta(minutes=1)).isoformat()
    rows = [
        (later, "web", "web-1", "", "cpu", 2),
        (AT, "web", "web-1", "", "cpu", 1),
        (AT, "web", "", "cart", "p50", ""),
    ]
    write_table(tmp_path / "metrics.csv.gz", METRIC_COLUMNS, rows)
    cpu, calls = await RecordedMetrics(open_case(tmp_path)).read()
    assert dict(cpu.labels) == {"service": "web", "instance": "web-1", "metric": "cpu"}
    assert cpu.values.tolist() == [1.0, 2.0]
    assert calls.labels["peer"] == "cart"
    assert calls.last is None


async def test_columns_that_a_case_may_lack_are_not_missed(tmp_path: Path) -> None:
    write_case(tmp_path)
    write_table(tmp_path / "metrics.csv.gz", ("value", "metric", "service", "time"), [(3, "rps", "web", AT)])
    (series,) = await RecordedMetrics(open_case(tmp_path)).read()
    assert (series.labels["service"], series.last) == ("web", 3.0)


async def test_spans_are_those_of_traces_that_pass_through_the_services(tmp_path: Path) -> None:
    write_case(tmp_path)
    rows = [
        (AT, 2500, "t1", "a", "", "web", "web-1", "GET /"),
        (AT, 1000, "t1", "b", "a", "cart", "cart-1", "GetCart"),
        (AT, 1000, "t2", "c", "", "mail", "mail-1", "Send"),
        (BEFORE[0].isoformat(), 1, "t3", "d", "", "web", "web-1", "GET /"),
    ]
    write_table(tmp_path / "spans.csv.gz", SPAN_COLUMNS, rows)
    case = open_case(tmp_path)
    (batch,) = [batch async for batch in RecordedSpans(case).read(case.window, ["Web"])]
    assert [(span.trace, span.id, span.parent, span.duration_s) for span in batch.spans] == [
        ("t1", "a", None, 0.0025), ("t1", "b", "a", 0.001),
    ]  # fmt: skip


async def test_lines_keep_their_trace_and_take_their_level_from_their_text(tmp_path: Path) -> None:
    write_case(tmp_path)
    told = {"time": AT, "service": "web", "trace": 17, "message": "12:00:01 ERROR Cart failed"}
    write_lines(tmp_path / "logs.jsonl.gz", [told, {**told, "time": "1754-08-30T22:43:41Z"}])
    case = open_case(tmp_path)
    (batch,) = [batch async for batch in RecordedLogs(case).read(case.window)]
    (line,) = batch.lines
    assert (line.trace, line.level, line.service) == ("17", "error", "web")


async def test_what_a_case_does_not_hold_is_unavailable(tmp_path: Path) -> None:
    case = open_case(write_case(tmp_path))
    with pytest.raises(SourceUnavailable, match=r"no metrics\.csv\.gz"):
        await RecordedMetrics(case).read()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"window": None}, "window: Field required"),
        ({"baselines": []}, "baselines"),
        ({"window": stretch((ALERT_AT, ALERT_AT))}, "ends before it begins"),
        ({"alert": "page"}, "alert"),
    ],
    ids=["no window", "no baseline", "empty window", "no alert group"],
)
def test_a_case_that_says_too_little_is_refused_with_what_is_wrong(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    write_case(tmp_path, **changes)
    if changes.get("window", "") is None:
        (tmp_path / "case.json").write_text('{"id": "x", "alert": {}, "baseline": {}}')
    with pytest.raises(BadInput, match=said):
        open_case(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", "[1]"])
def test_what_is_no_case_at_all_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "case.json").write_text(text)
    with pytest.raises(BadInput, match=r"case\.json"):
        open_case(tmp_path)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("soon", "web", "cpu", 1)], r"line 2: 'soon' is no time"),
        ([(AT, "web", "cpu", 1), (AT, "web", "cpu", "much")], r"line 3: 'much' is no number"),
    ],
)
async def test_a_row_that_cannot_be_read_is_named_by_its_line(
    tmp_path: Path, rows: list[tuple[object, ...]], said: str
) -> None:
    write_case(tmp_path)
    write_table(tmp_path / "metrics.csv.gz", ("time", "service", "metric", "value"), rows)
    with pytest.raises(BadInput, match=said):
        await RecordedMetrics(open_case(tmp_path)).read()


async def test_a_missing_column_is_named(tmp_path: Path) -> None:
    write_case(tmp_path)
    write_table(tmp_path / "metrics.csv.gz", ("time", "service", "value"), [])
    with pytest.raises(BadInput, match=r"lacks the column\(s\) metric"):
        await RecordedMetrics(open_case(tmp_path)).read()


@pytest.mark.parametrize("content", [b"time,service", gzip.compress(b"time,service,metric,value\n" * 99)[:-9],
                                     gzip.compress(b"time,service,metric,value\n\xff\xfe")],
                         ids=["not zipped", "cut off", "not UTF-8"])  # fmt: skip
async def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    write_case(tmp_path)
    (tmp_path / "metrics.csv.gz").write_bytes(content)
    with pytest.raises(BadInput, match=r"metrics\.csv\.gz"):
        await RecordedMetrics(open_case(tmp_path)).read()
