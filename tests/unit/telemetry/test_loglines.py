"""One line of any common format gives its time, level, service and message."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.telemetry.loglines import MAX_MESSAGE, LogLine, as_level, as_seconds, parse_line, trace_of

AT = datetime(2026, 3, 4, 3, 12, 5, tzinfo=UTC).timestamp()
NEXT_DAY = datetime(2026, 3, 5, tzinfo=UTC)

FORMATS = {
    "json": '{"time": "2026-03-04T03:12:05Z", "level": "ERROR", "service": "pay", "message": "no lock"}',
    "ecs": '{"@timestamp": "2026-03-04T03:12:05.000Z", "log.level": "error", "service.name": "pay",'
    ' "message": "no lock"}',
    "zap": '{"ts": 1772593925.0, "severity": "error", "service": "pay", "msg": "no lock"}',
    "milliseconds": '{"timestamp": 1772593925000, "level": "fatal", "app": "pay", "event": "no lock"}',
    "pino": '{"level": 50, "time": 1772593925000, "service": "pay", "msg": "no lock"}',
    "offset": '{"time": "2026-03-04T04:12:05+01:00", "level": "err", "service": "pay", "msg": "no lock"}',
    "logfmt": 'ts=2026-03-04T03:12:05Z level=error service=pay msg="no lock"',
    "docker": '{"log": "{\\"level\\": \\"error\\", \\"service\\": \\"pay\\", \\"msg\\": \\"no lock\\"}\\n",'
    ' "time": "2026-03-04T03:12:05Z"}',
}


@pytest.mark.parametrize("text", FORMATS.values(), ids=FORMATS.keys())
def test_every_structured_format_reads_the_same(text: str) -> None:
    assert parse_line(text) == LogLine(at=AT, message="no lock", level="error", service="pay")


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-04 03:12:05,000 ERROR no lock",
        "2026-03-04T03:12:05Z ERROR no lock",
        "[2026-03-04 03:12:05 +0000] ERROR no lock",
        "2026/03/04 03:12:05 ERROR no lock",
        "Mar  4 03:12:05 ERROR no lock",
    ],
)
def test_plain_text_with_a_time_in_front_is_read(text: str) -> None:
    assert parse_line(text, now=NEXT_DAY) == LogLine(at=AT, message="ERROR no lock", level="error")


def test_an_access_log_has_its_time_in_the_middle() -> None:
    line = parse_line('10.0.0.9 - - [04/Mar/2026:03:12:05 +0000] "GET / HTTP/1.1" 200 12')
    assert line.at == AT
    assert line.message == '10.0.0.9 - -  "GET / HTTP/1.1" 200 12'


def test_a_time_of_december_read_in_january_is_last_years() -> None:
    line = parse_line("Dec 31 23:59:59 host cron: done", now=datetime(2026, 1, 1, 0, 5, tzinfo=UTC))
    assert line.at == datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()


def test_the_configured_service_fills_in_where_the_line_names_none() -> None:
    assert parse_line('{"msg": "x"}', service="pay").service == "pay"
    assert parse_line('{"msg": "x", "service": "stock"}', service="pay").service == "stock"


def test_a_stack_in_a_field_of_its_own_joins_the_message_and_makes_it_an_error() -> None:
    line = parse_line('{"event": "settle", "exception": "Traceback\\nValueError: no"}')
    assert (line.message, line.level) == ("settle\nTraceback\nValueError: no", "error")


def test_a_long_message_is_cut() -> None:
    assert len(parse_line('{"msg": "' + "x" * 9000 + '"}').message) == MAX_MESSAGE


@pytest.mark.parametrize(
    ("word", "level"),
    [("WARN", "warning"), ("Notice", "info"), (3, "error"), ("trace", "debug"), ("odd", "unknown"), (None, "unknown")],
)
def test_levels_have_one_vocabulary(word: object, level: str) -> None:
    assert as_level(word) == level


@pytest.mark.parametrize("value", [True, None, "soon", "", -5, float("nan"), 1e30, [], {}])
def test_what_is_no_time_gives_none(value: object) -> None:
    assert as_seconds(value) is None


@given(st.text(max_size=300))
def test_any_text_is_a_line(text: str) -> None:
    line = parse_line(text, service="pay", now=NEXT_DAY)
    assert isinstance(line.message, str)
    assert line.level in {"debug", "info", "warning", "error", "unknown"}


@given(
    st.dictionaries(
        st.sampled_from(["time", "level", "message", "log", "service", "exception", "msg"]),
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.lists(st.integers()),
    )
)
def test_any_record_is_a_line(record: dict[str, object]) -> None:
    assert isinstance(parse_line(json.dumps(record)).message, str)


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("text", "trace"),
    [
        (f'{{"msg": "m", "trace_id": "{TRACE}"}}', TRACE),
        (f'{{"msg": "m", "traceID": "{TRACE.upper()}"}}', TRACE),
        (f'{{"msg": "m", "trace.id": "{TRACE}"}}', TRACE),
        (f'{{"msg": "m", "trace": {{"id": "{TRACE}"}}}}', TRACE),
        ('{"msg": "m", "trace": 4550}', "4550"),
        (f'{{"msg": "m", "traceparent": "{PARENT}"}}', TRACE),
        (f'time=2026-03-04T03:12:00Z msg="m" trace_id={TRACE}', TRACE),
        (f"2026-03-04 03:12:00 INFO got traceparent: {PARENT}", TRACE),
        (f"2026-03-04 03:12:00 INFO [traceId={TRACE}, spanId=1] m", TRACE),
        (f'{{"log": "{{\\"msg\\": \\"m\\", \\"trace_id\\": \\"{TRACE}\\"}}"}}', TRACE),
    ],
)
def test_a_trace_id_is_found_where_programs_put_it_parsed_or_raw(text: str, trace: str) -> None:
    assert parse_line(text).trace == trace
    assert trace_of(text.encode()) == trace


@pytest.mark.parametrize(
    ("text", "shared"),
    [
        ('{"msg": "m", "request_id": "r-1", "thread": "exec-1"}', "r-1"),
        ('{"msg": "m", "thread": "exec-1"}', "thread:exec-1"),
        ('{"msg": "m", "trace_id": "", "thread": 7}', None),
        ("Traceback (most recent call last)", None),
        ("traces: 12 kept, trace: on", None),
    ],
)
def test_without_a_trace_id_a_request_or_a_thread_holds_lines_together(text: str, shared: str | None) -> None:
    assert parse_line(text).trace == shared
    assert trace_of(text.encode()) is None
